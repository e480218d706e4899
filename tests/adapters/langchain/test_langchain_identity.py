from __future__ import annotations

from types import SimpleNamespace

import pytest

from memos_integrations import ConfigurationError
from memos_integrations.langchain import MemOSContext
from memos_integrations.langchain._identity import configurable, resolve


def test_the_most_specific_source_wins_for_each_id() -> None:
    config = configurable({"configurable": {"user_id": "config", "conversation_id": "c1", "thread_id": "t"}})
    default = {"user_id": "constructor", "conversation_id": "c0"}
    assert resolve(MemOSContext("context"), config, default).user_id == "context"
    assert resolve(MemOSContext("context"), config, default).conversation_id == "c1"
    assert resolve(None, config, default).user_id == "config"
    assert resolve(None, configurable(None), default).conversation_id == "c0"


@pytest.mark.parametrize(
    "context",
    [
        MemOSContext("u", "c"),
        {"user_id": "u", "conversation_id": "c"},
        SimpleNamespace(user_id="u", conversation_id="c"),
    ],
)
def test_contexts_of_any_shape(context: object) -> None:
    identity = resolve(context)
    assert (identity.user_id, identity.conversation_id) == ("u", "c")


def test_numbers_are_ids_too() -> None:
    assert resolve({"user_id": 42}).user_id == "42"


def test_thread_id_stands_in() -> None:
    assert configurable({"configurable": {"thread_id": "t"}})["conversation_id"] == "t"
    assert configurable({"configurable": {"thread_id": "t", "conversation_id": None}})["conversation_id"] == "t"


@pytest.mark.parametrize(
    ("thread_id", "length"), [(7, 1), ("", None), ("  ", None), (None, None), ("x" * 100, 100), ("x" * 101, 64)]
)
def test_any_thread_id_will_do(thread_id: object, length: int | None) -> None:
    stand_in = configurable({"configurable": {"thread_id": thread_id}})["conversation_id"]
    assert (None if stand_in is None else len(stand_in)) == length


def test_nobody_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match="MemOSContext"):
        resolve(None, configurable({}), {"user_id": None})


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_user_never_becomes_somebody_else(blank: str) -> None:
    with pytest.raises(ConfigurationError):
        resolve({"user_id": blank}, {"user_id": "constructor"})


def test_ids_are_not_shown() -> None:
    assert "ann" not in repr(MemOSContext("ann", "c"))
    assert "ann" not in repr(resolve(MemOSContext("ann", "c")))
