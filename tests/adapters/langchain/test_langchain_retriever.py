from __future__ import annotations

import asyncio
import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import ConfigurableField, RunnableLambda, RunnableParallel, RunnablePassthrough
from langchain_core.tools import create_retriever_tool
from langchain_tests.integration_tests import RetrieversIntegrationTests
from pydantic import ValidationError

from memos_integrations import ConfigurationError, MemOSClient, TransportError
from memos_integrations.langchain import MemOSRetriever
from tests.adapters.langchain.memory_server import MemoryServer
from tests.scripted import ScriptedChatModel

QUESTION = "What is my home town?"
EVERYTHING = "What is my home town, which tea or coffee do I love, and how are my dog and my cat called?"


def texts(documents: list[Document]) -> str:
    return " | ".join(d.page_content for d in documents)


class TestStandard(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _memories(self, told: MemOSClient) -> None:
        self._client = told

    @property
    def retriever_constructor(self) -> type[MemOSRetriever]:
        return MemOSRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"client": self._client, "user_id": "ann"}

    @property
    def retriever_query_example(self) -> str:
        return EVERYTHING


def test_documents(told: MemOSClient) -> None:
    documents = MemOSRetriever(client=told, user_id="ann").invoke(EVERYTHING)
    kinds = {d.metadata["kind"]: d for d in documents}
    assert set(kinds) == {"fact", "preference"}
    for document in documents:
        assert set(document.metadata) == {
            "kind", "key", "type", "tags", "id", "create_time", "update_time", "relativity", "reasoning",
            "message_ids", "conversation_id", "status",
        }  # fmt: skip
        assert document.id == document.metadata["id"] is not None
        assert document.metadata["conversation_id"] == "before"
        assert 0 < document.metadata["relativity"] <= 1
        assert document.metadata["create_time"].tzinfo is not None
        assert document.metadata["message_ids"]
    fact, preference = kinds["fact"].metadata, kinds["preference"].metadata
    assert fact["key"]
    assert (preference["key"], preference["tags"]) == (None, [])
    assert preference["type"] in ("explicit_preference", "implicit_preference")
    assert preference["reasoning"]
    ranks = [d.metadata["relativity"] for d in documents]
    assert ranks == sorted(ranks, reverse=True)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_at_most_k_in_all(told: MemOSClient, k: int) -> None:
    retriever = MemOSRetriever(client=told, user_id="ann", k=6)
    assert len(retriever.invoke(EVERYTHING, k=k)) == k
    assert len(asyncio.run(retriever.ainvoke(EVERYTHING, k=k))) == k
    assert len(retriever.invoke(EVERYTHING, k=500)) >= 3


def test_whose_memories(told: MemOSClient) -> None:
    retriever = MemOSRetriever(client=told, user_id="ann")
    bob = {"configurable": {"user_id": "bob"}}
    assert "Lisbon" in texts(retriever.invoke(QUESTION))
    assert "Oslo" in texts(retriever.invoke(QUESTION, bob))
    assert "Oslo" in texts(asyncio.run(retriever.ainvoke(QUESTION, bob)))
    assert "Lisbon" in texts(retriever.invoke(QUESTION, bob, user_id="ann"))
    assert "Lisbon" not in texts(retriever.invoke(QUESTION, user_id="bob"))
    # Nothing of one call's config is left for the next one.
    assert "Lisbon" in texts(retriever.invoke(QUESTION))
    chain = retriever | RunnableLambda(texts)
    assert "Oslo" in chain.invoke(QUESTION, bob)
    both = RunnableParallel(one=retriever, two=retriever).invoke(QUESTION, bob)
    assert texts(both["one"]) == texts(both["two"])


def test_nobody_is_an_error_even_though_memory_fails_open(told: MemOSClient) -> None:
    with pytest.raises(ConfigurationError):
        MemOSRetriever(client=told).invoke(QUESTION)
    with pytest.raises(ConfigurationError):
        asyncio.run(MemOSRetriever(client=told, user_id="ann").ainvoke(QUESTION, {"configurable": {"user_id": " "}}))


def test_many_users_at_once(told: MemOSClient) -> None:
    retriever = MemOSRetriever(client=told)
    users = ["ann", "bob"] * 15
    configs: Any = [{"configurable": {"user_id": user}} for user in users]
    expected = [{"ann": "Lisbon", "bob": "Oslo"}[user] for user in users]

    async def gather() -> list[list[Document]]:
        return await asyncio.gather(*(retriever.ainvoke(QUESTION, config) for config in configs))

    with ThreadPoolExecutor(8) as pool:
        threads = list(pool.map(lambda c: retriever.invoke(QUESTION, c), configs))
    for answers in (threads, retriever.batch([QUESTION] * 30, configs), asyncio.run(gather())):
        for city, documents in zip(expected, answers, strict=True):
            assert city in texts(documents)
            assert not {"Lisbon", "Oslo"} - {city} & set(texts(documents).replace(".", "").split())


