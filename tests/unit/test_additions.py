"""Adding in the background: a draft at once, vectors and a slower extractor's memories later, all of it once."""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime, timedelta, timezone

import pytest

from memos_integrations.engine.extract import extract
from memos_integrations.engine.memories import Memories
from memos_integrations.engine.records import Candidate, Extraction
from memos_integrations.requests import (
    AddRequest,
    DeleteMemoryRequest,
    GetMemoryRequest,
    SearchRequest,
    StatusRequest,
    UpdateMemoryRequest,
)

START = datetime(2025, 6, 15, 12, 0, tzinfo=timezone.utc)


class Clock:
    """A minute passes with every look."""

    def __init__(self):
        self.now = START

    def __call__(self):
        self.now += timedelta(minutes=1)
        return self.now


class Thinker:
    """An extractor like a model: slow while `gate` is closed, and `says` what it likes of a message."""

    def __init__(self, says=None, failing=()):
        self.gate, self.asked = threading.Event(), []
        self.says, self.failing = says or {}, failing

    def extract(self, messages, *, context, now, types):
        self.gate.wait(20)
        self.asked.append(([m.text for m in context], [m.text for m in messages]))
        if any(m.text in self.failing for m in messages):
            raise ValueError("secret words")
        found = []
        for index, message in enumerate(messages):
            told = self.says.get(message.text, ())
            found += [Candidate("memory", t, "UserMemory", key="said", sources=(index,), said_on=now) for t in told]
        return Extraction(memories=tuple(found))


class Engine:
    def __init__(self, path=":memory:", extractor=None, embedder="none"):
        self.thinker = extractor
        self.core = Memories(path, embedder=embedder, extractor=extractor, clock=Clock())

    def add(self, *texts, user="u", conversation="c", mode=True, **more):
        messages = [{"role": "user", "content": text} for text in texts]
        owner = {"user_id": user, "conversation_id": conversation, "async_mode": mode}
        return self.core.add(AddRequest.of({"messages": messages, **owner, **more}))

    def shown(self, user="u"):
        page = self.core.get_memory(GetMemoryRequest.of({"user_id": user, "size": 50}))
        return sorted(m.memory_value.partition(" (said on")[0] for m in page.memories)

    def found(self, query, user="u"):
        request = SearchRequest.of({"query": query, "user_id": user})
        return [m.memory_value for m in self.core.search(request).memories]

    def status(self, task):
        return self.core.get_status(StatusRequest.of({"task_id": task.task_id}))

    def done(self, task):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            status = self.status(task)
            if status.done:
                return status
            time.sleep(0.005)
        raise AssertionError("task did not end")

    def release(self, *tasks):
        self.thinker.gate.set()
        return [self.done(task) for task in tasks]


@pytest.fixture
def make():
    made = []

    def build(*args, **options):
        made.append(Engine(*args, **options))
        return made[-1]

    yield build
    for engine in made:
        if engine.thinker is not None:
            engine.thinker.gate.set()
        engine.core.close()


def test_without_anything_slow_an_add_is_done_at_once(make):
    engine = make()
    task = engine.add("My brother is Tom.")
    assert task.status == "completed"
    assert engine.found("brother") == ["The user's brother is Tom."]
    assert engine.status(task).memory_views["added"] == 1


def test_what_holds_no_memory_needs_no_vectors(make):
    engine = make(embedder=lambda texts: [[1.0, 0.0] for _ in texts])
    assert engine.add("Thanks!").status == "completed"


def test_a_search_right_after_finds_by_words_and_vectors_follow(make):
    gate, asked = threading.Event(), []

    def embed(texts):
        if any("Tom" in text for text in texts):
            gate.wait(20)
        asked.append(list(texts))
        return [[1.0, float(len(text))] for text in texts]

    engine = make(embedder=embed)
    task = engine.add("My brother is Tom.")
    assert task.status == "running"
    assert engine.status(task).memory_views is None
    assert engine.found("brother") == ["The user's brother is Tom."]
    gate.set()
    status = engine.done(task)
    assert status.status == "completed"
    assert status.memory_views["added"] == 1
    with engine.core._database.read() as tx:
        assert tx.one("select count(*) from vector") == (1,)
        assert tx.one("select payload from task") == ("",)


def test_a_broken_embedder_does_not_keep_a_task_open(make, caplog):
    def down(texts):
        raise OSError("secret address")

    engine = make(embedder=down)
    assert engine.done(engine.add("My brother is Tom.")).status == "completed"
    assert "secret" not in caplog.text


def test_a_draft_stands_in_until_the_model_has_answered(make):
    engine = make(extractor=Thinker({"My brother is Tom.": ["The user has a brother called Tom."]}))
    task = engine.add("My brother is Tom.")
    assert task.status == "running"
    assert engine.shown() == ["The user's brother is Tom."]
    (status,) = engine.release(task)
    assert status.status == "completed"
    assert status.memory_views["added"] == 1
    assert engine.shown() == ["The user has a brother called Tom."]
    assert engine.found("brother") == ["The user has a brother called Tom."]


def test_what_the_model_says_too_keeps_its_id(make):
    engine = make(extractor=Thinker({"My brother is Tom.": ["The user's brother is Tom!", "Tom is a brother."]}))
    task = engine.add("My brother is Tom.")
    before = engine.core.get_memory(GetMemoryRequest.of({"user_id": "u"})).memories[0].id
    engine.release(task)
    after = {m.memory_value: m.id for m in engine.core.get_memory(GetMemoryRequest.of({"user_id": "u"})).memories}
    assert after["The user's brother is Tom."] == before
    assert len(after) == 2


