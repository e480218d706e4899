"""Limits and codes are checked before the network, by the same models on both sides (contract §1, §2)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from memos_integrations.errors import ConfigurationError, InvalidRequest
from memos_integrations.requests import (
    AddRequest,
    DeleteMemoryRequest,
    ExtractRequest,
    FeedbackRequest,
    GetMemoryRequest,
    GetMessagesRequest,
    MemoryByIdRequest,
    Request,
    SearchRequest,
    StatusRequest,
    UpdateMemoryRequest,
    require_user_id,
)

SAID = [{"role": "user", "content": "I like tea"}]
LONG = "x" * 101
REFUSED: list[tuple[type[Request], dict[str, Any], int]] = [
    (ExtractRequest, {}, 40002),
    (ExtractRequest, {"messages": []}, 40003),
    (ExtractRequest, {"messages": "hello"}, 40000),
    (ExtractRequest, {"messages": [{"role": "robot", "content": "x"}]}, 40000),
    (ExtractRequest, {"messages": [{"role": "tool", "content": "x"}]}, 40000),
    (ExtractRequest, {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}, 40000),
    (ExtractRequest, {"messages": [{"role": "user", "content": "  "}]}, 40002),
    (ExtractRequest, {"messages": [{"role": "user", "content": "word " * 7000}]}, 40013),
    (ExtractRequest, {"messages": SAID, "extraction_types": ["profile"]}, 40000),
    (AddRequest, {"messages": SAID}, 40002),
    (AddRequest, {"messages": SAID, "user_id": " "}, 40002),
    (AddRequest, {"messages": SAID, "user_id": LONG}, 40010),
    (AddRequest, {"messages": SAID, "user_id": []}, 40000),
    (AddRequest, {"messages": SAID, "user_id": [f"u{i}" for i in range(21)]}, 40000),
    (AddRequest, {"messages": SAID, "user_id": ["u", LONG]}, 40010),
    (AddRequest, {"messages": SAID, "user_id": "u", "conversation_id": LONG}, 40011),
    (AddRequest, {"messages": [{"role": "user", "content": ""}], "user_id": "u"}, 40002),
    (AddRequest, {"messages": [{"role": "user", "content": "word " * 33000}], "user_id": "u"}, 40013),
    (SearchRequest, {"user_id": "u"}, 40002),
    (SearchRequest, {"query": " ", "user_id": "u"}, 40002),
    (SearchRequest, {"query": "q"}, 40002),
    (SearchRequest, {"query": "q", "user_id": "u", "agent_id": "a"}, 40000),
    (SearchRequest, {"query": "word " * 4000, "user_id": "u"}, 40305),
    (SearchRequest, {"query": "q", "user_id": "u", "memory_limit_number": 26}, 40000),
    (SearchRequest, {"query": "q", "user_id": "u", "preference_limit_number": -1}, 40000),
    (SearchRequest, {"query": "q", "user_id": "u", "relativity": 1.5}, 40000),
    (SearchRequest, {"query": "q", "user_id": LONG}, 40010),
    (GetMessagesRequest, {"user_id": "u"}, 40002),
    (GetMessagesRequest, {"user_id": "u", "conversation_id": "c", "message_limit_number": 51}, 40000),
    (GetMemoryRequest, {"user_id": "u", "page": 0}, 40000),
    (GetMemoryRequest, {"user_id": "u", "size": 51}, 40000),
    (MemoryByIdRequest, {"memory_id": " "}, 40002),
    (UpdateMemoryRequest, {"memory_id": "m"}, 40002),
    (UpdateMemoryRequest, {"memory_id": "m", "content": " "}, 40002),
    (UpdateMemoryRequest, {"memory_id": "m", "status": "gone"}, 40000),
    (DeleteMemoryRequest, {}, 40002),
    (DeleteMemoryRequest, {"memory_ids": []}, 40003),
    (DeleteMemoryRequest, {"memory_ids": ["m"], "user_id": "u"}, 40002),
    (DeleteMemoryRequest, {"user_id": LONG}, 40010),
    (FeedbackRequest, {"user_id": "u"}, 40002),
    (FeedbackRequest, {"user_id": "u", "feedback_content": ""}, 40002),
    (StatusRequest, {}, 40002),
    (StatusRequest, {"task_id": ""}, 40002),
]


@pytest.mark.parametrize(("kind", "data", "code"), REFUSED)
def test_refused_with_the_contracts_code(kind: type[Request], data: dict[str, Any], code: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        kind.of(data)
    assert caught.value.code == code
    assert kind.path in str(caught.value)
    assert caught.value.__cause__ is None


def test_refusals_name_fields_never_values() -> None:
    with pytest.raises(InvalidRequest) as caught:
        SearchRequest.of({"query": "SECRET", "user_id": "SECRET" * 20, "memory_limit_number": "SECRET"})
    assert "SECRET" not in str(caught.value)


def test_defaults_of_the_seed_documents() -> None:
    search = SearchRequest.of({"query": "q", "user_id": "u"})
    assert search.to_wire() == {
        "query": "q",
        "user_id": "u",
        "memory_limit_number": 6,
        "include_preference": True,
        "preference_limit_number": 6,
    }
    assert ExtractRequest.of({"messages": SAID}).types == {"memory", "preference"}
    assert AddRequest.of({"messages": SAID, "user_id": "u"}).async_mode is True
    assert GetMemoryRequest.of({"user_id": "u"}).to_wire() == {
        "user_id": "u",
        "page": 1,
        "size": 10,
        "include_preference": True,
    }


def test_nulls_count_as_absent() -> None:
    """The official SDK sends explicit nulls for everything that is not set (contract §5.1)."""
    search = SearchRequest.of(
        {
            "query": "q",
            "user_id": "u",
            "agent_id": None,
            "memory_limit_number": None,
            "relativity": None,
            "source": None,
        }
    )
    assert search.memory_limit_number == 6


def test_unknown_parameters() -> None:
    """A server ignores them; a caller of the client who mistypes one is told."""
    assert SearchRequest.of({"query": "q", "user_id": "u", "top_k": 5}).query == "q"
    with pytest.raises(InvalidRequest, match=r"top_k.*memory_limit_number"):
        SearchRequest.of({"query": "q", "user_id": "u", "top_k": 5}, strict=True)


def test_extract_sends_role_and_content_only() -> None:
    request = ExtractRequest.of(
        {"messages": [{**SAID[0], "chat_time": "now", "id": "1"}], "extraction_types": ["memory"]}
    )
    assert request.to_wire() == {"messages": SAID, "extraction_types": ["memory"]}
    assert request.types == {"memory"}


def test_one_message_needs_no_list() -> None:
    assert len(AddRequest.of({"messages": ("user", "hi"), "user_id": "u"}).messages) == 1
    assert len(AddRequest.of({"messages": SAID[0], "user_id": "u"}).messages) == 1


def test_owners_of_an_addition() -> None:
    assert AddRequest.of({"messages": SAID, "user_id": "u", "agent_id": "a"}).owners == ["u"]
    assert AddRequest.of({"messages": SAID, "user_id": ["u", "v"]}).owners == ["u", "v"]
    assert AddRequest.of({"messages": SAID, "agent_id": "a"}).owners == []
    assert AddRequest.of({"messages": SAID, "user_id": 7}).owners == ["7"]


def test_current_is_page() -> None:
    assert GetMemoryRequest.of({"user_id": "u", "current": 3}).page == 3


def test_feedback_time_may_be_a_datetime() -> None:
    wire = FeedbackRequest.of(
        {"user_id": "u", "feedback_content": "no", "feedback_time": datetime(2025, 1, 2)}
    ).to_wire()
    assert wire["feedback_time"] == "2025-01-02 00:00:00"


@pytest.mark.parametrize("missing", [None, "", "   ", 5, ["u"]])
def test_user_id_is_never_defaulted(missing: object) -> None:
    with pytest.raises(ConfigurationError, match="user_id"):
        require_user_id(missing)


def test_user_id_length() -> None:
    assert require_user_id("x" * 100) == "x" * 100
    with pytest.raises(InvalidRequest) as caught:
        require_user_id(LONG)
    assert caught.value.code == 40010


def test_reprs_show_nothing() -> None:
    assert "SECRET" not in repr(SearchRequest.of({"query": "SECRET", "user_id": "SECRET"}))
