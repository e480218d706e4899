"""Memory for `create_agent`: recalled before each model call, told after each turn."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, NotRequired, TypeAlias, Unpack

from langchain.agents.middleware.types import (
    AgentMiddleware,
    AgentState,
    ModelCallResult,
    ModelRequest,
    ModelResponse,
    PrivateStateAttr,
    ToolCallRequest,
)
from langchain_core.messages import AnyMessage, BaseMessage, SystemMessage, ToolMessage
from langchain_core.runnables.config import ensure_config
from langgraph.errors import GraphBubbleUp
from langgraph.prebuilt import ToolRuntime
from langgraph.runtime import Runtime
from langgraph.types import Command

from memos_integrations.client import MemOSClient
from memos_integrations.models import Message
from memos_integrations.prompt import INSTRUCTIONS
from memos_integrations.session import MemorySession, SessionKeywords, SessionOptions, Sessions

from ._identity import Identity, MemOSContext, configurable, resolve
from ._messages import Turn, digest, is_user, split_turns, text_of, with_text

__all__ = ["MemOSContext", "MemOSMiddleware", "MemOSState"]

ToolAnswer: TypeAlias = ToolMessage | Command[Any]
_REMEMBERED_ABORTS = 1024


class MemOSState(AgentState[Any]):
    """Agent state with the id of the last message that was told to memory; no memory text is ever kept in state."""

    memos_cursor: NotRequired[Annotated[str, PrivateStateAttr]]


class MemOSMiddleware(AgentMiddleware[MemOSState, Any, Any]):
    """Gives an agent long-term memory: one search before and one extraction after each user turn.

    The instructions on how to read memories go to the system message and never change; what was recalled stands next
    to the user's newest message, in the request only: never in state, checkpoints or streams. Tool rounds and resumes
    reuse the turn's recall. `user_id` and `conversation_id` come from `context=MemOSContext(...)` (or any mapping or
    object with these names), then `config["configurable"]` (`thread_id` stands in for a conversation), then from here;
    no user raises ConfigurationError before the model is called. One instance serves any number of users.

    A turn whose stream was closed or whose model or tool failed is told by `on_abort`: at once when one raised, else
    with the conversation's next turn (needs a checkpointer). Partial answers never reach middleware, so
    "user_and_partial" keeps the user's words here. List it before middleware that retries tools or models or falls
    back to another model: a failure that is repaired further out has been told already, and the answer is then not
    kept with it. A conversation that is run again from its first checkpoint is a new one, its turns are told again.
    Keyword options are those of MemorySession.
    """

    state_schema = MemOSState

    def __init__(
        self,
        client: MemOSClient,
        *,
        user_id: str | None = None,
        conversation_id: str | None = None,
        **options: Unpack[SessionKeywords],
    ) -> None:
        super().__init__()
        self.tools = []
        self._sessions = Sessions(client, SessionOptions(**options))
        self._default = {"user_id": user_id, "conversation_id": conversation_id}
        self._aborts = _Aborts()

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelCallResult[Any]:
        """Add the instructions and what memory knows, then call the model."""
        identity, session, turn = self._open(request)
        prompt = session.recall_for_turn(turn.id, turn.question).prompt if turn else ""
        with self._noting_abort(identity, session, turn):
            return handler(_remembering(request, prompt))

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelCallResult[Any]:
        """Async twin of `wrap_model_call`."""
        identity, session, turn = self._open(request)
        prompt = (await session.arecall_for_turn(turn.id, turn.question)).prompt if turn else ""
        with self._noting_abort(identity, session, turn):
            return await handler(_remembering(request, prompt))

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], ToolAnswer]) -> ToolAnswer:
        """Call the tool; when it raises, and so ends the turn, tell memory what the user said."""
        with self._noting_abort(*self._open_tool(request)):
            return handler(request)

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[ToolAnswer]]
    ) -> ToolAnswer:
        """Async twin of `wrap_tool_call`."""
        with self._noting_abort(*self._open_tool(request)):
            return await handler(request)

    def after_agent(self, state: MemOSState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Tell memory what was said since the last time it was told."""
        session, due, update = self._due(state, runtime)
        for key, messages, aborted in due:
            session.observe(messages, key=key, aborted=aborted)
        return update

    async def aafter_agent(self, state: MemOSState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Async twin of `after_agent`."""
        session, due, update = self._due(state, runtime)
        for key, messages, aborted in due:
            await session.aobserve(messages, key=key, aborted=aborted)
        return update

    def _identify(self, runtime: Runtime[Any] | ToolRuntime[Any, Any]) -> tuple[Identity, MemorySession]:
        identity = resolve(getattr(runtime, "context", None), configurable(ensure_config()), self._default)
        return identity, self._sessions.of(identity.user_id, identity.conversation_id)

    def _open(self, request: ModelRequest[Any]) -> tuple[Identity, MemorySession, Turn | None]:
        turns = split_turns(request.messages)
        return *self._identify(request.runtime), turns[-1] if turns else None

    def _open_tool(self, request: ToolCallRequest) -> tuple[Identity, MemorySession, Turn | None]:
        messages = request.state.get("messages", ()) if isinstance(request.state, Mapping) else ()
        turns = split_turns(messages)
        return *self._identify(request.runtime), turns[-1] if turns else None

    @contextmanager
    def _noting_abort(self, identity: Identity, session: MemorySession, turn: Turn | None) -> Iterator[None]:
        try:
            yield
        except GraphBubbleUp:
            # An interrupt is a pause: the turn goes on when the graph is resumed.
            raise
        except BaseException:
            if turn:
                # Synchronously, also on an event loop: a cancelled task may not be awaited in, and this is one commit.
                rest, key = self._aborts.settle(identity, Turn(turn.asked))
                session.observe(rest.to_messages(), key=key, aborted=True)
                self._aborts.note(identity, turn, key)
            raise

    def _due(
        self, state: MemOSState, runtime: Runtime[Any]
    ) -> tuple[MemorySession, list[tuple[str, list[Message], bool]], dict[str, Any] | None]:
        identity, session = self._identify(runtime)
        messages = state["messages"]
        turns = _untold(messages, state.get("memos_cursor"))
        due = []
        for position, turn in enumerate(turns):
            rest, key = self._aborts.settle(identity, turn)
            # Only the newest turn may end without assistant text (structured output, return_direct) and be complete.
            aborted = position < len(turns) - 1 and not rest.answered
            due.append((key, rest.to_messages(), aborted))
        return session, due, {"memos_cursor": messages[-1].id} if messages else None


class _Aborts:
    """Which user messages were already told when their model call failed, so that no later turn tells them again."""

    def __init__(self) -> None:
        self._told: OrderedDict[tuple[Identity, str], str] = OrderedDict()

    def note(self, identity: Identity, turn: Turn, key: str) -> None:
        """What the user said in `turn` was told under `key`."""
        for message in turn.asked:
            # By text: without a checkpointer the same message has another id in every call.
            self._told[identity, digest(text_of(message))] = key
        while len(self._told) > _REMEMBERED_ABORTS:
            self._told.popitem(last=False)

    def settle(self, identity: Identity, turn: Turn) -> tuple[Turn, str]:
        """The turn without what was told, and its key; where nothing else is left, the turn and the key it had then."""
        rest, keys = [], []
        for message in turn.asked:
            key = self._told.pop((identity, digest(text_of(message))), None)
            if key is None:
                rest.append(message)
            else:
                keys.append(key)
        if not rest:
            return turn, keys[-1]
        left = Turn(tuple(rest), turn.followed)
        return left, digest(identity.conversation_id, left.id)


def _remembering(request: ModelRequest[Any], prompt: str) -> ModelRequest[Any]:
    """The request with the instructions in its system message and `prompt` after the user's newest message."""
    system = request.system_message
    system_message = with_text(system, INSTRUCTIONS) if system else SystemMessage(INSTRUCTIONS)
    messages: list[AnyMessage] = list(request.messages)
    newest = next((i for i in reversed(range(len(messages))) if is_user(messages[i])), None)
    if prompt and newest is not None:
        messages[newest] = with_text(messages[newest], prompt)
    return request.override(system_message=system_message, messages=messages)


def _untold(messages: Sequence[BaseMessage], cursor: str | None) -> list[Turn]:
    """The turns after the cursor; without one the newest turn, and those before it that broke off in a tool round."""
    told = next((i for i, message in enumerate(messages) if cursor and message.id == cursor), None)
    if told is not None:
        return split_turns(messages[told + 1 :])
    turns = split_turns(messages)
    first = len(turns) - 1
    while first > 0 and turns[first - 1].broke_off:
        first -= 1
    return turns[max(first, 0) :]
