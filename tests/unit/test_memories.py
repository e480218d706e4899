"""The embedded engine's core: add, search, supersede, forget, erase, tasks, failures."""

from __future__ import annotations

import logging
import sqlite3
import time
from datetime import datetime, timezone

import numpy as np
import pytest

from memos_integrations.engine.memories import Memories
from memos_integrations.engine.records import Candidate, Extraction
from memos_integrations.errors import InvalidRequest, NotFound, StoreBusy, StoreCorrupt, StoreError
from memos_integrations.requests import (
    AddRequest,
    DeleteMemoryRequest,
    ExtractRequest,
    FeedbackRequest,
    GetMemoryRequest,
    GetMessagesRequest,
    MemoryByIdRequest,
    SearchRequest,
    StatusRequest,
    UpdateMemoryRequest,
)

NOW = datetime(2025, 6, 15, 12, 0, tzinfo=timezone.utc)
NOTE_EN = (
    "\n# Note:\nFact memory are summaries of facts, while preference memory are summaries of user preferences.\n"
    "Your response must not violate any of the user's preferences, whether explicit or implicit, and briefly explain "
    "why you answer this way to avoid conflicts.\n"
)


class Engine:
    """Memories with short calls for one user."""

    def __init__(self, path=":memory:", embedder="none", **options):
        self.core = Memories(path, embedder=embedder, clock=lambda: NOW, **options)

    def add(self, *texts, user="u", conversation="c", ids=None, mode=False, **more):
        messages = [
            t if isinstance(t, dict) else {"role": "user", "content": t, "id": ids and ids[i]}
            for i, t in enumerate(texts)
        ]
        owner = {} if user is None else {"user_id": user}
        values = {"messages": messages, "conversation_id": conversation, "async_mode": mode, **owner, **more}
        return self.core.add(AddRequest.of(values))

    def search(self, query, user="u", **more):
        owner = {} if user is None else {"user_id": user}
        return self.core.search(SearchRequest.of({"query": query, **owner, **more}))

    def facts(self, query, **more):
        return [m.memory_value for m in self.search(query, **more).memories]

    def all(self, user="u", **more):
        return self.core.get_memory(GetMemoryRequest.of({"user_id": user, "size": 50, **more}))

    def messages(self, conversation="c", user="u", limit=50):
        request = {"user_id": user, "conversation_id": conversation, "message_limit_number": limit}
        return [m.content for m in self.core.get_message(GetMessagesRequest.of(request)).messages]

    def done(self, task):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            status = self.core.get_status(StatusRequest.of({"task_id": task.task_id}))
            if status.done:
                return status
            time.sleep(0.005)
        raise AssertionError("task did not end")


@pytest.fixture
def make():
    made = []

    def build(*args, **options):
        made.append(Engine(*args, **options))
        return made[-1]

    yield build
    for engine in made:
        engine.core.close()


@pytest.fixture
def engine(make):
    return make()


def said(*memories, forgets=()):
    """An extractor that finds these candidates in every batch."""

    class Fixed:
        def extract(self, messages, *, context, now, types):
            found = [
                Candidate(**{"type": "UserMemory", "kind": "memory", "sources": (0,), "said_on": now, **m})
                for m in memories
            ]
            facts = tuple(c for c in found if c.kind == "memory")
            return Extraction(facts, tuple(c for c in found if c.kind == "preference"), tuple(forgets))

    return Fixed()


# -- add and search


def test_what_was_told_is_found_with_its_provenance(engine):
    task = engine.add("I work as a nurse in Ghent.", ids=["m1"], tags=["work"], info={"scene": "chat"}, app_id="a")
    assert task.status == "completed"
    (fact,) = engine.search("What is my job? nurse").memories
    assert "nurse" in fact.memory_value
    assert fact.message_ids == ["m1"]
    assert fact.status == "activated"
    assert fact.conversation_id == "c"
    assert 0 < fact.relativity <= 1
    assert fact.create_time == NOW
    assert "work" in fact.tags


def test_preferences_come_with_the_note_of_their_language(engine):
    engine.add("I prefer in-person classrooms over online courses.")
    found = engine.search("recommend a course")
    assert "in-person" in found.preferences[0].preference
    assert found.preference_note == NOTE_EN
    engine.add("我喜欢打羽毛球，讨厌跑步。", user="zh")
    found = engine.search("周末做什么运动？", user="zh")
    assert any("羽毛球" in p.preference for p in found.preferences)
    assert found.preference_note.startswith("\n# 注意：")


