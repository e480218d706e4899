from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from langchain_classic.agents import AgentExecutor, create_tool_calling_agent
from langchain_classic.chains import ConversationChain, LLMChain
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from pydantic import ValidationError

from memos_integrations import ConfigurationError, MemOSClient
from memos_integrations.langchain import MemOSChatMemory
from tests.adapters.langchain.memory_server import MemoryServer
from tests.scripted import ScriptedChatModel

QUESTION = "What is my home town?"
PROMPT = ChatPromptTemplate.from_messages([("system", "Known:\n{memory}"), ("human", "{history}\n{input}")])


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"Sunny in {city}."


def memory(client: MemOSClient, **kwargs: Any) -> MemOSChatMemory:
    return MemOSChatMemory(client=client, user_id="ann", conversation_id="c", **kwargs)


def answer(prompt: str, question: str, used: int) -> str:
    return "Lisbon." if "Lisbon" in prompt else "I do not know."


def rounds(prompt: str, question: str, used: int) -> Any:
    return ("weather", {"city": f"Town {used}"}) if used < 2 else answer(prompt, question, used)


def drive(runnable: Any, how: str, value: Any) -> Any:
    """One turn, and the answer."""

    async def astream() -> list[Any]:
        return [chunk async for chunk in runnable.astream(value)]

    if how == "invoke":
        return runnable.invoke(value)
    if how == "ainvoke":
        return asyncio.run(runnable.ainvoke(value))
    if how == "stream":
        return list(runnable.stream(value))[-1]
    return asyncio.run(astream())[-1]


@pytest.mark.parametrize("chain_type", [LLMChain, ConversationChain])
@pytest.mark.parametrize("how", ["invoke", "ainvoke", "stream", "astream"])
@pytest.mark.filterwarnings("ignore:The class `(LLMChain|ConversationChain)` was deprecated")
def test_chains(told: MemOSClient, server: MemoryServer, settle: Any, chain_type: Any, how: str) -> None:
    model = ScriptedChatModel(reply=answer)
    mine = memory(told)
    chain = chain_type(llm=model, prompt=PROMPT, memory=mine)
    for turn in (1, 2):
        output = drive(chain, how, {"input": QUESTION})
        settle()
        assert server.counts == (turn, turn, turn)
    assert output[chain.output_key] == "Lisbon."
    assert "Human: What is my home town?\nAI: Lisbon." in str(model.seen[1].content)
    assert "Lisbon" in str(model.seen[0].content)
    assert server.added()[-1] == [("user", QUESTION), ("assistant", "Lisbon.")]
    assert len(mine.chat_memory.messages) == 4


@pytest.mark.parametrize("how", ["invoke", "ainvoke", "stream", "astream"])
def test_agent_executor(told: MemOSClient, server: MemoryServer, settle: Any, how: str) -> None:
    prompt = ChatPromptTemplate.from_messages(
        [
            ("system", "Known:\n{memory}"),
            ("placeholder", "{history}"),
            ("human", "{input}"),
            ("placeholder", "{agent_scratchpad}"),
        ]
    )
    agent = create_tool_calling_agent(ScriptedChatModel(reply=rounds), [weather], prompt)
    mine = memory(told, input_key="input", output_key="output", return_messages=True)
    executor = AgentExecutor(agent=agent, tools=[weather], memory=mine, return_intermediate_steps=True)
    for turn in (1, 2):
        output = drive(executor, how, {"input": QUESTION})
        settle()
        assert server.counts == (turn, turn, turn)
    assert output["output"] == "Lisbon."
    # Tools are the model's business: only the question and the answer are kept.
    assert [(m.type, m.text) for m in mine.chat_memory.messages[:2]] == [("human", QUESTION), ("ai", "Lisbon.")]
    assert server.added() == [[("user", QUESTION), ("assistant", "Lisbon.")]] * 2


def test_variables(told: MemOSClient) -> None:
    mine = memory(told, memory_key="known", history_key="talk")
    assert mine.memory_variables == ["known", "talk"]
    variables = mine.load_memory_variables({"input": QUESTION})
    assert set(variables) == {"known", "talk"}
    assert "Lisbon" in variables["known"]
    assert variables["talk"] == ""


def test_history_is_a_copy(told: MemOSClient) -> None:
    mine = memory(told, return_messages=True)
    before = mine.load_memory_variables({"input": QUESTION})
    mine.save_context({"input": QUESTION}, {"output": "Lisbon."})
    after = mine.load_memory_variables({"input": QUESTION})
    assert before["history"] == []
    assert [m.text for m in after["history"]] == [QUESTION, "Lisbon."]
    assert isinstance(after["memory"], str)


def test_reading_the_history_alone_searches_nothing(told: MemOSClient, server: MemoryServer) -> None:
    assert memory(told).load_memory_variables({}) == {"memory": "", "history": ""}
    assert asyncio.run(memory(told).aload_memory_variables({}))["memory"] == ""
    assert server.count("/search/memory") == 0


def test_a_turn_is_searched_once_however_often_it_is_loaded(told: MemOSClient, server: MemoryServer) -> None:
    mine = memory(told)
    first = mine.load_memory_variables({"input": QUESTION})
    assert mine.load_memory_variables({"input": QUESTION}) == first
    assert asyncio.run(mine.aload_memory_variables({"input": QUESTION})) == first
    assert server.count("/search/memory") == 1


