"""LlamaIndex messages as turns."""

from __future__ import annotations

from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock, ThinkingBlock, ToolCallBlock

from memos_integrations.llama_index._messages import (
    Question,
    Turn,
    is_answer,
    keyed,
    newest_question,
    split_turns,
    text_of,
    with_text,
)


def user(text: str) -> ChatMessage:
    return ChatMessage(role="user", content=text)


def bot(text: str, **kwargs: object) -> ChatMessage:
    return ChatMessage(role="assistant", content=text, additional_kwargs=kwargs)


def tool_round(text: str = "") -> list[ChatMessage]:
    call = ToolCallBlock(tool_name="weather", tool_call_id="1")
    return [
        ChatMessage(role="assistant", blocks=[TextBlock(text=text), call]),
        ChatMessage(role="tool", content="Sunny"),
    ]


def test_text_is_what_the_reader_sees() -> None:
    blocks = [
        ThinkingBlock(content="hm"),
        TextBlock(text="Hello"),
        ImageBlock(url="http://x/y.png"),
        TextBlock(text="you"),
    ]
    assert text_of(ChatMessage(role="user", blocks=blocks)) == "Hello\nyou"
    assert text_of(ChatMessage(role="assistant", blocks=[])) == ""


def test_an_answer_is_assistant_text_without_tool_calls() -> None:
    assert is_answer(bot("Hi"))
    assert is_answer(ChatMessage(role="model", content="Hi"))
    assert not is_answer(bot(" "))
    assert not is_answer(user("Hi"))
    assert not is_answer(tool_round("Let me look")[0])
    assert not is_answer(bot("Let me look", tool_calls=[{"id": "1"}]))
    assert not is_answer(bot("Let me look", function_call={"name": "f"}))


def test_turns_end_with_their_answer() -> None:
    history = [
        ChatMessage(role="system", content="s"),
        bot("Welcome"),
        user("a"),
        *tool_round("wait"),
        bot("A"),
        user("b"),
    ]
    closed, still_open = split_turns(history)
    assert closed == [Turn("a", "A")]
    assert still_open == [user("b")]
    assert split_turns([]) == ([], [])


def test_what_follows_an_answer_belongs_to_no_turn() -> None:
    assert split_turns([user("a"), bot("A"), bot("and B"), user("c"), bot("C")])[0] == [Turn("a", "A"), Turn("c", "C")]


def test_a_user_message_without_answer_is_a_turn_without_answer() -> None:
    assert split_turns([user("a"), *tool_round(), user("b"), bot("B")]) == ([Turn("a"), Turn("b", "B")], [])


def test_the_same_user_message_again_is_the_same_turn() -> None:
    closed, still_open = split_turns([user("a"), *tool_round(), user("a"), bot("A")])
    assert closed == [Turn("a", "A")]
    assert still_open == []
    assert split_turns([user("a"), user("a")])[0] == []


def test_messages_of_a_turn_leave_out_what_is_blank() -> None:
    assert [(m.role, m.content) for m in Turn("a", "A").to_messages()] == [("user", "a"), ("assistant", "A")]
    assert [(m.role, m.content) for m in Turn("a").to_messages()] == [("user", "a")]
    assert Turn("").to_messages() == []


def test_keys_depend_on_what_was_said_and_how_often() -> None:
    keys = [key for key, _ in keyed([Turn("a", "A"), Turn("b"), Turn("a", "A"), Turn("b", "B"), Turn("\ud800", "")])]
    assert len(set(keys)) == 5
    assert keys[:2] == [key for key, _ in keyed([Turn("a", "A"), Turn("b")])]
    traced = Turn("a", "Thought: I know.\nAnswer: A")
    assert [key for key, _ in keyed([traced])] == keys[:1]


def test_the_question_is_the_newest_user_text() -> None:
    history = [user("a"), bot("A"), user("b")]
    question = newest_question(history)
    assert question is not None
    assert (question.text, question.answered) == ("b", False)
    # The same while tools run, after a hand-off, after a retry; another one in another conversation.
    assert newest_question([*history, *tool_round()]) == question
    assert newest_question([*history, *tool_round(), user("b")]) == question
    assert newest_question([*history, user("b"), user("b")]) == question
    assert newest_question([user("b")]) != question
    assert newest_question([user("a"), user("b")]) != question
    # Answered it keeps its key; asked again it is another.
    assert newest_question([*history, *tool_round(), bot("B")]) == Question(question.key, "b", answered=True)
    again = newest_question([*history, bot("B"), user("b")])
    assert again is not None
    assert again.key != question.key
    for nothing in ([], [bot("A")], [user(" ")]):
        assert newest_question(nothing) is None


def test_text_is_added_to_a_copy() -> None:
    image = ImageBlock(url="http://x/y.png")
    message = ChatMessage(role="user", blocks=[TextBlock(text="Look"), image])
    longer = with_text(message, "note")
    assert longer.blocks == [TextBlock(text="Look\n\nnote"), image]
    assert message.blocks == [TextBlock(text="Look"), image]
    assert with_text(user(""), "note").content == "note"
    assert with_text(ChatMessage(role="user", blocks=[image]), "note").blocks == [image, TextBlock(text="note")]