def test_nothing_stored_is_nothing_found(engine):
    found = engine.search("anything")
    assert (found.memories, found.preferences, found.preference_note) == ([], [], "")
    assert engine.all().total == 0
    assert engine.messages() == []


@pytest.mark.parametrize("limit", [0, 1, 25])
def test_limits_hold(make, limit):
    engine = make(verbatim=True)
    engine.add(*[f"Item number {n} is on shelf {n}." for n in range(40)])
    assert len(engine.search("shelf", memory_limit_number=limit).memories) == limit
    assert engine.search("shelf", preference_limit_number=0).preferences == []


def test_views_choose_lists(engine):
    engine.add("I love hiking in the Alps. My sister Ann lives in Oslo.")
    assert engine.search("hiking", include_preference=False).preferences == []
    assert engine.search("hiking", include_memory_view=["preference"]).memories == []
    assert engine.search("hiking", include_memory_view=["preference"]).preferences
    assert engine.search("sister", include_memory_view=["detail_factual"]).preferences == []
    only_skills = engine.search("hiking", include_memory_view=["skill"])
    assert (only_skills.memories, only_skills.preferences, only_skills.skills) == ([], [], [])
    assert engine.all(include_memory_view=["preference"]).memories == []
    assert engine.all(include_preference=False).preferences == []


def test_a_threshold_keeps_what_has_to_do_with_the_query(make):
    engine = make(verbatim=True)
    engine.add("My dentist is Doctor Patel.", "The garden fence was painted green.", "Lunch was soup.")
    kept = engine.facts("Who is my dentist?", relativity=0.45)
    assert kept == ["My dentist is Doctor Patel."]
    assert engine.facts("quantum chromodynamics", relativity=0.45) == []
    assert len(engine.facts("quantum chromodynamics")) == 3
    assert len(engine.facts("Who is my dentist?", relativity=0)) == 3


def test_the_conversation_asked_from_counts_a_little(make):
    engine = make(verbatim=True)
    engine.add("The meeting room is Oak.", conversation="one")
    engine.add("The meeting room was Elm.", conversation="two")
    assert engine.facts("meeting room", conversation_id="one")[0] == "The meeting room is Oak."
    assert engine.facts("meeting room", conversation_id="two")[0] == "The meeting room was Elm."


def test_an_answer_is_found_by_its_question(make):
    engine = make(verbatim=True)
    turns = [f"Talk about topic{n} went on for a while." for n in range(30)]
    engine.add(*turns[:15], "How long have you owned the turtles?", "Three years by now, what a joy.", *turns[15:])
    assert "Three years by now, what a joy." in engine.facts("owned turtles how long", memory_limit_number=3)


def test_the_speaker_asked_about_comes_first(make):
    engine = make(verbatim=True)
    for name, food in (("Mia", "pasta"), ("Leo", "curry")):
        engine.add({"role": "user", "role_id": name, "role_name": name, "content": f"I always cook {food} for dinner."})
    assert engine.facts("What does Leo cook for dinner?")[0].startswith("Leo:")
    assert engine.facts("What does Mia cook for dinner?")[0].startswith("Mia:")


def test_days_in_the_query_count(make):
    engine = make(verbatim=True)
    for day in ("2025-03-02", "2025-05-20"):
        engine.add({"role": "user", "content": f"Went to the clinic again, visit {day[-2:]}.", "chat_time": day})
    assert engine.facts("clinic in March 2025")[0].endswith("02.")
    assert engine.facts("clinic in May 2025")[0].endswith("20.")


def test_happened_on_counts_for_days_and_when(make):
    engine = make(
        extractor=said({"text": "The user ran a race.", "happened_on": "2025-02-01"}, {"text": "The user saw a race."})
    )
    engine.add("x")
    assert engine.facts("When was the race?")[0] == "The user ran a race."
    assert engine.facts("race on 1 February 2025")[0] == "The user ran a race."


def test_a_large_store_weighs_candidates_only_and_still_finds(make):
    engine = make(verbatim=True)
    for start in range(0, 600, 50):
        engine.add(*[f"Report {n} about machine {n % 7} is filed." for n in range(start, start + 50)])
    engine.add("The vault code is kept by Henrietta.")
    engine.add(*[f"Report {n} about machine {n % 7} is filed." for n in range(600, 700)])
    assert engine.facts("Who keeps the vault code?")[0] == "The vault code is kept by Henrietta."
    assert len(engine.facts("zzz")) == 6


