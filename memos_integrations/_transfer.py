"""Memories as JSON lines, out of one memory and into another."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from .client import MemOSClient
from .errors import ConfigurationError
from .models import FactMemory, PreferenceMemory

Memory = FactMemory | PreferenceMemory
_PAGE = 50


def everything(client: MemOSClient, user_id: str) -> Iterator[Memory]:
    """All memories of a user, page by page."""
    number = 0
    while True:
        number += 1
        page = client.get_memory(user_id=user_id, page=number, size=_PAGE)
        yield from page.memories
        yield from page.preferences
        if max(len(page.memories), len(page.preferences)) < _PAGE:
            return


def exported(memory: Memory) -> dict[str, Any]:
    """A memory as one line of a file says it."""
    return {"kind": "preference" if isinstance(memory, PreferenceMemory) else "fact", **memory.to_wire()}


def read(lines: Iterable[str]) -> Iterator[tuple[int, Memory]]:
    """The memories of an exported file with the numbers of their lines; ConfigurationError for any other line."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            memory = _parsed(line)
            if isinstance(memory, str):
                raise ConfigurationError(
                    f"line {number} is not an exported memory ({memory}); nothing was imported: correct the line, or"
                    " write the file with `export`"
                )
            yield number, memory


def _parsed(line: str) -> Memory | str:
    """The memory of a line, or why it is none, without a word of it."""
    try:
        item = json.loads(line)
    except (ValueError, RecursionError):
        return "no JSON"
    if not isinstance(item, dict):
        return "no JSON object"
    texts = [item[name] for name in ("preference", "memory_value", "memory_key") if name in item]
    if not texts:
        return 'it has neither "memory_value" nor "preference"'
    if not all(isinstance(text, str) for text in texts):
        return "its text is no text"
    try:
        return PreferenceMemory.model_validate(item) if "preference" in item else FactMemory.model_validate(item)
    except (ValueError, OverflowError):
        return "a field of it cannot be read"


def restore(client: MemOSClient, user_id: str, memory: Memory) -> str | None:
    """Say the memory as the user would, then set what was made of it to the exact words; why it was left out."""
    if not memory.text.strip():
        return "its text is empty"
    said = {"role": "user", "content": memory.text, "chat_time": memory.create_time}
    task = client.add_message([said], user_id=user_id, conversation_id=memory.conversation_id, async_mode=False)
    made = client.get_status(task.task_id).memory_views or {}
    views = (
        ("preference", "detail_factual") if isinstance(memory, PreferenceMemory) else ("detail_factual", "preference")
    )
    ids = [one for view in views for one in made.get(view, {}).get("memory_ids", [])]
    if not ids:
        return "nothing to remember was found in its text"
    client.update_memory(ids[0], content=memory.text)
    if ids[1:]:
        client.delete_memory(memory_ids=ids[1:])
    return None
