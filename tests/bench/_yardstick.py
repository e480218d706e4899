"""What memory quality is measured with: content words, token cuts, the system under test and the one beside it."""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from typing import Any, Protocol

from memos_integrations import MemOSClient

Message = dict[str, Any]

# Words that say nothing of what was told: function words, and what chats are full of.
_COMMON = frozenset(
    """
    a about after again all also am an and any are as at be been before being but by can cool could did do does down
    each few for from get good got great had has have he hello her here hey hi him his how i if in into is it its just
    know like may me might more most must my nice no not of off oh on only or our out over own really said same say says
    shall she should so some sounds such sure than thank thanks that the their them then there these they
    think this those to too up us user assistant very was we well were what when where which who whom why will with
    would wow yeah yes you your
    """.split()  # noqa: SIM905  # read as prose
)
_WORD = re.compile(r"[A-Za-z0-9']+|[\u4e00-\u9fff]")
_ENDINGS = ("'s", "ing", "edly", "ed", "ies", "es", "ly", "s")


def words(text: str) -> list[str]:
    """The words of `text` that are not common ones, without their endings; every Chinese character is one."""
    return [_bare(word) for word in _WORD.findall(text) if word.lower() not in _COMMON]


def _bare(word: str) -> str:
    word = word.lower().strip("'")
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) >= len(ending) + 3:
            return word.removesuffix(ending)
    return word


def content(text: str) -> set[str]:
    """The words that carry what is said: not common and, but for Chinese, longer than two letters."""
    found = (word for word in _WORD.findall(text) if word.lower() not in _COMMON)
    return {_bare(word) for word in found if len(word) > 2 or word >= "\u4e00"}


def coverage(told: str, recalled: str) -> float:
    """Share of the content words of `told` that stand in `recalled`."""
    wanted = content(told)
    return len(wanted & content(recalled)) / len(wanted) if wanted else 0.0


def tokens(text: str) -> int:
    """Estimated tokens: one per Chinese character, a quarter per other one."""
    chinese = sum("\u4e00" <= c <= "\u9fff" for c in text)
    return chinese + math.ceil((len(text) - chinese) / 4)


def cut(texts: list[str], items: int, budget: int) -> list[str]:
    """The first `items` texts, as many as fit into `budget` tokens whole."""
    kept = []
    for text in texts[:items]:
        budget -= tokens(text)
        if budget < 0:
            break
        kept.append(text)
    return kept


class System(Protocol):
    """Something that remembers."""

    name: str

    def add(self, user: str, conversation: str, messages: list[Message]) -> None:
        """Take a turn."""
        ...

    def search(self, user: str, query: str, limit: int) -> tuple[list[str], list[str]]:
        """Texts of facts and of preferences, best first."""
        ...


class Ours:
    """This package's embedded engine, through its public API."""

    def __init__(self, embedder: str) -> None:
        self.name = "memos_integrations" if embedder == "auto" else "memos_integrations, words only"
        self._client = MemOSClient.embedded(":memory:", embedder=embedder)

    def add(self, user: str, conversation: str, messages: list[Message]) -> None:
        self._client.add_message(messages, user_id=user, conversation_id=conversation, async_mode=False)

    def search(self, user: str, query: str, limit: int) -> tuple[list[str], list[str]]:
        found = self._client.search_memory(
            query, user_id=user, memory_limit_number=limit, preference_limit_number=limit
        )
        return [fact.text for fact in found.memories], [preference.text for preference in found.preferences]


class BM25:
    """Every message is a memory and a preference, found by its words."""

    name = "BM25 over raw turns"

    def __init__(self, _embedder: str) -> None:
        self._told: dict[str, list[tuple[str, Counter[str]]]] = {}

    def add(self, user: str, _conversation: str, messages: list[Message]) -> None:
        for message in messages:
            text = f"{message.get('role_name') or message['role']}: {message['content']}"
            self._told.setdefault(user, []).append((text, Counter(words(text))))

    def search(self, user: str, query: str, limit: int) -> tuple[list[str], list[str]]:
        told = self._told.get(user, [])
        mean = sum(counts.total() for _, counts in told) / max(len(told), 1)
        wanted = {word: sum(word in counts for _, counts in told) for word in set(words(query))}
        weights = {word: math.log(1 + (len(told) - n + 0.5) / (n + 0.5)) for word, n in wanted.items()}
        scored = []
        for text, counts in told:
            flat = 1.2 * (0.25 + 0.75 * counts.total() / mean) if mean else 1.0
            score = sum(weights[w] * counts[w] * 2.2 / (counts[w] + flat) for w in weights if counts[w])
            scored.append((score, text))
        scored.sort(key=lambda pair: -pair[0])
        texts = [text for score, text in scored[:limit] if score > 0]
        return texts, texts


SYSTEMS = {"ours": Ours, "bm25": BM25}


class Stopwatch:
    """Times of calls, in milliseconds."""

    def __init__(self) -> None:
        self._taken: list[float] = []

    def __call__(self, call: Any, *args: Any) -> Any:
        start = time.perf_counter()
        result = call(*args)
        self._taken.append(1000 * (time.perf_counter() - start))
        return result

    def __str__(self) -> str:
        ordered = sorted(self._taken) or [0.0]
        half, most = (ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.95))
        return f"{half:.1f} / {most:.1f}"
