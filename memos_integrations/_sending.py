"""One waiting turn, sent: extract/memory, then add/message, then forgotten; or given back, or given up."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from ._failures import Outage, backoff_s, kind_of, name_of
from ._jobs import Job, Turn
from ._outbox import Outbox
from ._overlay import Overlay
from ._policy import AnswerLost
from ._redact import get_logger
from ._session_options import OnExtract
from .client import MemOSClient
from .errors import APIError, CircuitOpen, ConfigurationError, DeadlineExceeded, MemOSError
from .models import ExtractResult, Message
from .requests import MAX_PAGE

logger = get_logger(__name__)
Outcome = Literal["sent", "failed", "outage", "unasked", "closed"]

LATE_S = 60.0
REFUSALS = 5  # a turn the server refuses for itself is given up after so many tries
SUSPECT_TRIES = 3  # a turn the server fails on lets the next ones pass after so many tries
HOPELESS_TRIES = 10  # and is given up after so many, if others got through meanwhile
_LISTENERS = 10_000


class Sender:
    """Sends turns of one client's outboxes; used by one thread at a time, except for `listen`."""

    def __init__(self, overlay: Overlay, outage: Outage, *, embedded: bool) -> None:
        self._overlay, self._outage, self._embedded = overlay, outage, embedded
        self._lock = threading.Lock()
        self._listeners: OrderedDict[str, OnExtract] = OrderedDict()
        self._standing: OrderedDict[tuple[str, str | None], OnExtract] = OrderedDict()
        self._sent_ms = 0
        self._unacked: set[str] = set()

    def listen(self, key: str, listener: OnExtract) -> None:
        """Call `listener` with what extract/memory finds in the turn of `key`."""
        with self._lock:
            self._listeners[key] = listener
            if len(self._listeners) > _LISTENERS:
                self._listeners.popitem(last=False)

    def listen_on(self, user_id: str, conversation_id: str | None, listener: OnExtract) -> None:
        """Call `listener` for the turns of a conversation that an earlier process was to hear about."""
        with self._lock:
            self._standing[user_id, conversation_id] = listener
            if len(self._standing) > _LISTENERS:
                self._standing.popitem(last=False)

    def send(self, client: MemOSClient, outbox: Outbox, job: Job) -> Outcome:
        """Send the leased turn; raises StoreError when the outbox cannot be written."""
        if job.turn.key not in self._unacked:
            try:
                extracted = self._extract(client, outbox, job)
                if job.turn.write != "extract":
                    self._add(client, extracted)
            except MemOSError as error:
                return self._failed(outbox, job, error)
            except Exception as error:  # noqa: BLE001 - whatever one turn does, the others must be sent
                self._refused(outbox, job, type(error).__name__)
                return "failed"
        # Should the acknowledgement fail, the turn comes back and is not sent a second time.
        self._unacked.add(job.turn.key)
        outbox.ack(job)
        self._unacked.discard(job.turn.key)
        self._sent_ms = round(time.time() * 1000)
        self._outage.ended()
        return "sent"

    def _extract(self, client: MemOSClient, outbox: Outbox, job: Job) -> Job:
        """Ask once per turn and save the answer; without one the turn is added all the same."""
        if job.turn.write == "add" or job.extracted is not None:
            return job
        answer = ""
        try:
            result = client.extract_memory(job.turn.messages)
        except MemOSError as error:
            if job.turn.write == "extract" or kind_of(error) == "outage":
                raise
            logger.info("extract/memory failed (%s): the turn is added without it", name_of(error))
        else:
            answer = result.model_dump_json(by_alias=True, exclude_none=True)
            self._tell(job, result)
        outbox.save_extracted(job, answer)
        return replace(job, extracted=answer)

    def _tell(self, job: Job, result: ExtractResult) -> None:
        for listener in self._hearing(job):
            try:
                listener(result)
            except Exception as error:  # noqa: BLE001 - the caller's code must not stop delivery
                logger.warning("on_extract raised %s; the turn is delivered all the same", type(error).__name__)

    def _hearing(self, job: Job) -> list[OnExtract]:
        """Whoever is to hear of a turn, or of joined ones, each once."""
        found: list[OnExtract] = []
        with self._lock:
            for part in job.each:
                turn = part.turn
                listener = self._listeners.pop(turn.key, None)
                if listener is None and turn.listened:
                    listener = self._standing.get((turn.user_id, turn.conversation_id))
                if listener is not None and listener not in found:
                    found.append(listener)
        return found

    def _add(self, client: MemOSClient, job: Job) -> None:
        turn = job.turn
        if job.unsure and not self._embedded and _stored(client, turn):
            self._show(job)
            return
        task = client.add_message(
            [message for part in job.each for message in _timed(part)],
            user_id=turn.user_id,
            conversation_id=turn.conversation_id,
            async_mode=not self._embedded,
        )
        if task.status != "completed":
            self._show(job, task.task_ids)

    def _show(self, job: Job, tasks: Sequence[str] = ()) -> None:
        for fresh in self._overlay.readings(job):
            self._overlay.sent(job.turn.user_id, fresh, tasks)

    def ask(self, client: MemOSClient) -> float | None:
        """Ask how far one added turn is: 0 = look again at once, seconds = not due yet, None = nothing to ask."""
        due = self._overlay.to_ask()
        if due is None or due[0] > 0:
            return due and due[0]
        _, user_id, key, tasks = due
        try:
            states = {client.get_status(task).status for task in tasks}
        except APIError as error:
            # Not every server tells: the copy then stays until a search shows it, or for its time.
            logger.debug("get/status failed (%s)", name_of(error))
            self._overlay.asked(user_id, key, stored=False)
        except MemOSError:
            self._overlay.asked(user_id, key, stored=False, again=True)
        else:
            stored = states == {"completed"}
            self._overlay.asked(user_id, key, stored=stored, again="running" in states)
        return 0.0

    def _failed(self, outbox: Outbox, job: Job, error: MemOSError) -> Outcome:
        kind = kind_of(error)
        if isinstance(error, ConfigurationError):
            outbox.retry(job, 0.0, counts=False)
            return "closed"
        if kind == "refused":
            self._refused(outbox, job, name_of(error))
            return "failed"
        self._outage.began(error)
        if kind == "outage":
            outbox.retry(job, 0.0, counts=False, unsure=isinstance(error, AnswerLost | DeadlineExceeded))
            return "unasked" if isinstance(error, CircuitOpen) else "outage"
        tries = job.attempts + 1
        if job.parts and tries >= SUSPECT_TRIES:
            outbox.part(job)
        elif tries >= HOPELESS_TRIES and self._sent_ms > job.failed_ms > 0:
            self._bury(outbox, job, name_of(error))
        else:
            outbox.retry(job, backoff_s(tries), suspect=tries >= SUSPECT_TRIES)
        return "failed"

    def _refused(self, outbox: Outbox, job: Job, reason: str) -> None:
        tries = job.attempts + 1
        if job.parts:
            outbox.part(job)
        elif tries >= REFUSALS:
            self._bury(outbox, job, reason)
        else:
            outbox.retry(job, 0.1 * tries, suspect=True)

    def _bury(self, outbox: Outbox, job: Job, reason: str) -> None:
        outbox.bury(job, reason)
        logger.warning("a turn failed %d times (%s): kept as a dead letter, not sent again", job.attempts + 1, reason)


def _stored(client: MemOSClient, turn: Turn) -> bool:
    """Whether the conversation holds the turn: the cloud, unlike the engine, would store it a second time."""
    if turn.conversation_id is None:
        return False
    try:
        held = client.get_message(
            user_id=turn.user_id, conversation_id=turn.conversation_id, message_limit_number=MAX_PAGE
        )
    except APIError as error:
        logger.info("get/message failed (%s): the turn is sent again", name_of(error))
        return False
    said = [(message.role, message.content) for message in turn.messages]
    kept = [(message.role, message.content) for message in held.messages]
    return any(kept[i : i + len(said)] == said for i in range(len(kept)))


def _timed(job: Job) -> list[Message]:
    """Messages that are sent late say when they were said: "yesterday" must not move with an outage."""
    if time.time() - job.created_ms / 1000 < LATE_S:
        return list(job.turn.messages)
    said = datetime.fromtimestamp(job.created_ms / 1000).astimezone().isoformat(sep=" ", timespec="seconds")
    return [m if m.chat_time else m.model_copy(update={"chat_time": said}) for m in job.turn.messages]