@pytest.mark.parametrize(
    "value",
    [HumanMessage(QUESTION), [{"type": "text", "text": QUESTION}, {"type": "image", "url": "http://x/y.png"}]],
)
def test_input_values_that_are_not_text(told: MemOSClient, server: MemoryServer, settle: Any, value: Any) -> None:
    mine = memory(told, return_messages=True)
    assert "Lisbon" in mine.load_memory_variables({"input": value})["memory"]
    mine.save_context({"input": value}, {"output": AIMessage("Lisbon.")})
    settle()
    assert [(m.type, m.text) for m in mine.chat_memory.messages] == [("human", QUESTION), ("ai", "Lisbon.")]
    assert server.added() == [[("user", QUESTION), ("assistant", "Lisbon.")]]


def test_several_inputs_need_a_key(told: MemOSClient) -> None:
    values = {"input": QUESTION, "tone": "short"}
    with pytest.raises(ValueError, match="One input key expected"):
        memory(told).load_memory_variables(values)
    assert "Lisbon" in memory(told, input_key="input").load_memory_variables(values)["memory"]


def test_clear_keeps_what_is_stored(told: MemOSClient, settle: Any) -> None:
    mine = memory(told)
    mine.save_context({"input": "My bike is green."}, {"output": "Nice."})
    settle()
    mine.clear()
    asyncio.run(mine.aclear())
    assert mine.chat_memory.messages == []
    assert "bike" in mine.load_memory_variables({"input": "What colour is my bike?"})["memory"]


def test_read_your_writes_before_anything_is_delivered(told: MemOSClient, server: MemoryServer) -> None:
    mine = memory(told)
    mine.save_context({"input": "My bike is green."}, {"output": "Nice."})
    assert "green" in mine.load_memory_variables({"input": "What colour is my bike?"})["memory"]


@pytest.mark.parametrize("user_id", ["", " "])
def test_a_blank_user_is_refused(client: MemOSClient, user_id: str) -> None:
    with pytest.raises(ConfigurationError):
        MemOSChatMemory(client=client, user_id=user_id)


def test_typos_are_refused(client: MemOSClient) -> None:
    with pytest.raises(ValidationError, match="memory_kee"):
        memory(client, memory_kee="x")


def test_options_reach_the_session(told: MemOSClient, server: MemoryServer) -> None:
    mine = memory(told, memory_limit=1, include_preference=False)
    mine.load_memory_variables({"input": QUESTION})
    [search] = server.bodies("/search/memory")
    assert search["include_preference"] is False


def test_nothing_private_is_shown(client: MemOSClient) -> None:
    mine = MemOSChatMemory(client=client, user_id="ann-private", conversation_id="c-private")
    mine.save_context({"input": "secret words"}, {"output": "ok"})
    assert "private" not in repr(mine)
    assert "secret" not in repr(mine)
    assert "client" not in mine.model_dump(exclude={"chat_memory"})


def test_no_deprecation_reaches_the_user(tmp_path: Path) -> None:
    code = """
from memos_integrations import MemOSClient
from memos_integrations.langchain import MemOSChatMemory
with MemOSClient.embedded(":memory:", embedder="none") as client:
    memory = MemOSChatMemory(client=client, user_id="ann")
    memory.save_context({"input": "My bike is green."}, {"output": "Nice."})
    print(memory.load_memory_variables({"input": "What colour is my bike?"}))
    memory.clear()
    memory._session.flush()
"""
    command = [sys.executable, "-W", "error::DeprecationWarning", "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "MEMOS_HOME": str(tmp_path)}
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "green" in done.stdout


def test_clear_hides_what_is_not_indexed_yet(told: MemOSClient, server: MemoryServer, settle: Any) -> None:
    server.stop()
    mine = memory(told)
    other = MemOSChatMemory(client=told, user_id="ann", conversation_id="d")
    mine.save_context({"input": "My bike is green."}, {"output": "Nice."})
    other.save_context({"input": "My bike is old."}, {"output": "Well."})
    question = {"input": "How is my bike?"}
    assert "green" in mine.load_memory_variables(question)["memory"]
    mine.clear()
    shown = mine.load_memory_variables(question)["memory"]
    assert "green" not in shown
    assert "old" in shown
    server.start()
    settle()
    mine.clear()
    assert len(server.added()) == 2


@pytest.mark.filterwarnings("ignore:The class `LLMChain` was deprecated")
def test_a_dead_server_breaks_no_chain(
    told: MemOSClient, server: MemoryServer, settle: Any, caplog: pytest.LogCaptureFixture
) -> None:
    chain = LLMChain(llm=ScriptedChatModel(reply=answer), prompt=PROMPT, memory=memory(told))
    assert chain.invoke({"input": QUESTION})["text"] == "Lisbon."
    server.stop()
    assert chain.invoke({"input": "And my bike is green."})["text"] == "Lisbon."  # from the history
    assert asyncio.run(chain.ainvoke({"input": "And blue."}))["text"] == "Lisbon."
    server.start()
    settle()
    assert server.added()[-2:] == [
        [("user", "And my bike is green."), ("assistant", "Lisbon.")],
        [("user", "And blue."), ("assistant", "Lisbon.")],
    ]
    assert server.count("/add/message") == 3
