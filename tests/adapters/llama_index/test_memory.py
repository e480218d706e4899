"""MemOSMemory in every caller: one search and one extract per user turn, and what the model and memory are shown."""

from __future__ import annotations

import asyncio

import pytest
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import InsertMethod, StaticMemoryBlock
from pydantic import BaseModel

from memos_integrations import INSTRUCTIONS, ConfigurationError, MemorySession, MemOSClient
from memos_integrations.llama_index import MemOSMemory, MemOSMemoryBlock

from .backend import Backend
from .callers import AGENTS, ANSWER, ENGINES, WAYS, function_agent, make_engine, model, run, say, two_tool_rounds
from .conftest import settle

TURNS = ("I live in Lisbon and I prefer trains to planes.", "Where do I live?")
FENCE = "<memos_memory>"


def memory(client: MemOSClient, session_id: str = "c", user_id: str = "u", **kwargs: object) -> MemOSMemory:
    return MemOSMemory.from_defaults(client=client, user_id=user_id, session_id=session_id, **kwargs)


def know(client: MemOSClient, text: str, user_id: str = "u") -> None:
    client.add_message([("user", text)], user_id=user_id, conversation_id="earlier", async_mode=False)


def roles(messages: list[ChatMessage]) -> list[str]:
    return [message.role.value for message in messages]


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("kind", ENGINES)
def test_chat_engines_search_and_extract_once_per_turn(
    client: MemOSClient, backend: Backend, kind: str, how: str
) -> None:
    engine = make_engine(kind, model(), memory(client))
    assert [say(engine, how, text) for text in TURNS] == [ANSWER, ANSWER]
    settle(client)
    assert backend.counts == (2, 2, 2)
    assert backend.told() == [[("user", text), ("assistant", ANSWER)] for text in TURNS]
    assert [body["query"] for body in backend.bodies("/search/memory")] == list(TURNS)


@pytest.mark.parametrize("name", AGENTS)
def test_agents_search_and_extract_once_per_turn(client: MemOSClient, backend: Backend, name: str) -> None:
    agent, llm = AGENTS[name]()
    run(agent, memory(client), *TURNS)
    settle(client)
    assert backend.counts == (2, 2, 2)
    answer = "Sunny in Porto." if "return_direct" in name else ANSWER
    assert backend.told() == [[("user", text), ("assistant", answer)] for text in TURNS]
    assert llm.prompts


def test_the_answer_stands_in_the_history_as_the_agent_wrote_it(client: MemOSClient) -> None:
    agent, _ = AGENTS["ReActAgent"]()
    kept = memory(client)
    run(agent, kept, TURNS[0])
    assert kept.get_all()[-1].content.startswith("Thought: I need the weather.")


def test_a_react_agent_sees_the_block_in_every_step(client: MemOSClient, backend: Backend) -> None:
    know(client, "I live in Lisbon.")
    agent, llm = AGENTS["ReActAgent"]()
    run(agent, memory(client), "Where do I live?")
    assert len(llm.prompts) == 2
    assert all(FENCE in (prompt[1].content or "") for prompt in llm.prompts)
    assert backend.counts[0] == 1


def test_every_model_call_of_a_turn_gets_the_same_block(client: MemOSClient, backend: Backend) -> None:
    know(client, "I live in Lisbon.")
    agent, llm = function_agent(two_tool_rounds)
    run(agent, memory(client), "Where do I live?")
    assert backend.counts[0] == 1
    assert len(llm.prompts) == 3
    block = MemorySession(client, user_id="u", conversation_id="c").recall("Where do I live?").prompt
    for prompt in llm.prompts:
        assert [m.content for m in prompt if m.role == "user"] == [f"Where do I live?\n\n{block}"]
        assert [m.content for m in prompt if m.role == "system"] == ["Be brief.", INSTRUCTIONS]


def test_the_final_shaping_call_gets_the_block_without_a_search(client: MemOSClient, backend: Backend) -> None:
    class Town(BaseModel):
        name: str

    seen: list[list[ChatMessage]] = []

    def shape(messages: list[ChatMessage]) -> dict[str, str]:
        seen.append(messages)
        return Town(name="Lisbon").model_dump()

    know(client, "I live in Lisbon.")
    agent, _ = function_agent()
    agent.structured_output_fn = shape
    run(agent, memory(client), "Where do I live?")
    assert FENCE in (seen[0][1].content or "")
    assert backend.counts[0] == 1


