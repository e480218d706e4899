"""What a new memory ends, in the engine with extractors that say just what a test needs."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from memos_integrations.engine.clauses import clauses
from memos_integrations.engine.denial import Claim, doings
from memos_integrations.engine.memories import Memories
from memos_integrations.engine.records import Candidate, Extraction
from memos_integrations.engine.store import Space
from memos_integrations.engine.succession import restore
from memos_integrations.requests import AddRequest, GetMemoryRequest, SearchRequest, UpdateMemoryRequest

NOW = datetime(2025, 6, 15, 12, 0, tzinfo=timezone.utc)


class Told:
    """An extractor that finds each user message as one fact, and `more` of a message."""

    def __init__(self):
        self.more = {}

    def extract(self, messages, *, context, now, types):
        facts = [
            Candidate("memory", m.text, "UserMemory", sources=(i,), **{"said_on": now, **self.more.get(m.text, {})})
            for i, m in enumerate(messages)
        ]
        return Extraction(memories=tuple(facts))


class Store:
    def __init__(self):
        self.told = Told()
        self.core = Memories(":memory:", embedder="none", extractor=self.told, clock=lambda: NOW)

    def say(self, *texts, conversation="c", **more):
        for text in texts:
            self.told.more[text] = more
            message = {"role": "user", "content": text}
            owner = {"user_id": "u", "conversation_id": conversation, "async_mode": False}
            self.core.add(AddRequest.of({"messages": [message], **owner}))

    def shown(self):
        page = self.core.get_memory(GetMemoryRequest.of({"user_id": "u", "size": 50}))
        return [m.memory_value for m in reversed(page.memories)]


@pytest.fixture
def store():
    made = Store()
    yield made
    made.core.close()


def test_the_newer_part_is_found_before_the_older_memory(store):
    store.say("The user lives in Austin and works as a nurse at St. Mary's.", "The user now lives in Denver.")
    found = store.core.search(SearchRequest.of({"query": "Does the user live in Austin as a nurse?", "user_id": "u"}))
    assert [m.memory_value for m in found.memories] == [
        "The user now lives in Denver.",
        "The user lives in Austin (no longer current, until 2025-06-15) and works as a nurse at St. Mary's.",
    ]
    assert [m.status for m in found.memories] == ["activated", "activated"]


def test_every_part_that_is_over_makes_the_whole_history(store):
    store.say("The user lives in Austin and works as a nurse.", "The user now lives in Denver.", "The user retired.")
    assert store.shown()[0].endswith("as a nurse. (no longer current, until 2025-06-15)")


def test_saying_it_again_ends_nothing(store):
    store.say("The user lives in Austin.", "The user moved to Austin in May.", "The user lives in Austin, Texas.")
    assert not any("no longer" in text for text in store.shown())


def test_what_was_partly_over_is_news_when_it_is_told_again(store):
    both = "The user lives in Austin and works as a nurse."
    store.say(both, "The user now lives in Denver.", both)
    shown = store.shown()
    assert shown[0] == "The user lives in Austin (no longer current, until 2025-06-15) and works as a nurse."
    assert shown[1].startswith("The user now lives in Denver. (no longer")
    assert shown[2] == both


def test_a_correction_quotes_what_it_corrects_and_is_found_by_it(store):
    store.say("The user's meeting with Bob is at 3.", "Actually it's at 4, not 3.")
    assert store.shown()[1] == "Actually it's at 4, not 3. (correcting: The user's meeting with Bob is at 3)"
    found = store.core.search(SearchRequest.of({"query": "When is the meeting with Bob?", "user_id": "u"}))
    assert found.memories[0].memory_value.startswith("Actually it's at 4")


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [
        ("The user's meeting is at 3.", "It's at 4, not 5.", {}),
        ("The user's meeting is at 3.", "Actually it's at 4, not 3.", {"conversation": "other"}),
        ("The user's meeting is at 3.", "Actually it's at 4, not 3.", {"speaker": "Ann"}),
        ("The user likes 3 songs.", "The tour has 4 stops, not 3.", {}),
        ("The user is happy.", "No, the user is hungry.", {}),
    ],
)
def test_a_correction_of_something_else_ends_nothing(store, before, after, more):
    conversation = more.pop("conversation", "c")
    store.say(before)
    store.say(after, conversation=conversation, **more)
    assert store.shown()[0] == before


def test_only_the_newest_of_what_may_be_meant_is_corrected(store):
    store.say("The user's flight is at 3.", "The user's meeting is at 3.", "Sorry, it's at 4, not 3.")
    assert store.shown()[0] == "The user's flight is at 3."
    assert "no longer" in store.shown()[1]


def test_who_no_longer_drinks_may_still_drink_tea(store):
    store.say("The user drinks tea in the evening.", "The user no longer drinks.")
    assert store.shown()[0] == "The user drinks tea in the evening."


def test_another_ones_habit_goes_on(store):
    store.say("The user's sister smokes a lot.", "The user no longer smokes.")
    assert store.shown()[0] == "The user's sister smokes a lot."


def test_an_event_long_ago_is_history_at_once(store):
    store.say("The user lives in Turin.")
    store.say("The user moved to Milan in 2015.", happened_on="2015-01-01/2015-12-31")
    assert store.shown() == ["The user lives in Turin.", "The user moved to Milan in 2015. (no longer current)"]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("The user moved to Milan.", "2025-06-01"),
        ("The user moved to Milan.", "no date"),
        ("The user has been living in Milan since then.", "2015-01-01"),
    ],
)
def test_news_lasting_or_of_these_days_counts(store, text, day):
    store.say("The user lives in Turin.")
    store.say(text, happened_on=day)
    assert "no longer" in store.shown()[0]


def test_a_slot_of_the_extractor_counts_for_the_whole_text(store):
    store.say("Blue is the one.", "Green is the one.", slot="paint")
    assert store.shown() == ["Blue is the one. (no longer current, until 2025-06-15)", "Green is the one."]


def test_a_changed_text_is_listed_anew(store):
    store.say("The user lives in Austin.")
    key = store.core.get_memory(GetMemoryRequest.of({"user_id": "u"})).memories[0].id
    store.core.update_memory(UpdateMemoryRequest.of({"memory_id": key, "content": "The user works at Bosch."}))
    store.say("The user now lives in Denver.")
    assert store.shown()[0] == "The user works at Bosch."
    store.say("The user works for Siemens.")
    assert store.shown()[0].startswith("The user works at Bosch. (no longer")
    store.core.update_memory(UpdateMemoryRequest.of({"memory_id": key, "status": "activated"}))
    assert store.shown()[0] == "The user works at Bosch."


def test_what_was_ended_by_what_is_gone_is_current_again(store):
    store.say("The user lives in Austin and works as a nurse.", "The user now lives in Denver.", "The user retired.")
    with store.core._database.read() as tx:
        row, denver, retired = Space(tx, 1).all_memories()
    restore(row, {retired.number})
    assert (row.status, row.successor, len(row.ended)) == ("activated", denver.number, 1)
    restore(row, {denver.number})
    assert (row.status, row.successor, row.until, row.ended) == ("activated", None, None, [])


def test_tastes_that_agree_and_events_told_twice_end_nothing(store):
    store.say("The user loves jazz.", "The user adores jazz.", slot="taste:jazz")
    store.say("The user retired in May.", "The user is retired now, at last.")
    assert not any("no longer" in text for text in store.shown())


def test_what_was_told_late_denies_nothing(store):
    store.say("The user smokes.")
    store.say("The user no longer smokes.", said_on=datetime(2020, 1, 1, tzinfo=timezone.utc))
    store.say("The user never goes to the gym.", speaker="Ann")
    assert store.shown()[0] == "The user smokes."


def test_places_and_times_of_one_thing_do_not_exclude_each_other(store):
    store.say("The standup is at 9:30.", "The standup moved to room 7.")
    assert store.shown()[0] == "The standup is at 9:30."
    store.say("The standup was cancelled.")
    assert "no longer" in store.shown()[0]


# -- clauses and claims


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("The user lives in Rome and works as a nurse.", ["The user lives in Rome", "works as a nurse"]),
        ("The user has cats and dogs.", ["The user has cats and dogs"]),
        ("They met Dr. Lee, and she left.", ["They met Dr. Lee", "she left"]),
        ("Tom leads Atlas and Erik manages Berlin.", ["Tom leads Atlas", "Erik manages Berlin"]),
        ("The user met Tom and Erik Smith.", ["The user met Tom and Erik Smith"]),
        ("The user said: We live here, the user thinks. (said on 3 May 2025)", ["We live here", "the user thinks"]),
        ("One. Two! (asked: what (now)?)", ["One", "Two"]),
        ("用户住在上海，喜欢猫。（2026年1月5日说）", ["用户住在上海", "喜欢猫"]),
        ("...", []),
        ("", []),
    ],
)
def test_clauses(text, parts):
    found = clauses(text)
    assert [clause.text for clause in found] == parts
    assert all(text[clause.start : clause.end] == clause.text for clause in found)


def test_clauses_are_listed_by_their_first_word():
    assert doings("Mia smokes and lives in Rome.", "Mia") == [("does:smoke", 0, 10), ("does:live", 15, 28)]
    assert doings("用户抽烟。", None) == []


@pytest.mark.parametrize(
    ("told", "held", "over", "expected"),
    [
        ("The user no longer smokes", "The user smokes a lot", True, True),
        ("The user no longer smokes", "Tom smokes a lot", True, False),
        ("The user doesn't smoke", "The user smokes a lot", False, False),
        ("The user doesn't eat pork", "The user eats pork", False, True),
        ("The user doesn't eat pork", "The user eats pork, rice and beans", False, False),
        ("Surely not pork chops", "Pork chops for dinner", False, False),
    ],
)
def test_a_denial_meets_what_it_denies(store, told, held, over, expected):
    store.say("The user is here.")
    with store.core._database.read() as tx:
        (row,) = Space(tx, 1).all_memories()
    assert Claim.of(told, row).meets(Claim.of(held, row), over=over) is expected


def test_what_says_too_little_denies_nothing(store):
    store.say("The user likes it.")
    with store.core._database.read() as tx:
        (row,) = Space(tx, 1).all_memories()
    assert Claim.of("The user no longer likes", row).is_vague
    assert Claim.of("", row).is_vague
    assert not Claim.of("The user no longer smokes", row).is_vague
