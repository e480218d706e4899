"""MemOSToolSpec: memory as tools whose schema never names a user."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent

from memos_integrations import ConfigurationError, MemOSClient
from memos_integrations.llama_index import MemOSToolSpec

from .backend import Backend
from .callers import model
from .conftest import settle


def tools(client: MemOSClient, **kwargs: Any) -> dict[str, Any]:
    return {t.metadata.name: t for t in MemOSToolSpec(client=client, user_id="u", **kwargs).to_tool_list()}


def test_what_is_added_is_found(client: MemOSClient) -> None:
    spec = tools(client)
    assert spec["search_memory"](query="Where does the user live?").content == "Nothing is remembered about that."
    assert spec["add_memory"](text="The user lives in Lisbon.").content == "Noted."
    settle(client)
    assert "Lisbon" in spec["search_memory"](query="Where does the user live?").content


def test_async_twins(client: MemOSClient) -> None:
    spec = tools(client)

    async def use() -> str:
        await spec["add_memory"].acall(text="The user lives in Lisbon.")
        await asyncio.to_thread(settle, client)
        return str((await spec["search_memory"].acall(query="Where does the user live?")).content)

    assert "Lisbon" in asyncio.run(use())


def test_the_model_never_sees_or_chooses_the_user(client: MemOSClient) -> None:
    for tool in tools(client).values():
        schema = tool.metadata.get_parameters_dict()
        assert set(schema["properties"]) <= {"query", "text"}
        assert "(str): " in tool.metadata.description
        assert "user_id" not in str(schema) + tool.metadata.description


def test_a_conversation_is_passed_on(client: MemOSClient, backend: Backend) -> None:
    tools(client, conversation_id="c")["search_memory"](query="tea")
    assert backend.bodies("/search/memory")[0]["conversation_id"] == "c"


def test_in_an_agent(client: MemOSClient) -> None:
    client.add_message([("user", "I live in Lisbon.")], user_id="u", conversation_id="c", async_mode=False)
    llm = model(lambda prompt, question, used: "Done." if used else ("search_memory", {"query": "home"}))
    agent = FunctionAgent(tools=list(tools(client).values()), llm=llm)

    async def turn() -> None:
        await agent.run("Where do I live?")

    asyncio.run(turn())
    assert "Lisbon" in (llm.prompts[1][-1].content or "")


def test_without_a_server_tools_say_so(client: MemOSClient, backend: Backend) -> None:
    backend.stop()
    spec = tools(client)
    assert spec["search_memory"](query="tea").content == "Memory cannot be reached right now."
    assert spec["add_memory"](text="The user likes tea.").content == "Noted."


def test_a_blank_user_is_refused(client: MemOSClient) -> None:
    with pytest.raises(ConfigurationError):
        MemOSToolSpec(client=client, user_id="")
