"""Every LlamaIndex caller of a memory, driven for one turn at a time by a scripted model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.chat_engine import (
    CondensePlusContextChatEngine,
    CondenseQuestionChatEngine,
    ContextChatEngine,
    SimpleChatEngine,
)
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from pydantic import Field

from tests.scripted import ScriptedLLM

ENGINES = ("Simple", "Context", "CondensePlusContext", "CondenseQuestion")
WAYS = ("chat", "achat", "stream_chat", "astream_chat")
ANSWER = "Take the train to Porto."


class RecordingLLM(ScriptedLLM):
    """Keeps every prompt it gets in `prompts` and fails while `broken` is set."""

    prompts: list[list[ChatMessage]] = Field(default_factory=list)
    broken: bool = False

    def _answer(self, messages: Sequence[ChatMessage]) -> ChatResponse:
        self.prompts.append(list(messages))
        if self.broken:
            msg = "the model is down"
            raise ValueError(msg)
        return super()._answer(messages)


class Trains(BaseRetriever):
    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [NodeWithScore(node=TextNode(text="Porto has good trains."), score=1.0)]


def plain(prompt: str, question: str, used: int) -> str:
    return ANSWER


def two_tool_rounds(prompt: str, question: str, used: int) -> Any:
    return ("weather", {"city": f"Town {used}"}) if used < 2 else ANSWER


def weather(city: str) -> str:
    """The weather in a city."""
    return f"Sunny in {city}."


def model(reply: Any = plain) -> RecordingLLM:
    return RecordingLLM(reply=reply)


def make_engine(kind: str, llm: Any, memory: Any) -> Any:
    if kind == "Simple":
        return SimpleChatEngine.from_defaults(llm=llm, memory=memory, system_prompt="Be brief.")
    if kind == "Context":
        return ContextChatEngine.from_defaults(retriever=Trains(), llm=llm, memory=memory)
    if kind == "CondensePlusContext":
        return CondensePlusContextChatEngine.from_defaults(Trains(), llm=llm, memory=memory)
    return CondenseQuestionChatEngine.from_defaults(
        RetrieverQueryEngine.from_args(Trains(), llm=llm), llm=llm, memory=memory
    )


def say(engine: Any, how: str, text: str) -> str:
    """One turn of a chat engine, streams read to their end."""

    async def turn() -> str:
        if how == "achat":
            return str(await engine.achat(text))
        answer = await engine.astream_chat(text)
        return "".join([token async for token in answer.async_response_gen()])

    if how == "chat":
        return str(engine.chat(text))
    if how == "stream_chat":
        return "".join(engine.stream_chat(text).response_gen)
    return asyncio.run(turn())


def function_agent(reply: Any = plain) -> tuple[Any, RecordingLLM]:
    llm = model(reply)
    return FunctionAgent(tools=[weather], llm=llm, system_prompt="Be brief."), llm


def react_agent() -> tuple[Any, RecordingLLM]:
    def script(prompt: str, question: str, used: int) -> str:
        if "Observation: Sunny" not in prompt:
            return 'Thought: I need the weather.\nAction: weather\nAction Input: {"city": "Porto"}'
        return f"Thought: I can answer.\nAnswer: {ANSWER}"

    llm = model(script)
    return ReActAgent(tools=[weather], llm=llm), llm


def hand_off() -> tuple[Any, RecordingLLM]:
    def first(prompt: str, question: str, used: int) -> Any:
        return "handoff", {"to_agent": "second", "reason": "knows trains"}

    llm = model()
    agents = [
        FunctionAgent(name="first", description="asks", llm=ScriptedLLM(reply=first), can_handoff_to=["second"]),
        FunctionAgent(name="second", description="knows", llm=llm),
    ]
    return AgentWorkflow(agents=agents, root_agent="first"), llm


def return_direct() -> tuple[Any, RecordingLLM]:
    from llama_index.core.tools import FunctionTool

    llm = model(lambda prompt, question, used: ("weather", {"city": "Porto"}))
    tool = FunctionTool.from_defaults(weather, return_direct=True)
    return FunctionAgent(tools=[tool], llm=llm), llm


AGENTS: dict[str, Callable[[], tuple[Any, RecordingLLM]]] = {
    "FunctionAgent": function_agent,
    "FunctionAgent, 2 tool rounds": lambda: function_agent(two_tool_rounds),
    "FunctionAgent, return_direct": return_direct,
    "ReActAgent": react_agent,
    "AgentWorkflow, hand-off": hand_off,
}


def run(agent: Any, memory: Any, *texts: str, **kwargs: Any) -> list[str]:
    """Turns of an agent, all on one event loop."""

    async def turns() -> list[str]:
        return [str(await agent.run(text, memory=memory, **kwargs)) for text in texts]

    return asyncio.run(turns())
