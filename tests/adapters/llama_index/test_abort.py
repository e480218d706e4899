"""Turns that break off: the user's words are kept by policy, with the next turn, and nothing twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from llama_index.core.memory import Memory

from memos_integrations import MemOSClient
from memos_integrations.llama_index import MemOSMemory, MemOSMemoryBlock

from .backend import Backend
from .callers import ANSWER, function_agent, make_engine, model, say
from .conftest import settle


def fail(engine: Any, llm: Any, how: str, text: str) -> None:
    llm.broken = True
    with pytest.raises(ValueError, match="the model is down"):
        say(engine, how, text)
    llm.broken = False


@pytest.mark.parametrize("how", ["chat", "achat", "stream_chat", "astream_chat"])
def test_a_question_the_model_failed_on_is_told_with_the_next_turn(
    client: MemOSClient, backend: Backend, how: str
) -> None:
    llm = model()
    engine = make_engine("Simple", llm, MemOSMemory.from_defaults(client=client, user_id="u", session_id="c"))
    fail(engine, llm, how, "I moved to Berlin.")
    settle(client)
    assert backend.told() == []
    assert say(engine, how, "I also got a dog.") == ANSWER
    say(engine, how, "His name is Rex.")
    settle(client)
    assert backend.told() == [
        [("user", "I moved to Berlin.")],
        [("user", "I also got a dog."), ("assistant", ANSWER)],
        [("user", "His name is Rex."), ("assistant", ANSWER)],
    ]


def test_a_question_asked_again_is_told_once(client: MemOSClient, backend: Backend) -> None:
    llm = model()
    engine = make_engine("Simple", llm, MemOSMemory.from_defaults(client=client, user_id="u", session_id="c"))
    fail(engine, llm, "chat", "I moved to Berlin.")
    fail(engine, llm, "chat", "I moved to Berlin.")
    engine.chat("I moved to Berlin.")
    settle(client)
    assert backend.told() == [[("user", "I moved to Berlin."), ("assistant", ANSWER)]]


def test_discard_drops_the_unanswered(client: MemOSClient, backend: Backend) -> None:
    llm = model()
    memory = MemOSMemory.from_defaults(client=client, user_id="u", session_id="c", on_abort="discard")
    engine = make_engine("Simple", llm, memory)
    fail(engine, llm, "chat", "I moved to Berlin.")
    engine.chat("I also got a dog.")
    settle(client)
    assert backend.told() == [[("user", "I also got a dog."), ("assistant", ANSWER)]]


def test_a_cancelled_agent_run_is_told_with_the_next(client: MemOSClient, backend: Backend) -> None:
    agent, llm = function_agent()
    memory = MemOSMemory.from_defaults(client=client, user_id="u", session_id="c")

    async def turns() -> None:
        llm.broken = True
        with pytest.raises(ValueError, match="the model is down"):
            await agent.run("I moved to Berlin.", memory=memory)
        llm.broken = False
        await agent.run("I also got a dog.", memory=memory)

    asyncio.run(turns())
    settle(client)
    assert [turn[0][1] for turn in backend.told()] == ["I moved to Berlin.", "I also got a dog."]


def test_the_block_tells_an_unanswered_question_once(client: MemOSClient, backend: Backend) -> None:
    llm = model()
    block = MemOSMemoryBlock(client=client, user_id="u")
    memory = Memory.from_defaults(session_id="c", memory_blocks=[block])
    engine = make_engine("Simple", llm, memory)
    fail(engine, llm, "chat", "I moved to Berlin.")
    for text in ("I also got a dog.", "His name is Rex."):
        engine.chat(text)
    memory.get()
    settle(client)
    assert [turn[0][1] for turn in backend.told()] == ["I moved to Berlin.", "I also got a dog.", "His name is Rex."]
