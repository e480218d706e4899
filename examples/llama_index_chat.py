"""A LlamaIndex chat engine with long-term memory: what one chat was told, the next one knows.

Runs offline on the embedded engine with a scripted model; OPENAI_API_KEY moves the answers to a real one.
"""

from __future__ import annotations

from _scripted import llama_index_model, remembered
from llama_index.core.chat_engine import SimpleChatEngine

from memos_integrations import MemorySession, MemOSClient
from memos_integrations.llama_index import MemOSMemory

TOLD = ("My name is Ann and I live in Lisbon.", "I'm vegetarian, and I prefer trains to planes.")
ASKED = ("Where do I live?", "What should I cook for dinner?")


def answer(prompt: str, question: str, tool_results: int) -> str:
    """The scripted model: it knows nothing but its prompt."""
    known = " ".join(remembered(prompt))
    if "Where do I live" in question:
        return "You live in Lisbon." if "Lisbon" in known else "I don't know."
    if "dinner" in question:
        return "A vegetarian risotto." if "vegetarian" in known else "A steak."
    return "Nice to know."


def chat(client: MemOSClient, session_id: str, texts: tuple[str, ...]) -> None:
    """One conversation. The memory is the only line an existing chat engine needs."""
    memory = MemOSMemory.from_defaults(client=client, user_id="ann", session_id=session_id)
    engine = SimpleChatEngine.from_defaults(llm=llama_index_model(answer), memory=memory)
    for text in texts:
        print(f"\nyou   {text}")
        show_recalled(client, text)
        print("bot   ", end="")
        for token in engine.stream_chat(text).response_gen:
            print(token, end="", flush=True)
        print()


def show_recalled(client: MemOSClient, text: str) -> None:
    """What the engine's memory is about to put beside the user's message."""
    for line in MemorySession(client, user_id="ann").recall(text).prompt.splitlines():
        print(f"      {line}")


def main() -> None:
    # Leaving the session waits until everything is stored.
    with MemOSClient.embedded(":memory:") as client, MemorySession(client, user_id="ann"):
        print("--- Monday")
        chat(client, "monday", TOLD)
        print("\n--- Tuesday: a new conversation")
        chat(client, "tuesday", ASKED)


if __name__ == "__main__":
    main()
