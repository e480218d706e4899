"""Memory around any LCEL chain that takes a dict."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Unpack

from langchain_core.messages import BaseMessage
from langchain_core.runnables import AddableDict, Runnable, RunnableConfig
from langchain_core.runnables.config import ensure_config
from langchain_core.utils.aiter import aclosing
from pydantic import BaseModel

from memos_integrations.client import MemOSClient
from memos_integrations.errors import ConfigurationError
from memos_integrations.session import MemorySession, SessionKeywords, SessionOptions, Sessions

from ._identity import configurable, resolve
from ._messages import answer_text, asked_text, exchange


def with_memos(
    chain: Runnable[Any, Any],
    client: MemOSClient,
    *,
    input_key: str = "input",
    memory_key: str = "memory",
    output_key: str | None = None,
    user_id: str | None = None,
    conversation_id: str | None = None,
    **options: Unpack[SessionKeywords],
) -> MemOSRunnable:
    """`chain` with long-term memory: one search before and one extraction after each call, streams included.

    The chain gets its input dict with the block of recalled memories under `memory_key` ("" when there are none); the
    user's text is read from `input_key` (text, a message, content blocks or a list of messages). The answer is the
    chain's output: text, a message, or a dict or model that holds one under `output_key` (default: output, answer,
    text, response or result). Ids come from `config["configurable"]` (`user_id`, `conversation_id`, else `thread_id`),
    then from here; no user raises ConfigurationError before the chain runs. A stream that is closed early or a chain
    that fails is told by `on_abort`. Keyword options are those of MemorySession.
    """
    sessions = Sessions(client, SessionOptions(**options))
    default = {"user_id": user_id, "conversation_id": conversation_id}
    return MemOSRunnable(chain, sessions, default, input_key, memory_key, output_key)


class MemOSRunnable(Runnable[dict[str, Any], Any]):
    """What `with_memos` returns: a Runnable that remembers."""

    def __init__(
        self,
        chain: Runnable[Any, Any],
        sessions: Sessions,
        default: Mapping[str, str | None],
        input_key: str,
        memory_key: str,
        output_key: str | None,
    ) -> None:
        self._chain = chain
        self._sessions = sessions
        self._default = default
        self._input_key = input_key
        self._memory_key = memory_key
        self._output_key = output_key
        self.name = f"with_memos<{chain.get_name()}>"

    @property
    def OutputType(self) -> Any:  # noqa: N802
        """The chain's output type."""
        return self._chain.OutputType

    def invoke(self, input: dict[str, Any], config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Recall, run the chain, tell memory."""
        config = ensure_config(config)
        session, asked = self._open(input, config)
        with_memory = {**input, self._memory_key: session.recall(asked).prompt}
        with _telling_abort(session, asked, []):
            output = self._chain.invoke(with_memory, config, **kwargs)
        session.observe(exchange(asked, self._answer(output)))
        return output

    async def ainvoke(self, input: dict[str, Any], config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Async twin of `invoke`."""
        config = ensure_config(config)
        session, asked = self._open(input, config)
        with_memory = {**input, self._memory_key: (await session.arecall(asked)).prompt}
        with _telling_abort(session, asked, []):
            output = await self._chain.ainvoke(with_memory, config, **kwargs)
        await session.aobserve(exchange(asked, self._answer(output)))
        return output

    def stream(
        self,
        input: dict[str, Any],
        config: RunnableConfig | None = None,
        **kwargs: Any | None,
    ) -> Iterator[Any]:
        """Recall, hand on the chain's chunks as they come, tell memory after the last one."""
        config = ensure_config(config)
        session, asked = self._open(input, config)
        with_memory = {**input, self._memory_key: session.recall(asked).prompt}
        said: list[str] = []
        with _telling_abort(session, asked, said):
            for chunk in self._chain.stream(with_memory, config, **kwargs):
                self._hear(said, chunk)
                yield chunk
        session.observe(exchange(asked, "".join(said)))

    async def astream(
        self,
        input: dict[str, Any],
        config: RunnableConfig | None = None,
        **kwargs: Any | None,
    ) -> AsyncIterator[Any]:
        """Async twin of `stream`."""
        config = ensure_config(config)
        session, asked = self._open(input, config)
        with_memory = {**input, self._memory_key: (await session.arecall(asked)).prompt}
        said: list[str] = []
        with _telling_abort(session, asked, said):
            async with aclosing(self._chain.astream(with_memory, config, **kwargs)) as chunks:
                async for chunk in chunks:
                    self._hear(said, chunk)
                    yield chunk
        await session.aobserve(exchange(asked, "".join(said)))

    def _open(self, values: Mapping[str, Any], config: RunnableConfig) -> tuple[MemorySession, str]:
        if not isinstance(values, Mapping) or self._input_key not in values:
            msg = f"with_memos needs a dict with the key {self._input_key!r} as the chain's input (see input_key)"
            raise ConfigurationError(msg)
        identity = resolve(configurable(config), self._default)
        session = self._sessions.of(identity.user_id, identity.conversation_id)
        return session, asked_text(values[self._input_key])

    def _hear(self, said: list[str], chunk: object) -> None:
        text = self._answer(chunk)
        # Parsers of objects say everything again in each chunk; text, messages and addable dicts go on.
        again = isinstance(chunk, Mapping | BaseModel) and not isinstance(chunk, AddableDict | BaseMessage)
        if again and text.startswith("".join(said)):
            said.clear()
        said.append(text)

    def _answer(self, output: object) -> str:
        return answer_text(output, self._output_key)


@contextmanager
def _telling_abort(session: MemorySession, asked: str, said: list[str]) -> Iterator[None]:
    """Tell memory about a call that broke off: the chain failed, or its stream was closed or cancelled."""
    try:
        yield
    except BaseException:
        # Synchronously, also on an event loop: a closed stream may not be awaited in, and this is one local commit.
        session.observe(exchange(asked, "".join(said)), aborted=True)
        raise