def test_memory_text_is_neither_stored_nor_told(client: MemOSClient, backend: Backend) -> None:
    know(client, "I live in Lisbon.")
    kept = memory(client)
    engine = make_engine("Simple", model(), kept)
    engine.chat("Where do I live?")
    settle(client)
    assert [m.content for m in kept.get_all()] == ["Where do I live?", ANSWER]
    assert FENCE not in str(backend.bodies("/extract/memory"))


def test_the_system_text_is_the_same_whether_something_is_recalled_or_not(client: MemOSClient) -> None:
    llm = model()
    engine = make_engine("Simple", llm, memory(client))
    for text in ("Hello!", "I live in Lisbon.", "Where do I live?"):
        engine.chat(text)
        settle(client)
    assert [m.content for m in llm.prompts[0]] == ["Be brief.", INSTRUCTIONS, "Hello!"]
    assert all([m.content for m in prompt[:2]] == ["Be brief.", INSTRUCTIONS] for prompt in llm.prompts)
    assert FENCE in (llm.prompts[-1][-1].content or "")


def test_nothing_to_say_means_nothing_inserted(client: MemOSClient) -> None:
    assert memory(client, "empty").get() == []
    assert memory(client, "empty").get(input="Hello!") == []
    answered = [ChatMessage(role="user", content="Hi"), ChatMessage(role="assistant", content="Hello")]
    assert memory(client, "read", chat_history=answered).get() == answered


def test_what_looks_like_a_template_variable_in_a_memory_is_not_filled_in() -> None:
    said = "My boat is called {context_str} or {query_str} or {existing_answer}"
    with MemOSClient.embedded(":memory:", embedder="none", verbatim=True) as embedded:
        embedded.add_message([("user", said)], user_id="u", conversation_id="earlier", async_mode=False)
        for kind in ("Context", "CondensePlusContext"):
            llm = model()
            make_engine(kind, llm, memory(embedded, kind)).chat("What is my boat called?")
            shown = " ".join(m.content or "" for m in llm.prompts[-1])
            assert "{ context_str } or { query_str } or { existing_answer }" in shown


def test_insert_method_system_puts_everything_there(client: MemOSClient) -> None:
    know(client, "I live in Lisbon.")
    kept = memory(client, insert_method=InsertMethod.SYSTEM)
    kept.put(ChatMessage(role="user", content="Where do I live?"))
    system, question = kept.get()
    assert (system.content or "").startswith(f"{INSTRUCTIONS}\n\n{FENCE}")
    assert question.content == "Where do I live?"


def test_a_system_message_of_the_history_is_extended(client: MemOSClient) -> None:
    know(client, "I live in Lisbon.")
    kept = memory(client, chat_history=[ChatMessage(role="system", content="Be kind.")])
    kept.put(ChatMessage(role="user", content="Where do I live?"))
    assert roles(kept.get()) == ["system", "user"]
    assert kept.get()[0].content == f"Be kind.\n\n{INSTRUCTIONS}"
    assert kept.get_all()[0].content == "Be kind."


@pytest.mark.parametrize("kind", ["Context", "CondensePlusContext"])
def test_a_question_that_is_not_stored_yet_gets_its_block_in_the_system_message(
    client: MemOSClient, backend: Backend, kind: str
) -> None:
    know(client, "I live in Lisbon.")
    llm = model()
    engine = make_engine(kind, llm, memory(client))
    for text in TURNS[1], "And where do I live, exactly?":
        engine.chat(text)
        prompt = llm.prompts[-1]
        assert FENCE in " ".join(m.content or "" for m in prompt if m.role == "system")
        assert not any(FENCE in (m.content or "") for m in prompt if m.role == "user")
        assert prompt[-1].content == text
    assert backend.counts[0] == 2


def test_input_may_be_a_message(client: MemOSClient, backend: Backend) -> None:
    know(client, "I live in Lisbon.")
    found = memory(client).get(input=ChatMessage(role="user", content="Where do I live?"))
    assert roles(found) == ["system"]
    assert backend.counts[0] == 1


def test_own_blocks_stand_beside_memory(client: MemOSClient, backend: Backend) -> None:
    know(client, "I live in Lisbon.")
    kept = memory(client, memory_blocks=[StaticMemoryBlock(name="house", static_content="Smoking is not allowed.")])
    kept.put(ChatMessage(role="user", content="Where do I live?"))
    found = kept.get()
    text = found[-1].content or ""
    assert "Smoking is not allowed." in text
    assert FENCE in text
    assert [body["query"] for body in backend.bodies("/search/memory")] == ["Where do I live?"]


