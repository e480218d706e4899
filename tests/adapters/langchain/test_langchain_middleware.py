from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    HumanInTheLoopMiddleware,
    ModelRequest,
    ModelRetryMiddleware,
    SummarizationMiddleware,
    hook_config,
)
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt
from pydantic import BaseModel, Field

from memos_integrations import INSTRUCTIONS, ConfigurationError, MemOSClient
from memos_integrations.langchain import MemOSContext, MemOSMiddleware
from memos_integrations.langchain._identity import Identity
from memos_integrations.langchain._messages import Turn
from memos_integrations.langchain.middleware import _Aborts
from memos_integrations.prompt import FENCE_OPEN
from tests.adapters.langchain.memory_server import MemoryServer
from tests.scripted import ScriptedChatModel

QUESTION = "What is my home town?"
ANN = MemOSContext("ann", "c")
THREAD: Any = {"configurable": {"thread_id": "t"}}


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"Sunny in {city}."


@tool(return_direct=True)
def shout(text: str) -> str:
    """Say it loudly."""
    return text.upper()


def answer(prompt: str, question: str, used: int) -> str:
    return f"You live in {'Lisbon' if 'Lisbon' in prompt else 'Oslo' if 'Oslo' in prompt else 'an unknown town'}."


def rounds(prompt: str, question: str, used: int) -> Any:
    return ("weather", {"city": f"Town {used}"}) if used < 2 else answer(prompt, question, used)


class Recorder(ScriptedChatModel):
    """Keeps every prompt it got, and fails while `down` is above zero."""

    prompts: list[list[Any]] = Field(default_factory=list)
    down: list[int] = Field(default_factory=lambda: [0])

    def _answer(self, messages: list[Any]) -> Any:
        self.prompts.append(list(messages))
        if self.down[0]:
            self.down[0] -= 1
            msg = "model is down"
            raise OSError(msg)
        return super()._answer(messages)


def recorder(reply: Any = answer) -> Recorder:
    return Recorder(reply=reply)


def agent(client: MemOSClient, model: Any = None, *, saver: bool = True, others: Any = (), **kwargs: Any) -> Any:
    kwargs.setdefault("tools", [weather, shout])
    own = {name: kwargs.pop(name) for name in ("on_abort", "user_id", "conversation_id", "on_error") if name in kwargs}
    return create_agent(
        model or ScriptedChatModel(reply=answer),
        middleware=[*others, MemOSMiddleware(client, **own)],
        context_schema=MemOSContext,
        checkpointer=InMemorySaver() if saver else None,
        **kwargs,
    )


def said(*texts: str) -> dict[str, Any]:
    return {"messages": [("user", text) for text in texts]}


def drive(agent: Any, how: str, value: Any, config: Any = THREAD, context: Any = ANN) -> Any:
    async def events() -> list[Any]:
        return [e async for e in agent.astream_events(value, config, context=context, version="v2")]

    async def astream(mode: str) -> list[Any]:
        return [chunk async for chunk in agent.astream(value, config, context=context, stream_mode=mode)]

    if how == "invoke":
        return agent.invoke(value, config, context=context)
    if how == "ainvoke":
        return asyncio.run(agent.ainvoke(value, config, context=context))
    if how == "astream_events":
        return asyncio.run(events())
    way, mode = how.split(":")
    if way == "stream":
        return list(agent.stream(value, config, context=context, stream_mode=mode))
    return asyncio.run(astream(mode))


WAYS = ["invoke", "ainvoke", "stream:values", "stream:updates", "stream:messages", "astream:messages", "astream_events"]


