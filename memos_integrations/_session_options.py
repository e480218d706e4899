"""How a session recalls and writes: every option once, checked when it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypedDict

from ._jobs import Write
from ._turn import OnAbort
from .errors import ConfigurationError
from .models import ExtractResult
from .prompt import PromptBudget
from .requests import MAX_ITEMS

MAX_JOIN_S = 600.0
OnError = Literal["warn", "raise"]
OnExtract = Callable[[ExtractResult], None]


class SessionKeywords(TypedDict, total=False):
    """The keywords of SessionOptions, for constructors that take each of them."""

    write: Write
    on_error: OnError
    on_abort: OnAbort
    memory_limit: int
    preference_limit: int
    include_preference: bool
    relativity: float | None
    filter: Mapping[str, Any] | None
    budget: PromptBudget
    recall_timeout_s: float
    exit_drain_s: float
    join_turns_s: float
    redact: bool | Callable[[str], str]
    on_extract: OnExtract | None


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How a session recalls and writes; adapters carry one of these.

    `write`: "extract+add" asks extract/memory for the turn's memories and stores the turn with add/message; "extract"
    only hands candidates to `on_extract`; "add" only stores. `on_error`: "warn" fails open, "raise" re-raises.
    `on_abort`: what of a turn whose answer was cut off is kept. `memory_limit`, `preference_limit`: 0..25 items.
    `relativity`: 0..1, the least relevance asked of the server (None: the server's default). `filter`: contract §1.13.
    `budget`: how much of the prompt memory may take. `recall_timeout_s`: deadline of a whole recall. `exit_drain_s`:
    how long the exiting process may go on sending. `join_turns_s`: turns of one conversation that come within so many
    seconds of the first (at most 600; 16 turns, 6,000 tokens) are sent as one extract and one add; each is on the disk
    at once all the same, and `flush` and exit do not wait. 0 sends each turn by itself. `redact`: replace secrets in
    what is written, or a function that does. `on_extract` is called in the background thread, at least once for every
    extract; for turns that an earlier process left behind, when a session of the same user and conversation has one
    by the time they are sent. Raises ConfigurationError for values that make no sense.
    """

    write: Write = "extract+add"
    on_error: OnError = "warn"
    on_abort: OnAbort = "user_only"
    memory_limit: int = 6
    preference_limit: int = 6
    include_preference: bool = True
    relativity: float | None = None
    filter: Mapping[str, Any] | None = field(default=None, repr=False)
    budget: PromptBudget = field(default_factory=PromptBudget)
    recall_timeout_s: float = 3.0
    exit_drain_s: float = 2.0
    join_turns_s: float = 0.0
    redact: bool | Callable[[str], str] = True
    on_extract: OnExtract | None = None

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            _need(getattr(self, name) in allowed, f"{name} must be one of {', '.join(allowed)}")
        for name in ("memory_limit", "preference_limit"):
            value = getattr(self, name)
            good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_ITEMS
            _need(good, f"{name} must be a whole number from 0 to {MAX_ITEMS}")
        _need(self.relativity is None or _number(self.relativity, 0, 1), "relativity must be a number from 0 to 1")
        _need(self.recall_timeout_s != 0 and _number(self.recall_timeout_s, 0), "recall_timeout_s must be above 0")
        _need(_number(self.exit_drain_s, 0), "exit_drain_s must be a number of at least 0")
        _need(_number(self.join_turns_s, 0, MAX_JOIN_S), f"join_turns_s must be a number from 0 to {MAX_JOIN_S:g}")
        _need(isinstance(self.budget, PromptBudget), "budget must be a PromptBudget")
        _need(self.filter is None or isinstance(self.filter, Mapping), "filter must be a mapping (contract filters)")
        _need(isinstance(self.redact, bool) or callable(self.redact), "redact must be True, False or a function")
        _need(self.on_extract is None or callable(self.on_extract), "on_extract must be a function")


_CHOICES: dict[str, tuple[str, ...]] = {
    "write": ("extract+add", "extract", "add"),
    "on_error": ("warn", "raise"),
    "on_abort": ("user_and_partial", "user_only", "discard"),
}


def _need(good: bool, message: str) -> None:  # noqa: FBT001 - an assertion reads best with the condition first
    if not good:
        raise ConfigurationError(message)


def _number(value: object, low: float, high: float = float("inf")) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def options_of(options: SessionOptions | None, keywords: Mapping[str, Any]) -> SessionOptions:
    """`options` (default: all defaults) with `keywords` on top; an unknown keyword is a ConfigurationError."""
    if unknown := sorted(set(keywords) - set(SessionKeywords.__annotations__)):
        raise ConfigurationError(
            f"unknown option {', '.join(unknown)}; known: {', '.join(SessionKeywords.__annotations__)}"
        )
    return replace(options or SessionOptions(), **keywords)


def gather_options(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """`keywords` of an adapter with every session option moved into one `options` value; the rest as it is."""
    given = {name: value for name, value in keywords.items() if name in SessionKeywords.__annotations__}
    rest = {name: value for name, value in keywords.items() if name not in given}
    return {**rest, "options": options_of(rest.get("options"), given)}
