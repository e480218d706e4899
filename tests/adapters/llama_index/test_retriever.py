"""MemOSRetriever: facts and preferences as scored nodes."""

from __future__ import annotations

import asyncio

import pytest
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import MetadataMode

from memos_integrations import ConfigurationError, FactMemory, MemOSClient, PreferenceMemory, TransportError
from memos_integrations.llama_index import MemOSRetriever
from memos_integrations.llama_index.retriever import to_node

from .backend import Backend
from .callers import model

DIARY = [
    ("user", "I live in Lisbon and I work as a nurse."),
    ("user", "I prefer trains to planes."),
    ("user", "I love spicy food but I can't stand oily dishes."),
    ("user", "My sister lives in Rome."),
]


@pytest.fixture
def known(client: MemOSClient) -> MemOSClient:
    client.add_message(DIARY, user_id="u", conversation_id="diary", async_mode=False)
    return client


def test_the_best_nodes_first_and_at_most_top_k(known: MemOSClient, backend: Backend) -> None:
    for top_k in (1, 3):
        nodes = MemOSRetriever(client=known, user_id="u", top_k=top_k).retrieve("Trains or planes?")
        assert len(nodes) == top_k
        scores = [node.score or 0 for node in nodes]
        assert all(0 < score <= 1 for score in scores)
        assert scores == sorted(scores, reverse=True)
    assert "trains" in nodes[0].text
    assert backend.bodies("/search/memory")[-1]["memory_limit_number"] == 3


def test_async_finds_the_same(known: MemOSClient) -> None:
    retriever = MemOSRetriever(known, "u", 25)
    found = asyncio.run(retriever.aretrieve("Trains or planes?"))
    assert [n.node_id for n in found] == [n.node_id for n in retriever.retrieve("Trains or planes?")]
    assert {n.metadata["kind"] for n in found} == {"fact", "preference"}


def test_provenance_stays_out_of_prompts(known: MemOSClient) -> None:
    node = MemOSRetriever(client=known, user_id="u").retrieve("Where do I live?")[0].node
    assert node.metadata["kind"] == "fact"
    assert node.metadata["conversation_id"] == "diary"
    assert node.metadata["id"] == node.node_id
    for mode in (MetadataMode.LLM, MetadataMode.EMBED):
        assert node.get_content(mode) == node.get_content(MetadataMode.NONE)


def test_nodes_of_every_kind() -> None:
    home = {
        "memory_key": "home",
        "memory_value": "Lives in Lisbon.",
        "tags": ["home"],
        "create_time": 1_700_000_000_000,
    }
    fact = to_node(FactMemory(**home))
    assert fact.node.metadata == {
        "kind": "fact", "key": "home", "tags": ["home"], "create_time": "2023-11-14T22:13:20+00:00",
    }  # fmt: skip
    assert fact.score is None
    assert fact.node.node_id == to_node(FactMemory(memory_value="Lives in Lisbon.")).node.node_id
    tea = {"id": "p", "preference": "Likes tea.", "preference_type": "explicit_preference", "reasoning": "said so"}
    assert to_node(PreferenceMemory(**tea)).node.metadata == {
        "kind": "preference", "type": "explicit_preference", "reasoning": "said so", "id": "p",
    }  # fmt: skip


def test_in_a_query_engine(known: MemOSClient) -> None:
    llm = model()
    engine = RetrieverQueryEngine.from_args(MemOSRetriever(client=known, user_id="u"), llm=llm)
    response = engine.query("Where do I live?")
    assert response.source_nodes
    assert "Lisbon" in str(llm.prompts[0])
    assert "relativity" not in str(llm.prompts[0])


def test_other_users_see_nothing(known: MemOSClient) -> None:
    assert MemOSRetriever(client=known, user_id="v").retrieve("Where do I live?") == []


def test_refusals(known: MemOSClient) -> None:
    with pytest.raises(ConfigurationError):
        MemOSRetriever(client=known, user_id="")
    for top_k in (0, 26):
        with pytest.raises(ValueError, match="1 to 25"):
            MemOSRetriever(client=known, user_id="u", top_k=top_k)


def test_failing_open_or_loudly(known: MemOSClient, backend: Backend, caplog: pytest.LogCaptureFixture) -> None:
    backend.stop()
    assert MemOSRetriever(client=known, user_id="u").retrieve("Where do I live?") == []
    assert "memory" in caplog.text.lower()
    with pytest.raises(TransportError):
        MemOSRetriever(client=known, user_id="u", on_error="raise").retrieve("Where do I live?")
