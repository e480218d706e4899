"""Key, user and memory text stay out of logs, reprs, exceptions and pickles of the client (anchors 2.7)."""

from __future__ import annotations

import asyncio
import logging
import pickle
import traceback
from typing import Any

import pytest
from pydantic import SecretStr

from memos_integrations import MemOSClient
from memos_integrations.errors import MemOSError
from tests.conftest import Serve
from tests.faults.fault_server import misbehaving, reply, say

KEY, USER, TEXT = "canary-key-1234", "canary-user", "canary-text: I live in Lisbon."
CANARIES = ("canary-key", "canary-user", "canary-text", "canary-answer")
SAID = [("user", TEXT)]


def everything(client: MemOSClient) -> list[Any]:
    """Calls of every kind; results and errors."""
    calls = [
        lambda: client.add_message(SAID, user_id=USER, conversation_id="canary-user-c", async_mode=False),
        lambda: client.search_memory(TEXT, user_id=USER),
        lambda: client.extract_memory(SAID),
        lambda: client.get_memory(user_id=USER),
        lambda: client.get_message(user_id=USER, conversation_id="canary-user-c"),
        lambda: client.add_feedback(TEXT, user_id=USER),
        lambda: client.search_memory("x" * 50_000 + TEXT, user_id=USER),
        lambda: client.add_message([{"role": "robot", "content": TEXT}], user_id=USER),
        lambda: client.add_message([{"role": "user", "content": {"text": TEXT}}], user_id=USER),
        lambda: client.search_memory(TEXT, user_id=USER * 20),
        lambda: client.delete_memory(user_id=USER),
        lambda: asyncio.run(client.asearch_memory(TEXT, user_id=USER)),
    ]
    found: list[Any] = []
    for call in calls:
        try:
            found.append(call())
        except MemOSError as error:
            found.append(error)
    return found


def assert_silent(found: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    shown = [caplog.text, *(repr(record.__dict__) for record in caplog.records)]
    for one in found:
        shown += [repr(one), str(one) if isinstance(one, Exception) else ""]
        if isinstance(one, Exception):
            last_lines = [line for line in traceback.format_exception(one) if not line.startswith("  File")]
            shown += [*last_lines, pickle.dumps(one).decode("latin-1")]
    for canary in CANARIES:
        assert not [text for text in shown if canary in text]


def test_when_all_goes_well(client: MemOSClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        assert_silent([client, *everything(client)], caplog)


@pytest.mark.parametrize(
    "fault",
    [
        reply(b'{"code":40132,"message":"canary-answer"}', status="401 Unauthorized"),
        reply(b'{"code":50000,"message":"canary-answer"}'),
        reply(b"canary-answer"),
        reply(b'{"code":0,"data":{"success":"canary-answer","task_id":1}}'),
        reply(b"canary-answer", status="502 Bad Gateway"),
        say(b"HTTP/1.1 canary-answer\r\n\r\n"),
    ],
)
def test_when_the_server_talks_too_much(fault: Any, caplog: pytest.LogCaptureFixture) -> None:
    with misbehaving(fault) as server, caplog.at_level(logging.INFO):
        client = MemOSClient(KEY, server.url, max_attempts=1)
        with client:
            assert_silent([client, *everything(client)], caplog)


def test_the_server_side_is_as_silent(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        url = serve(api_key=SecretStr(KEY))
        for key in (KEY, "canary-key-wrong", None):
            with MemOSClient(key, url) as client:
                assert_silent([client, *everything(client)], caplog)