@pytest.mark.parametrize("reply", [answer, rounds], ids=["plain", "two tool rounds"])
@pytest.mark.parametrize("how", WAYS)
def test_one_search_and_one_extract_per_turn(
    told: MemOSClient, server: MemoryServer, settle: Any, how: str, reply: Any
) -> None:
    model = recorder(reply)
    remembering = agent(told, model)
    for turn in (1, 2):
        drive(remembering, how, said(f"{QUESTION} ({turn})"))
        settle()
        assert server.counts == (turn, turn, turn)
    assert server.added() == [
        [("user", f"{QUESTION} ({turn})"), ("assistant", "You live in Lisbon.")] for turn in (1, 2)
    ]
    for prompt in model.prompts:
        assert prompt[0].text == INSTRUCTIONS
        blocks = [m for m in prompt if FENCE_OPEN in m.text and m.type != "system"]
        assert [m.type for m in blocks] == ["human"]
        assert blocks[0] is [m for m in prompt if m.type == "human"][-1]
        assert "Lisbon" in blocks[0].text


@pytest.mark.parametrize("how", WAYS)
def test_memory_text_stays_out_of_state_streams_and_checkpoints(told: MemOSClient, how: str) -> None:
    remembering = agent(told, recorder(lambda prompt, question, used: "Noted."))
    seen = drive(remembering, how, said("Tell me something."))
    kept = remembering.get_state(THREAD)
    history = [*remembering.get_state_history(THREAD)]
    assert "memos_cursor" in kept.values
    assert FENCE_OPEN not in repr(history)
    if how != "astream_events":  # its on_chat_model_start shows the prompt itself, as it should
        assert FENCE_OPEN not in repr(seen)
    assert "memos_cursor" not in drive(remembering, "invoke", said("More."))


def test_system_messages_are_kept_and_stable(told: MemOSClient) -> None:
    model = recorder()
    remembering = agent(told, model, system_prompt="You are terse.")
    for text in (QUESTION, "What is my dog called?", "zzz"):
        drive(remembering, "invoke", said(text))
    drive(remembering, "invoke", said(QUESTION), context=MemOSContext("nobody yet"))
    assert {prompt[0].text for prompt in model.prompts} == {f"You are terse.\n\n{INSTRUCTIONS}"}
    assert all(sum(m.type == "system" for m in prompt) == 1 for prompt in model.prompts)


def test_nothing_remembered_means_no_block(told: MemOSClient) -> None:
    model = recorder()
    drive(agent(told, model), "invoke", said(QUESTION), context=MemOSContext("nobody yet"))
    assert model.prompts[0][-1].text == QUESTION


@pytest.mark.parametrize(
    ("context", "config", "owner"),
    [
        (ANN, {"user_id": "bob"}, ("ann", "c")),
        (MemOSContext("ann"), {"thread_id": "t"}, ("ann", "t")),
        ({"user_id": "ann", "conversation_id": "d"}, {}, ("ann", "d")),
        (None, {"user_id": "bob", "conversation_id": "e", "thread_id": "t"}, ("bob", "e")),
        (None, {}, ("constructor", "c0")),
    ],
)
def test_whose_memory(
    told: MemOSClient, server: MemoryServer, settle: Any, context: Any, config: dict[str, str], owner: tuple[str, str]
) -> None:
    remembering = agent(told, saver=False, user_id="constructor", conversation_id="c0")
    drive(remembering, "invoke", said(QUESTION), {"configurable": config}, context)
    settle()
    for path in ("/search/memory", "/add/message"):
        [body] = server.bodies(path)
        assert (body["user_id"], body["conversation_id"]) == owner


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
def test_nobody_is_an_error_before_the_model_is_called(told: MemOSClient, how: str) -> None:
    model = recorder()
    with pytest.raises(ConfigurationError):
        drive(agent(told, model), how, said(QUESTION), context=None)
    with pytest.raises(ConfigurationError):
        drive(agent(told, model, user_id="ann"), how, said(QUESTION), context={"user_id": ""})
    assert model.prompts == []


