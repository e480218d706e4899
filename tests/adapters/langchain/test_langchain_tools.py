from __future__ import annotations

import asyncio
import pickle
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from memos_integrations import ConfigurationError, MemOSClient
from memos_integrations.langchain import MemOSContext, create_memos_tools
from tests.adapters.langchain.memory_server import MemoryServer
from tests.scripted import ScriptedChatModel

QUESTION = "What is my home town?"


class _Search:
    @pytest.fixture(autouse=True)
    def _memories(self, told: MemOSClient) -> None:
        self._tools = {t.name: t for t in create_memos_tools(told, user_id="ann")}

    @property
    def tool_constructor(self) -> BaseTool:
        return self._tools["search_memory"]

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"query": QUESTION}


class _Add(_Search):
    @property
    def tool_constructor(self) -> BaseTool:
        return self._tools["add_memory"]

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"text": "I have a green bike."}


class TestSearchUnit(_Search, ToolsUnitTests):
    pass


class TestSearchIntegration(_Search, ToolsIntegrationTests):
    pass


class TestAddUnit(_Add, ToolsUnitTests):
    pass


class TestAddIntegration(_Add, ToolsIntegrationTests):
    pass


def tools(client: MemOSClient, **kwargs: Any) -> dict[str, BaseTool]:
    return {t.name: t for t in create_memos_tools(client, **kwargs)}


def test_the_model_sees_no_ids(client: MemOSClient) -> None:
    for tool, argument in (("search_memory", "query"), ("add_memory", "text")):
        schema = convert_to_openai_tool(tools(client)[tool])["function"]
        assert list(schema["parameters"]["properties"]) == [argument]
        assert schema["description"]


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
def test_in_an_agent(told: MemOSClient, server: MemoryServer, settle: Any, how: str) -> None:
    def reply(prompt: str, question: str, used: int) -> Any:
        calls = [("search_memory", {"query": QUESTION}), ("add_memory", {"text": "I have a green bike."})]
        return calls[used] if used < 2 else "Done."

    agent = create_agent(ScriptedChatModel(reply=reply), tools=create_memos_tools(told), context_schema=MemOSContext)
    value: Any = {"messages": [("user", QUESTION)]}
    context = MemOSContext("bob", "c")
    state = (
        asyncio.run(agent.ainvoke(value, context=context)) if how == "ainvoke" else agent.invoke(value, context=context)
    )
    searched, saved = [m for m in state["messages"] if isinstance(m, ToolMessage)]
    assert "Oslo" in searched.text
    assert "Lisbon" not in searched.text
    assert saved.text == "Saved."
    settle()
    [added] = server.bodies("/add/message")
    assert (added["user_id"], added["conversation_id"]) == ("bob", "c")
    assert server.added() == [[("user", "I have a green bike.")]]


def test_a_model_cannot_choose_whose_memory(told: MemOSClient, server: MemoryServer) -> None:
    forged = {"context": {"user_id": "bob"}, "user_id": "bob"}
    search = tools(told, user_id="ann")["search_memory"]
    for arguments in (
        {"user_id": "bob"},
        {"runtime": forged},
        {"config": {"configurable": {"user_id": "bob"}}},
        {"context": {"user_id": "bob"}},
    ):
        call = {"name": "search_memory", "args": {"query": QUESTION, **arguments}, "id": "1", "type": "tool_call"}
        assert "Oslo" not in search.invoke(call).text

    agent = create_agent(
        ScriptedChatModel(
            reply=lambda prompt, question, used: (
                "Done." if used else ("search_memory", {"query": QUESTION, "runtime": forged, "user_id": "bob"})
            )
        ),
        tools=create_memos_tools(told),
        context_schema=MemOSContext,
    )
    state = agent.invoke({"messages": [("user", QUESTION)]}, context=MemOSContext("ann"))
    assert "Oslo" not in repr(state)
    assert {body["user_id"] for body in server.bodies("/search/memory")} == {"ann"}


def test_outside_agents(told: MemOSClient) -> None:
    bob: Any = {"configurable": {"user_id": "bob"}}
    search = tools(told, user_id="ann")["search_memory"]
    assert "Lisbon" in search.invoke({"query": QUESTION})
    assert "Oslo" in search.invoke({"query": QUESTION}, bob)
    assert "Oslo" in asyncio.run(search.ainvoke({"query": QUESTION}, bob))


def test_nobody_is_an_error(told: MemOSClient) -> None:
    with pytest.raises(ConfigurationError):
        tools(told)["search_memory"].invoke({"query": QUESTION})
    with pytest.raises(ConfigurationError):
        tools(told)["add_memory"].invoke({"text": "I have a bike."})


def test_nothing_known(told: MemOSClient) -> None:
    answer = tools(told, user_id="nobody yet")["search_memory"].invoke({"query": QUESTION})
    assert answer == "Nothing is remembered about this."


def test_a_dead_server(told: MemOSClient, server: MemoryServer, settle: Any) -> None:
    server.stop()
    mine = tools(told, user_id="ann")
    assert mine["search_memory"].invoke({"query": QUESTION}) == "Nothing is remembered about this."
    assert mine["add_memory"].invoke({"text": "I have a green bike."}) == "Saved."
    server.start()
    settle()
    assert server.added() == [[("user", "I have a green bike.")]]


def test_tools_can_be_pickled(tmp_path: Path) -> None:
    with MemOSClient.embedded(tmp_path / "m.db", embedder="none") as client:
        client.add_message([("user", "My home town is Lisbon.")], user_id="ann", async_mode=False)
        search, add = pickle.loads(pickle.dumps(create_memos_tools(client, user_id="ann")))
        assert "Lisbon" in search.invoke({"query": QUESTION})
        assert add.invoke({"text": "I have a green bike."}) == "Saved."
