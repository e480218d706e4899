"""`python -m tests.bench turns`: searches and extracts per user turn, counted at a real HTTP server, per caller."""

from __future__ import annotations

import asyncio
import importlib
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from memos_integrations import MemorySession, MemOSClient
from tests.bench.counting import counting_server
from tests.scripted import ScriptedChatModel, ScriptedLLM

TURNS = ("I live in Lisbon and I prefer trains to planes.", "Where should I travel next weekend?")
Caller = Callable[[MemOSClient, str], None]
CALLERS: dict[str, Caller] = {}


def caller(name: str) -> Callable[[Caller], Caller]:
    def register(function: Caller) -> Caller:
        CALLERS[name] = function
        return function

    return register


def weather(city: str) -> str:
    """The weather in a city."""
    return f"Sunny in {city}."


def two_tool_rounds(prompt: str, question: str, used: int) -> Any:
    return ("weather", {"city": f"Town {used}"}) if used < 2 else "Take the train to Porto."


def plain(prompt: str, question: str, used: int) -> str:
    return "Take the train to Porto."


def drain(stream: Iterator[Any]) -> None:
    for _ in stream:
        pass


async def adrain(stream: AsyncIterator[Any]) -> None:
    async for _ in stream:
        pass


def drive(runnable: Any, how: str, value: Any, **kwargs: Any) -> None:
    """One turn through a Runnable: invoke, ainvoke, stream or astream."""
    if how == "invoke":
        runnable.invoke(value, **kwargs)
    elif how == "stream":
        drain(runnable.stream(value, **kwargs))
    elif how == "ainvoke":
        asyncio.run(runnable.ainvoke(value, **kwargs))
    else:
        asyncio.run(adrain(runnable.astream(value, **kwargs)))


def classic_memory(client: MemOSClient, user_id: str, **kwargs: Any) -> Any:
    from memos_integrations.langchain import MemOSChatMemory

    return MemOSChatMemory(client=client, user_id=user_id, conversation_id="c", **kwargs)


def langchain_callers() -> None:
    for how in ("invoke", "ainvoke", "stream"):
        CALLERS[f"LLMChain.{how}"] = lambda c, u, how=how: llm_chain(c, u, how)
        CALLERS[f"ConversationChain.{how}"] = lambda c, u, how=how: conversation_chain(c, u, how)
    for how in ("invoke", "stream", "astream"):
        CALLERS[f"AgentExecutor.{how}, 2 tool rounds"] = lambda c, u, how=how: agent_executor(c, u, how)
    for how in ("invoke", "ainvoke", "stream", "astream"):
        CALLERS[f"create_agent.{how}"] = lambda c, u, how=how: middleware(c, u, how, plain)
        CALLERS[f"create_agent.{how}, 2 tool rounds"] = lambda c, u, how=how: middleware(c, u, how, two_tool_rounds)
        CALLERS[f"with_memos LCEL.{how}"] = lambda c, u, how=how: lcel(c, u, how)


def llm_chain(client: MemOSClient, user_id: str, how: str) -> None:
    from langchain_classic.chains import LLMChain
    from langchain_core.prompts import ChatPromptTemplate

    prompt = ChatPromptTemplate.from_messages([("system", "{memory}"), ("human", "{history}\n{input}")])
    memory = classic_memory(client, user_id, input_key="input")
    chain = LLMChain(llm=ScriptedChatModel(reply=plain), prompt=prompt, memory=memory)
    for text in TURNS:
        drive(chain, how, {"input": text})


def conversation_chain(client: MemOSClient, user_id: str, how: str) -> None:
    from langchain_classic.chains import ConversationChain
    from langchain_core.prompts import ChatPromptTemplate

    prompt = ChatPromptTemplate.from_messages([("system", "{memory}"), ("human", "{history}\n{input}")])
    memory = classic_memory(client, user_id, input_key="input")
    chain = ConversationChain(llm=ScriptedChatModel(reply=plain), prompt=prompt, memory=memory)
    for text in TURNS:
        drive(chain, how, {"input": text})


