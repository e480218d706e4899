"""Memory as tools of an agent: the model decides when to search and when to save, never whose memory it is."""

from __future__ import annotations

from typing import Annotated, Any, Unpack

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, InjectedToolArg, StructuredTool
from pydantic import BaseModel, Field

from memos_integrations.client import MemOSClient
from memos_integrations.models import Message
from memos_integrations.session import MemorySession, SessionKeywords, SessionOptions, Sessions

from ._identity import configurable, resolve

_NOTHING = "Nothing is remembered about this."
_SAVED = "Saved."


class SearchMemoryInput(BaseModel):
    """Arguments of `search_memory`."""

    query: str = Field(description="What to look for, as a question or key words.")
    # Agents inject a ToolRuntime under this name; models never see it, and what one makes up has no ids to read.
    runtime: Annotated[Any, InjectedToolArg] = None


class AddMemoryInput(BaseModel):
    """Arguments of `add_memory`."""

    text: str = Field(description="One self-contained statement about the user, in the user's language.")
    runtime: Annotated[Any, InjectedToolArg] = None


def create_memos_tools(
    client: MemOSClient,
    *,
    user_id: str | None = None,
    conversation_id: str | None = None,
    **options: Unpack[SessionKeywords],
) -> list[BaseTool]:
    """Two tools, `search_memory` and `add_memory`, for `create_agent`, LangGraph's ToolNode or plain calls.

    Whose memory: the agent's run context (`MemOSContext` or anything with these names), then
    `config["configurable"]`, then the ids given here; never a model-visible argument. No user raises
    ConfigurationError. What is saved is on disk when the tool returns and sent in the background. Keyword options are
    those of MemorySession.
    """
    own = _Tools(Sessions(client, SessionOptions(**options)), user_id, conversation_id)
    return [
        StructuredTool.from_function(
            own.search_memory,
            own.asearch_memory,
            name="search_memory",
            description="Search what is remembered about the user: facts, preferences, earlier conversations.",
            args_schema=SearchMemoryInput,
        ),
        StructuredTool.from_function(
            own.add_memory,
            own.aadd_memory,
            name="add_memory",
            description="Remember a statement about the user for later conversations.",
            args_schema=AddMemoryInput,
        ),
    ]


class _Tools:
    """What the tools do; a class rather than closures, so that tools can be pickled."""

    def __init__(self, sessions: Sessions, user_id: str | None, conversation_id: str | None) -> None:
        self._sessions = sessions
        self._default = {"user_id": user_id, "conversation_id": conversation_id}

    def _session(self, runtime: Any, config: RunnableConfig) -> MemorySession:
        identity = resolve(getattr(runtime, "context", None), configurable(config), self._default)
        return self._sessions.of(identity.user_id, identity.conversation_id)

    def search_memory(self, query: str, config: RunnableConfig, runtime: Any = None) -> str:
        return self._session(runtime, config).recall(query).prompt or _NOTHING

    async def asearch_memory(self, query: str, config: RunnableConfig, runtime: Any = None) -> str:
        return (await self._session(runtime, config).arecall(query)).prompt or _NOTHING

    def add_memory(self, text: str, config: RunnableConfig, runtime: Any = None) -> str:
        self._session(runtime, config).observe([Message(role="user", content=text)], key=_call_key(runtime))
        return _SAVED

    async def aadd_memory(self, text: str, config: RunnableConfig, runtime: Any = None) -> str:
        await self._session(runtime, config).aobserve([Message(role="user", content=text)], key=_call_key(runtime))
        return _SAVED


def _call_key(runtime: Any) -> str | None:
    """The id of the tool call: a node that runs again after an interrupt saves once."""
    call_id = getattr(runtime, "tool_call_id", None)
    return f"tool call {call_id}" if call_id else None
