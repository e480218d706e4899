"""The turn, for one user: recall before it, observe after it. Nothing else knows the turn; nothing here a framework.

    session = MemorySession(client, user_id="ann", conversation_id="c1")
    recall = session.recall("Where should I stay?")          # one search; recall.prompt is the block for the prompt
    session.observe([("user", "…"), ("assistant", "…")])      # one commit; extract and add follow in the background
    session.flush(timeout_s=10); session.close()

Memory that cannot be reached never breaks a chat: recall is then empty (or shows what was said just now), one warning
is logged, and turns wait in the outbox. A session is cheap; what it shares (outbox, thread, fresh memories) belongs to
the client, so that every session and adapter of one client reads what the others wrote.
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter, OrderedDict
from collections.abc import Sequence
from typing import Any, Self, Unpack

from . import _redact
from ._checks import MAX_ID_CHARS
from ._delivery import delivery_of
from ._flow import Flow, arun, ask, run, save, sleep
from ._jobs import Turn, turn_key
from ._outbox import Counts
from ._overlay import Fresh, merge
from ._recall import Recall
from ._session_options import SessionKeywords, SessionOptions, gather_options, options_of
from ._text import clip_text
from ._turn import clean_turn, with_ids
from .client import MemOSClient
from .errors import ConfigurationError, InvalidRequest, MemOSError, StoreError
from .models import MessageLike, SearchResult
from .prompt import layout
from .requests import require_user_id

__all__ = ["MemorySession", "Recall", "SessionKeywords", "SessionOptions", "Sessions", "gather_options"]

logger = _redact.get_logger(__name__)
QUERY_TOKENS = 2_000


class MemorySession:
    """Recall and observe for one user and, optionally, one conversation.

    Takes a SessionOptions, or its keywords. Raises ConfigurationError when `user_id` or `conversation_id` is blank.
    Safe to use from several threads and event loops at once.
    """

    def __init__(
        self,
        client: MemOSClient,
        *,
        user_id: str,
        conversation_id: str | None = None,
        options: SessionOptions | None = None,
        **keywords: Unpack[SessionKeywords],
    ) -> None:
        self._user_id = require_user_id(user_id)
        self._conversation_id = _conversation(conversation_id)
        self._options = options_of(options, keywords)
        self._client = client
        self._delivery = delivery_of(client)
        self._delivery.attach(self, self._user_id, self._conversation_id, self._options)
        redact = self._options.redact
        self._redact = redact if callable(redact) else (_redact.redact if redact else None)

    def __repr__(self) -> str:
        return f"MemorySession(write={self._options.write!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # Adapters are pickled by their frameworks: what is written is how to make the session, no lock and no outbox.
        return _restored, (self._client, self._user_id, self._conversation_id, self._options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @property
    def options(self) -> SessionOptions:
        """The options this session was made with."""
        return self._options

    def recall(self, query: str) -> Recall:
        """What is known about the user that helps with `query`: exactly one search, within `recall_timeout_s`.

        A blank query asks nothing and is empty. When memory cannot be asked, what was said just now is still shown,
        `error` is set and one warning per outage is logged; `on_error="raise"` re-raises.
        """
        return run(self._recall(query))

    async def arecall(self, query: str) -> Recall:
        """Like `recall`, without blocking the event loop."""
        return await arun(self._recall(query))

    def recall_for_turn(self, turn: str, query: str) -> Recall:
        """Like `recall`, but one search per `turn` (any text that names the turn): later calls get the same answer.

        Failed recalls are remembered as well: a turn waits for a dead server once. The newest 512 turns of the client
        are remembered; calls that come while the search is on its way wait for it.
        """
        return run(self._recall_for_turn(turn, query))

    async def arecall_for_turn(self, turn: str, query: str) -> Recall:
        """Like `recall_for_turn`, without blocking the event loop."""
        return await arun(self._recall_for_turn(turn, query))

    def observe(self, messages: Sequence[MessageLike], *, key: str | None = None, aborted: bool = False) -> None:
        """Remember a turn: the user's messages and the final answer, committed to the outbox; no network.

        `key` names the turn within this conversation: told twice, it is stored once. `aborted` says that the answer was
        cut off (see `on_abort`). Tool traffic, system messages, reasoning and injected memory are left out. Raises
        InvalidRequest for what is no list of messages, and StoreError, only with `on_error="raise"`.
        """
        run(self._observe(messages, key, aborted=aborted))

    async def aobserve(self, messages: Sequence[MessageLike], *, key: str | None = None, aborted: bool = False) -> None:
        """Like `observe`, without blocking the event loop."""
        await arun(self._observe(messages, key, aborted=aborted))

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Wait until every turn of this client is delivered; False when time is over or memory does not answer."""
        return run(self._flush(timeout_s))

    async def aflush(self, timeout_s: float = 10.0) -> bool:
        """Like `flush`, without blocking the event loop."""
        return await arun(self._flush(timeout_s))

    def close(self) -> None:
        """Flush for at most 5 s and let go of the outbox; what was not delivered is sent by the next session."""
        run(self._close())

    async def aclose(self) -> None:
        """Like `close`, without blocking the event loop."""
        await arun(self._close())

    def undelivered(self) -> Counts:
        """How many turns of this client wait (`pending`) and how many were refused for good (`dead`)."""
        return self._delivery.counts()

    def redeliver(self) -> int:
        """Send the refused turns of this client once more; answers how many."""
        return self._delivery.revive()

    def clear_fresh(self) -> None:
        """Show nothing of what this conversation said so far until a search returns it; delivery goes on."""
        self._delivery.clear(self._user_id, self._conversation_id)

    def forget_pending(self) -> int:
        """Drop this user's undelivered turns and fresh memories (forgetting a user); answers how many turns."""
        return self._delivery.forget(self._user_id)

    # -- flows -------------------------------------------------------------------------------------------------------

    def _recall(self, query: str) -> Flow[Recall]:
        query = clip_text(query.strip(), QUERY_TOKENS)
        if not query:
            return Recall()
        # Read before the search: a turn that is delivered in between is then seen twice rather than never.
        fresh = yield from save(lambda: self._delivery.fresh(self._user_id))
        try:
            found = yield from self._search(query)
        except ConfigurationError:
            raise
        except MemOSError as error:
            self._failed(error)
            return self._answer(SearchResult(), fresh, query, error)
        self._delivery.answered()
        self._delivery.overlay.confirm(self._user_id, found)
        return self._answer(found, fresh, query)

    def _search(self, query: str) -> Flow[SearchResult]:
        o = self._options
        client = self._client.with_options(timeout_s=o.recall_timeout_s)
        wanted: dict[str, Any] = {
            "user_id": self._user_id,
            "conversation_id": self._conversation_id,
            "memory_limit_number": o.memory_limit,
            "include_preference": o.include_preference,
            "preference_limit_number": o.preference_limit,
            "relativity": o.relativity,
            "filter": None if o.filter is None else dict(o.filter),
        }
        return (
            yield from ask(
                lambda: client.search_memory(query, **wanted), lambda: client.asearch_memory(query, **wanted)
            )
        )

    def _answer(
        self, found: SearchResult, fresh: Sequence[Fresh], query: str, error: MemOSError | None = None
    ) -> Recall:
        o = self._options
        merged = merge(
            found,
            fresh,
            query,
            memory_limit=o.memory_limit,
            preference_limit=o.preference_limit if o.include_preference else 0,
            strict=bool(o.relativity),
        )
        # Fresh preferences need the note, too, when the server has none to send it for.
        note = found.preference_note
        if merged.preferences and not note:
            from .engine.present import preference_note

            note = preference_note(merged.preferences)
        block = layout(merged.memories, merged.preferences, note, o.budget)
        left_out = +(merged.left_out + Counter(budget=block.left_out))
        return Recall(merged.memories, merged.preferences, note, block.text, error, left_out)

    def _recall_for_turn(self, turn: str, query: str) -> Flow[Recall]:
        slot = self._delivery.recalls.slot((self._user_id, self._conversation_id, turn), self._options)
        while slot.recall is None:
            if not slot.lock.acquire(blocking=False):
                # Another call of the same turn is searching. Polling holds no worker thread, which it may need.
                yield from sleep(0.002)
                continue
            try:
                if slot.recall is None:
                    slot.recall = yield from self._recall(query)
            finally:
                slot.lock.release()
        return slot.recall

    def _observe(self, messages: Sequence[MessageLike], key: str | None, *, aborted: bool) -> Flow[None]:
        o = self._options
        try:
            cleaned = clean_turn(messages, aborted=aborted, on_abort=o.on_abort, redact=self._redact)
            if cleaned.left_out:
                logger.debug("left out of the turn: %s", dict(cleaned.left_out))
            if not cleaned.messages:
                return
            name = turn_key(self._user_id, self._conversation_id, uuid.uuid4().hex if key is None else key)
            turn = Turn(
                name,
                self._user_id,
                self._conversation_id,
                with_ids(cleaned.messages, name),
                o.write,
                # Turns that no conversation holds together are nobody's to join.
                join_ms=round(o.join_turns_s * 1000) if self._conversation_id is not None else 0,
                listened=o.on_extract is not None,
            )
            yield from save(lambda: self._delivery.put(turn, o.on_extract, fallback=o.on_error == "warn"))
        except (InvalidRequest, StoreError) as error:
            self._failed(error)

    def _flush(self, timeout_s: float) -> Flow[bool]:
        return (yield from save(lambda: self._delivery.flush(timeout_s)))

    def _close(self) -> Flow[None]:
        yield from save(lambda: self._delivery.flush(5.0))
        yield from save(lambda: self._delivery.detach(self))

    def _failed(self, error: MemOSError) -> None:
        if self._options.on_error == "raise":
            raise error
        self._delivery.outage.began(error)