def test_files_are_no_question(client: MemOSClient, backend: Backend) -> None:
    kept = memory(client)
    image = ImageBlock(url="http://x/y.png")
    kept.put(ChatMessage(role="user", blocks=[image]))
    assert kept.get()[0].blocks == [image]
    kept.put(ChatMessage(role="assistant", content="A cat."))
    kept.put(ChatMessage(role="user", blocks=[image, TextBlock(text="And this?")]))
    kept.get()
    kept.put(ChatMessage(role="assistant", content="A dog."))
    settle(client)
    assert backend.told() == [[("user", "And this?"), ("assistant", "A dog.")]]
    assert backend.counts[0] == 1


def test_history_that_is_set_is_not_told(client: MemOSClient, backend: Backend) -> None:
    history = [ChatMessage(role="user", content="I live in Rome."), ChatMessage(role="assistant", content="Nice.")]
    kept = memory(client, chat_history=history)
    kept.set(history)
    asyncio.run(kept.aset(history))
    engine = make_engine("Simple", model(), kept)
    engine.chat("I like tea.", chat_history=history)
    agent, _ = function_agent()
    run(agent, kept, "I like jazz.", chat_history=history)
    settle(client)
    assert [turn[0] for turn in backend.told()] == [("user", "I like tea."), ("user", "I like jazz.")]


def test_a_question_set_as_history_is_told_with_its_answer(client: MemOSClient, backend: Backend) -> None:
    agent, _ = function_agent()
    history = [ChatMessage(role="user", content="I live in Rome.")]

    async def turn() -> None:
        await agent.run(chat_history=history, memory=memory(client))

    asyncio.run(turn())
    settle(client)
    assert backend.told() == [[("user", "I live in Rome."), ("assistant", ANSWER)]]
    assert backend.counts[0] == 1


def test_reset_forgets_the_history_only(client: MemOSClient, backend: Backend) -> None:
    kept = memory(client)
    engine = make_engine("Simple", model(), kept)
    engine.chat("I live in Lisbon.")
    before = kept.get_all()
    engine.reset()
    assert kept.get_all() == []
    settle(client)
    assert FENCE in str(kept.get(input="Where do I live?"))
    # Said again after a reset it is said again; restored it is not.
    kept.set(before)
    engine.reset()
    engine.chat("I live in Lisbon.")
    settle(client)
    assert len(backend.told()) == 2


def test_recall_is_fresh_after_a_reset(client: MemOSClient, backend: Backend) -> None:
    engine = make_engine("Simple", model(), memory(client))
    engine.chat("Where do I live?")
    engine.reset()
    engine.chat("Where do I live?")
    assert backend.counts[0] == 2


def test_several_turns_at_once(client: MemOSClient, backend: Backend) -> None:
    said = [("user", "I like tea."), ("assistant", "Good."), ("user", "I like jazz."), ("assistant", "Fine.")]
    memory(client).put_messages([ChatMessage(role=role, content=text) for role, text in said])
    settle(client)
    assert backend.told() == [said[:2], said[2:]]


def test_what_the_assistant_says_alone_is_not_told(client: MemOSClient, backend: Backend) -> None:
    kept = memory(client)
    kept.put(ChatMessage(role="assistant", content="Welcome!"))
    kept.put(ChatMessage(role="system", content="Be brief."))
    kept.put(ChatMessage(role="user", content="I like tea."))
    kept.put(ChatMessage(role="assistant", content="Good."))
    kept.put(ChatMessage(role="assistant", content="Anything else?"))
    settle(client)
    assert backend.told() == [[("user", "I like tea."), ("assistant", "Good.")]]


def test_a_turn_flushed_out_of_the_short_term_memory_is_told_once(client: MemOSClient, backend: Backend) -> None:
    engine = make_engine("Simple", model(), memory(client, token_limit=60, token_flush_size=20))
    texts = [f"I own boat number {n}." for n in range(6)]
    for text in texts:
        engine.chat(text)
    settle(client)
    assert [turn[0][1] for turn in backend.told()] == texts


