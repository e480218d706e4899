"""`_chat`: what a person reads while talking, against the real engine."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memos_integrations import MemOSClient
from memos_integrations._chat import HELLO, HELP, Chat, Model
from tests.conftest import Serve

Talk = Callable[..., list[str]]


@pytest.fixture
def talk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Talk:
    """Type lines into a chat; what it printed, without the prompts."""

    def run(*lines: str, client: MemOSClient | None = None, model: Model | None = None, as_json: bool = False) -> Any:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        memory = client or MemOSClient.embedded(tmp_path / "m.db", embedder="none")
        with memory, Chat(memory, user_id="ann", conversation_id="c", model=model) as chat:
            chat.run(as_json=as_json)
        return [line.replace("you> ", "") for line in capsys.readouterr().out.splitlines() if line.strip() != "you>"]

    return run


def test_it_says_what_it_kept_and_only_that(talk: Talk) -> None:
    assert talk("hello there", "", "I live in Lisbon.") == [
        HELLO,
        "bot> There is nothing new in that to keep.",
        "bot> I keep that in mind.",
        "  kept: The user lives in Lisbon.",
    ]
    told = talk("My dog is called Rex.", "Where do I live? In Lisbon?")
    assert "  kept: The user's dog is called Rex." in told
    assert "  remembered: The user lives in Lisbon." in told
    assert told[-1] == "bot> I remember what you told me."


def test_what_is_known_is_not_kept_twice_and_what_is_forgotten_is_named(talk: Talk) -> None:
    talk("My dog is called Rex.")
    again = talk("My dog is called Rex.", as_json=True)
    assert json.loads(again[0])["kept"] == []
    gone = talk("Forget that my dog is called Rex.")
    assert gone[-2:] == ["bot> I forgot that.", "  forgot: The user's dog is called Rex."]


def test_half_of_a_memory_may_be_forgotten(talk: Talk) -> None:
    (kept,) = [json.loads(line)["kept"] for line in talk("I live in Lisbon and I have a cat.", as_json=True)]
    assert kept == ["The user lives in Lisbon and they have a cat."]
    (told,) = [json.loads(line) for line in talk("Forget that I have a cat.", as_json=True)]
    assert (told["kept"], told["forgot"]) == (["The user lives in Lisbon."], kept)
    assert told["answer"] == "I forgot that."


def test_a_full_page_neither_hides_nor_invents(talk: Talk, tmp_path: Path) -> None:
    with MemOSClient.embedded(tmp_path / "m.db", embedder="none", verbatim=True) as client:
        messages = [("user", f"Fact number {n} about the moon.") for n in range(60)]
        client.add_message(messages, user_id="ann", async_mode=False)
    new, gone = [json.loads(line) for line in talk("I live in Lisbon.", "Forget that I live in Lisbon.", as_json=True)]
    assert (new["kept"], new["forgot"]) == (["The user lives in Lisbon."], [])
    assert (gone["kept"], gone["forgot"]) == ([], ["The user lives in Lisbon."])


@pytest.mark.parametrize("word", ["/quit", "/exit", "quit", "EXIT"])
def test_one_may_leave(talk: Talk, word: str, tmp_path: Path) -> None:
    assert talk(word, "I live in Lisbon.") == [HELLO]
    with MemOSClient.embedded(tmp_path / "m.db", embedder="none") as client:
        assert client.get_message(user_id="ann", conversation_id="c").messages == []


def test_words_for_the_chat_are_no_messages(talk: Talk, tmp_path: Path) -> None:
    help_lines = [line.strip() for line in HELP.splitlines()]
    assert [line.strip() for line in talk("/help")] == [HELLO, *help_lines]
    assert talk("/help", "/list", as_json=True) == []
    with MemOSClient.embedded(tmp_path / "m.db", embedder="none") as client:
        assert client.get_message(user_id="ann", conversation_id="c").messages == []


def test_a_model_answers_before_the_turn_is_stored(talk: Talk) -> None:
    asked: list[str] = []

    def model(recalled: str, said: str) -> str:
        asked.append(recalled)
        return f"You said: {said}"

    assert talk("hello there", "I live in Lisbon.", model=model) == [
        HELLO,
        "bot> You said: hello there",
        "bot> You said: I live in Lisbon.",
        "  kept: The user lives in Lisbon.",
    ]
    talk("Lisbon?", model=model)
    assert "The user lives in Lisbon." in asked[-1]


def test_a_remote_memory_tells_what_it_found(talk: Talk, serve: Serve) -> None:
    told = talk("I live in Lisbon.", "hello there", client=MemOSClient(base_url=serve()))
    assert told[1:3] == ["bot> I keep that in mind.", "  kept: The user lives in Lisbon."]
    assert not [line for line in told[3:] if "kept:" in line]


def test_nothing_is_said_to_be_kept_while_memory_does_not_answer(
    talk: Talk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos_integrations._chat.STORE_S", 0.1)
    (tmp_path / "m.db").write_text("no database " * 100, encoding="utf-8")
    waits = "Memory does not answer; what you said waits and is stored later."
    assert talk("I live in Lisbon.") == [HELLO, f"bot> {waits}"]
    (told,) = talk("I have a cat.", as_json=True)
    assert (json.loads(told)["kept"], json.loads(told)["stored"]) == ([], False)


def test_a_model_that_answers_does_not_hide_that_nothing_was_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("memos_integrations._chat.STORE_S", 0.1)
    monkeypatch.setattr(sys, "stdin", io.StringIO("I live in Lisbon.\n"))
    (tmp_path / "m.db").write_text("no database " * 100, encoding="utf-8")
    with MemOSClient.embedded(tmp_path / "m.db", embedder="none") as client:
        with Chat(client, user_id="ann", conversation_id="c", model=lambda _, said: said) as chat:
            chat.run()
    captured = capsys.readouterr()
    assert "kept:" not in captured.out
    assert captured.err.splitlines() == [
        "  Memory does not answer; what you said waits and is stored later.",
        "memory was not reachable; what was said is kept and sent next time",
    ]
