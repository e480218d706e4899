"""`_policy`: deadlines, pauses, budget and breaker, with a clock that stands still until told."""

from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from memos_integrations._policy import Breaker, Deadline, Policy, RetryBudget, RetryPolicy, retry_after
from memos_integrations.errors import ConfigurationError


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_deadline_counts_down_to_zero_and_stays_there() -> None:
    clock = Clock()
    deadline = Deadline(2.0, clock)
    assert deadline.remaining() == 2.0
    clock.now = 1.5
    assert deadline.remaining() == 0.5
    clock.now = 99
    assert deadline.remaining() == 0.0


@given(st.integers(1, 2000), st.floats(0, 1))
def test_pauses_grow_up_to_the_cap_and_never_beyond(tries: int, draw: float) -> None:
    retry = RetryPolicy(base_s=0.25, cap_s=8.0)
    pause = retry.pause(tries, draw)
    assert 0 <= pause <= min(8.0, 0.25 * 2 ** min(tries - 1, 40))
    assert retry.pause(tries, 1.0) <= retry.pause(tries + 1, 1.0)


def test_the_servers_wish_is_taken_as_it_is() -> None:
    assert RetryPolicy().pause(1, 0.5, 17.0) == 17.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        (" 0.5 ", 0.5),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 40.0),
        ("Thu, 01 Jan 1970 00:00:10 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-4", None),
        ("٣", None),
        ("Mon, 99 Foo 2020 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, now=60.0) == seconds


def test_no_header_is_no_wish() -> None:
    assert retry_after({}, now=0.0) is None


def test_the_budget_pays_for_ten_retries_and_earns_them_back_slowly() -> None:
    budget = RetryBudget(capacity=100, cost=10, refund=1)
    assert [budget.take() for _ in range(11)] == [True] * 10 + [False]
    for _ in range(9):
        budget.give_back()
    assert not budget.take()
    budget.give_back()
    assert budget.take()


def test_the_budget_never_holds_more_than_its_capacity() -> None:
    budget = RetryBudget(capacity=20, cost=10, refund=5)
    for _ in range(50):
        budget.give_back()
    assert [budget.take() for _ in range(3)] == [True, True, False]


def test_a_full_outage_costs_one_percent_more_requests() -> None:
    budget, requests = RetryBudget(), 0
    for _ in range(1000):
        requests += 1
        for _ in range(2):
            if not budget.take():
                break
            requests += 1
    assert requests == 1010


def opened(clock: Clock, threshold: int = 3) -> Breaker:
    breaker = Breaker(threshold, cooldown_s=10.0, clock=clock)
    for _ in range(threshold):
        ticket = breaker.admit()
        assert ticket is not None
        breaker.failed(ticket)
    return breaker


def test_failures_in_a_row_open_it_and_a_success_in_between_does_not() -> None:
    clock = Clock()
    breaker = Breaker(3, 10.0, clock)
    for outcome in (breaker.failed, breaker.failed, breaker.succeeded, breaker.failed, breaker.failed):
        ticket = breaker.admit()
        assert ticket is not None
        outcome(ticket)
    assert breaker.state == "closed"
    assert opened(clock).state == "open"


def test_open_lets_nobody_through_until_it_has_cooled() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 9.9
    assert breaker.admit() is None
    clock.now = 10.0
    assert breaker.state == "half-open"
    assert breaker.admit() is not None
    assert breaker.admit() is None


def test_the_probe_decides() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 10.0
    probe = breaker.admit()
    assert probe is not None
    breaker.failed(probe)
    assert breaker.state == "open"
    clock.now = 20.0
    probe = breaker.admit()
    assert probe is not None
    breaker.succeeded(probe)
    assert breaker.state == "closed"


def test_an_abandoned_probe_makes_room_for_the_next() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 10.0
    probe = breaker.admit()
    assert probe is not None
    breaker.abandoned(probe)
    assert breaker.admit() is not None


def test_somebody_who_asks_for_a_try_gets_one_probe_at_once() -> None:
    clock = Clock()
    breaker = opened(clock)
    assert breaker.admit() is None
    breaker.retry_now()
    probe = breaker.admit()
    assert probe is not None
    breaker.retry_now()
    assert breaker.admit() is None
    breaker.failed(probe)
    assert breaker.admit() is None
    breaker.retry_now()
    again = breaker.admit()
    assert again is not None
    breaker.succeeded(again)
    breaker.retry_now()
    assert breaker.state == "closed"


def test_a_call_of_an_earlier_state_decides_nothing() -> None:
    clock = Clock()
    breaker = Breaker(1, 10.0, clock)
    late, first = breaker.admit(), breaker.admit()
    assert late is not None
    assert first is not None
    breaker.failed(first)
    breaker.succeeded(late)
    assert breaker.state == "open"
    clock.now = 10.0
    assert breaker.admit() is not None
    breaker.failed(late)
    breaker.abandoned(late)
    assert breaker.admit() is None


def test_one_probe_among_a_thousand_threads() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 10.0
    gate, tickets = threading.Barrier(100), []

    def ask() -> None:
        gate.wait()
        tickets.extend(breaker.admit() for _ in range(10))

    threads = [threading.Thread(target=ask) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tickets) == 1000
    assert sum(ticket is not None for ticket in tickets) == 1


async def test_one_probe_among_a_thousand_tasks() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 10.0

    async def ask() -> int | None:
        await asyncio.sleep(0)
        return breaker.admit()

    tickets = await asyncio.gather(*(ask() for _ in range(1000)))
    assert sum(ticket is not None for ticket in tickets) == 1


class BreakerBesideItsModel(RuleBasedStateMachine):
    """The breaker beside twenty lines that say what it should do."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breaker = Breaker(2, 10.0, self.clock)
        self.tickets: list[tuple[int, int]] = []
        self.era, self.failures, self.opened_at, self.probing = 0, 0, None, False

    def expected_to_admit(self) -> bool:
        return self.opened_at is None or (not self.probing and self.clock.now - self.opened_at >= 10)

    @rule()
    def admit(self) -> None:
        expected = self.expected_to_admit()
        ticket = self.breaker.admit()
        assert (ticket is not None) == expected
        if ticket is not None:
            self.probing = self.opened_at is not None
            self.tickets.append((ticket, self.era))

    @rule(seconds=st.integers(1, 12))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds

    @precondition(lambda self: self.tickets)
    @rule(data=st.data(), outcome=st.sampled_from(["succeeded", "failed", "abandoned"]))
    def answer(self, data: st.DataObject, outcome: str) -> None:
        ticket, era = self.tickets.pop(data.draw(st.integers(0, len(self.tickets) - 1)))
        getattr(self.breaker, outcome)(ticket)
        if era != self.era:
            return
        if outcome == "abandoned":
            self.probing = False
            return
        self.failures = 0 if outcome == "succeeded" else self.failures + 1
        if outcome == "succeeded" and self.opened_at is not None:
            self.era, self.opened_at, self.probing = self.era + 1, None, False
        elif outcome == "failed" and (self.opened_at is not None or self.failures >= 2):
            self.era, self.opened_at, self.probing, self.failures = self.era + 1, self.clock.now, False, 0

    @invariant()
    def same_state(self) -> None:
        cooled = self.opened_at is not None and self.clock.now - self.opened_at >= 10
        assert self.breaker.state == ("closed" if self.opened_at is None else "half-open" if cooled else "open")


TestBreakerBesideItsModel = BreakerBesideItsModel.TestCase
TestBreakerBesideItsModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_limits_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="max_attempts"):
        RetryPolicy(attempts=0)
    with pytest.raises(ConfigurationError, match="timeout_s"):
        Policy(timeout_s=0)
    with pytest.raises(ConfigurationError, match="timeout_s"):
        Policy(timeout_s=float("nan"))
