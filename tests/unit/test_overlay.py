"""_overlay: what is fresh, how it joins the server's answer, when it is forgotten."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from memos_integrations._jobs import Job, Turn
from memos_integrations._overlay import FIRST_ASK_S, Fresh, Overlay, merge
from memos_integrations.models import ExtractResult, FactMemory, Message, PreferenceMemory, SearchResult

BORN = 1_760_000_000_000
LONG = "The user drinks tea with lemon every morning before going to work"


def job(key: str, *texts: str, seq: int = 1, extracted: str | None = None, conversation: str | None = "c") -> Job:
    messages = tuple(Message(role="user", content=text, id=f"{key}-{n}") for n, text in enumerate(texts))
    return Job(seq, Turn(key, "ann", conversation, messages), BORN, extracted=extracted)


def fact(text: str, **more) -> FactMemory:
    return FactMemory(memory_value=text, **more)


def fresh(*texts: str, key: str = "k", conversation: str | None = "c") -> Fresh:
    return Fresh(key, tuple(fact(t, message_ids=[f"{key}-0"], conversation_id=conversation) for t in texts))


def joined(server, new, query="", **options):
    merged = merge(SearchResult(memories=server), new, query, **{"memory_limit": 6, "preference_limit": 6, **options})
    return [m.text for m in merged.memories], merged


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_waiting_turn_is_read_by_the_local_extractor():
    (said,) = Overlay().of("ann", [job("k", "I live in Lisbon.")])
    (memory,) = said.memories
    assert "Lisbon" in memory.text
    assert memory.message_ids == ["k-0"]
    assert memory.conversation_id == "c"
    assert memory.create_time.timestamp() == BORN / 1000


def test_a_saved_extract_is_preferred_to_the_local_reading():
    answer = ExtractResult(memories=[fact("As the server says")], preferences=[PreferenceMemory(preference="Tea")])
    saved = answer.model_dump_json(by_alias=True)
    (said,) = Overlay().of("ann", [job("k", "I live in Lisbon.", extracted=saved)])
    assert [m.text for m in said.memories] == ["As the server says"]
    assert said.preferences[0].message_ids == ["k-0"]
    (local,) = Overlay().of("ann", [job("k", "I live in Lisbon.", extracted="")])
    assert "Lisbon" in local.memories[0].text


def test_earlier_waiting_turns_are_context_only_in_their_conversation():
    turns = [job("a", "Which one?", seq=1), job("b", "x", seq=2, conversation="d"), job("c", "I live in Oslo.", seq=3)]
    said = Overlay().of("ann", turns)
    assert [f.key for f in said] == ["c", "b", "a"]
    assert "Oslo" in said[0].memories[0].text


def test_sent_turns_are_shown_newest_first_until_confirmed():
    overlay = Overlay()
    overlay.sent("ann", fresh("The user owns a dog", key="1"))
    overlay.sent("ann", fresh("The user owns a boat", key="2"))
    assert [f.key for f in overlay.of("ann", [])] == ["2", "1"]
    assert overlay.of("bob", []) == []
    overlay.confirm("ann", SearchResult(memories=[fact("The user owns a DOG.")]))
    assert [f.key for f in overlay.of("ann", [])] == ["2"]
    overlay.confirm("bob", SearchResult())
    overlay.forget("ann")
    assert overlay.of("ann", []) == []
    overlay.forget("ann")


def test_confirming_keeps_what_was_not_shown():
    overlay = Overlay()
    both = Fresh("1", (fact("The user owns a dog"),), (PreferenceMemory(preference="Green tea"),))
    overlay.sent("ann", both)
    overlay.confirm("ann", SearchResult(memories=[fact("The user owns a dog")]))
    (left,) = overlay.of("ann", [])
    assert left.memories == ()
    assert left.preferences[0].text == "Green tea"


def test_a_turn_that_still_waits_is_not_shown_twice():
    overlay = Overlay()
    overlay.sent("ann", fresh("The user lives in Lisbon", key="k"))
    assert len(overlay.of("ann", [job("k", "I live in Lisbon.")])) == 1


def test_age_turns_and_users_are_bounded():
    clock = Clock()
    overlay = Overlay(ttl_s=900, turns=2, users=2, clock=clock)
    for key in "123":
        overlay.sent("ann", fresh("x", key=key))
    assert [f.key for f in overlay.of("ann", [])] == ["3", "2"]
    clock.now = 901
    assert overlay.of("ann", []) == []
    for user in ("bob", "eve", "sue"):
        overlay.sent(user, fresh("x"))
    assert overlay.of("bob", []) == []
    assert overlay.of("sue", [])


def test_local_readings_are_remembered_and_bounded(monkeypatch):
    overlay = Overlay()
    for n in range(300):
        overlay.said(job(str(n), "hm"))
    assert len(overlay._local) == 256
    assert overlay.said(job("299", "hm")) is overlay.said(job("299", "hm"))


def test_relevant_fresh_first_then_the_server_then_other_fresh():
    texts, merged = joined([fact("The user has a cat")], [fresh("The user owns a boat", "The user drinks tea")], "tea?")
    assert texts == ["The user drinks tea", "The user has a cat", "The user owns a boat"]
    assert all(0 < m.relativity <= 1 for m in merged.memories if "cat" not in m.text)


def test_fresh_takes_at_most_half_of_a_full_list():
    server = [fact(f"Stored {word}") for word in ("apple", "bread", "cheese", "dates")]
    new = [fresh("tea one", "tea two", "tea three")]
    texts, merged = joined(server, new, "tea", memory_limit=4)
    assert len(texts) == 4
    assert sum("tea" in t for t in texts) == 2
    assert merged.left_out["limit"] == 3
    assert joined(server, new, "tea", memory_limit=1)[0][0].startswith("tea")
    assert joined(server, new, "tea", memory_limit=0)[0] == []


def test_strict_shows_only_fresh_memories_that_share_a_word():
    assert joined([], [fresh("The user owns a boat", "The user drinks tea")], "tea?", strict=True)[0] == [
        "The user drinks tea"
    ]


def test_nothing_is_shown_twice():
    texts, merged = joined(
        [fact("The user loves green tea."), fact("the user LOVES green tea")],
        [
            fresh("User loves green tea"),
            fresh("The user owns a boat", key="2"),
            fresh("The user owns a boat!", key="3"),
        ],
    )
    assert texts == ["The user loves green tea.", "The user owns a boat"]
    assert merged.left_out["duplicate"] == 2


def test_a_shown_message_means_that_all_it_said_is_stored():
    stored = fact("Loves tea", message_ids=["k-0"], conversation_id="c")
    assert joined([stored], [fresh("Has a fondness for hot leaf drinks")])[0] == ["Loves tea"]
    assert len(joined([stored], [fresh("Another conversation's message", conversation="d")])[0]) == 2


def test_opposites_and_numbers_are_not_duplicates():
    pairs = [
        ("The user likes very spicy ramen noodles soup", "The user likes not very spicy ramen noodles soup"),
        ("Order number 8812 is pending in the shop", "Order number 8813 is pending in the shop"),
        ("用户喜欢吃辣的火锅和烧烤", "用户不喜欢吃辣的火锅和烧烤"),
    ]
    for left, right in pairs:
        assert len(joined([fact(left)], [fresh(right)])[0]) == 2, left


def test_a_wish_to_forget_hides_what_it_names_while_it_waits():
    (said,) = Overlay().of("ann", [job("k", "Please forget my phone number.")])
    server = [fact("The user's phone number is 555"), fact("The user has a cat")]
    assert joined(server, [said], "phone")[0] == ["The user has a cat"]


def test_preferences_join_like_facts():
    found = SearchResult(preferences=[PreferenceMemory(preference="Likes tea")])
    new = Fresh("k", (), (PreferenceMemory(preference="Prefers window seats"),))
    merged = merge(found, [new], "seats", memory_limit=6, preference_limit=6)
    assert [p.text for p in merged.preferences] == ["Prefers window seats", "Likes tea"]


def test_what_is_only_extracted_is_not_promised():
    turn = Turn("k", "ann", "c", (Message(role="user", content="I live in Lisbon."),), "extract")
    assert Overlay().of("ann", [Job(1, turn, BORN)]) == []


def test_a_cleared_conversation_shows_nothing_of_what_was_said_before():
    overlay = Overlay()
    overlay.sent("ann", fresh("The user owns a dog", key="1"))
    overlay.sent("ann", fresh("The user owns a boat", key="2", conversation="d"))
    waiting = [job("3", "I live in Lisbon."), job("4", "I live in Oslo.", conversation="d")]
    overlay.clear("ann", "c", waiting)
    assert [f.key for f in overlay.of("ann", waiting)] == ["4", "2"]
    overlay.sent("ann", fresh("The user lives in Lisbon", key="3"))
    assert [f.key for f in overlay.of("ann", [])] == ["2"]
    overlay.clear("bob", None, [])


def test_an_older_fresh_memory_is_hidden_by_a_newer_wish():
    overlay = Overlay()
    said = overlay.of("ann", [job("1", "My phone number is 5551234."), job("2", "Forget my phone number.", seq=2)])
    assert joined([], said, "phone")[0] == []


def told(text: str, minutes: float = 0.0, conversation: str | None = "c") -> FactMemory:
    when = datetime.fromtimestamp(BORN / 1000 + 60 * minutes, timezone.utc)
    return fact(text, conversation_id=conversation, create_time=when)


@pytest.mark.parametrize(
    ("said", "stored", "same"),
    [
        ("The user has a brown dog", "The user owns a dog; they said it is brown and came from a shelter", True),
        ("The user is allergic to peanuts", "Allergic reactions: the user is allergic to peanuts and cashews", True),
        ("The user drinks tea", "The user drinks tea with 2 sugars every morning before work", True),
        ("The user drinks 3 cups of tea", "The user drinks tea, several cups every morning before work", False),
        ("The user drinks tea", "The user does not drink tea any more, only coffee and juice", False),
        ("The user likes green apples", "The user likes red apples, pears and figs", False),
        ("The user has Rex", "Rex is a dog of five years and lives in the garden", False),
    ],
)
def test_a_restatement_from_the_same_conversation_is_the_same_memory(said, stored, same):
    new = [Fresh("k", (told(said),))]
    assert (joined([told(stored, 1)], new)[0] == [stored]) is same
    overlay = Overlay()
    overlay.sent("ann", new[0])
    overlay.confirm("ann", SearchResult(memories=[told(stored, 1)]))
    assert (overlay.of("ann", []) == []) is same


@pytest.mark.parametrize(
    "elsewhere", [told(LONG, 1, "d"), told(LONG, 1, None), told(LONG, -3), fact(LONG, conversation_id="c")]
)
def test_a_restatement_of_another_conversation_or_time_is_another_memory(elsewhere):
    assert len(joined([elsewhere], [Fresh("k", (told("The user drinks tea"),))])[0]) == 2


def test_tasks_are_asked_about_ever_more_seldom_and_not_for_ever():
    clock = Clock()
    overlay = Overlay(clock=clock)
    overlay.sent("ann", fresh("The user owns a dog", key="1"))
    assert overlay.to_ask() is None
    overlay.sent("ann", fresh("The user owns a boat", key="2"), ["t1", "t2"])
    assert overlay.to_ask() == (FIRST_ASK_S, "ann", "2", ("t1", "t2"))
    assert not overlay.asks("ann")
    times = []
    while (due := overlay.to_ask()) is not None:
        clock.now += due[0]
        assert overlay.asks("ann")
        times.append(clock.now)
        overlay.asked("ann", "2", stored=False, again=True)
    assert times == [2, 6, 14, 30, 62, 126, 254, 510]
    assert not overlay.asks("bob")


def test_what_is_stored_is_left_to_the_search_and_what_cannot_be_asked_is_kept():
    overlay = Overlay()
    for key in "12":
        overlay.sent("ann", fresh("The user owns a boat", key=key), [key])
    overlay.asked("ann", "1", stored=True)
    assert [f.key for f in overlay.of("ann", [])] == ["2"]
    overlay.asked("ann", "2", stored=False)
    assert overlay.to_ask() is None
    assert [f.key for f in overlay.of("ann", [])] == ["2"]
    overlay.asked("ann", "gone", stored=True)
    overlay.asked("bob", "2", stored=True)