def test_what_a_draft_ended_is_current_again_unless_the_model_says_so_too(make):
    engine = make(extractor=Thinker({"I moved to Rome.": ["The user dreams of Rome."], "I moved to Oslo.": []}))
    engine.thinker.says["I live in Bern and I work as a nurse."] = ["The user lives in Bern and works as a nurse."]
    first = engine.add("I live in Bern and I work as a nurse.")
    engine.release(first)
    engine.thinker.gate.clear()
    second = engine.add("I moved to Rome.")
    assert any("Bern (no longer current" in text for text in engine.shown())
    engine.release(second)
    assert engine.shown() == ["The user dreams of Rome.", "The user lives in Bern and they work as a nurse."]
    engine.thinker.says["I moved to Oslo."] = ["The user now lives in Oslo."]
    engine.release(engine.add("I moved to Oslo."))
    assert any("Bern (no longer current" in text for text in engine.shown())


def test_a_late_answer_does_not_overtake_what_was_said_since(make):
    engine = make(extractor=Thinker({"I live in Bern.": ["The user resides in Bern."], "I moved to Rome.": []}))
    engine.thinker.says["I moved to Rome."] = ["The user lives in Rome."]
    engine.release(engine.add("I live in Bern."), engine.add("I moved to Rome."))
    assert [text for text in engine.shown() if "no longer" not in text] == ["The user lives in Rome."]
    assert any(text.startswith("The user resides in Bern.") for text in engine.shown())


def test_the_model_sees_what_came_before_and_nothing_twice(make):
    engine = make(extractor=Thinker())
    tasks = [engine.add("My brother is Tom."), engine.add("My sister is Ann.")]
    engine.release(*tasks)
    assert engine.thinker.asked == [
        ([], ["My brother is Tom."]),
        (["My brother is Tom."], ["My sister is Ann."]),
    ]
    assert engine.shown() == []


def test_a_failing_model_leaves_the_draft(make, caplog):
    engine = make(extractor=Thinker(failing={"My brother is Tom."}))
    bad, good = engine.add("My brother is Tom."), engine.add("My sister is Ann.")
    assert [status.status for status in engine.release(bad, good)] == ["failed", "completed"]
    assert engine.shown() == ["The user's brother is Tom."]
    assert "secret" not in caplog.text


def test_what_was_taken_back_meanwhile_is_not_told_again(make):
    says = {"My brother is Tom.": ["Tom is the brother."], "My sister is Ann.": ["Ann is the sister."]}
    engine = make(extractor=Thinker(says))
    tasks = [engine.add("My brother is Tom."), engine.add("My sister is Ann."), engine.add("Forget my brother.")]
    key = next(m.id for m in engine.core.get_memory(GetMemoryRequest.of({"user_id": "u"})).memories)
    engine.core.delete_memory(DeleteMemoryRequest.of({"memory_ids": [key]}))
    engine.release(*tasks)
    assert engine.shown() == []


def test_what_somebody_changed_meanwhile_stays(make):
    engine = make(extractor=Thinker({"My brother is Tom.": ["Tom is the brother."]}))
    task = engine.add("My brother is Tom.")
    key = engine.core.get_memory(GetMemoryRequest.of({"user_id": "u"})).memories[0].id
    engine.core.update_memory(UpdateMemoryRequest.of({"memory_id": key, "content": "The user's brother is Thomas."}))
    engine.release(task)
    assert engine.shown() == ["The user's brother is Thomas.", "Tom is the brother."]


def test_a_group_gets_the_same_and_a_deleted_member_nothing(make):
    engine = make(extractor=Thinker({"The picnic is on Friday.": ["Everybody meets on Friday for a picnic."]}))
    task = engine.add("The picnic is on Friday.", user=["ann", "bob", "cid"])
    engine.core.delete_memory(DeleteMemoryRequest.of({"user_id": "bob"}))
    engine.release(task)
    assert engine.core.users() == ["ann", "cid"]
    assert engine.shown("ann") == engine.shown("cid") == ["Everybody meets on Friday for a picnic."]
    assert engine.shown("bob") == []


def test_tasks_go_on_in_the_next_process_with_another_extractor(make, tmp_path):
    first = make(tmp_path / "m.db", extractor=Thinker())
    first.core._open()[1].worker.close()
    tasks = [first.add("My brother is Tom."), first.add("My sister is Ann.")]
    first.core.close()
    second = make(tmp_path / "m.db")
    assert [second.done(task).status for task in tasks] == ["completed"] * 2
    assert second.shown() == ["The user's brother is Tom.", "The user's sister is Ann."]


def test_a_task_holds_no_message_and_logs_say_nothing(make, caplog):
    with caplog.at_level(logging.INFO):
        engine = make(extractor=Thinker())
        task = engine.add("My brother is Tom.", tags=["family"], info={"place": "home"})
        with engine.core._database.read() as tx:
            (payload,) = tx.one("select payload from task")
        assert "brother" not in payload
        engine.release(task)
    assert "brother" not in caplog.text


def test_a_synchronous_add_waits_for_the_model(make):
    engine = make(extractor=Thinker({"My brother is Tom.": ["Tom is the brother."]}))
    engine.thinker.gate.set()
    assert engine.add("My brother is Tom.", mode=False).status == "completed"
    assert engine.shown() == ["Tom is the brother."]


def test_the_draft_is_the_plain_extractors(make):
    engine = make(extractor=Thinker())
    engine.add("My brother is Tom. I love tea.")
    message = AddRequest.of(
        {"user_id": "u", "messages": [{"role": "user", "content": "My brother is Tom. I love tea."}]}
    )
    plain = extract(message.messages, now=START)
    page = engine.core.get_memory(GetMemoryRequest.of({"user_id": "u"}))
    assert [p.preference for p in page.preferences] == [c.text for c in plain.preferences]
    assert [m.memory_value for m in page.memories] == [c.text for c in plain.memories]
