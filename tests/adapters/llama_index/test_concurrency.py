"""Nobody waits for memory's writing, nothing blocks the event loop, and many users at once stay apart."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockBuster
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.memory import Memory

from memos_integrations import MemOSClient
from memos_integrations.llama_index import MemOSMemory, MemOSMemoryBlock, MemOSRetriever, MemOSToolSpec

from .backend import Backend
from .callers import ANSWER, WAYS, function_agent, make_engine, model, say
from .conftest import settle


class Gated(Backend):
    """Answers extract/memory only once `gate` is open."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.gate = threading.Event()

    async def _app(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["path"].endswith("/extract/memory"):
            await asyncio.to_thread(self.gate.wait, 60)
        await super()._app(scope, receive, send)


@pytest.fixture
def gated(tmp_path: Path) -> Iterator[Gated]:
    server = Gated(tmp_path)
    server.start()
    yield server
    server.gate.set()
    server.close()


@pytest.mark.parametrize("how", WAYS)
def test_no_turn_waits_for_extraction(gated: Gated, how: str) -> None:
    with MemOSClient(api_key="test", base_url=gated.url) as client:
        memory = MemOSMemory.from_defaults(client=client, user_id="u", session_id="c")
        engine = make_engine("Simple", model(), memory)
        assert say(engine, how, "I live in Lisbon.") == ANSWER
        assert say(engine, how, "I like tea.") == ANSWER
        assert gated.told() == []
        gated.gate.set()
        settle(client)
        assert [turn[0][1] for turn in gated.told()] == ["I live in Lisbon.", "I like tea."]


async def test_nothing_blocks_the_event_loop(tmp_path: Path) -> None:
    client = MemOSClient.embedded(tmp_path / "memos.db", embedder="none")
    exact = MemOSMemory.from_defaults(client=client, user_id="u", session_id="c")
    own = Memory.from_defaults(session_id="c", memory_blocks=[MemOSMemoryBlock(client=client, user_id="u")])
    retriever = MemOSRetriever(client=client, user_id="u")
    tools = MemOSToolSpec(client=client, user_id="u")
    # LlamaIndex opens its stores and tokenizer files on first use.
    for memory in (exact, own):
        await memory.aget_all()
        memory.tokenizer_fn("warm")
    watch = BlockBuster()
    watch.activate()
    try:
        for memory in (exact, own):
            for number in range(2):
                await memory.aput(ChatMessage(role="user", content=f"I own boat number {number}."))
                await memory.aget()
                await memory.aput_messages([ChatMessage(role="assistant", content="Fine.")])
        assert await retriever.aretrieve("Which boats do I own?")
        assert "boat" in await tools.asearch_memory("Which boats do I own?")
        await tools.aadd_memory("The user owns a canoe.")
    finally:
        watch.deactivate()
    await asyncio.to_thread(settle, client)
    client.close()


def test_many_users_at_once_stay_apart(client: MemOSClient, backend: Backend) -> None:
    users = [f"user-{number}" for number in range(12)]

    async def life(user: str) -> list[str]:
        agent, llm = function_agent()
        memory = MemOSMemory.from_defaults(client=client, user_id=user, session_id="shared name")
        await agent.run(f"My secret word is zebra{user[5:]}x.", memory=memory)
        await agent.run("What is my secret word?", memory=memory)
        return re.findall(r"zebra\d+x", str(llm.prompts))

    async def everybody() -> list[list[str]]:
        return await asyncio.gather(*map(life, users))

    for user, words in zip(users, asyncio.run(everybody()), strict=True):
        assert set(words) == {f"zebra{user[5:]}x"}
    settle(client)
    for body in backend.bodies("/add/message"):
        secrets = re.findall(r"zebra(\d+)x", str(body))
        assert set(secrets) <= {body["user_id"][5:]}
    assert backend.counts == (24, 24, 24)