def test_thirty_users_at_once(told: MemOSClient, server: MemoryServer, settle: Any) -> None:
    model = recorder(rounds)
    remembering = agent(told, model)
    expected = {"ann": "You live in Lisbon.", "bob": "You live in Oslo."}
    users = ["ann", "bob"] * 15

    async def turn(number: int, user: str) -> str:
        config = {"configurable": {"thread_id": f"t{number}"}}
        state = await remembering.ainvoke(said(QUESTION), config, context=MemOSContext(user, f"c{number}"))
        return str(state["messages"][-1].text)

    async def all_turns() -> list[str]:
        return await asyncio.gather(*(turn(i, user) for i, user in enumerate(users)))

    assert asyncio.run(all_turns()) == [expected[user] for user in users]
    settle()
    assert server.counts == (30, 30, 30)
    for body in server.bodies("/add/message"):
        assert body["messages"][1]["content"] == expected[body["user_id"]]


class TestInterrupts:
    def test_approval_and_resume(self, told: MemOSClient, server: MemoryServer, settle: Any) -> None:
        model = recorder(rounds)
        gate = HumanInTheLoopMiddleware(interrupt_on={"weather": True})
        remembering = agent(told, model, others=[gate])
        drive(remembering, "invoke", said(QUESTION))
        settle()
        assert server.counts == (1, 0, 0)
        approve = Command(resume={"decisions": [{"type": "approve"}]})
        drive(remembering, "invoke", approve)
        drive(remembering, "ainvoke", approve)
        settle()
        assert server.counts == (1, 1, 1)
        assert len(model.prompts) == 3
        assert all(FENCE_OPEN in prompt[1].text for prompt in model.prompts)
        assert server.added() == [[("user", QUESTION), ("assistant", "You live in Lisbon.")]]

    def test_a_resume_in_another_process(self, told: MemOSClient, server: MemoryServer, settle: Any) -> None:
        saver = InMemorySaver()
        model = recorder(rounds)
        gate = HumanInTheLoopMiddleware(interrupt_on={"weather": True})
        for value in (said(QUESTION), *[Command(resume={"decisions": [{"type": "approve"}]})] * 2):
            fresh = create_agent(
                model,
                tools=[weather],
                middleware=[gate, MemOSMiddleware(told, recall_timeout_s=5)],
                context_schema=MemOSContext,
                checkpointer=saver,
            )
            drive(fresh, "invoke", value)
        settle()
        # Nothing of the recall is in the checkpoint, so each process asks once.
        assert server.counts == (3, 1, 1)
        assert all(FENCE_OPEN in prompt[1].text for prompt in model.prompts)

    def test_interrupt_inside_a_tool(self, told: MemOSClient, server: MemoryServer, settle: Any) -> None:
        @tool
        def ask(what: str) -> str:
            """Ask the user."""
            return str(interrupt(what))

        def reply(prompt: str, question: str, used: int) -> Any:
            return "Fine." if used else ("ask", {"what": "Sure?"})

        remembering = agent(told, recorder(reply), tools=[ask])
        drive(remembering, "invoke", said(QUESTION))
        drive(remembering, "invoke", Command(resume="yes"))
        settle()
        assert server.counts == (1, 1, 1)

    def test_interrupt_inside_another_middleware(self, told: MemOSClient, server: MemoryServer, settle: Any) -> None:
        class Ask(AgentMiddleware):
            def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
                interrupt("Sure?")
                return handler(request)

        inner = Ask()
        remembering = create_agent(
            recorder(),
            middleware=[MemOSMiddleware(told), inner],
            context_schema=MemOSContext,
            checkpointer=InMemorySaver(),
        )
        drive(remembering, "invoke", said(QUESTION))
        settle()
        assert server.counts == (1, 0, 0)
        drive(remembering, "invoke", Command(resume="yes"))
        settle()
        assert server.counts == (1, 1, 1)
        assert server.added() == [[("user", QUESTION), ("assistant", "You live in Lisbon.")]]

    @pytest.mark.parametrize("first", ["has a past", "is the first turn"])
    def test_an_abandoned_interrupt_is_caught_up(
        self, told: MemOSClient, server: MemoryServer, settle: Any, first: str
    ) -> None:
        def reply(prompt: str, question: str, used: int) -> Any:
            return ("weather", {"city": "Porto"}) if "weather" in question and not used else "Noted."

        remembering = agent(told, recorder(reply), others=[HumanInTheLoopMiddleware(interrupt_on={"weather": True})])
        past = [[("user", "Hello."), ("assistant", "Noted.")]] if first == "has a past" else []
        if past:
            drive(remembering, "invoke", said("Hello."))
        drive(remembering, "invoke", said("I moved to Porto, how is the weather?"))
        drive(remembering, "invoke", said("Never mind."))
        settle()
        assert server.added() == [
            *past,
            [("user", "I moved to Porto, how is the weather?")],
            [("user", "Never mind."), ("assistant", "Noted.")],
        ]