def test_common_words_only_add_to_rare_ones(make):
    engine = make(verbatim=True)
    for start in range(0, 1600, 100):
        engine.add(*[f"machine log {n}" for n in range(start, start + 100)])
    engine.add("machine Zephyr broke")
    assert engine.facts("machine Zephyr")[0] == "machine Zephyr broke"


def test_verbatim_keeps_text_and_takes_no_preferences(make):
    engine = make(verbatim=True)
    engine.add("I love tea!!", {"role": "assistant", "content": "Noted."}, {"role": "tool", "content": "x"})
    page = engine.all()
    assert sorted(m.memory_value for m in page.memories) == ["I love tea!!", "assistant: Noted."]
    assert page.preferences == []


# -- once only


def test_the_same_message_is_stored_once(engine):
    for _ in range(3):
        engine.add("My cat is called Biscuit.", ids=["1"])
    assert len(engine.messages()) == 1
    assert engine.all().memories[0].message_ids == ["1"]


def test_ids_count_within_one_conversation_of_one_user_and_one_content(engine):
    engine.add("My cat is called Biscuit.", ids=["1"])
    engine.add("My dog is called Rex.", ids=["1"])
    engine.add("My cat is called Biscuit.", ids=["1"], conversation="d")
    engine.add("My cat is called Biscuit.", ids=["1"], user="v")
    assert len(engine.messages()) == 2
    assert len(engine.messages("d")) == 1
    assert len(engine.messages(user="v")) == 1
    assert len(engine.all().memories) == 2


def test_only_what_is_new_in_a_batch_is_extracted(engine):
    engine.add("My cat is called Biscuit.", ids=["1"])
    engine.add("My cat is called Biscuit.", "My dog is called Rex.", ids=["1", "2"])
    assert len(engine.messages()) == 2
    assert len(engine.all().memories) == 2


def test_near_duplicates_merge_and_keep_all_sources(engine):
    engine.add("My cat is called Biscuit.", ids=["1"])
    engine.add("My cat is called Biscuit!", ids=["2"])
    (fact,) = engine.all().memories
    assert fact.message_ids == ["1", "2"]
    engine.add("My cat is called Biscuit.")
    assert len(engine.messages()) == 3
    assert len(engine.all().memories[0].message_ids) == 3


def test_opposites_never_merge(make):
    engine = make(verbatim=True)
    engine.add("I can eat nuts.", "I cannot eat nuts.", "🎈", "🎉")
    assert len(engine.all().memories) == 4


# -- updates


def test_the_newer_value_stands_before_the_older(make):
    engine = make(extractor=said({"text": "The user lives in Boston.", "slot": "home"}))
    engine.add("a")
    engine.core._extract = said({"text": "The user lives in Austin.", "slot": "home"}).extract
    engine.core._open()[1]._extract = engine.core._extract
    engine.add("b")
    first, second = engine.search("Does the user live in Boston?").memories
    assert first.memory_value == "The user lives in Austin."
    assert second.memory_value == "The user lives in Boston. (no longer current, until 2025-06-15)"
    assert second.status == "archived"


def test_a_value_told_late_is_history_at_once_and_a_return_is_current(make):
    old = datetime(2020, 1, 1, tzinfo=timezone.utc)
    engine = make(
        extractor=said(
            {"text": "用户住在上海。", "slot": "home"},
            {"text": "用户住在北京。", "slot": "home", "said_on": old},
            {"kind": "preference", "type": "explicit_preference", "text": "用户喜欢茶。", "slot": "home"},
            {"text": "Bob lives in Rome.", "slot": "home", "speaker": "Bob"},
        )
    )
    engine.add("a")
    states = {m.memory_value: m.status for m in engine.all().memories}
    assert states == {
        "用户住在上海。": "activated",
        "用户住在北京。（已过时，至2025-06-15）": "archived",
        "Bob lives in Rome.": "activated",
    }
    assert engine.all().preferences[0].status == "activated"


def test_superseded_preferences_are_history_only(make):
    pick = {"kind": "preference", "type": "explicit_preference", "slot": "drink"}
    engine = make(extractor=said({**pick, "text": "The user likes tea."}, {**pick, "text": "The user likes cocoa."}))
    engine.add("a")
    assert [p.preference for p in engine.search("drink").preferences] == ["The user likes cocoa."]
    assert len(engine.all().preferences) == 2


