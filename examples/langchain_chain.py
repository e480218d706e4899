"""A classic LangChain chain with long-term memory: MemOSChatMemory in an LLMChain, as `memory=`.

Runs offline on the embedded engine with a scripted model; OPENAI_API_KEY moves the answers to a real one.
New code is better off with `langchain_agent.py` or `langchain_lcel.py`: LangChain has deprecated its classic chains.
"""

from __future__ import annotations

import warnings
from textwrap import indent

from _scripted import langchain_model, remembered
from langchain_classic.chains import LLMChain
from langchain_core.prompts import ChatPromptTemplate

from memos_integrations import MemorySession, MemOSClient
from memos_integrations.langchain import MemOSChatMemory

# LangChain's own notice about LLMChain; the memory causes none.
warnings.filterwarnings("ignore", message="The class `LLMChain` was deprecated")

PROMPT = ChatPromptTemplate.from_messages(
    [("system", "Be brief.\n{memory}"), ("placeholder", "{history}"), ("human", "{input}")]
)
TOLD = ("My name is Ann and my dog is called Rex.", "I love green tea, but I can't stand coffee.")
ASKED = ("What is my dog called?", "Should I order tea or coffee?")


def answer(prompt: str, question: str, tool_results: int) -> str:
    """The scripted model: it knows nothing but its prompt."""
    known = " ".join(remembered(prompt))
    if "dog called?" in question:
        return "Your dog is called Rex." if "Rex" in known else "I don't know."
    if "order" in question:
        return "Green tea, since you can't stand coffee." if "coffee" in known else "Whatever you like."
    return "Nice to know."


def chat(client: MemOSClient, conversation: str, texts: tuple[str, ...]) -> None:
    """One conversation: one memory object."""
    memory = MemOSChatMemory(
        client=client, user_id="ann", conversation_id=conversation, input_key="input", return_messages=True
    )
    chain = LLMChain(llm=langchain_model(answer), prompt=PROMPT, memory=memory)
    for text in texts:
        print(f"\nyou   {text}")
        output = chain.invoke({"input": text})
        print(indent(output["memory"] or "(nothing recalled)", "      "))
        print(f"bot   {output['text']}")


def main() -> None:
    with MemOSClient.embedded(":memory:") as client:
        print("--- Monday")
        chat(client, "monday", TOLD)
        print("\n--- Tuesday: a new conversation")
        chat(client, "tuesday", ASKED)
        # Turns are stored in the background; a short program waits for the last ones.
        MemorySession(client, user_id="ann").flush()


if __name__ == "__main__":
    main()