class TestEndsWithoutAssistantText:
    def test_return_direct(self, told: MemOSClient, server: MemoryServer, settle: Any) -> None:
        remembering = agent(told, recorder(lambda prompt, question, used: ("shout", {"text": "hi"})))
        state = drive(remembering, "invoke", said(QUESTION))
        assert state["messages"][-1].type == "tool"
        drive(remembering, "invoke", said("Again!"))
        settle()
        assert server.counts == (2, 2, 2)
        assert server.added() == [[("user", QUESTION)], [("user", "Again!")]]

    def test_structured_output(self, told: MemOSClient, server: MemoryServer, settle: Any) -> None:
        class Town(BaseModel):
            """Where somebody lives."""

            name: str

        remembering = agent(
            told,
            recorder(lambda prompt, question, used: ("Town", {"name": "Lisbon"})),
            response_format=ToolStrategy(Town),
        )
        state = drive(remembering, "invoke", said(QUESTION))
        assert state["structured_response"] == Town(name="Lisbon")
        settle()
        assert server.added() == [[("user", QUESTION)]]

    def test_a_guardrail_that_ends_the_turn(self, told: MemOSClient, server: MemoryServer, settle: Any) -> None:
        class Guard(AgentMiddleware):
            @hook_config(can_jump_to=["end"])
            def before_agent(self, state: Any, runtime: Any) -> Any:
                return {"messages": [AIMessage("I may not talk about this.")], "jump_to": "end"}

        model = recorder()
        drive(agent(told, model, others=[Guard()]), "invoke", said(QUESTION))
        settle()
        assert model.prompts == []
        assert server.counts == (0, 1, 1)

    def test_no_messages_at_all(self, told: MemOSClient, server: MemoryServer, settle: Any) -> None:
        class Guard(AgentMiddleware):
            @hook_config(can_jump_to=["end"])
            def before_agent(self, state: Any, runtime: Any) -> Any:
                return {"jump_to": "end"}

        drive(agent(told, recorder(), others=[Guard()]), "invoke", {"messages": []})
        settle()
        assert server.counts == (0, 0, 0)