def test_one_session_never_shows_another(client: MemOSClient) -> None:
    first, second = memory(client, "first"), memory(client, "second")
    make_engine("Simple", model(), first).chat("I live in Lisbon.")
    assert second.get_all() == []
    stranger = memory(client, "first", user_id="v")
    settle(client)
    stranger.put(ChatMessage(role="user", content="Where do I live?"))
    assert [m.content for m in stranger.get()] == [INSTRUCTIONS, "Where do I live?"]


def test_a_memory_moved_to_another_session_takes_nothing_along(client: MemOSClient, backend: Backend) -> None:
    kept = memory(client, "first")
    engine = make_engine("Simple", model(), kept)
    engine.chat("I live in Lisbon.")
    kept.session_id = "second"
    assert kept.get_all() == []
    engine.chat("I like tea.")
    settle(client)
    assert [body["conversation_id"] for body in backend.bodies("/add/message")] == ["first", "second"]


def test_a_memory_without_a_user_is_refused(client: MemOSClient) -> None:
    for nobody in (" ", None):
        with pytest.raises(ConfigurationError):
            MemOSMemory.from_defaults(client=client, user_id=nobody, session_id="c")


def test_a_block_inside_would_tell_everything_twice(client: MemOSClient) -> None:
    with pytest.raises(ConfigurationError, match="leave MemOSMemoryBlock out"):
        memory(client, memory_blocks=[MemOSMemoryBlock(client=client, user_id="u")])


def test_the_last_word_of_an_agent_out_of_iterations_is_its_answer(client: MemOSClient, backend: Backend) -> None:
    know(client, "I live in Lisbon.")
    agent, llm = function_agent(lambda p, q, used: "I gave up." if "maximum" in p else ("weather", {"city": "Porto"}))
    run(agent, memory(client), "Where do I live?", max_iterations=2, early_stopping_method="generate")
    settle(client)
    assert FENCE in (llm.prompts[-1][-2].content or "")
    assert backend.told() == [[("user", "Where do I live?"), ("assistant", "I gave up.")]]
    assert backend.counts[0] == 1


def test_an_agent_with_state_keeps_question_and_block(client: MemOSClient, backend: Backend) -> None:
    know(client, "I live in Lisbon.")
    agent, llm = function_agent()
    agent.initial_state = {"mood": "good"}
    run(agent, memory(client), "Where do I live?")
    asked = llm.prompts[0][-1].content or ""
    assert "mood" in asked
    assert asked.index("Where do I live?") < asked.index(FENCE)
    settle(client)
    assert backend.told()[0][0] == ("user", "Where do I live?")


def test_session_options_are_taken(client: MemOSClient, backend: Backend) -> None:
    memory(client, memory_limit=3, include_preference=False).get(input="Where do I live?")
    body = backend.bodies("/search/memory")[0]
    assert body["memory_limit_number"] == 3
    assert body["include_preference"] is False
    assert body["conversation_id"] == "c"


def test_the_block_fits_the_token_limit_by_whole_memories(client: MemOSClient) -> None:
    for place in ("Lisbon", "Rome", "Paris", "Berlin"):
        know(client, f"I lived in {place} for two years.")
    question = ChatMessage(role="user", content="Where have I lived?")
    full = memory(client, "full")
    full.put(question)
    whole = full.get()[-1].content or ""
    small = memory(client, "small", token_limit=len(full.tokenizer_fn(whole)) - 5)
    small.put(question)
    cut = small.get()[-1].content or ""
    assert cut.endswith("</memos_memory>")
    assert 0 < cut.count("\n- ") < whole.count("\n- ")
    tiny = memory(client, "tiny", token_limit=12)
    tiny.put(question)
    assert [m.content for m in tiny.get()] == ["Where have I lived?"]


async def test_sync_calls_inside_a_running_loop(client: MemOSClient, backend: Backend) -> None:
    kept = memory(client)
    engine = SimpleChatEngine.from_defaults(llm=model(), memory=kept)
    for text in TURNS:
        engine.chat(text)
    await engine.achat("And now?")
    assert len(kept.get()) >= 6
    await asyncio.to_thread(settle, client)
    assert backend.counts == (3, 3, 3)


def test_one_client_serves_many_event_loops(client: MemOSClient, backend: Backend) -> None:
    for number in range(4):
        engine = make_engine("Simple", model(), memory(client, f"c{number}"))
        say(engine, "achat", "I like tea.")
        say(engine, "astream_chat", "I like jazz.")
    settle(client)
    assert backend.counts == (8, 8, 8)
