"""An LCEL chain with long-term memory, streamed: `with_memos` around any chain that takes a dict.

Runs offline on the embedded engine with a scripted model; OPENAI_API_KEY moves the answers to a real one.
"""

from __future__ import annotations

from textwrap import indent
from typing import Any

from _scripted import langchain_model, remembered
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from memos_integrations import INSTRUCTIONS, MemorySession, MemOSClient
from memos_integrations.langchain import with_memos

# The instructions tell the model how to read the block; they never change, so provider prompt caches keep hitting.
PROMPT = ChatPromptTemplate.from_messages(
    [("system", "Be brief. " + INSTRUCTIONS), ("human", "{memory}\n\n{input}")],
)
TOLD = {"ann": "I'm vegetarian and I love mushrooms.", "bob": "I love steak, but I'm allergic to mushrooms."}
ASKED = "Steak or mushrooms: what should I cook tonight?"


def answer(prompt: str, question: str, tool_results: int) -> str:
    """The scripted model: it knows nothing but its prompt."""
    known = " ".join(remembered(prompt))
    if "cook tonight" not in question:
        return "Nice to know."
    if "vegetarian" in known:
        return "A mushroom risotto, without any meat."
    return "A steak, and no mushrooms on the side." if "allergic" in known else "A steak with mushrooms."


def say(chain: Any, client: MemOSClient, user_id: str, conversation_id: str, text: str) -> None:
    """One streamed call; the ids travel in the config, so one chain serves every user."""
    print(f"\n{user_id}   {text}")
    print(indent(MemorySession(client, user_id=user_id).recall(text).prompt or "(nothing recalled)", "      "))
    print("bot   ", end="")
    config = {"configurable": {"user_id": user_id, "conversation_id": conversation_id}}
    for token in chain.stream({"input": text}, config):
        print(token, end="", flush=True)
    print()


def main() -> None:
    with MemOSClient.embedded(":memory:") as client:
        chain = with_memos(PROMPT | langchain_model(answer) | StrOutputParser(), client)
        print("--- Monday")
        for user_id, text in TOLD.items():
            say(chain, client, user_id, "monday", text)
        print("\n--- Tuesday: the same question from two people")
        for user_id in TOLD:
            say(chain, client, user_id, "tuesday", ASKED)
        # Turns are stored in the background; a short program waits for the last ones.
        MemorySession(client, user_id="ann").flush()


if __name__ == "__main__":
    main()
