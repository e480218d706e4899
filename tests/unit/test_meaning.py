"""Vectors for texts from an embedder that may fail: what the engine gets then, and what it does with it."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone

import numpy as np
import pytest

from memos_integrations.engine.embed import embedder_for
from memos_integrations.engine.meaning import Meaning
from memos_integrations.engine.memories import Memories
from memos_integrations.errors import ResponseInvalid
from memos_integrations.requests import AddRequest, SearchRequest, UpdateMemoryRequest

NOW = datetime(2026, 11, 21, 9, tzinfo=timezone.utc)


class Moody:
    """An embedder over a few words that answers by `mood`; the first two places of a vector tell cats from trains."""

    bounded = True
    scale = (1.0, 0.0)

    def __init__(self, name="moody", width=4):
        self.name, self.width = name, width
        self.mood: Callable[[list[str]], object] | None = None
        self.asked: list[list[str]] = []

    def documents(self, texts):
        self.asked.append(list(texts))
        if self.mood is not None:
            return self.mood(list(texts))
        rows = np.zeros((len(texts), self.width), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[0 if "cat" in text or "pet" in text else 1] = 1
        return rows

    def query(self, text):
        rows = self.documents([text])
        return rows[0] if len(rows) == 1 else rows


def raising(error):
    def mood(_texts):
        raise error

    return mood


FAULTS = {
    "raises": raising(OSError("secret text")),
    "too few": lambda texts: np.ones((len(texts) - 1, 4), dtype=np.float32),
    "too many": lambda texts: np.ones((len(texts) + 1, 4), dtype=np.float32),
    "one dimension": lambda texts: np.ones(4, dtype=np.float32),
    "no width": lambda texts: np.ones((len(texts), 0), dtype=np.float32),
    "another width": lambda texts: np.ones((len(texts), 5), dtype=np.float32),
    "no numbers": lambda texts: np.full((len(texts), 4), np.nan, dtype=np.float32),
    "no array": lambda texts: "nothing",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_no_vector_rather_than_a_wrong_one(fault, caplog):
    embedder = Moody()
    meaning = Meaning(embedder)
    assert meaning.documents(["a cat", "b"]).shape == (2, 4)
    embedder.mood = FAULTS[fault]
    assert meaning.documents(["a cat", "b"]) is None
    assert "embedder failed" in caplog.text
    assert "secret" not in caplog.text
    embedder.mood = None
    assert meaning.query("a cat").tolist() == [1, 0, 0, 0]


def test_no_embedder_is_no_trouble(caplog):
    meaning = Meaning(None)
    assert (meaning.documents(["a"]), meaning.query("a"), meaning.name, meaning.model) == (None,) * 4
    assert caplog.text == ""


def test_nothing_is_asked_for_no_texts():
    embedder = Moody()
    assert Meaning(embedder).documents([]) is None
    assert embedder.asked == []


def test_the_name_holds_the_width_once_it_is_known():
    meaning = Meaning(Moody(width=7))
    assert (meaning.model, meaning.name) == ("moody", None)
    meaning.query("cat")
    assert meaning.name == "moody/7"


def test_a_query_without_direction_has_no_vector():
    embedder = Moody()
    embedder.mood = lambda texts: np.zeros((len(texts), 4), dtype=np.float32)
    assert Meaning(embedder).query("?") is None


def test_an_outage_is_told_once_and_again_after_a_recovery(caplog):
    embedder = Moody()
    meaning = Meaning(embedder)
    embedder.mood = raising(ResponseInvalid("in our own words"))
    assert meaning.query("a") is None
    assert meaning.query("a") is None
    assert [r.levelno for r in caplog.records] == [logging.WARNING]
    assert "in our own words" in caplog.text
    embedder.mood = None
    assert meaning.query("a") is not None
    embedder.mood = raising(ValueError)
    assert meaning.query("a") is None
    assert [r.levelno for r in caplog.records] == [logging.WARNING] * 2


def test_an_embedder_that_keeps_failing_is_left_alone():
    embedder = Moody()
    meaning = Meaning(embedder)
    embedder.mood = raising(ValueError)
    assert [meaning.query("a") for _ in range(20)] == [None] * 20
    assert len(embedder.asked) == 3


def test_a_hanging_embedder_is_left_behind(caplog):
    gate = threading.Event()

    def hang(texts):
        gate.wait(60)
        return [[1.0, 0.0] for _ in texts]

    meaning = Meaning(embedder_for(hang), query_s=0.01, documents_s=0.01)
    assert meaning.query("a") is None
    assert meaning.documents(["a"]) is None
    assert "no vector within the time given" in caplog.text
    gate.set()
    assert wait(lambda: all(t.name != "memos-embed" for t in threading.enumerate()))
    patient = Meaning(embedder_for(hang))
    assert patient.query("a").tolist() == [1, 0]


def test_calls_that_hang_are_counted(monkeypatch):
    gate = threading.Event()
    calls = []

    def hang(texts):
        calls.append(texts)
        gate.wait(60)
        return [[1.0]]

    monkeypatch.setattr("memos_integrations.engine.meaning._MAX_HUNG", 2)
    meaning = Meaning(embedder_for(hang), query_s=0.01)
    for _ in range(3):
        assert meaning.query("a") is None
    assert len(calls) == 2
    gate.set()


def test_a_timeout_of_the_embedder_itself_is_a_failure(caplog):
    meaning = Meaning(embedder_for(raising(TimeoutError("secret"))))
    assert meaning.query("a") is None
    assert "TimeoutError" in caplog.text
    assert "secret" not in caplog.text


def test_an_ending_interpreter_starts_no_thread(monkeypatch):
    def no_more(_thread):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    meaning = Meaning(embedder_for(lambda texts: [[1.0]] * len(texts)))
    monkeypatch.setattr(threading.Thread, "start", no_more)
    assert meaning.query("a") is None
    monkeypatch.undo()
    assert meaning.query("a").tolist() == [1.0]


def test_an_ending_interpreter_learns_nothing_more(monkeypatch):
    def no_more(_thread):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    meaning = Meaning(Narrow())
    monkeypatch.setattr(threading.Thread, "start", no_more)
    for _ in range(2):
        assert meaning.query("a") is not None
    assert meaning.scale == (1.0, 0.0)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_goes_on():
    embedder = Moody()
    meaning = Meaning(embedder)
    embedder.mood = raising(ValueError)
    for _ in range(3):
        meaning.query("a")
    embedder.mood = None
    pid = os.fork()
    if pid == 0:
        os._exit(0 if meaning.query("cat") is not None else 2)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0


class Narrow:
    """The packaged model, crowded into a narrow cone as other models are: all its cosines are above 0.7."""

    name, bounded = "narrow", True

    def __init__(self):
        self.model = embedder_for("auto")

    def documents(self, texts):
        rows = np.hstack([np.sqrt(0.25) * self.model.documents(texts), np.full((len(texts), 1), np.sqrt(0.75))])
        return rows.astype(np.float32)

    def query(self, text):
        return self.documents([text])[0]


def test_cosines_of_another_embedder_are_made_comparable():
    meaning = Meaning(Narrow())
    assert meaning.scale == (1.0, 0.0)
    query, plain = meaning.query("Which snack should I buy?"), embedder_for("auto").query("Which snack should I buy?")
    assert wait(lambda: meaning.scale != (1.0, 0.0))
    factor, summand = meaning.scale
    for text in ("The user is allergic to peanuts.", "The user likes window seats.", "Snacks to buy"):
        cosine = float(meaning.documents([text])[0] @ query)
        assert factor * cosine + summand == pytest.approx(
            float(embedder_for("auto").documents([text])[0] @ plain), abs=0.03
        )


def test_an_embedder_that_tells_nothing_apart_is_taken_as_it_is():
    meaning = Meaning(embedder_for(lambda texts: [[1.0, 1.0]] * len(texts)))
    assert meaning.query("a") is not None
    assert meaning.scale == (1.0, 0.0)


def test_what_the_cosines_are_like_is_asked_until_it_is_answered():
    class Late(Narrow):
        down = True

        def documents(self, texts):
            if self.down and len(texts) > 1:
                raise ValueError
            return super().documents(texts)

    embedder = Late()
    meaning = Meaning(embedder)
    assert meaning.query("a") is not None
    assert meaning.scale == (1.0, 0.0)
    embedder.down = False
    assert wait(lambda: meaning.query("a") is not None and meaning.scale != (1.0, 0.0))
    assert meaning.scale[0] == pytest.approx(4, rel=0.1)


def test_a_slow_embedder_is_learnt_from_behind_the_query(monkeypatch):
    gate = threading.Event()
    asked = []

    class Slow(Narrow):
        def documents(self, texts):
            if len(texts) > 1:
                asked.append(len(texts))
                gate.wait(60)
            return super().documents(texts)

    monkeypatch.setattr("memos_integrations.engine.meaning._STUDY_S", 0.01)
    meaning = Meaning(Slow())
    for _ in range(3):
        assert meaning.query("a") is not None
        assert meaning.scale == (1.0, 0.0)
    gate.set()
    assert wait(lambda: meaning.scale != (1.0, 0.0))
    assert len(asked) == 1


# -- in the engine


def wait(done):
    end = time.monotonic() + 30
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture
def engine():
    made = []

    def make(path, embedder):
        core = Memories(path, embedder=embedder, clock=lambda: NOW)
        made.append(core)
        return core

    yield make
    for core in made:
        core.close()


def add(core, *texts):
    messages = [{"role": "user", "content": t} for t in texts]
    core.add(AddRequest.of({"user_id": "u", "conversation_id": "c", "messages": messages, "async_mode": False}))


def facts(core, query):
    return [m.text for m in core.search(SearchRequest.of({"user_id": "u", "query": query})).memories]


def vectors(path):
    """How many vectors of each embedder the file holds."""
    raw = sqlite3.connect(path)
    found = dict(raw.execute("select name, count(*) from vector join embedder using (embedder) group by name"))
    raw.close()
    return found


TALK = ("I have a cat called Tom.", "I take the train to work.")


@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - {"one dimension"}))  # right for a query
def test_adds_are_stored_and_searches_answered_while_the_embedder_is_down(engine, tmp_path, fault, caplog):
    path = tmp_path / "m.db"
    embedder = Moody()
    core = engine(path, embedder)
    add(core, TALK[1])
    embedder.mood = FAULTS[fault]
    add(core, TALK[0])
    assert facts(core, "Tom") == ["The user has a cat called Tom.", "The user takes the train to work."]
    assert facts(core, "train")[0] == "The user takes the train to work."
    assert vectors(path) == {"moody/4": 1}
    told = [r.getMessage().split(" (")[0] for r in caplog.records if r.levelno == logging.WARNING]
    assert told == ["the embedder failed at documents", "the embedder failed at a query"]


def test_missing_vectors_follow_when_the_embedder_is_back(engine, tmp_path, monkeypatch):
    monkeypatch.setattr("memos_integrations.engine.additions._POSTPONE_S", 0)
    path = tmp_path / "m.db"
    embedder = Moody()
    embedder.mood = raising(ValueError)
    core = engine(path, embedder)
    add(core, *TALK)
    assert facts(core, "train")[0] == "The user takes the train to work."
    assert vectors(path) == {}
    embedder.mood = None
    facts(core, "my pet")
    assert wait(lambda: vectors(path) == {"moody/4": 2})
    assert facts(core, "my pet")[0] == "The user has a cat called Tom."


def test_a_file_of_an_embedder_that_is_down_from_the_start_is_found_by_words_then_by_meaning(engine, tmp_path):
    path = tmp_path / "m.db"
    first = engine(path, Moody())
    add(first, *TALK)
    first.close()
    embedder = Moody()
    embedder.mood = raising(ValueError)
    second = engine(path, embedder)
    assert facts(second, "train")[0] == "The user takes the train to work."
    embedder.mood = None
    assert facts(second, "my pet")[0] == "The user has a cat called Tom."
    assert vectors(path) == {"moody/4": 2}


def test_a_text_that_the_embedder_refuses_does_not_keep_the_others_without(engine, tmp_path, monkeypatch):
    monkeypatch.setattr("memos_integrations.engine.additions._POSTPONE_S", 0)
    path = tmp_path / "m.db"
    embedder = Moody()
    core = engine(path, embedder)
    embedder.mood = raising(ValueError)
    add(core, "I like a poisonous mushroom.", *TALK)

    def picky(texts):
        if any("poisonous" in t for t in texts):
            raise ValueError
        return np.tile(np.array([1, 0, 0, 0], dtype=np.float32), (len(texts), 1))

    embedder.mood = picky
    facts(core, "Tom")
    assert wait(lambda: vectors(path).get("moody/4", 0) >= 3)
    assert len(facts(core, "mushroom")) == 3


def test_a_postponed_owner_is_not_asked_for_again_at_every_search(engine, tmp_path):
    embedder = Moody()
    core = engine(tmp_path / "m.db", embedder)
    add(core, TALK[0])
    embedder.mood = lambda texts: raising(ValueError)(texts) if "(" in texts[0] else np.eye(1, 4, dtype=np.float32)
    add(core, TALK[1])
    for _ in range(5):
        facts(core, "train")
    core._open()[1].worker.close()
    assert sum("train to work" in texts[0] for texts in embedder.asked) <= 2


def test_a_rewritten_memory_is_found_without_a_vector_too(engine, tmp_path):
    embedder = Moody()
    core = engine(tmp_path / "m.db", embedder)
    add(core, TALK[0])
    found = core.search(SearchRequest.of({"user_id": "u", "query": "cat"})).memories[0]
    embedder.mood = raising(ValueError)
    core.update_memory(UpdateMemoryRequest.of({"memory_id": found.id, "content": "The user has a dog called Rex."}))
    assert facts(core, "Rex") == ["The user has a dog called Rex."]
    assert vectors(tmp_path / "m.db") == {}


def test_relativity_means_the_same_whatever_the_embedder(engine):
    found = {}
    for name, embedder in (("narrow", Narrow()), ("auto", "auto")):
        core = engine(":memory:", embedder)
        add(core, "I'm allergic to peanuts.", "I prefer window seats.")
        facts(core, "peanuts")
        assert wait(lambda core=core, name=name: name == "auto" or core._meaning.scale != (1.0, 0.0))
        for query in ("Which snack should I buy?", "How do I sort a list?"):
            hits = core.search(SearchRequest.of({"user_id": "u", "query": query}))
            found[name, query] = [(p.preference, p.relativity) for p in hits.preferences]
    for query in ("Which snack should I buy?", "How do I sort a list?"):
        for (text, one), (other, two) in zip(found["narrow", query], found["auto", query], strict=True):
            assert text == other
            assert one == pytest.approx(two, abs=0.1)


# -- more than one embedder on a file


def test_another_width_under_the_same_name_is_another_embedder(engine, tmp_path):
    path = tmp_path / "m.db"
    first = engine(path, Moody(width=4))
    add(first, *TALK)
    first.close()
    second = engine(path, Moody(width=8))
    facts(second, "my pet")
    assert wait(lambda: vectors(path).get("moody/8") == 2)
    assert facts(second, "my pet")[0] == "The user has a cat called Tom."


def test_programs_with_two_embedders_share_a_file_without_end_of_embedding(engine, tmp_path):
    path = tmp_path / "m.db"
    one, two = Moody("one"), Moody("two", 6)
    first, second = engine(path, one), engine(path, two)
    add(first, TALK[0])
    add(second, TALK[1])
    for core, name in ((first, "one/4"), (second, "two/6")):
        facts(core, "my pet")
        assert wait(lambda name=name: vectors(path).get(name) == 2)
    asked = len(one.asked), len(two.asked)
    for _ in range(5):
        for core in (first, second):
            assert facts(core, "my pet")[0] == "The user has a cat called Tom."
    for core in (first, second):
        core._open()[1].worker.close()
    assert (len(one.asked), len(two.asked)) == (asked[0] + 5, asked[1] + 5)


def test_only_the_last_two_embedders_keep_their_vectors(engine, tmp_path):
    path = tmp_path / "m.db"
    for name in ("one", "two", "three"):
        core = engine(path, Moody(name))
        add(core, TALK[0])
        facts(core, "my pet")
        assert wait(lambda name=name: vectors(path).get(f"{name}/4") == 1)
        core._open()[1].miss(1)
        assert wait(lambda core=core: not core._open()[1]._bare)
        core.close()
    assert vectors(path) == {"two/4": 1, "three/4": 1}