class TestAborts:
    @pytest.mark.parametrize("saver", [True, False], ids=["checkpointer", "stateless"])
    @pytest.mark.parametrize("how", ["invoke", "ainvoke"])
    def test_a_model_that_fails(
        self, told: MemOSClient, server: MemoryServer, settle: Any, how: str, saver: bool
    ) -> None:
        model = recorder()
        remembering = agent(told, model, saver=saver)
        model.down[0] = 1
        with pytest.raises(OSError, match="model is down"):
            drive(remembering, how, said("I moved to Porto."))
        settle()
        assert server.added() == [[("user", "I moved to Porto.")]]
        again = said(QUESTION) if saver else said("I moved to Porto.", QUESTION)
        drive(remembering, how, again)
        settle()
        assert server.added()[1:] == [[("user", QUESTION), ("assistant", "You live in Lisbon.")]]

    @pytest.mark.parametrize("saver", [True, False], ids=["checkpointer", "stateless"])
    @pytest.mark.parametrize("how", ["invoke", "ainvoke"])
    def test_a_tool_that_fails(
        self, told: MemOSClient, server: MemoryServer, settle: Any, how: str, saver: bool
    ) -> None:
        broken = [True]

        def press(button: str) -> str:
            """Press a button."""
            if broken[0]:
                raise OSError("the button is stuck")
            return "Pressed."

        def reply(prompt: str, question: str, used: int) -> Any:
            return ("press", {"button": "red"}) if not used else "It is pressed."

        remembering = agent(told, recorder(reply), saver=saver, tools=[press])
        with pytest.raises(OSError, match="stuck"):
            drive(remembering, how, said("I moved to Porto, press the button."))
        settle()
        assert server.added() == [[("user", "I moved to Porto, press the button.")]]
        broken[0] = False
        drive(remembering, how, said("Try once more."))
        settle()
        assert server.added()[1:] == [[("user", "Try once more."), ("assistant", "It is pressed.")]]

    def test_tools_that_fail_together_tell_the_turn_once(
        self, told: MemOSClient, server: MemoryServer, settle: Any
    ) -> None:
        def press(button: str) -> str:
            """Press a button."""
            raise OSError("the button is stuck")

        class Both(ScriptedChatModel):
            def _generate(self, messages: list[Any], *args: Any, **kwargs: Any) -> ChatResult:
                calls = [
                    {"name": "press", "args": {"button": b}, "id": b, "type": "tool_call"} for b in ("red", "blue")
                ]
                return ChatResult(generations=[ChatGeneration(message=AIMessage("", tool_calls=calls))])

        with pytest.raises(OSError, match="stuck"):
            drive(agent(told, Both(reply=answer), tools=[press]), "ainvoke", said("Press both."))
        settle()
        assert server.added() == [[("user", "Press both.")]]

    @pytest.mark.parametrize("resend", [None, said("I moved to Porto.")], ids=["resume", "resend"])
    def test_a_retry_of_the_whole_turn_stores_it_once(
        self, told: MemOSClient, server: MemoryServer, settle: Any, resend: Any
    ) -> None:
        model = recorder()
        remembering = agent(told, model, saver=resend is None)
        model.down[0] = 1
        with pytest.raises(OSError, match="model is down"):
            drive(remembering, "invoke", said("I moved to Porto."))
        drive(remembering, "invoke", resend)
        settle()
        assert server.counts[1:] == (1, 1)

    @pytest.mark.parametrize("outside", [True, False], ids=["retry around memory", "memory around retry"])
    def test_retries_inside_the_turn(self, told: MemOSClient, server: MemoryServer, settle: Any, outside: bool) -> None:
        model = recorder()
        model.down[0] = 2
        retry = ModelRetryMiddleware(max_retries=3, initial_delay=0, jitter=False)
        both = [retry, MemOSMiddleware(told)] if outside else [MemOSMiddleware(told), retry]
        drive(create_agent(model, middleware=both, context_schema=MemOSContext), "invoke", said(QUESTION))
        settle()
        assert len(model.prompts) == 3
        assert server.counts == (1, 1, 1)
        answers = [] if outside else [("assistant", "You live in Lisbon.")]
        assert server.added() == [[("user", QUESTION), *answers]]

    def test_discard(self, told: MemOSClient, server: MemoryServer, settle: Any) -> None:
        model = recorder()
        remembering = agent(told, model, on_abort="discard")
        model.down[0] = 1
        with pytest.raises(OSError, match="model is down"):
            drive(remembering, "invoke", said("Forget this failed."))
        drive(remembering, "invoke", said(QUESTION))
        settle()
        assert server.added() == [[("user", QUESTION), ("assistant", "You live in Lisbon.")]]

    def test_a_cancelled_call(self, told: MemOSClient, server: MemoryServer, settle: Any) -> None:
        hanging = asyncio.Event()

        class Hang(AgentMiddleware):
            async def awrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
                hanging.set()
                await asyncio.Event().wait()

        remembering = create_agent(recorder(), middleware=[MemOSMiddleware(told), Hang()], context_schema=MemOSContext)

        async def cancelled() -> None:
            call = asyncio.create_task(remembering.ainvoke(said(QUESTION), context=ANN))
            await hanging.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

        asyncio.run(cancelled())
        settle()
        assert server.added() == [[("user", QUESTION)]]

    @pytest.mark.parametrize("how", ["stream", "astream"])
    def test_a_stream_closed_early_is_caught_up(
        self, told: MemOSClient, server: MemoryServer, settle: Any, how: str
    ) -> None:
        remembering = agent(told, recorder())
        drive(remembering, "invoke", said("Hello."))

        async def partly() -> None:
            stream = remembering.astream(said("I moved to Porto."), THREAD, context=ANN, stream_mode="messages")
            await anext(stream)
            await stream.aclose()

        if how == "stream":
            stream = remembering.stream(said("I moved to Porto."), THREAD, context=ANN, stream_mode="messages")
            next(stream)
            stream.close()
        else:
            asyncio.run(partly())
        drive(remembering, "invoke", said(QUESTION))
        settle()
        told_users = [text for turn in server.added() for role, text in turn if role == "user"]
        assert told_users == ["Hello.", "I moved to Porto.", QUESTION]

    def test_a_failure_without_a_user_has_nothing_to_tell(
        self, told: MemOSClient, server: MemoryServer, settle: Any
    ) -> None:
        model = recorder()
        model.down[0] = 1
        with pytest.raises(OSError, match="model is down"):
            drive(agent(told, model), "invoke", {"messages": [("ai", "Anybody there?")]})
        settle()
        assert server.counts == (0, 0, 0)

    def test_failures_in_a_row(self, told: MemOSClient, server: MemoryServer, settle: Any) -> None:
        model = recorder()
        remembering = agent(told, model)
        for text in ("I moved to Porto.", "I moved to Faro."):
            model.down[0] = 1
            with pytest.raises(OSError, match="model is down"):
                drive(remembering, "invoke", said(text))
        drive(remembering, "invoke", said(QUESTION))
        settle()
        assert server.added() == [
            [("user", "I moved to Porto.")],
            [("user", "I moved to Faro.")],
            [("user", QUESTION), ("assistant", "You live in Lisbon.")],
        ]

    def test_only_so_many_failures_are_remembered(self) -> None:
        aborts = _Aborts()
        ann, bob = Identity("ann"), Identity("bob")
        turns = [Turn((HumanMessage(f"message {number}", id=str(number)),)) for number in range(1025)]
        for number, turn in enumerate(turns):
            aborts.note(ann, turn, f"key {number}")
        assert aborts.settle(ann, turns[1]) == (turns[1], "key 1")
        for owner, turn in ((ann, turns[0]), (bob, turns[2]), (ann, turns[1])):
            whole, key = aborts.settle(owner, turn)
            assert whole == turn
            assert not key.startswith("key")


