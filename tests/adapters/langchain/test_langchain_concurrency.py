"""Nobody waits for memory's writing, and nothing of ours blocks the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx
from langchain.agents import create_agent
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from memos_integrations import MemorySession, MemOSClient
from memos_integrations.langchain import (
    MemOSChatMemory,
    MemOSContext,
    MemOSMiddleware,
    MemOSRetriever,
    create_memos_tools,
    with_memos,
)
from tests.adapters.langchain.memory_server import MemoryServer
from tests.scripted import ScriptedChatModel

PROMPT = ChatPromptTemplate.from_messages([("system", "Known:\n{memory}"), ("human", "{input}")])
WHO: Any = {"configurable": {"user_id": "ann", "conversation_id": "c"}}


class Gated(MemoryServer):
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


def chain(client: MemOSClient) -> Any:
    return with_memos(PROMPT | ScriptedChatModel(reply=lambda *_: "Noted, thank you.") | StrOutputParser(), client)


def agent(client: MemOSClient) -> Any:
    model = ScriptedChatModel(reply=lambda *_: "Noted, thank you.")
    return create_agent(model, middleware=[MemOSMiddleware(client)], context_schema=MemOSContext)


def test_no_turn_waits_for_extraction(gated: Gated) -> None:
    with MemOSClient(api_key="test", base_url=gated.url) as client:
        for number in range(2):
            chain(client).invoke({"input": f"I own boat number {number}."}, WHO)
            state = agent(client).invoke({"messages": [("user", "Which boats do I own?")]}, WHO)
            assert state["messages"][-1].text == "Noted, thank you."
        assert gated.added() == []
        gated.gate.set()
        assert MemorySession(client, user_id="ann").flush(timeout_s=30)
        assert len(gated.added()) == 4


@pytest.mark.parametrize("where", ["embedded", "server"])
def test_nothing_blocks_the_event_loop(tmp_path: Path, server: MemoryServer, where: str) -> None:
    if where == "embedded":
        client = MemOSClient.embedded(tmp_path / "memos.db", embedder="none")
    else:
        client = MemOSClient(api_key="test", base_url=server.url)
    search, add = create_memos_tools(client)
    memory = MemOSChatMemory(client=client, user_id="ann", conversation_id="c")
    retriever = MemOSRetriever(client=client)

    async def everything() -> None:
        with blockbuster_ctx("memos_integrations"):
            await agent(client).ainvoke({"messages": [("user", "I own a red boat.")]}, WHO)
            await chain(client).ainvoke({"input": "I own a blue boat."}, WHO)
            async for _ in chain(client).astream({"input": "Which boats do I own?"}, WHO):
                pass
            variables = await memory.aload_memory_variables({"input": "Which boats do I own?"})
            await memory.asave_context({"input": "Which boats do I own?"}, {"output": "Two."})
            assert "boat" in variables["memory"]
            assert await retriever.ainvoke("Which boats do I own?", WHO)
            assert "boat" in await search.ainvoke({"query": "Which boats do I own?"}, WHO)
            await add.ainvoke({"text": "I own a canoe."}, WHO)
            await memory.aclear()

    with client:
        asyncio.run(everything())
        assert MemorySession(client, user_id="ann").flush(timeout_s=30)
        assert {"boat", "canoe"} <= set(
            " ".join(m.text for m in client.get_memory(user_id="ann").memories).replace(".", "").split()
        )


def test_one_chain_over_several_loops_and_threads(client: MemOSClient, server: MemoryServer) -> None:
    remembering = chain(client)

    async def turn(number: int) -> str:
        return str(await remembering.ainvoke({"input": f"I own boat number {number}."}, WHO))

    threads = [threading.Thread(target=asyncio.run, args=(turn(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for number in range(4, 7):
        asyncio.run(turn(number))
    remembering.invoke({"input": "I own boat number 7."}, WHO)
    assert MemorySession(client, user_id="ann").flush(timeout_s=30)
    assert server.counts == (8, 8, 8)
