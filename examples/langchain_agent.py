"""A LangChain agent with long-term memory: MemOSMiddleware in `create_agent`, tools included.

Runs offline on the embedded engine with a scripted model; OPENAI_API_KEY moves the answers to a real one.
"""

from __future__ import annotations

from textwrap import indent
from typing import Any

from _scripted import langchain_model, remembered
from langchain.agents import create_agent
from langgraph.checkpoint.memory import InMemorySaver

from memos_integrations import MemorySession, MemOSClient
from memos_integrations.langchain import MemOSContext, MemOSMiddleware

TOLD = ("My home town is Lisbon.", "I prefer trains to planes.")
ASKED = ("What is the weather in my home town?", "Trains or planes: what do I prefer for the weekend trip?")


def weather(city: str) -> str:
    """The weather in a city."""
    return f"Sunny in {city}, 24 °C."


def answer(prompt: str, question: str, tool_results: int) -> Any:
    """The scripted model: it knows nothing but its prompt."""
    known = " ".join(remembered(prompt))
    if "weather" in question and not tool_results:
        return ("weather", {"city": "Lisbon"}) if "Lisbon" in known else "Where do you live?"
    if "weather" in question:
        return "It is sunny in Lisbon, 24 °C."
    if "weekend" in question:
        return "Take the train." if "trains" in known else "Take the plane."
    return "Noted."


def chat(agent: Any, client: MemOSClient, conversation: str, texts: tuple[str, ...]) -> None:
    """One conversation: `context` says whose memory it is, `thread_id` is LangGraph's own short-term memory."""
    for text in texts:
        print(f"\nyou   {text}")
        print(indent(MemorySession(client, user_id="ann").recall(text).prompt or "(nothing recalled)", "      "))
        state = agent.invoke(
            {"messages": [("user", text)]},
            {"configurable": {"thread_id": conversation}},
            context=MemOSContext("ann", conversation),
        )
        print(f"bot   {state['messages'][-1].text}")


def main() -> None:
    with MemOSClient.embedded(":memory:") as client:
        agent = create_agent(
            langchain_model(answer),
            tools=[weather],
            middleware=[MemOSMiddleware(client)],
            context_schema=MemOSContext,
            checkpointer=InMemorySaver(),
        )
        print("--- Monday")
        chat(agent, client, "monday", TOLD)
        print("\n--- Tuesday: a new conversation")
        chat(agent, client, "tuesday", ASKED)
        # Turns are stored in the background; a short program waits for the last ones.
        MemorySession(client, user_id="ann").flush()


if __name__ == "__main__":
    main()
