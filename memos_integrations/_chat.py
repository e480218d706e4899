"""A chat in the terminal: what is recalled for each message, the answer, and what of the message was really kept."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Self

from .client import MemOSClient
from .errors import MemOSError, MissingExtraError
from .models import ExtractResult
from .session import MemorySession

Model = Callable[[str, str], str]
STORE_S = 10.0
HELLO = "Say something about yourself, or ask; /help tells more, /quit leaves."
HELP = """Everything you type is a message, and what it says about you is remembered, but for:
  /help          this
  /quit, /exit   leave; so do quit, exit and Ctrl+D
"remembered:" shows what came to mind for your message, "kept:" and "forgot:" what it changed.
With OPENAI_API_KEY set a model answers; without, you only see the memory at work."""
_LEAVE = frozenset({"/quit", "/exit", "quit", "exit"})
_WAITS = "Memory does not answer; what you said waits and is stored later."
_NEWEST = 50


@dataclass(frozen=True, slots=True)
class Stored:
    """What a message changed; `done` says that memory has taken it."""

    kept: list[str]
    forgot: list[str]
    done: bool


class Chat:
    """One conversation of a user; `model` makes an answer of what was recalled and said, None tells what was stored."""

    def __init__(self, client: MemOSClient, *, user_id: str, conversation_id: str, model: Model | None) -> None:
        self._client, self._user_id, self._model = client, user_id, model
        self._heard: list[str] = []
        self._session = MemorySession(client, user_id=user_id, conversation_id=conversation_id, on_extract=self._hear)
        self._known = self._newest()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def run(self, *, as_json: bool = False) -> None:
        """Talk until the input ends or somebody leaves."""
        if not as_json:
            print(HELLO, flush=True)
        for line in _lines(prompt="" if as_json else "you> "):
            self._turn(line, as_json=as_json)
        if not self._session.flush(STORE_S):
            print("memory was not reachable; what was said is kept and sent next time", file=sys.stderr)

    def _turn(self, said: str, *, as_json: bool) -> None:
        recall = self._session.recall(said)
        recalled = _once([fact.text for fact in recall.memories] + [one.text for one in recall.preferences])
        if not as_json:
            _tell("remembered", recalled)
        if self._model is None:
            stored = self._keep([("user", said)])
            answer = _comment(recalled, stored)
        else:
            answer = self._model(recall.prompt, said)
            stored = Stored([], [], done=False)
        if not as_json:
            print(f"bot> {answer}", flush=True)
        if self._model is not None:
            stored = self._keep([("user", said), ("assistant", answer)])
            if not stored.done:
                print(f"  {_WAITS}", file=sys.stderr, flush=True)
        if as_json:
            told = {"recalled": recalled, "answer": answer, "kept": stored.kept, "forgot": stored.forgot}
            print(json.dumps({**told, "stored": stored.done}, ensure_ascii=False), flush=True)
        else:
            _tell("kept", stored.kept)
            _tell("forgot", stored.forgot)

    def _keep(self, messages: list[tuple[str, str]]) -> Stored:
        self._heard.clear()
        self._session.observe(messages)
        done = self._session.flush(STORE_S)
        before, self._known = self._known, self._newest()
        if not done:
            return Stored([], [], done=False)
        if before is None or self._known is None:
            # A remote memory goes on in its own time: what it found in the message is what can be known of it now.
            return Stored(_once(self._heard), [], done=True)
        return Stored(*_changes(before, self._known), done=True)

    def _newest(self) -> list[dict[str, str]] | None:
        """Texts of the newest facts and preferences by id, newest first; None where they cannot be seen at once."""
        if not self._client.is_embedded:
            return None
        try:
            page = self._client.get_memory(user_id=self._user_id, size=_NEWEST)
        except MemOSError:
            return None
        return [{m.id or "": m.text for m in page.memories}, {p.id or "": p.text for p in page.preferences}]

    def _hear(self, found: ExtractResult) -> None:
        self._heard += [fact.text for fact in found.memories] + [one.text for one in found.preferences]


def _changes(before: list[dict[str, str]], after: list[dict[str, str]]) -> tuple[list[str], list[str]]:
    """What is kept and what is forgotten between two looks at the newest memories."""
    old = {id_: text for page in before for id_, text in page.items()}
    now = {id_: text for page in after for id_, text in page.items()}
    # Behind the first memory known before, older ones may move up; they are not new.
    kept = [page[id_] for page in after for id_ in takewhile(lambda id_: id_ not in old, page)]
    # What is new moves older ones off the page; they are not forgotten.
    forgot = [] if kept else [text for id_, text in old.items() if id_ not in now]
    for id_, text in old.items():
        rest = now.get(id_, text)
        # A memory that is only marked as past begins as it did.
        if not rest.startswith(text):
            kept.append(rest)
            forgot += [text] if len(rest) < len(text) else []
    return _once(kept), _once(forgot)


def _once(texts: list[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _tell(what: str, texts: list[str]) -> None:
    for text in texts:
        print(f"  {what}: {text}", flush=True)


def _comment(recalled: list[str], stored: Stored) -> str:
    """What can be said without a model."""
    if not stored.done:
        return _WAITS
    if stored.forgot:
        return "I forgot that."
    if stored.kept:
        return "I keep that in mind."
    return "I remember what you told me." if recalled else "There is nothing new in that to keep."


def _lines(prompt: str) -> Iterator[str]:
    """Messages as they are typed; the words that are for the chat itself are obeyed."""
    while True:
        try:
            line = input(prompt).strip()
        except EOFError:
            if prompt:
                print()
            return
        word = line.casefold()
        if word in _LEAVE:
            return
        if word == "/help":
            print(HELP, file=sys.stdout if prompt else sys.stderr, flush=True)
        elif word.startswith("/") and word[1:].isalpha():
            print(f"{line} means nothing here; /help tells what does", file=sys.stderr, flush=True)
        elif line:
            yield line


def openai_model(name: str) -> Model:
    """The OpenAI chat model `name`; MissingExtraError without its client."""
    if importlib.util.find_spec("langchain_openai") is None:
        raise MissingExtraError("chat with a model needs: pip install langchain-openai; or unset OPENAI_API_KEY")
    from langchain_openai import ChatOpenAI

    from .prompt import INSTRUCTIONS

    model = ChatOpenAI(model=name)
    return lambda recalled, said: str(
        model.invoke([("system", INSTRUCTIONS), ("user", f"{recalled}\n\n{said}")]).content
    )
