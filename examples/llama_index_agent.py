"""A LlamaIndex FunctionAgent with long-term memory and memory tools.

Memory is given to every run; the agent may also look something up or note it down itself. Runs offline with a scripted
model; OPENAI_API_KEY moves the answers to a real one.
"""

from __future__ import annotations

import asyncio
from typing import Any

from _scripted import llama_index_model, remembered
from llama_index.core.agent.workflow import FunctionAgent, ToolCallResult

from memos_integrations import MemorySession, MemOSClient
from memos_integrations.llama_index import MemOSMemory, MemOSToolSpec


def book_table(restaurant: str) -> str:
    """Book a table for two at a restaurant."""
    return f"Booked: {restaurant}, tonight, 8 pm."


def script(prompt: str, question: str, tool_results: int) -> Any:
    """The scripted model: one tool call for a booking, one for a look-up, then an answer from what it has."""
    known = " ".join(remembered(prompt))
    if "table" in question:
        place = "Vegan Garden" if "vegan" in known else "Steak House"
        return f"Done: {place}, tonight at 8." if tool_results else ("book_table", {"restaurant": place})
    if "When is" in question:
        if not tool_results:
            return "search_memory", {"query": "sister's birthday"}
        return "Your sister's birthday is on 3 May." if "3 May" in known else "You have not told me."
    return "I'll keep that in mind."


async def run(client: MemOSClient, session_id: str, texts: tuple[str, ...]) -> None:
    """One conversation. `memory=` belongs to every run: a workflow context does not carry it over."""
    agent = FunctionAgent(
        tools=[book_table, *MemOSToolSpec(client=client, user_id="ann").to_tool_list()],
        llm=llama_index_model(script),
    )
    memory = MemOSMemory.from_defaults(client=client, user_id="ann", session_id=session_id)
    for text in texts:
        print(f"\nyou   {text}")
        handler = agent.run(text, memory=memory)
        async for event in handler.stream_events():
            if isinstance(event, ToolCallResult):
                print(f"tool  {event.tool_name}({event.tool_kwargs})")
                print(*(f"      {line}" for line in event.tool_output.content.splitlines()), sep="\n")
        print(f"bot   {(await handler).response.content}")


async def main() -> None:
    async with MemOSClient.embedded(":memory:") as client, MemorySession(client, user_id="ann"):
        print("--- First conversation")
        await run(client, "first", ("I'm vegan and I hate noisy places.", "My sister's birthday is on 3 May."))
        print("\n--- A new conversation")
        await run(client, "second", ("Get us a table somewhere.", "When is my sister's birthday?"))


if __name__ == "__main__":
    asyncio.run(main())
