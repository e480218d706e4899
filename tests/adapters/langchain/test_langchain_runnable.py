from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.output_parsers import JsonOutputParser, StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables import Runnable, RunnableGenerator, RunnableLambda
from langchain_core.runnables.history import RunnableWithMessageHistory
from langchain_core.runnables.utils import AddableDict
from pydantic import BaseModel

from memos_integrations import ConfigurationError, MemOSClient
from memos_integrations.langchain import with_memos
from memos_integrations.langchain.memory import ConversationHistory
from tests.adapters.langchain.memory_server import MemoryServer
from tests.scripted import ScriptedChatModel

QUESTION = "What is my home town?"
PROMPT = ChatPromptTemplate.from_messages([("system", "Known:\n{memory}"), ("human", "{input}")])
ANN: Any = {"configurable": {"user_id": "ann", "conversation_id": "c"}}
BOB: Any = {"configurable": {"user_id": "bob", "conversation_id": "c"}}


def answer(prompt: str, question: str, used: int) -> str:
    return f"You live in {'Lisbon' if 'Lisbon' in prompt else 'Oslo' if 'Oslo' in prompt else 'an unknown town'}."


def text_chain() -> Runnable[Any, Any]:
    return PROMPT | ScriptedChatModel(reply=answer) | StrOutputParser()


def message_chain() -> Runnable[Any, Any]:
    return PROMPT | ScriptedChatModel(reply=answer)


def dict_chain() -> Runnable[Any, Any]:
    def parts(values: Iterator[Any]) -> Iterator[AddableDict]:
        for value in values:
            yield AddableDict(documents=["some text"])
            for piece in text_chain().stream(value):
                yield AddableDict(answer=piece)

    async def aparts(values: AsyncIterator[Any]) -> AsyncIterator[AddableDict]:
        async for value in values:
            yield AddableDict(documents=["some text"])
            async for piece in text_chain().astream(value):
                yield AddableDict(answer=piece)

    return RunnableGenerator(parts, aparts)


def drive(runnable: Any, how: str, value: Any, config: Any) -> list[Any]:
    async def astream() -> list[Any]:
        return [chunk async for chunk in runnable.astream(value, config)]

    if how == "invoke":
        return [runnable.invoke(value, config)]
    if how == "ainvoke":
        return [asyncio.run(runnable.ainvoke(value, config))]
    if how == "stream":
        return list(runnable.stream(value, config))
    return asyncio.run(astream())


@pytest.mark.parametrize("chain", [text_chain, message_chain, dict_chain])
@pytest.mark.parametrize("how", ["invoke", "ainvoke", "stream", "astream"])
def test_one_search_and_one_extract_per_call(
    told: MemOSClient, server: MemoryServer, settle: Any, chain: Any, how: str
) -> None:
    remembering = with_memos(chain(), told)
    chunks = drive(remembering, how, {"input": QUESTION}, ANN)
    assert (len(chunks) > 1) == ("stream" in how)
    settle()
    assert server.counts == (1, 1, 1)
    assert server.added() == [[("user", QUESTION), ("assistant", "You live in Lisbon.")]]
    drive(remembering, how, {"input": QUESTION}, ANN)
    settle()
    assert server.counts == (2, 2, 2)


def test_batches_keep_users_apart(told: MemOSClient) -> None:
    remembering = with_memos(text_chain(), told)
    inputs, configs = [{"input": QUESTION}] * 10, [ANN, BOB] * 5
    expected = ["You live in Lisbon.", "You live in Oslo."] * 5
    assert remembering.batch(inputs, configs) == expected
    assert asyncio.run(remembering.abatch(inputs, configs)) == expected