class TestWhatIsToldOnce:
    def test_a_client_that_resends_the_whole_history(
        self, told: MemOSClient, server: MemoryServer, settle: Any
    ) -> None:
        remembering = agent(told, saver=False)
        messages: list[Any] = []
        for number in range(4):
            messages.append(("user", f"{QUESTION} ({number})"))
            messages.append(("ai", drive(remembering, "invoke", {"messages": messages})["messages"][-1].text))
        settle()
        assert server.counts == (4, 4, 4)
        assert [turn[0][1] for turn in server.added()] == [f"{QUESTION} ({n})" for n in range(4)]

    def test_the_same_words_in_a_later_turn_are_told_again(
        self, told: MemOSClient, server: MemoryServer, settle: Any
    ) -> None:
        for saver in (True, False):
            remembering = agent(told, saver=saver)
            drive(remembering, "invoke", said("I ran 5 km today."))
            drive(remembering, "invoke", said("I ran 5 km today."))
        settle()
        assert server.counts[1:] == (4, 4)

    def test_a_message_with_its_own_id_is_told_once(self, told: MemOSClient, server: MemoryServer, settle: Any) -> None:
        remembering = agent(told, saver=False)
        for _ in range(2):
            drive(remembering, "invoke", {"messages": [HumanMessage(QUESTION, id="m1")]})
        settle()
        assert server.counts[1:] == (1, 1)

    def test_several_messages_at_once_are_one_turn(self, told: MemOSClient, server: MemoryServer, settle: Any) -> None:
        model = recorder()
        drive(agent(told, model), "invoke", said("I moved.", QUESTION))
        settle()
        assert server.counts == (1, 1, 1)
        assert server.bodies("/search/memory")[0]["query"] == f"I moved.\n{QUESTION}"
        assert server.added()[0][:2] == [("user", "I moved."), ("user", QUESTION)]
        assert FENCE_OPEN not in model.prompts[0][1].text
        assert FENCE_OPEN in model.prompts[0][2].text

    def test_summaries_are_not_told(self, told: MemOSClient, server: MemoryServer, settle: Any) -> None:
        summarizer = ScriptedChatModel(reply=lambda prompt, question, used: "They talked about towns.")
        summarize = SummarizationMiddleware(model=summarizer, trigger=("messages", 4), keep=("messages", 2))
        model = recorder()
        remembering = agent(told, model, others=[summarize])
        for number in range(5):
            drive(remembering, "invoke", said(f"{QUESTION} ({number})"))
        settle()
        assert any("They talked about towns." in m.text for m in model.prompts[-1])
        assert server.counts == (5, 5, 5)
        assert "They talked" not in json.dumps(server.bodies("/add/message"))
        assert "They talked" not in json.dumps(server.bodies("/search/memory"))

    def test_content_blocks(self, told: MemOSClient, server: MemoryServer, settle: Any) -> None:
        blocks = [{"type": "text", "text": QUESTION}, {"type": "image", "url": "https://example.com/a.png"}]
        model = recorder()
        drive(agent(told, model), "invoke", {"messages": [HumanMessage(blocks)]})  # type: ignore[arg-type]
        settle()
        assert [b["type"] for b in model.prompts[0][-1].content] == ["text", "image", "text"]
        assert server.added()[0][0] == ("user", QUESTION)


