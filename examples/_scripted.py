"""Models for the examples: yours when OPENAI_API_KEY is set, else a scripted one that only knows what the prompt says.

OPENAI_BASE_URL may point at any OpenAI-compatible server (Ollama, vLLM, llama.cpp …), OPENAI_MODEL names the model.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse, LLMMetadata, MessageRole
from llama_index.core.base.llms.types import ToolCallBlock as LlamaToolCall
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection

ToolCall = tuple[str, dict[str, Any]]
Reply = Callable[[str, str, int], "str | ToolCall"]
"""(whole prompt, newest user message, tool results so far) -> answer text, or the tool to call with its arguments."""


def remembered(prompt: str) -> list[str]:
    """The memories that stand in the prompt's memory block, one per line, as the model sees them."""
    blocks = re.findall(r"<memos_memory>\n(.*?)\n</memos_memory>", prompt, re.DOTALL)
    return re.findall(r"^- (?:\[[\d-]+\] )?(.+)$", blocks[-1], re.MULTILINE) if blocks else []


def without_block(message: str) -> str:
    """What the user wrote, without the memory block that was put next to it."""
    return re.sub(r"\s*<memos_memory>\n.*?\n</memos_memory>\s*", "", message, flags=re.DOTALL)


def recite(prompt: str, question: str, tool_results: int) -> str:
    """The default script: say what the prompt holds about the user."""
    known = remembered(prompt)
    return f"I remember: {known[0]}" if known else "Noted."


def using_openai() -> bool:
    """True when a real model is configured."""
    return bool(os.environ.get("OPENAI_API_KEY"))


def langchain_model(reply: Reply = recite) -> BaseChatModel:
    """A LangChain chat model."""
    if using_openai():
        from langchain_openai import ChatOpenAI

        return ChatOpenAI(model=os.environ.get("OPENAI_MODEL", "gpt-4o-mini"))
    return ScriptedChatModel(reply=reply)


def llama_index_model(reply: Reply = recite) -> FunctionCallingLLM:
    """A LlamaIndex LLM."""
    if using_openai():
        from llama_index.llms.openai_like import OpenAILike

        return OpenAILike(
            model=os.environ.get("OPENAI_MODEL", "gpt-4o-mini"),
            api_key=os.environ["OPENAI_API_KEY"],
            api_base=os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1"),
            is_chat_model=True,
            is_function_calling_model=True,
        )
    return ScriptedLLM(reply=reply)


class ScriptedChatModel(BaseChatModel):
    """Answers by script and keeps the last prompt it got in `seen`."""

    reply: Reply = recite
    seen: list[BaseMessage] = []

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> ScriptedChatModel:
        return self

    def _answer(self, messages: list[BaseMessage]) -> str | ToolCall:
        self.seen = messages
        asked = max(i for i, m in enumerate(messages) if m.type == "human")
        used = sum(isinstance(m, ToolMessage) for m in messages[asked:])
        return self.reply("\n".join(str(m.text) for m in messages), without_block(str(messages[asked].text)), used)

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        answer = self._answer(messages)
        if isinstance(answer, str):
            message = AIMessage(answer)
        else:
            name, arguments = answer
            message = AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": f"call-{len(messages)}"}])
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        answer = self._answer(messages)
        if isinstance(answer, str):
            for word in re.findall(r"\S+\s*|\s+", answer):
                yield ChatGenerationChunk(message=AIMessageChunk(word))
        else:
            name, arguments = answer
            piece = {"name": name, "args": json.dumps(arguments), "id": f"call-{len(messages)}", "index": 0}
            yield ChatGenerationChunk(message=AIMessageChunk("", tool_call_chunks=[piece]))


class ScriptedLLM(FunctionCallingLLM):
    """Answers by script and keeps the last prompt it got in `seen`."""

    reply: Reply = recite
    seen: list[ChatMessage] = []

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(is_chat_model=True, is_function_calling_model=True, model_name="scripted")

    def _answer(self, messages: Sequence[ChatMessage]) -> ChatResponse:
        self.seen = list(messages)
        asked = max(i for i, m in enumerate(messages) if m.role == MessageRole.USER)
        used = sum(m.role == MessageRole.TOOL for m in messages[asked:])
        question = without_block(messages[asked].content or "")
        answer = self.reply("\n".join(m.content or "" for m in messages), question, used)
        if isinstance(answer, str):
            return ChatResponse(message=ChatMessage(role="assistant", content=answer))
        name, arguments = answer
        call = LlamaToolCall(tool_name=name, tool_kwargs=arguments, tool_call_id=f"call-{len(messages)}")
        return ChatResponse(message=ChatMessage(role="assistant", blocks=[call]))

    def _words(self, response: ChatResponse) -> Iterator[ChatResponse]:
        text = response.message.content
        if not text:
            yield response
            return
        said = ""
        for word in re.findall(r"\S+\s*|\s+", text):
            said += word
            yield ChatResponse(message=ChatMessage(role="assistant", content=said), delta=word)

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return self._answer(messages)

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return self._answer(messages)

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Iterator[ChatResponse]:
        return self._words(self._answer(messages))

    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> AsyncIterator[ChatResponse]:
        async def words() -> AsyncIterator[ChatResponse]:
            for piece in self._words(self._answer(messages)):
                yield piece

        return words()

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        answer = self._answer([ChatMessage(role="user", content=prompt)])
        return CompletionResponse(text=answer.message.content or "")

    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return self.complete(prompt, formatted)

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Iterator[CompletionResponse]:
        yield self.complete(prompt, formatted)

    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> AsyncIterator[CompletionResponse]:
        async def pieces() -> AsyncIterator[CompletionResponse]:
            yield self.complete(prompt, formatted)

        return pieces()

    def _prepare_chat_with_tools(
        self,
        tools: Sequence[Any],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        messages = list(chat_history or [])
        if user_msg is not None:
            messages.append(ChatMessage(role="user", content=user_msg) if isinstance(user_msg, str) else user_msg)
        return {"messages": messages}

    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        calls = [b for b in response.message.blocks if isinstance(b, LlamaToolCall)]
        return [
            ToolSelection(tool_id=c.tool_call_id or "", tool_name=c.tool_name, tool_kwargs=dict(c.tool_kwargs))
            for c in calls
        ]