def test_update_changes_text_title_and_status(make):
    engine = make(embedder=lambda texts: [[float("tea" in t), float("rex" in t.lower()), 1.0] for t in texts])
    engine.add("My dog is called Rex.")
    (fact,) = engine.all().memories
    update = lambda **v: engine.core.update_memory(UpdateMemoryRequest.of({"memory_id": fact.id, **v}))  # noqa: E731
    assert update(content="The user's dog is called Max.", title="Dog").success
    assert engine.facts("dog Max") == ["The user's dog is called Max."]
    detail = engine.core.get_memory_by_id(MemoryByIdRequest.of({"memory_id": fact.id}))
    assert (detail.title, detail.user_id, detail.memory_view) == ("Dog", "u", "detail_factual")
    update(status="archived")
    assert "no longer current" in engine.all().memories[0].memory_value
    update(status="deleted")
    assert engine.all().memories == []
    assert engine.facts("dog") == []
    with pytest.raises(NotFound) as caught:
        update(title="x")
    assert caught.value.code == 40001


# -- forgetting


def test_forget_my_x_removes_it_and_is_not_remembered(engine):
    engine.add("My phone number is 555-1234.", "My brother is Tom.")
    engine.add("Forget my phone number.")
    assert [m.memory_value for m in engine.all().memories] == ["The user's brother is Tom."]
    assert engine.messages() == ["My brother is Tom."]


def test_forget_everything_and_forgetting_nothing(make):
    engine = make()
    engine.add("My brother is Tom.", "I love tea.")
    engine.add("Forget everything you know about me.")
    page = engine.all()
    assert (page.memories, page.preferences) == ([], [])
    empty = make(extractor=said({"text": "The user has a dog."}, forgets=["Please forget it."]))
    empty.add("x")
    assert len(empty.all().memories) == 1


def test_deleting_by_id_is_all_or_nothing(engine):
    engine.add("My brother is Tom.", "My sister is Ann.")
    first, second = engine.all().memories
    with pytest.raises(NotFound) as caught:
        engine.core.delete_memory(DeleteMemoryRequest.of({"memory_ids": [first.id, "unknown"]}))
    assert caught.value.code == 40307
    assert len(engine.all().memories) == 2
    engine.search("brother")
    engine.core.delete_memory(DeleteMemoryRequest.of({"memory_ids": [first.id]}))
    assert [m.id for m in engine.search("brother sister").memories] == [second.id]


def test_deleting_a_user_erases_every_byte(make, tmp_path):
    path = tmp_path / "m.db"
    engine = make(path, embedder="auto")
    for n in range(30):
        engine.add(f"My secret word{n} is marmalade{n}.", user="zoltan", conversation="attic")
        engine.add(f"My plain word{n} is butter{n}.", user="other")
    engine.search("marmalade", user="zoltan")
    engine.core.delete_memory(DeleteMemoryRequest.of({"user_id": "zoltan"}))
    for file in tmp_path.iterdir():
        data = file.read_bytes().lower()
        for word in (b"marmalade", b"marmalad", b"zoltan", b"attic"):
            assert word not in data
    assert engine.all("zoltan").total == 0
    assert engine.core.users() == ["other"]
    assert len(engine.all("other").memories) == 30
    assert engine.core.delete_memory(DeleteMemoryRequest.of({"user_id": "zoltan"})).success


# -- owners


def test_agents_and_groups_have_their_own_spaces(engine):
    engine.add("My brother is Tom.", user=None, agent_id="bot")
    assert len(engine.core.search(SearchRequest.of({"query": "brother", "agent_id": "bot"})).memories) == 1
    assert engine.facts("brother", user="bot") == []
    engine.add("The picnic starts at nine.", user=["ann", "bob"], ids=["1"])
    engine.add("The picnic starts at nine.", user=["bob", "cid"], ids=["1"])
    for user in ("ann", "bob", "cid"):
        assert len(engine.all(user).memories) == 1
        assert len(engine.messages(user=user)) == 1
    assert engine.core.users() == ["ann", "bob", "cid"]
    engine.add("x y z", user=None, agent_id=["b1", "b2"])
    (fact,) = engine.core.get_memory(GetMemoryRequest.of({"agent_id": "bot"})).memories
    detail = engine.core.get_memory_by_id(MemoryByIdRequest.of({"memory_id": fact.id}))
    assert (detail.user_id, detail.agent_id) == (None, "bot")
    engine.core.delete_memory(DeleteMemoryRequest.of({"agent_id": "bot"}))
    assert engine.core.search(SearchRequest.of({"query": "brother", "agent_id": "bot"})).memories == []