def _conversation(conversation_id: str | None) -> str | None:
    if conversation_id is None:
        return None
    if not isinstance(conversation_id, str) or not conversation_id.strip():
        msg = "conversation_id must not be blank: leave it out, or pass the id of the conversation"
        raise ConfigurationError(msg)
    if len(conversation_id) > MAX_ID_CHARS:
        msg = f"conversation_id must have at most {MAX_ID_CHARS} characters (code 40011)"
        raise InvalidRequest(msg, code=40011)
    return conversation_id


def _restored(client: MemOSClient, user_id: str, conversation_id: str | None, options: SessionOptions) -> MemorySession:
    return MemorySession(client, user_id=user_id, conversation_id=conversation_id, options=options)


class Sessions:
    """Sessions of many users on one client, made when first asked for; the newest `size` are kept."""

    def __init__(self, client: MemOSClient, options: SessionOptions | None = None, *, size: int = 1024) -> None:
        self._client, self._options, self._size = client, options or SessionOptions(), size
        # What the first session of a client costs (imports, a folder) is paid here, not by a running event loop.
        delivery_of(client)
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str | None], MemorySession] = OrderedDict()

    def __repr__(self) -> str:
        return f"Sessions(len={len(self._kept)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Sessions, (self._client, self._options)

    def of(self, user_id: str, conversation_id: str | None = None) -> MemorySession:
        """The session of a user and conversation; raises ConfigurationError when an id is blank."""
        with self._lock:
            session = self._kept.get((user_id, conversation_id))
            if session is None:
                session = MemorySession(
                    self._client, user_id=user_id, conversation_id=conversation_id, options=self._options
                )
                self._kept[user_id, conversation_id] = session
                if len(self._kept) > self._size:
                    self._kept.popitem(last=False)
            self._kept.move_to_end((user_id, conversation_id))
            return session