def agent_executor(client: MemOSClient, user_id: str, how: str) -> None:
    from langchain_classic.agents import AgentExecutor, create_tool_calling_agent
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_core.tools import tool

    prompt = ChatPromptTemplate.from_messages(
        [
            ("system", "{memory}"),
            ("placeholder", "{history}"),
            ("human", "{input}"),
            ("placeholder", "{agent_scratchpad}"),
        ]
    )
    tools = [tool(weather)]
    agent = create_tool_calling_agent(ScriptedChatModel(reply=two_tool_rounds), tools, prompt)
    memory = classic_memory(client, user_id, input_key="input", output_key="output", return_messages=True)
    executor = AgentExecutor(agent=agent, tools=tools, memory=memory)
    for text in TURNS:
        drive(executor, how, {"input": text})


def middleware(client: MemOSClient, user_id: str, how: str, reply: Any) -> None:
    from langchain.agents import create_agent
    from langgraph.checkpoint.memory import InMemorySaver

    from memos_integrations.langchain import MemOSContext, MemOSMiddleware

    agent = create_agent(
        ScriptedChatModel(reply=reply),
        tools=[weather],
        middleware=[MemOSMiddleware(client)],
        context_schema=MemOSContext,
        checkpointer=InMemorySaver(),
    )
    for text in TURNS:
        config = {"configurable": {"thread_id": "c"}}
        drive(agent, how, {"messages": [("user", text)]}, config=config, context=MemOSContext(user_id, "c"))


def lcel(client: MemOSClient, user_id: str, how: str) -> None:
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate

    from memos_integrations.langchain import with_memos

    prompt = ChatPromptTemplate.from_messages([("system", "{memory}"), ("human", "{input}")])
    chain = with_memos(prompt | ScriptedChatModel(reply=plain) | StrOutputParser(), client)
    for text in TURNS:
        drive(chain, how, {"input": text}, config={"configurable": {"user_id": user_id, "conversation_id": "c"}})


def llama_index_callers() -> None:
    for engine in ("Simple", "Context", "CondensePlusContext", "CondenseQuestion"):
        for how in ("chat", "achat", "stream_chat", "astream_chat"):
            CALLERS[f"{engine}ChatEngine.{how}"] = lambda c, u, e=engine, h=how: chat_engine(
                c, u, e, h, llama_memory(c, u)
            )
    CALLERS["SimpleChatEngine.chat, block in a plain Memory"] = lambda c, u: chat_engine(
        c, u, "Simple", "chat", plain_memory(c, u), settle=True
    )
    for rounds, reply in ((0, plain), (2, two_tool_rounds)):
        CALLERS[f"FunctionAgent, {rounds} tool rounds"] = lambda c, u, r=reply: function_agent(c, u, r)
    CALLERS["ReActAgent"] = react_agent
    CALLERS["AgentWorkflow with a hand-off"] = agent_workflow


def llama_memory(client: MemOSClient, user_id: str) -> Any:
    from memos_integrations.llama_index import MemOSMemory

    return MemOSMemory.from_defaults(client=client, user_id=user_id, session_id="c")


def plain_memory(client: MemOSClient, user_id: str) -> Any:
    from llama_index.core.memory import Memory

    from memos_integrations.llama_index import MemOSMemoryBlock

    return Memory.from_defaults(session_id="c", memory_blocks=[MemOSMemoryBlock(client=client, user_id=user_id)])


def static_retriever() -> Any:
    from llama_index.core.retrievers import BaseRetriever
    from llama_index.core.schema import NodeWithScore, TextNode

    class Static(BaseRetriever):
        def _retrieve(self, query_bundle: Any) -> list[NodeWithScore]:
            return [NodeWithScore(node=TextNode(text="Porto has good trains."), score=1.0)]

    return Static()


def make_engine(kind: str, llm: ScriptedLLM, memory: Any) -> Any:
    from llama_index.core import chat_engine as engines
    from llama_index.core.query_engine import RetrieverQueryEngine

    if kind == "Simple":
        return engines.SimpleChatEngine.from_defaults(llm=llm, memory=memory)
    if kind == "Context":
        return engines.ContextChatEngine.from_defaults(retriever=static_retriever(), llm=llm, memory=memory)
    if kind == "CondensePlusContext":
        return engines.CondensePlusContextChatEngine.from_defaults(static_retriever(), llm=llm, memory=memory)
    query_engine = RetrieverQueryEngine.from_args(static_retriever(), llm=llm)
    return engines.CondenseQuestionChatEngine.from_defaults(query_engine, llm=llm, memory=memory)