def test_ids_come_from_the_config_then_from_the_constructor(
    told: MemOSClient, server: MemoryServer, settle: Any
) -> None:
    remembering = with_memos(text_chain(), told, user_id="bob", conversation_id="c0")
    assert remembering.invoke({"input": QUESTION}) == "You live in Oslo."
    assert remembering.invoke({"input": QUESTION}, ANN) == "You live in Lisbon."
    inside = RunnableLambda(remembering.invoke)
    assert inside.invoke({"input": QUESTION}, ANN) == "You live in Lisbon."
    settle()
    assert [(b["user_id"], b["conversation_id"]) for b in server.bodies("/search/memory")] == [
        ("bob", "c0"), ("ann", "c"), ("ann", "c"),
    ]  # fmt: skip


def test_nobody_is_an_error_before_the_chain_runs(told: MemOSClient) -> None:
    ran: list[Any] = []
    remembering = with_memos(RunnableLambda(ran.append), told)
    with pytest.raises(ConfigurationError):
        remembering.invoke({"input": QUESTION})
    with pytest.raises(ConfigurationError):
        asyncio.run(remembering.ainvoke({"input": QUESTION}))
    with pytest.raises(ConfigurationError):
        list(remembering.stream({"input": QUESTION}))
    assert ran == []


@pytest.mark.parametrize("value", ["just text", {"question": QUESTION}])
def test_an_input_without_the_users_words_is_refused(told: MemOSClient, value: Any) -> None:
    with pytest.raises(ConfigurationError, match="'input'"):
        with_memos(text_chain(), told, user_id="ann").invoke(value)


@pytest.mark.parametrize("value", [HumanMessage(QUESTION), [("ai", "Hi!"), ("user", QUESTION)]])
def test_other_keys_and_messages_as_input(told: MemOSClient, server: MemoryServer, settle: Any, value: Any) -> None:
    chain = RunnableLambda(lambda values: {"said": AIMessage(values["known"]), "output": "something else"})
    remembering = with_memos(
        chain, told, input_key="question", memory_key="known", output_key="said", user_id="ann", write="add"
    )
    output = remembering.invoke({"question": value})
    assert "Lisbon" in output["said"].text
    settle()
    assert server.counts == (1, 0, 1)
    # What memory put into the prompt and the model recited is not told to memory again.
    assert server.added() == [[("user", QUESTION)]]


def test_streams_pass_through_what_follows(told: MemOSClient, server: MemoryServer, settle: Any) -> None:
    remembering = with_memos(message_chain(), told) | StrOutputParser()
    chunks = list(remembering.stream({"input": QUESTION}, ANN))
    assert "".join(chunks) == "You live in Lisbon."
    assert len(chunks) > 1
    settle()
    assert server.counts == (1, 1, 1)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("user_only", [[("user", QUESTION)]]),
        ("user_and_partial", [[("user", QUESTION), ("assistant", "You live")]]),
        ("discard", []),
    ],
)
@pytest.mark.parametrize("how", ["stream", "astream"])
def test_streams_closed_early(
    told: MemOSClient, server: MemoryServer, settle: Any, policy: Any, expected: Any, how: str
) -> None:
    remembering = with_memos(text_chain(), told, on_abort=policy)

    async def partly() -> None:
        stream = remembering.astream({"input": QUESTION}, ANN)
        await anext(stream)
        await anext(stream)
        await stream.aclose()

    if how == "stream":
        stream = remembering.stream({"input": QUESTION}, ANN)
        next(stream)
        next(stream)
        stream.close()
    else:
        asyncio.run(partly())
    settle()
    assert server.added() == expected


def test_a_cancelled_call_keeps_what_the_user_said(told: MemOSClient, server: MemoryServer, settle: Any) -> None:
    hanging = asyncio.Event()

    async def forever(values: Any) -> str:
        hanging.set()
        await asyncio.Event().wait()
        return "never"

    async def cancelled() -> None:
        call = asyncio.create_task(with_memos(RunnableLambda(forever), told).ainvoke({"input": QUESTION}, ANN))
        await hanging.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(cancelled())
    settle()
    assert server.added() == [[("user", QUESTION)]]


def test_a_chain_that_fails(told: MemOSClient, server: MemoryServer, settle: Any) -> None:
    def fail(values: Any) -> str:
        raise OSError("model is down")

    with pytest.raises(OSError, match="model is down"):
        with_memos(RunnableLambda(fail), told).invoke({"input": QUESTION}, ANN)
    settle()
    assert server.added() == [[("user", QUESTION)]]


