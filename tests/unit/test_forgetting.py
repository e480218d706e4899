"""Taking back: what a request names goes, from memories, messages, vectors and the file; the rest stays."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from memos_integrations.engine.forgetting import Request
from memos_integrations.engine.memories import Memories
from memos_integrations.requests import (
    AddRequest,
    DeleteMemoryRequest,
    GetMemoryRequest,
    GetMessagesRequest,
    SearchRequest,
    UpdateMemoryRequest,
)

NOW = datetime(2025, 6, 15, 12, 0, tzinfo=timezone.utc)


class Engine:
    def __init__(self, path=":memory:", embedder="none"):
        self.core = Memories(path, embedder=embedder, clock=lambda: NOW)

    def say(self, *texts, conversation="c", roles=("user",), **more):
        messages = [{"role": roles[i % len(roles)], "content": text} for i, text in enumerate(texts)]
        owner = {"user_id": "u", "conversation_id": conversation, "async_mode": False}
        self.core.add(AddRequest.of({"messages": messages, **owner, **more}))

    def page(self):
        return self.core.get_memory(GetMemoryRequest.of({"user_id": "u", "size": 50}))

    def shown(self):
        page = self.page()
        return [m.memory_value for m in reversed(page.memories)] + [p.preference for p in page.preferences]

    def messages(self, conversation="c"):
        request = {"user_id": "u", "conversation_id": conversation, "message_limit_number": 50}
        return [m.content for m in self.core.get_message(GetMessagesRequest.of(request)).messages]


@pytest.fixture
def make():
    made = []

    def build(*args, **options):
        made.append(Engine(*args, **options))
        return made[-1]

    yield build
    for engine in made:
        engine.core.close()


@pytest.mark.parametrize(
    ("told", "wish", "left"),
    [
        (
            "I live in Oslo, I work at Equinor and my phone number is 555-0101.",
            "Forget my phone number.",
            "The user lives in Oslo. They work at Equinor.",
        ),
        ("I live in Oslo and I work at Equinor.", "Please forget that I live in Oslo.", "They work at Equinor."),
        ("I have a cat. My locker code is 4417.", "Forget my locker code.", "The user has a cat."),
        ("我住在上海，在腾讯做后端。", "请忘记我住在上海。", "在腾讯做后端。"),
        ("I teach art and my locker code is 4417.", "Forget my locker code.", "The user teaches art."),
        ("My locker code is 4417.", "Don't remember my locker code.", None),
        ("My locker code is 4417.", "Forget everything about my locker.", None),
        ("My locker code is 4417.", "Forget my shoe size.", "The user's locker code is 4417."),
    ],
)
def test_only_what_is_meant_goes(make, told, wish, left):
    engine = make()
    engine.say(told)
    engine.say(wish)
    facts = [m.memory_value.partition("（")[0] for m in engine.page().memories]
    assert facts == ([] if left is None else [left])


def test_a_clause_left_alone_gets_its_subject_back(make):
    engine = make()
    engine.say("I live in Oslo.")
    text = "The user lives in Oslo and works as a nurse."
    key = engine.page().memories[0].id
    engine.core.update_memory(UpdateMemoryRequest.of({"memory_id": key, "content": text}))
    engine.say("Forget that I live in Oslo.")
    assert engine.shown() == ["The user works as a nurse."]


def test_the_answer_that_repeats_it_is_emptied_and_others_are_not(make):
    engine = make()
    engine.say("My locker code is 4417.", "Noted, 4417 it is.", "Lovely weather.", roles=("user", "assistant"))
    engine.say("The code 4417 is also a year.", conversation="other", roles=("assistant",))
    engine.say("Forget my locker code.")
    assert engine.messages() == ["Lovely weather."]
    assert engine.messages("other") == ["The code 4417 is also a year."]


def test_everything_means_every_message_too(make):
    engine = make()
    engine.say("I live in Oslo.", "How nice!", "I love tea.", roles=("user", "assistant"))
    engine.say("Forget everything.")
    assert engine.shown() == engine.messages() == []


def test_what_was_taken_back_can_be_told_anew(make):
    engine = make()
    engine.say("My locker code is 4417.")
    engine.say("Forget my locker code.")
    engine.say("My locker code is 9083.")
    assert engine.shown() == ["The user's locker code is 9083."]


def test_what_is_left_is_found_and_superseded_as_what_it_says(make):
    engine = make(embedder=lambda texts: [[1.0, float("Oslo" in t)] for t in texts])
    engine.say("I live in Oslo and my locker code is 4417.")
    engine.say("Forget my locker code.")
    found = engine.core.search(SearchRequest.of({"query": "Where in Oslo?", "user_id": "u"})).memories
    assert [m.memory_value for m in found] == ["The user lives in Oslo."]
    engine.say("I moved to Rome.")
    assert engine.shown()[0] == "The user lives in Oslo. (no longer current, until 2025-06-15)"


@pytest.mark.parametrize("by", ["wish", "id", "user"])
def test_not_a_byte_of_it_stays_in_the_file(make, tmp_path, by):
    engine = make(tmp_path / "m.db", embedder="auto")
    for n in range(20):
        engine.say(f"My neighbour number {n} plays the tuba.", conversation=f"c{n}")
    roles = ("user", "assistant")
    engine.say("My favorite gem is the zircon and my locker code is marmalade77.", "Noted: marmalade77!", roles=roles)
    engine.core.search(SearchRequest.of({"query": "locker", "user_id": "u"}))
    words = [b"marmalad"]
    if by == "wish":
        engine.say("Forget my locker code marmalade77.")
    elif by == "id":
        words.append(b"zircon")
        page = engine.page()
        keys = [m.id for m in page.memories if "zircon" in m.memory_value]
        keys += [p.id for p in page.preferences if "zircon" in p.preference]
        engine.core.delete_memory(DeleteMemoryRequest.of({"memory_ids": keys}))
    else:
        words += [b"zircon", b"tuba"]
        engine.core.delete_memory(DeleteMemoryRequest.of({"user_id": "u"}))
    for file in tmp_path.iterdir():
        data = file.read_bytes().lower()
        assert [word for word in words if word in data] == [], file.name
    if by != "user":
        assert len([text for text in engine.shown() if "tuba" in text]) == 20


def test_a_request_that_names_nothing_is_none():
    assert Request.of("...") is None
    assert Request.of("forget everything").everything
    assert Request.of("Forget my diet.").slots == frozenset()


@pytest.mark.parametrize(
    "text",
    [
        "My PIN is 4421, don't save that.",
        "Please don't store this: my PIN is 4421.",
        "Off the record: my PIN is 4421. I hate my boss.",
        "Don't save this. My PIN is 4421.",
        "我的密码是4421，别记。",
        "这个别记：我的密码是4421。",
    ],
)
def test_nothing_of_a_message_that_is_not_to_be_kept_is_kept(make, text):
    engine = make()
    engine.say("I live in Oslo.")
    engine.say(text)
    assert engine.shown() == ["The user lives in Oslo."]
    assert not any("4421" in message for message in engine.messages())


def test_an_answer_that_is_not_to_be_kept_is_no_answer(make):
    engine = make()
    engine.say("What's your favourite drink?", "Gin, but don't keep that.", roles=("assistant", "user"))
    assert engine.shown() == []


@pytest.mark.parametrize("wish", ["Don't keep that.", "Strike that.", "请忘掉我刚才说的话。", "Please delete that."])
def test_a_wish_may_mean_the_message_before(make, wish):
    engine = make()
    engine.say("I live in Oslo.")
    engine.say("I gamble on horses.", "I see.", roles=("user", "assistant"))
    engine.say(wish)
    assert engine.shown() == ["The user lives in Oslo."]


@pytest.mark.parametrize(
    ("before", "wish"),
    [
        (["I work at Siemens, write me a letter.", "Dear Sir or Madam, I am writing to you."], "Delete that."),
        (["What do you know about Siemens?", "You work there."], "Don't keep that."),
        (["I work at Siemens.", "Nice."], "Don't save this. What is the capital of France?"),
        (
            ["Write my bio.", "You work at Siemens in the lab, where you spend your days among good friends. " * 4],
            "Get rid of the stuff about Siemens.",
        ),
        (["Hello.", "Hi."], "Forget it, let's talk about films."),
        (["Hello.", "Hi."], "Forget everything about Bosch."),
    ],
)
def test_a_wish_that_may_mean_something_else_removes_nothing(make, before, wish):
    engine = make()
    engine.say("I work at Siemens.", conversation="other")
    engine.say(*before, roles=("user", "assistant"))
    engine.say(wish)
    assert "The user works at Siemens." in engine.shown()


def test_a_friend_who_is_to_forget_somebody_is_not_the_memory(make):
    engine = make()
    talk = [("Ann", "Peter moved to Rome."), ("Bob", "Forget about Peter."), ("Ann", "Forget my number.")]
    engine.core.add(
        AddRequest.of(
            {
                "messages": [{"role": "user", "role_name": name, "content": text} for name, text in talk],
                "user_id": "u",
                "conversation_id": "c",
                "async_mode": False,
            }
        )
    )
    engine.core.add(
        AddRequest.of(
            {
                "messages": [{"role": "user", "role_name": "Bob", "content": "Forget about Peter."}],
                "user_id": "u",
                "conversation_id": "c",
                "async_mode": False,
            }
        )
    )
    assert any("Peter moved to Rome" in text for text in engine.shown())


@pytest.mark.parametrize(
    ("texts", "gone", "kept"),
    [
        (("My locker code is 4417.", "Noted!", "Forget my locker code.", "Done."), "4417", None),
        (("I live in Oslo and my locker code is 4417.", "Noted!", "Please forget my locker code."), "4417", "Oslo"),
        (("My PIN is 9921.", "Noted!", "Don't save that.", "Fine."), "9921", None),
        (("Forget my phone number.", "Done.", "My new phone number is 555 0199."), "nothing", "0199"),
        (("我的储物柜密码是4417。", "好的", "把我的储物柜密码忘掉吧。"), "4417", None),
    ],
)
def test_a_wish_means_what_was_told_before_it_in_the_same_batch_and_nothing_after_it(tmp_path, texts, gone, kept):
    engine = Engine(tmp_path / "m.db")
    engine.say(*texts, roles=("user", "assistant"))
    shown = " ".join(engine.shown())
    assert gone not in shown
    assert kept is None or kept in shown
    engine.core.close()
    assert gone.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