def test_filters_apply_to_search_and_listing(make):
    engine = make(verbatim=True)
    engine.add("Red apples.", info={"scene": "shop"})
    engine.add("Green apples.", info={"scene": "home"})
    assert engine.facts("apples", filter={"and": [{"scene": "home"}]}) == ["Green apples."]
    assert len(engine.all(filter={"scene": "shop"}).memories) == 1
    with pytest.raises(InvalidRequest):
        engine.search("apples", filter={"and": []})


def test_pages_count_per_list_newest_first(make):
    engine = make(verbatim=True)
    engine.add(*[f"Fact {n}" for n in range(7)])
    page = engine.all(size=3, page=3)
    assert [m.memory_value for m in page.memories] == ["Fact 0"]
    assert (page.total, page.pages, page.current, page.size) == (7, 3, 3, 3)


def test_messages_of_a_conversation(engine):
    parts = [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "http://x/y.png"}}]
    engine.add("one", {"role": "user", "content": parts}, "[{ three }]", conversation="c")
    assert engine.messages() == ["one", parts, "[{ three }]"]
    assert engine.messages(limit=1) == ["[{ three }]"]


# -- stateless extract, feedback, tasks


def test_extract_stores_nothing(engine):
    request = {"messages": [{"role": "user", "content": "I love oolong tea. My brother is Tom."}]}
    found = engine.core.extract(ExtractRequest.of(request))
    assert found.memories
    assert found.preferences
    assert engine.core.users() == []
    only = engine.core.extract(ExtractRequest.of({**request, "extraction_types": ["preference"]}))
    assert only.memories == []


def test_async_add_ends_and_names_what_it_wrote(engine):
    task = engine.add("My brother is Tom.", mode=True)
    status = engine.done(task)
    assert status.status == "completed"
    (fact,) = engine.all().memories
    assert status.memory_views["detail_factual"]["memory_ids"] == [fact.id]
    assert status.memory_views["added"] == 1


def test_feedback_is_learned_from(engine):
    task = engine.core.add_feedback(FeedbackRequest.of({"user_id": "u", "feedback_content": "My brother is Tom."}))
    engine.done(task)
    assert "feedback" in engine.all().memories[0].tags


def test_unknown_tasks_and_memories(engine):
    with pytest.raises(NotFound) as caught:
        engine.core.get_status(StatusRequest.of({"task_id": "x"}))
    assert caught.value.code == 50131
    with pytest.raises(NotFound) as caught:
        engine.core.get_memory_by_id(MemoryByIdRequest.of({"memory_id": "x"}))
    assert caught.value.code == 40001


def test_a_task_left_by_a_dead_process_is_taken_up(make, tmp_path):
    path = tmp_path / "m.db"
    first = make(path)
    first.core._open()[1].worker.close()
    task = first.add("My brother is Tom.", mode=True)
    first.core.close()
    with sqlite3.connect(path) as raw:
        raw.execute("update task set holder = '999999999:dead', lease = 99999999999999")
    raw.close()
    second = make(path)
    assert second.done(task).status == "completed"
    assert len(second.all().memories) == 1


def test_a_task_that_keeps_failing_ends_and_the_next_one_runs(make, caplog):
    class Broken:
        def extract(self, messages, **_):
            if "bad" in messages[0].text:
                raise ValueError("secret words")
            return Extraction((Candidate("memory", "The user is well.", "UserMemory", sources=(0,)),))

    engine = make(extractor=Broken())
    bad, good = engine.add("bad", mode=True), engine.add("good", mode=True)
    assert engine.done(good).status == "completed"
    assert engine.done(bad).status == "failed"
    assert "secret" not in caplog.text


def test_a_user_deleted_meanwhile_is_not_brought_back(make):
    engine = make()
    engine.core._open()[1].worker.close()
    engine.add("My brother is Tom.", mode=True)
    engine.add("The picnic is on.", user=["u", "v"], mode=True)
    engine.core.delete_memory(DeleteMemoryRequest.of({"user_id": "u"}))
    while engine.core._open()[1].step("me"):
        pass
    assert engine.core.users() == ["v"]


# -- embedders


