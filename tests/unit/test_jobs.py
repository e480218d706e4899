"""_jobs: which waiting turns may be sent together, and how they become one."""

from __future__ import annotations

from memos_integrations._jobs import JOIN_TURNS, Job, Turn, body_of, job_of, joinable, regrouped, together
from memos_integrations.models import Message


def job(seq: int, created_ms: int = 0, text: str = "hello", joined: int | None = None, **more) -> Job:
    messages = (Message(role="user", content=text, id=str(seq)),)
    return Job(seq, Turn(f"k{seq}", "ann", "c", messages, **{"join_ms": 1000, **more}), created_ms, joined=joined)


def seqs(jobs):
    return [j.seq for j in jobs]


def test_only_turns_within_the_first_ones_window_are_joined():
    assert seqs(joinable(job(1, 5000), [job(2, 5999), job(3, 6000), job(4, 6001), job(5, 5500)])) == [2, 3]


def test_joined_turns_are_bounded_in_number_and_size():
    assert len(list(joinable(job(1), [job(n) for n in range(2, 99)]))) == JOIN_TURNS - 1
    long = "word " * 2400  # 3,000 tokens each
    assert seqs(joinable(job(1, text=long), [job(2, text="x" * 4000), job(3, text=long), job(4)])) == [2]


def test_turns_of_another_kind_or_group_end_the_joining():
    assert seqs(joinable(job(1), [job(2), job(3, write="add"), job(4)])) == [2]
    assert seqs(joinable(job(1), [job(2), job(3, joined=3), job(4)])) == [2]


def test_together_keeps_the_first_ones_name_and_everybodys_words():
    one = together([job(1), job(2)])
    assert (one.seq, one.turn.key, seqs(one.each)) == (1, "k1", [1, 2])
    assert [m.id for m in one.turn.messages] == ["1", "2"]
    assert together([job(1)]) == job(1)
    assert seqs(job(1).each) == [1]


def test_regrouping_goes_by_the_group_not_by_the_neighbour():
    jobs = regrouped([job(1, joined=1), job(2), job(3, joined=1), job(4, joined=4)])
    assert [seqs(j.each) for j in jobs] == [[1, 3], [2], [4]]


def test_a_turn_survives_its_row():
    given = Turn("k", "ann", None, (Message(role="user", content="hi"),), "extract", join_ms=5, listened=True)
    row = (7, "k", "ann", None, body_of(given), None, 3, 1, 2, 1, 6)
    assert job_of(row) == Job(7, given, 3, 1, 2, None, True, 6)
    plain = Turn("k", "ann", None, (Message(role="user", content="hi"),))
    assert "join" not in body_of(plain)
    assert job_of((7, "k", "ann", None, body_of(plain), None, 3, 0, 0, 0, None)).turn == plain
