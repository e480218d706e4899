"""Stored rows as the wire shows them: facts, preferences, details, messages, and the note on preferences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

from memos_integrations.engine.intake import body_of
from memos_integrations.engine.store import MemoryRow, MessageRow
from memos_integrations.engine.text import language
from memos_integrations.models import FactMemory, MemoryDetail, PreferenceMemory, StoredMessage

# Contract §3.1, byte for byte.
_NOTES = {
    "en": "\n# Note:\nFact memory are summaries of facts, while preference memory are summaries of user preferences.\n"
    "Your response must not violate any of the user's preferences, whether explicit or implicit, and briefly explain "
    "why you answer this way to avoid conflicts.\n",
    "zh": "\n# 注意：\n事实记忆是事实的摘要，而偏好记忆是用户偏好的摘要。\n"
    "你的回复不得违反用户的任何偏好，无论是显式偏好还是隐式偏好，并简要解释你为什么这样回答以避免冲突。\n",
}
_CONFIDENCE = 0.99


def preference_note(preferences: Sequence[PreferenceMemory]) -> str:
    """The note that goes with preferences, in their language; "" without any."""
    return _NOTES[language("".join(p.text for p in preferences))] if preferences else ""


def moment(millis: int) -> datetime:
    """An aware datetime from epoch milliseconds."""
    return datetime.fromtimestamp(millis / 1000, timezone.utc)


def shown_text(row: MemoryRow) -> str:
    """The text of a memory; what no longer holds of it says until when it did, so that nobody takes it for current."""
    chinese = language(row.text) == "zh"
    if row.status == "archived":
        return row.text + ("" if chinese else " ") + _no_longer(row.until or 0, chinese=chinese)
    text = row.text
    for _, end, until, _ in sorted(row.ended, reverse=True):
        text = text[:end] + ("" if chinese else " ") + _no_longer(until, chinese=chinese) + text[end:]
    return text


def _no_longer(until: int, *, chinese: bool) -> str:
    day = f"{moment(until):%Y-%m-%d}" if until else ""
    if chinese:
        return f"（已过时{f'，至{day}' if day else ''}）"
    return f"(no longer current{f', until {day}' if day else ''})"


def fact_of(row: MemoryRow, relativity: float | None = None, **extra: object) -> FactMemory:
    """A fact as search/memory and get/memory list it."""
    return FactMemory.model_validate(
        {
            "id": row.id,
            "memory_key": row.key,
            "memory_value": shown_text(row),
            "memory_type": row.type,
            "tags": row.tags,
            "confidence": _CONFIDENCE,
            "relativity": relativity,
            **_common(row),
            **extra,
        }
    )


def preference_of(row: MemoryRow, relativity: float | None = None, **extra: object) -> PreferenceMemory:
    """A preference as search/memory and get/memory list it."""
    return PreferenceMemory.model_validate(
        {
            "id": row.id,
            "preference": shown_text(row),
            "preference_type": row.type,
            "reasoning": row.reasoning,
            "relativity": relativity,
            **_common(row),
            **extra,
        }
    )


def _common(row: MemoryRow) -> dict[str, object]:
    extra = {"happened_on": row.happened_on, "role_name": row.speaker}
    return {
        "create_time": moment(row.created),
        "update_time": moment(row.updated),
        "conversation_id": row.conversation or None,
        "status": row.status,
        "message_ids": row.sources,
        "said_on": moment(row.said_at).isoformat(timespec="seconds"),
        **{name: value for name, value in extra.items() if value},
    }


def detail_of(row: MemoryRow, owner: str) -> MemoryDetail:
    """A memory as get/memory/{id} shows it."""
    kind, _, name = owner.partition(":")
    return MemoryDetail.model_validate(
        {
            "id": row.id,
            "memory_view": "preference" if row.kind == "preference" else "detail_factual",
            "title": row.key or row.text[:80],
            "content": shown_text(row),
            "conversation_id": row.conversation or None,
            "message_ids": row.sources,
            "status": row.status,
            "algorithm_updatable": True,
            "created_at": moment(row.created),
            "updated_at": moment(row.updated),
            "user_id": name if kind == "user" else None,
            "agent_id": name if kind == "agent" else row.agent,
            "tags": row.tags,
            "info": row.info,
        }
    )


def message_shown(row: MessageRow) -> StoredMessage:
    """A message as get/message lists it."""
    return StoredMessage.model_validate(
        {
            "role": row.role,
            "content": body_of(row),
            "create_time": moment(row.said_at),
            "update_time": moment(row.created),
            "id": row.id,
            **({"role_name": row.speaker} if row.speaker else {}),
            **({"chat_time": row.chat_time} if row.chat_time else {}),
        }
    )
