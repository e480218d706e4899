"""One waiting turn, sent: extract/memory, then add/message, then forgotten; or given back, or given up."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import replace
from datetime import datetime
from typing import Literal

from ._failures import Outage, backoff_s, kind_of, name_of
from ._outbox import Job, Outbox, Turn
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
        self._sent_ms = 0
        self._unacked: set[str] = set()

    def listen(self, key: str, listener: OnExtract) -> None:
        """Call `listener` with what extract/memory finds in the turn of `key`."""
        with self._lock:
            self._listeners[key] = listener
            if len(self._listeners) > _LISTENERS:
                self._listeners.popitem(last=False)

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
        with self._lock:
            listener = self._listeners.pop(job.turn.key, None)
        if listener is None:
            return
        try:
            listener(result)
        except Exception as error:  # noqa: BLE001 - the caller's code must not stop delivery
            logger.warning("on_extract raised %s; the turn is delivered all the same", type(error).__name__)

    def _add(self, client: MemOSClient, job: Job) -> None:
        turn = job.turn
        if job.unsure and not self._embedded and _stored(client, turn):
            self._overlay.sent(turn.user_id, self._overlay.said(job))
            return
        task = client.add_message(
            _timed(turn.messages, job.created_ms),
            user_id=turn.user_id,
            conversation_id=turn.conversation_id,
            async_mode=not self._embedded,
        )
        if task.status != "completed":
            self._overlay.sent(turn.user_id, self._overlay.said(job))

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
        if tries >= HOPELESS_TRIES and self._sent_ms > job.failed_ms > 0:
            self._bury(outbox, job, name_of(error))
        else:
            outbox.retry(job, backoff_s(tries), suspect=tries >= SUSPECT_TRIES)
        return "failed"

    def _refused(self, outbox: Outbox, job: Job, reason: str) -> None:
        tries = job.attempts + 1
        if tries >= REFUSALS:
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


def _timed(messages: tuple[Message, ...], created_ms: int) -> list[Message]:
    """Messages that are sent late say when they were said: "yesterday" must not move with an outage."""
    if time.time() - created_ms / 1000 < LATE_S:
        return list(messages)
    said = datetime.fromtimestamp(created_ms / 1000).astimezone().isoformat(sep=" ", timespec="seconds")
    return [m if m.chat_time else m.model_copy(update={"chat_time": said}) for m in messages]
