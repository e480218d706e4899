"""When to try again, when to stop, when not to ask at all: pure decisions, with clock and random source passed in.

`Deadline` bounds a whole call, `RetryPolicy` spaces its attempts, `RetryBudget` keeps a failing server from being asked
more often than a healthy one, `Breaker` stops asking a server that keeps failing and lets exactly one probe through.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from .errors import ConfigurationError, ConnectionFailed

Clock = Callable[[], float]


class AnswerLost(ConnectionFailed):
    """The connection broke after the request went out: the server may or may not have carried it out."""


class Deadline:
    """A point in time; `remaining()` seconds are left until it, never below 0."""

    def __init__(self, seconds: float, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def remaining(self) -> float:
        """Seconds left."""
        return max(0.0, self._end - self._clock())


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """At most `attempts` tries; the pause after try n is drawn from 0..min(cap_s, base_s * 2**(n-1)) (full jitter)."""

    attempts: int = 3
    base_s: float = 0.25
    cap_s: float = 8.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ConfigurationError("max_attempts must be at least 1")

    def pause(self, tries: int, draw: float, retry_after: float | None = None) -> float:
        """Seconds to wait after `tries` failed tries; `draw` is a random number in 0..1; the server's wish wins."""
        if retry_after is not None:
            return retry_after
        return draw * min(self.cap_s, self.base_s * 2.0 ** min(tries - 1, 60))


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds the server asks to wait: `Retry-After` as seconds or as an HTTP date; None when absent or unreadable."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


class RetryBudget:
    """Tokens shared by all calls of a client: a retry costs `cost`, a success gives `refund` back.

    In a full outage the budget is soon empty and every call is tried once, so that retries do not multiply the load.
    """

    def __init__(self, capacity: int = 100, cost: int = 10, refund: int = 1) -> None:
        self._capacity = self._left = capacity
        self._cost, self._refund = cost, refund
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Pay for one retry; False when the budget does not allow it."""
        with self._lock:
            if self._left < self._cost:
                return False
            self._left -= self._cost
            return True

    def give_back(self) -> None:
        """A call succeeded."""
        with self._lock:
            self._left = min(self._capacity, self._left + self._refund)


class Breaker:
    """Stops asking a server that keeps failing.

    Closed: every call passes. After `threshold` failures in a row open: none passes for `cooldown_s`. Then half-open:
    exactly one probe passes; its success closes the breaker, its failure opens it again.

    `admit` hands out a ticket that must come back once through `succeeded`, `failed` or `abandoned`; tickets of an
    earlier state are ignored, so that a slow call of yesterday's outage decides nothing about today.
    """

    def __init__(self, threshold: int = 5, cooldown_s: float = 10.0, clock: Clock = time.monotonic) -> None:
        self._threshold, self._cooldown_s, self._clock = threshold, cooldown_s, clock
        self._lock = threading.Lock()
        self._era = 0
        self._failures = 0
        self._opened_at: float | None = None
        self._probing = False

    @property
    def state(self) -> str:
        """closed, open or half-open."""
        with self._lock:
            if self._opened_at is None:
                return "closed"
            return "half-open" if self._cooled() else "open"

    def admit(self) -> int | None:
        """A ticket for one call, or None when the call must not be made."""
        with self._lock:
            if self._opened_at is not None:
                if self._probing or not self._cooled():
                    return None
                self._probing = True
            return self._era

    def retry_now(self) -> None:
        """Somebody asks for a try: end the cool-down, so that the next call is the probe. One on its way stays it."""
        with self._lock:
            if self._opened_at is not None:
                self._opened_at = self._clock() - self._cooldown_s

    def succeeded(self, ticket: int) -> None:
        """The server answered."""
        with self._lock:
            if ticket == self._era:
                self._failures = 0
                if self._opened_at is not None:
                    self._turn(None)

    def failed(self, ticket: int) -> None:
        """The server did not answer, or failed on its side."""
        with self._lock:
            if ticket == self._era:
                self._failures += 1
                if self._opened_at is not None or self._failures >= self._threshold:
                    self._turn(self._clock())

    def abandoned(self, ticket: int) -> None:
        """The call was given up before anything was learnt; a probe's place becomes free again."""
        with self._lock:
            if ticket == self._era:
                self._probing = False

    def _cooled(self) -> bool:
        return self._opened_at is not None and self._clock() - self._opened_at >= self._cooldown_s

    def _turn(self, opened_at: float | None) -> None:
        self._era += 1
        self._opened_at, self._probing, self._failures = opened_at, False, 0


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything a call needs to decide: limits of this call, budget and breaker shared by the client's calls."""

    timeout_s: float = 30.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    budget: RetryBudget = field(default_factory=RetryBudget)
    breaker: Breaker = field(default_factory=Breaker)
    clock: Clock = time.monotonic
    wall: Clock = time.time
    draw: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        if not self.timeout_s > 0:
            raise ConfigurationError("timeout_s must be positive")

    def deadline(self) -> Deadline:
        """The end of a call that starts now."""
        return Deadline(self.timeout_s, self.clock)
