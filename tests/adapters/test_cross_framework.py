"""One dialogue through LangChain and through LlamaIndex: the same requests, the same prompt block, one memory."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_classic.chains import LLMChain
from langchain_core.prompts import ChatPromptTemplate
from langgraph.checkpoint.memory import InMemorySaver
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.chat_engine import SimpleChatEngine

from memos_integrations import INSTRUCTIONS, MemorySession, MemOSClient
from memos_integrations.langchain import MemOSChatMemory, MemOSContext, MemOSMiddleware
from memos_integrations.llama_index import MemOSMemory
from tests.adapters.langchain.memory_server import MemoryServer
from tests.scripted import ScriptedChatModel, ScriptedLLM

pytestmark = pytest.mark.filterwarnings("ignore:.*LLMChain.*:DeprecationWarning")
DIALOGUE = (
    "My name is Zhang San and I live in Hangzhou.",
    "I love spicy food but I can't stand oily dishes.",
    "我周末喜欢打羽毛球，回复请尽量简洁。",
    "What should I eat tonight?",
    "周末做什么运动好？",
)
Turn = Callable[[str], str]
BLOCK = re.compile(r"<memos_memory>.*?</memos_memory>", re.DOTALL)


def reply(prompt: str, question: str, used: int) -> str:
    return "Noted."


def seen_by(model: Any) -> str:
    """Every text the model was given in its last call."""
    texts = [m.text if isinstance(model, ScriptedChatModel) else m.content for m in model.seen]
    return "\n".join(str(text or "") for text in texts)


def chat_memory(client: MemOSClient, conversation: str) -> Turn:
    prompt = ChatPromptTemplate.from_messages([("system", "{memory}"), ("human", "{history}\n{input}")])
    memory = MemOSChatMemory(client=client, user_id="u", conversation_id=conversation, input_key="input")
    model = ScriptedChatModel(reply=reply)
    chain = LLMChain(llm=model, prompt=prompt, memory=memory)

    def turn(text: str) -> str:
        chain.invoke({"input": text})
        return seen_by(model)

    return turn


def middleware(client: MemOSClient, conversation: str) -> Turn:
    model = ScriptedChatModel(reply=reply)
    agent = create_agent(
        model, middleware=[MemOSMiddleware(client)], context_schema=MemOSContext, checkpointer=InMemorySaver()
    )

    def turn(text: str) -> str:
        config: Any = {"configurable": {"thread_id": conversation}}
        agent.invoke({"messages": [("user", text)]}, config, context=MemOSContext("u", conversation))
        return seen_by(model)

    return turn


def chat_engine(client: MemOSClient, conversation: str) -> Turn:
    model = ScriptedLLM(reply=reply)
    memory = MemOSMemory.from_defaults(client=client, user_id="u", session_id=conversation)
    engine = SimpleChatEngine.from_defaults(llm=model, memory=memory)

    def turn(text: str) -> str:
        engine.chat(text)
        return seen_by(model)

    return turn


def function_agent(client: MemOSClient, conversation: str) -> Turn:
    model = ScriptedLLM(reply=reply)
    memory = MemOSMemory.from_defaults(client=client, user_id="u", session_id=conversation)
    agent = FunctionAgent(llm=model, tools=[])

    async def run(text: str) -> None:
        await agent.run(text, memory=memory)

    def turn(text: str) -> str:
        asyncio.run(run(text))
        return seen_by(model)

    return turn


FRAMEWORKS: dict[str, Callable[[MemOSClient, str], Turn]] = {
    "LangChain MemOSChatMemory": chat_memory,
    "LangChain MemOSMiddleware": middleware,
    "LlamaIndex chat engine": chat_engine,
    "LlamaIndex agent": function_agent,
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MemoryServer]:
    made = MemoryServer(tmp_path)
    made.start()
    yield made
    made.close()


def settle(client: MemOSClient) -> None:
    assert MemorySession(client, user_id="u").flush(timeout_s=30)


def without_ids(body: dict[str, Any]) -> dict[str, Any]:
    """A request body as JSON bytes would hold it, but for the message ids, which name the turn."""
    text = json.dumps(body, ensure_ascii=False)
    return json.loads(re.sub(r'"id": "[0-9a-f-]+"', '"id": "turn"', text))


def talk(folder: Path, framework: str) -> tuple[list[str], list[tuple[str, dict[str, Any]]]]:
    """The dialogue on a memory of its own: the block of each turn, and everything the server was asked."""
    folder.mkdir()
    server = MemoryServer(folder)
    server.start()
    try:
        with MemOSClient(api_key="test", base_url=server.url) as client:
            turn = FRAMEWORKS[framework](client, "c")
            blocks = []
            for text in DIALOGUE:
                found = BLOCK.findall(turn(text).replace(INSTRUCTIONS, ""))
                assert len(found) <= 1
                blocks.append(found[0] if found else "")
                settle(client)
        return blocks, [(path, without_ids(body)) for path, body in server.calls]
    finally:
        server.close()


def test_same_blocks_and_same_requests(tmp_path: Path) -> None:
    blocks, asked = talk(tmp_path / "first", "LangChain MemOSChatMemory")
    assert blocks[0] == ""
    assert all(blocks[3:])
    assert "oily" in blocks[3]
    assert "羽毛球" in blocks[4]
    assert [path for path, _ in asked] == ["/search/memory", "/extract/memory", "/add/message"] * len(DIALOGUE)
    for framework in list(FRAMEWORKS)[1:]:
        others, also_asked = talk(tmp_path / framework.replace(" ", "-"), framework)
        assert [b.encode() for b in others] == [b.encode() for b in blocks], framework
        assert also_asked == asked, framework


@pytest.mark.parametrize("reader", FRAMEWORKS)
@pytest.mark.parametrize("writer", FRAMEWORKS)
def test_what_one_stored_the_other_recalls(server: MemoryServer, writer: str, reader: str) -> None:
    with MemOSClient(api_key="test", base_url=server.url) as client:
        FRAMEWORKS[writer](client, "first")(DIALOGUE[1])
        settle(client)
    with MemOSClient(api_key="test", base_url=server.url) as another:
        seen = FRAMEWORKS[reader](another, "second")("What food do I love?")
        settle(another)
    block = BLOCK.findall(seen.replace(INSTRUCTIONS, ""))
    assert len(block) == 1
    assert "spicy" in block[0]
