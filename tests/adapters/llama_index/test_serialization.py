"""What is written down about a MemOSMemory never holds a key, and what is read back works."""

from __future__ import annotations

import asyncio
import json
import pickle
from pathlib import Path

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.memory import InsertMethod
from llama_index.core.workflow import Context, JsonSerializer

from memos_integrations import MemOSClient
from memos_integrations.llama_index import MemOSMemory, MemOSMemoryBlock, MemOSRetriever

from .backend import Backend
from .callers import function_agent, make_engine, model
from .conftest import settle

SECRET = "mpg-very-secret"


@pytest.fixture
def offline() -> MemOSClient:
    return MemOSClient(api_key=SECRET, base_url="http://127.0.0.1:9/api/openmem/v1")


def memory(client: MemOSClient, **kwargs: object) -> MemOSMemory:
    return MemOSMemory.from_defaults(client=client, user_id="u", session_id="c", **kwargs)


def test_nothing_written_down_holds_the_key(offline: MemOSClient) -> None:
    kept = memory(offline)
    written = [
        repr(kept),
        str(kept),
        str(kept.to_dict()),
        kept.to_json(),
        str(kept.model_dump()),
        kept.model_dump_json(),
    ]
    assert not any(SECRET in text for text in written)
    for thing in (kept, MemOSMemoryBlock(client=offline, user_id="u"), MemOSRetriever(client=offline, user_id="u")):
        assert SECRET.encode() not in pickle.dumps(thing)


def test_settings_come_back(client: MemOSClient) -> None:
    kept = memory(client, token_limit=5000, insert_method=InsertMethod.SYSTEM)
    data = json.loads(kept.to_json())
    assert data["class_name"] == "MemOSMemory"
    again = MemOSMemory.from_dict(data, client=client)
    assert again is not kept
    assert (again.user_id, again.session_id, again.token_limit) == ("u", "c", 5000)
    assert again.insert_method is InsertMethod.SYSTEM


def test_while_it_lives_it_is_found_again(client: MemOSClient) -> None:
    kept = memory(client)
    assert MemOSMemory.from_dict(kept.to_dict()) is kept


def test_elsewhere_a_new_one_is_made_from_the_environment(
    client: MemOSClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MEMOS_PATH", str(tmp_path / "other.db"))
    data = {**memory(client).to_dict(), "handle": "of another process"}
    made = MemOSMemory.from_dict(data)
    assert made.client.is_embedded
    assert made.get() == []
    made.client.close()


def test_a_pickled_memory_goes_on(client: MemOSClient, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMOS_API_KEY", "test")
    kept = memory(client, memory_limit=3)
    again = pickle.loads(pickle.dumps(kept))
    assert (again.user_id, again.session_id, again.options.memory_limit) == ("u", "c", 3)
    make_engine("Simple", model(), again).chat("I like tea.")
    settle(again.client)
    assert backend.told()[0][0] == ("user", "I like tea.")
    again.client.close()


def test_a_workflow_context_keeps_the_memory(client: MemOSClient, backend: Backend) -> None:
    agent, _ = function_agent()
    kept = memory(client)

    async def turns() -> dict[str, object]:
        ctx = Context(agent)
        await agent.run("I like tea.", memory=kept, ctx=ctx)
        await agent.run("I like jazz.", ctx=ctx)
        saved = ctx.to_dict(serializer=JsonSerializer())
        await agent.run("I like cake.", ctx=Context.from_dict(agent, saved, serializer=JsonSerializer()))
        return saved

    saved = asyncio.run(turns())
    settle(client)
    assert "api_key" not in str(saved)
    assert [turn[0][1] for turn in backend.told()] == ["I like tea.", "I like jazz.", "I like cake."]
    assert [m.content for m in kept.get_all() if m.role == "user"] == ["I like tea.", "I like jazz.", "I like cake."]


def test_a_copy_of_the_history_moves_with_the_user(client: MemOSClient, backend: Backend) -> None:
    kept = memory(client)
    make_engine("Simple", model(), kept).chat("I like tea.")
    texts = [ChatMessage.model_validate(m.model_dump()) for m in kept.get_all()]
    moved = memory(client, chat_history=texts)
    make_engine("Simple", model(), moved).chat("I like jazz.")
    settle(client)
    assert len(backend.told()) == 2
