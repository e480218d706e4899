"""The server dies in the middle of a chat: no LlamaIndex caller notices, and nothing is lost or told twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.memory import Memory

from memos_integrations import MemOSClient, TransportError
from memos_integrations.llama_index import MemOSMemory, MemOSMemoryBlock

from .backend import Backend
from .callers import AGENTS, ANSWER, ENGINES, WAYS, make_engine, model, say
from .conftest import settle

TURNS = ("I live in Lisbon.", "I prefer trains to planes.", "I like tea.")


def memory(client: MemOSClient, **options: Any) -> MemOSMemory:
    return MemOSMemory.from_defaults(client=client, user_id="u", session_id="c", **options)


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize("how", WAYS)
def test_chat_engines_go_on(client: MemOSClient, backend: Backend, kind: str, how: str) -> None:
    engine = make_engine(kind, model(), memory(client))
    assert say(engine, how, TURNS[0]) == ANSWER
    settle(client)
    backend.stop()
    assert say(engine, how, TURNS[1]) == ANSWER
    backend.start()
    assert say(engine, how, TURNS[2]) == ANSWER
    settle(client)
    assert backend.told() == [[("user", text), ("assistant", ANSWER)] for text in TURNS]
    stored = [m.content for m in engine.chat_history]
    assert stored == [part for text in TURNS for part in (text, ANSWER)]


@pytest.mark.parametrize("name", AGENTS)
def test_agents_go_on(client: MemOSClient, backend: Backend, name: str) -> None:
    agent, _ = AGENTS[name]()
    kept = memory(client)

    async def turns() -> None:
        await agent.run(TURNS[0], memory=kept)
        await asyncio.to_thread(settle, client)
        await asyncio.to_thread(backend.stop)
        await agent.run(TURNS[1], memory=kept)
        await asyncio.to_thread(backend.start)
        await agent.run(TURNS[2], memory=kept)

    asyncio.run(turns())
    settle(client)
    assert [turn[0][1] for turn in backend.told()] == list(TURNS)


def test_the_block_goes_on(client: MemOSClient, backend: Backend) -> None:
    engine = make_engine(
        "Simple",
        model(),
        Memory.from_defaults(session_id="c", memory_blocks=[MemOSMemoryBlock(client=client, user_id="u")]),
    )
    engine.chat(TURNS[0])
    backend.stop()
    assert str(engine.chat(TURNS[1])) == ANSWER
    backend.start()
    engine.chat(TURNS[2])
    settle(client)
    assert [turn[0][1] for turn in backend.told()] == list(TURNS[:2])


def test_raise_is_for_those_who_ask(client: MemOSClient, backend: Backend) -> None:
    backend.stop()
    kept = memory(client, on_error="raise")
    kept.put(ChatMessage(role="user", content=TURNS[0]))
    # Not as LlamaIndex's "Detected nested async", which it makes of every RuntimeError.
    with pytest.raises(TransportError):
        kept.get()