def test_conversation_reaches_the_search(told: MemOSClient, server: MemoryServer) -> None:
    retriever = MemOSRetriever(client=told, user_id="ann", conversation_id="c0")
    retriever.invoke(QUESTION)
    retriever.invoke(QUESTION, {"configurable": {"thread_id": "t"}})
    retriever.invoke(QUESTION, conversation_id="c1")
    assert [b["conversation_id"] for b in server.bodies("/search/memory")] == ["c0", "t", "c1"]


@pytest.mark.parametrize(("kwargs", "name"), [({"kk": 3}, "kk"), ({"k": 0}, "k"), ({"memory_limt": 3}, "memory_limt")])
def test_bad_parameters_are_refused(client: MemOSClient, kwargs: dict[str, Any], name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        MemOSRetriever(client=client, user_id="ann", **kwargs)


def test_options_reach_the_search(told: MemOSClient, server: MemoryServer) -> None:
    documents = MemOSRetriever(client=told, user_id="ann", include_preference=False).invoke(EVERYTHING)
    assert {d.metadata["kind"] for d in documents} == {"fact"}


def test_rag_chain(told: MemOSClient) -> None:
    def reply(prompt: str, question: str, used: int) -> str:
        return "Lisbon." if "Lisbon" in prompt else "I do not know."

    prompt = ChatPromptTemplate.from_template("Known about the user:\n{memories}\n\nQuestion: {question}")
    chain = (
        {"memories": MemOSRetriever(client=told) | RunnableLambda(texts), "question": RunnablePassthrough()}
        | prompt
        | ScriptedChatModel(reply=reply)
        | StrOutputParser()
    )
    config: Any = {"configurable": {"user_id": "ann"}}
    assert chain.invoke(QUESTION, config) == "Lisbon."
    assert asyncio.run(chain.ainvoke(QUESTION, config)) == "Lisbon."
    assert chain.invoke(QUESTION, {"configurable": {"user_id": "bob"}}) == "I do not know."


def test_as_a_tool(told: MemOSClient) -> None:
    tool = create_retriever_tool(MemOSRetriever(client=told), "recall", "What is known about the user.")
    assert set(tool.args) == {"query"}
    assert "Oslo" in tool.invoke({"query": QUESTION}, {"configurable": {"user_id": "bob"}})
    assert "Lisbon" in asyncio.run(tool.ainvoke({"query": QUESTION}, {"configurable": {"user_id": "ann"}}))


def test_a_dead_server(told: MemOSClient, server: MemoryServer, caplog: pytest.LogCaptureFixture) -> None:
    server.stop()
    assert MemOSRetriever(client=told, user_id="ann").invoke(QUESTION) == []
    assert asyncio.run(MemOSRetriever(client=told, user_id="ann").ainvoke(QUESTION)) == []
    assert [r.levelname for r in caplog.records].count("WARNING") >= 1
    assert "ann" not in caplog.text
    with pytest.raises(TransportError):
        MemOSRetriever(client=told, user_id="ann", on_error="raise").invoke(QUESTION)


def test_nothing_private_is_shown(client: MemOSClient) -> None:
    retriever = MemOSRetriever(client=client, user_id="ann-private", conversation_id="c-private")
    assert "private" not in repr(retriever)
    assert "client" not in retriever.model_dump()
    assert retriever.model_copy(update={"k": 3}).k == 3


def test_configurable_fields(told: MemOSClient) -> None:
    retriever = MemOSRetriever(client=told, user_id="ann").configurable_fields(k=ConfigurableField("memories"))
    assert len(retriever.invoke(EVERYTHING, {"configurable": {"memories": 1}})) == 1
    assert len(retriever.invoke(EVERYTHING)) > 1


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_work_without_the_key(told: MemOSClient, monkeypatch: pytest.MonkeyPatch, copied: Any) -> None:
    monkeypatch.setenv("MEMOS_API_KEY", "another-key")
    retriever = MemOSRetriever(client=told, user_id="ann", k=2, relativity=0.1)
    retriever.invoke(QUESTION)
    assert b"test-key" not in pickle.dumps(retriever)
    other = copied(retriever)
    with other.client:
        assert texts(other.invoke(QUESTION)) == texts(retriever.invoke(QUESTION))
