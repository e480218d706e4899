"""The envelope of every answer, and what all endpoints share (contract §1, §2, §5.1)."""

from __future__ import annotations

import pytest

from .conftest import Door

PATHS = [
    *("/add/message", "/search/memory", "/extract/memory", "/get/message", "/get/memory"),
    *("/update/memory", "/delete/memory", "/add/feedback", "/get/status"),
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "body",
    [b"{", b"canary", b"\xff\xfe", b"[]", b'"canary"', b"1", b"null", b"[" * 100_000, b'{"a":' + b"9" * 5000 + b"}"],
)
def test_what_is_no_json_object_is_40000(door: Door, path: str, body: bytes) -> None:
    status, envelope = door.send("POST", path, body)
    assert (status, envelope["code"], envelope["data"]) == (200, 40000, None)
    assert "canary" not in envelope["message"]


@pytest.mark.parametrize("path", PATHS)
def test_an_empty_body_lacks_what_is_required(door: Door, path: str) -> None:
    assert door.send("POST", path, b"")[1]["code"] == 40002


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/nothing/here"),
        ("POST", "/get/memory/an-id"),
        ("POST", "/"),
        ("GET", "/search/memory"),
        ("GET", "/get/memory"),
        ("PUT", "/add/message"),
        ("DELETE", "/get/memory/an-id"),
        ("POST", "/add/message/"),
        ("POST", "/ADD/message"),
    ],
)
def test_unknown_paths_and_methods_are_50000(door: Door, method: str, path: str) -> None:
    assert door.send(method, path, b"{}")[1]["code"] == 50000


def test_a_query_string_changes_nothing(door: Door) -> None:
    assert door.send("POST", "/get/memory?x=1", b'{"user_id": "u"}')[1]["code"] == 0


def test_texts_of_any_script_come_back_as_they_were(door: Door) -> None:
    text = 'I said "Ça va, 你好, 👩‍👩‍👧, \\ and \u2028 too".'
    door.tell(text)
    body = {"user_id": "u", "conversation_id": "c"}
    assert door.data("/get/message", body)["message_detail_list"][0]["content"] == text