def counting(calls, axis):
    def embed(texts):
        calls.append(len(texts))
        return [np.roll([1.0, 0.1 * len(t), 0.0, 0.0], axis) for t in texts]

    return embed


def test_vectors_of_two_embedders_are_never_compared(make, tmp_path):
    path = tmp_path / "m.db"
    one, two = [], []
    first = make(path, embedder=counting(one, 0))
    first.add("My brother is Tom.", "My sister is Ann.")
    assert one == [2]
    first.search("brother")
    first.core.close()
    other = counting(two, 1)
    other.__qualname__ = "other"
    second = make(path, embedder=other)
    second.search("brother")
    deadline = time.monotonic() + 20
    while two[-1] != 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    second.core._open()[1].worker.close()
    assert two[-1] == 2
    second.search("brother")
    with sqlite3.connect(path) as raw:
        assert raw.execute("select count(distinct embedder), count(*) from vector").fetchone() == (2, 4)
    raw.close()


def test_a_failing_embedder_costs_meaning_only(make, caplog):
    def down(texts):
        raise OSError("secret address")

    engine = make(embedder=down)
    engine.add("My brother is Tom.")
    assert engine.facts("brother") == ["The user's brother is Tom."]
    engine.core._open()[1].worker.close()
    assert "by words only" in caplog.text
    assert "secret" not in caplog.text


# -- the file


def test_everything_is_there_after_reopening(make, tmp_path):
    first = make(tmp_path / "m.db", embedder="auto")
    first.add("My brother is Tom.", "I prefer tea to coffee.")
    first.core.close()
    second = make(tmp_path / "m.db", embedder="auto")
    assert "Tom" in second.facts("brother")[0]
    assert "tea" in second.search("What to drink?").preferences[0].preference


def test_two_engines_on_one_file_see_each_other(make, tmp_path):
    one, two = make(tmp_path / "m.db"), make(tmp_path / "m.db")
    one.add("My brother is Tom.")
    assert two.facts("brother")
    two.add("My brother is fifty.")
    assert len(one.facts("brother")) == 2
    two.core.delete_memory(DeleteMemoryRequest.of({"user_id": "u"}))
    assert one.facts("brother") == []


def test_old_partitions_leave_memory(make):
    engine = make(cache_mb=0)
    for user in ("a", "b", "c"):
        engine.add("My brother is Tom.", user=user)
        assert engine.facts("brother", user=user)
    assert len(engine.core._partitions._held) == 1
    assert engine.core._partitions.bytes > 0


def test_failures_of_the_file_are_typed(make, tmp_path):
    (tmp_path / "bad.db").write_bytes(b"no database at all " * 500)
    with pytest.raises(StoreCorrupt):
        make(tmp_path / "bad.db").add("x")
    engine = make(tmp_path / "m.db")
    engine.add("My brother is Tom.")
    engine.core._database._busy_timeout_s = 0
    engine.core._database._connection.execute("pragma busy_timeout=0")
    raw = sqlite3.connect(tmp_path / "m.db", isolation_level=None)
    raw.execute("begin immediate")
    with pytest.raises(StoreBusy):
        engine.add("My sister is Ann.")
    raw.close()
    engine.add("My sister is Ann.")
    engine.core.close()
    engine.core.close()
    with pytest.raises(StoreError, match="closed"):
        engine.facts("brother")


def test_repr_shows_no_content(make):
    assert repr(make().core) == "Memories(embedder=None)"
    assert "MiniLM" in repr(make(embedder="auto").core)


def test_info_log_has_no_memory_text(make, caplog):
    with caplog.at_level(logging.INFO):
        engine = make(embedder="auto")
        engine.add("My secret is marmalade.")
        engine.search("marmalade")
    assert "marmalade" not in caplog.text


def test_forgetting_says_it_in_other_words(engine):
    """A memory is named by its slot too: "my diet", and "I live in" for one who "moved to"."""
    engine.add("I moved to Austin last week.", "I'm vegetarian.", "My brother is Tom.")
    engine.add("Forget my diet.")
    engine.add("Please forget that I live in Austin.")
    page = engine.all()
    assert [m.memory_value for m in page.memories] == ["The user's brother is Tom."]
    assert page.preferences == []


def test_forgetting_one_place_keeps_another(engine):
    engine.add("I live in Boston.")
    engine.add("Forget that I live in Austin.")
    assert [m.memory_value for m in engine.all().memories] == ["The user lives in Boston."]
