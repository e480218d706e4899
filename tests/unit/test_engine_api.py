"""`engine.api` and `engine.transport`: what becomes of trouble inside the engine."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from memos_integrations import MemOSClient
from memos_integrations.engine.api import Api, refusal
from memos_integrations.engine.memories import Memories
from memos_integrations.errors import (
    ConfigurationError,
    MemOSError,
    NotFound,
    ServerError,
    StoreBusy,
    StoreCorrupt,
    StoreFull,
)
from tests.conftest import Serve

BODY = json.dumps({"messages": [{"role": "user", "content": "canary text"}]}).encode()
PATH = "/api/openmem/v1/extract/memory"


class Raises:
    """An extractor that fails, quoting what it was given as careless code does."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def extract(self, *_: Any, **__: Any) -> Any:
        raise self.error


@pytest.fixture
def failing() -> Iterator[Any]:
    made: list[Memories] = []

    def make(error: Exception) -> Api:
        made.append(Memories(":memory:", embedder="none", extractor=Raises(error)))
        return Api(made[-1])

    yield make
    for memories in made:
        memories.close()


def test_a_bug_becomes_an_answer_and_a_log_line_without_content(failing: Any, caplog: pytest.LogCaptureFixture) -> None:
    status, body = failing(KeyError("canary text")).handle("POST", PATH, BODY, {})
    assert status == 200
    assert json.loads(body) == {
        "code": 50000,
        "data": None,
        "message": "internal error (also the answer to an unknown path)",
    }
    (record,) = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert "KeyError at test_engine_api.py:" in record.getMessage()
    assert "canary" not in caplog.text


def test_a_bug_about_one_memory_does_not_log_its_id(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Memories):
        def get_memory_by_id(self, request: Any) -> Any:
            raise KeyError(request.memory_id)

    memories = Broken(":memory:", embedder="none")
    assert b"50000" in Api(memories).handle("GET", "/api/openmem/v1/get/memory/canary-id", b"", {})[1]
    assert "/get/memory/" in caplog.text
    assert "canary" not in caplog.text
    memories.close()


def test_the_prefix_may_be_left_out() -> None:
    memories = Memories(":memory:", embedder="none")
    assert json.loads(Api(memories).handle("post", "/extract/memory", BODY, {})[1])["code"] == 0
    memories.close()


def test_store_errors_come_through_in_process(failing: Any) -> None:
    with pytest.raises(StoreFull):
        failing(StoreFull("disk full")).handle("POST", PATH, BODY, {})


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreBusy("canary"), 50004),
        (StoreFull("canary"), 50002),
        (ConfigurationError("canary"), 40002),
        (MemOSError("canary"), 50000),
        (NotFound("said by this package", code=40001), 40001),
        (ServerError("said by this package"), 50000),
    ],
)
def test_every_error_has_an_envelope(error: MemOSError, code: int) -> None:
    envelope = json.loads(refusal(error))
    assert envelope["code"] == code
    assert envelope["data"] is None
    assert "canary" not in envelope["message"]


def test_over_http_a_broken_file_is_an_answer(serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "m.db"
    path.write_bytes(b"no database" * 1000)
    with MemOSClient(base_url=serve(Memories(path, embedder="none"))) as client, pytest.raises(ServerError) as caught:
        client.search_memory("q", user_id="u")
    assert caught.value.code == 50002
    assert "the database could not be used" in caplog.text


def test_in_process_a_broken_file_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    path.write_bytes(b"no database" * 1000)
    with MemOSClient.embedded(path, embedder="none") as client, pytest.raises(StoreCorrupt):
        client.get_memory(user_id="u")


def test_lone_surrogates_become_replacement_characters() -> None:
    """JSON can carry them; UTF-8 and SQLite cannot."""
    with contextlib.closing(Memories(embedder="none")) as memories:
        api = Api(memories)
        said = b'{"role": "user", "content": "I like tea \\ud800 \\u00e9"}'
        body = b'{"messages": [' + said + b'], "user_id": "u", "async_mode": false}'
        assert b'"completed"' in api.handle("POST", "/add/message", body, {})[1]
        found = json.loads(api.handle("POST", "/search/memory", b'{"query": "tea", "user_id": "u"}', {})[1])
    assert "tea \ufffd é" in found["data"]["memory_detail_list"][0]["memory_value"]