def chat_engine(client: MemOSClient, user_id: str, kind: str, how: str, memory: Any, *, settle: bool = False) -> None:
    engine = make_engine(kind, ScriptedLLM(reply=plain), memory)

    async def turn(text: str) -> None:
        if how == "achat":
            await engine.achat(text)
        else:
            await adrain((await engine.astream_chat(text)).async_response_gen())

    for text in TURNS:
        if how == "chat":
            engine.chat(text)
        elif how == "stream_chat":
            drain(engine.stream_chat(text).response_gen)
        else:
            asyncio.run(turn(text))
    if settle:
        # A block only sees a finished turn when the memory is read again (its documented limit).
        memory.get()


def run_agent(agent: Any, memory: Any) -> None:
    async def turns() -> None:
        for text in TURNS:
            await agent.run(text, memory=memory)

    asyncio.run(turns())


def function_agent(client: MemOSClient, user_id: str, reply: Any) -> None:
    from llama_index.core.agent.workflow import FunctionAgent

    run_agent(FunctionAgent(tools=[weather], llm=ScriptedLLM(reply=reply)), llama_memory(client, user_id))


def react_agent(client: MemOSClient, user_id: str) -> None:
    from llama_index.core.agent.workflow import ReActAgent

    said = "Thought: I can answer without using any more tools.\nAnswer: Take the train to Porto."
    llm = ScriptedLLM(reply=lambda prompt, question, used: said)
    run_agent(ReActAgent(tools=[weather], llm=llm), llama_memory(client, user_id))


def agent_workflow(client: MemOSClient, user_id: str) -> None:
    from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent

    def first(prompt: str, question: str, used: int) -> Any:
        return ("handoff", {"to_agent": "second", "reason": "knows trains"}) if not used else "Done."

    agents = [
        FunctionAgent(name="first", description="asks", llm=ScriptedLLM(reply=first), can_handoff_to=["second"]),
        FunctionAgent(name="second", description="knows", llm=ScriptedLLM(reply=plain)),
    ]
    run_agent(AgentWorkflow(agents=agents, root_agent="first"), llama_memory(client, user_id))


@contextmanager
def backend() -> Iterator[tuple[MemOSClient, Counter[str]]]:
    with tempfile.TemporaryDirectory() as folder, counting_server(Path(folder)) as (url, counts):
        with MemOSClient(api_key="bench", base_url=url) as client:
            yield client, counts


def measure(name: str, client: MemOSClient, counts: Counter[str]) -> tuple[float, float, float]:
    """Searches, extracts and adds per turn of one caller."""
    counts.clear()
    user_id = f"user {name}"
    CALLERS[name](client, user_id)
    MemorySession(client, user_id=user_id).flush(timeout_s=30)
    turns = len(TURNS)
    return tuple(counts[path] / turns for path in ("/search/memory", "/extract/memory", "/add/message"))  # type: ignore[return-value]


langchain_callers()
llama_index_callers()


def main(argv: list[str]) -> int:
    """Print the table; exit 1 unless every caller searches and extracts exactly once per turn."""
    from langchain_core._api import suppress_langchain_deprecation_warning

    # Importing it turns its warnings on, so it comes before they are turned off: old chains are meant.
    importlib.import_module("langchain_classic")
    logging.disable(logging.WARNING)
    wanted = [name for name in CALLERS if not argv or any(part.lower() in name.lower() for part in argv)]
    exact = 0
    print(f"{'caller':48} {'search':>7} {'extract':>8} {'add':>5}   per turn, {len(TURNS)} turns each")
    with suppress_langchain_deprecation_warning(), backend() as (client, counts):
        for name in wanted:
            row = measure(name, client, counts)
            exact += row == (1, 1, 1)
            print(f"{name:48} {row[0]:>7g} {row[1]:>8g} {row[2]:>5g}", flush=True)
    print(f"{exact} of {len(wanted)} callers: exactly one search, one extract and one add per turn")
    return 0 if exact == len(wanted) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