def test_a_dead_server_breaks_no_agent(told: MemOSClient, server: MemoryServer, settle: Any) -> None:
    remembering = agent(told, recorder(rounds))
    ways = ["invoke", "ainvoke", "stream:updates", "astream:messages"]
    drive(remembering, "invoke", said(QUESTION))
    settle()
    server.stop()
    for how in ways:
        drive(remembering, how, said(f"I moved ({how})."))
    server.start()
    drive(remembering, "invoke", said(QUESTION))
    settle()
    users = [text for turn in server.added() for role, text in turn if role == "user"]
    assert users == [QUESTION, *(f"I moved ({how})." for how in ways), QUESTION]


def test_a_dead_server_raises_where_that_was_asked_for(told: MemOSClient, server: MemoryServer) -> None:
    from memos_integrations import TransportError

    server.stop()
    with pytest.raises(TransportError):
        drive(agent(told, on_error="raise"), "invoke", said(QUESTION))


def test_unknown_options_are_refused(client: MemOSClient) -> None:
    with pytest.raises(TypeError, match="memory_limt"):
        MemOSMiddleware(client, memory_limt=3)


def test_hooks_can_be_called_without_a_graph(told: MemOSClient) -> None:
    seen: list[Any] = []
    request = ModelRequest(model=recorder(), messages=[HumanMessage(QUESTION)], runtime=Runtime(context=ANN))

    def handler(request: Any) -> Any:
        seen.append(request)
        return AIMessage("ok")

    middleware = MemOSMiddleware(told)
    middleware.wrap_model_call(request, handler)
    assert "Lisbon" in seen[0].messages[0].text
    assert request.messages[0].text == QUESTION
    assert middleware.after_agent({"messages": []}, Runtime(context=ANN)) is None