def test_config_reaches_the_chain(told: MemOSClient) -> None:
    seen: list[Any] = []

    def look(values: Any, config: Any) -> str:
        seen.append((config["tags"], config["configurable"]["user_id"]))
        return "ok"

    with_memos(RunnableLambda(look), told).with_config(tags=["t"]).invoke({"input": QUESTION}, ANN)
    assert seen == [(["t"], "ann")]


def test_with_a_message_history(told: MemOSClient, server: MemoryServer, settle: Any) -> None:
    prompt = ChatPromptTemplate.from_messages(
        [("system", "Known:\n{memory}"), MessagesPlaceholder("history"), ("human", "{input}")]
    )
    history = ConversationHistory()
    model = ScriptedChatModel(reply=answer)
    with pytest.warns(DeprecationWarning, match="RunnableWithMessageHistory"):
        chain = RunnableWithMessageHistory(
            with_memos(prompt | model, told),
            lambda session_id: history,
            input_messages_key="input",
            history_messages_key="history",
        )
    config: Any = {"configurable": {"user_id": "ann", "session_id": "s"}}
    chain.invoke({"input": QUESTION}, config)
    chain.invoke({"input": "Sure?"}, config)
    assert [m.type for m in model.seen] == ["system", "human", "ai", "human"]
    settle()
    assert server.counts == (2, 2, 2)


def test_a_dead_server_breaks_no_chain(told: MemOSClient, server: MemoryServer, settle: Any) -> None:
    remembering = with_memos(text_chain(), told)
    server.stop()
    for how in ("invoke", "ainvoke", "stream", "astream"):
        assert "".join(drive(remembering, how, {"input": f"{QUESTION} ({how})"}, ANN)) == "You live in an unknown town."
    server.start()
    settle()
    assert [turn[0] for turn in server.added()] == [
        ("user", f"{QUESTION} ({how})") for how in ("invoke", "ainvoke", "stream", "astream")
    ]


def test_it_looks_like_the_chain_it_wraps(told: MemOSClient) -> None:
    remembering = with_memos(text_chain(), told)
    assert remembering.OutputType is str
    assert remembering.get_name().startswith("with_memos<")
    assert remembering.get_graph().nodes
    assert remembering.input_schema


class Reply(BaseModel):
    answer: str


@pytest.mark.parametrize("how", ["invoke", "stream", "astream"])
def test_objects_that_are_said_again_in_each_chunk_are_told_once(
    told: MemOSClient, server: MemoryServer, settle: Any, how: str
) -> None:
    """JSON parsers stream the whole object so far; the words of one that is chunked otherwise are added up."""

    def said(prompt: str, question: str, used: int) -> str:
        return '{"mood": "good", "answer": "You live in Lisbon."}'

    def pieces(values: Iterator[Any]) -> Iterator[dict[str, Any]]:
        for _ in values:
            yield {"answer": "You live "}
            yield {"answer": "in Lisbon."}

    json_chain = PROMPT | ScriptedChatModel(reply=said) | JsonOutputParser()
    drive(with_memos(json_chain, told), how, {"input": QUESTION}, ANN)
    if how == "stream":
        drive(with_memos(RunnableGenerator(pieces), told), how, {"input": QUESTION}, ANN)
    settle()
    turn = [("user", QUESTION), ("assistant", "You live in Lisbon.")]
    assert server.added() == [turn] * (2 if how == "stream" else 1)


def test_a_model_object_may_hold_the_answer(told: MemOSClient, server: MemoryServer, settle: Any) -> None:
    chain = RunnableLambda(lambda values: Reply(answer="You live in Lisbon."))
    assert with_memos(chain, told).invoke({"input": QUESTION}, ANN) == Reply(answer="You live in Lisbon.")
    settle()
    assert server.added() == [[("user", QUESTION), ("assistant", "You live in Lisbon.")]]
