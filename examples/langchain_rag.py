"""Retrieval-augmented answers from a user's memory: MemOSRetriever in an LCEL chain.

Runs offline on the embedded engine with a scripted model; OPENAI_API_KEY moves the answers to a real one.
"""

from __future__ import annotations

import re

from _scripted import langchain_model
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough

from memos_integrations import MemOSClient
from memos_integrations.langchain import MemOSRetriever

DIARY = [
    {"role": "user", "content": "I moved to Lisbon in March and I work as a nurse at Santa Maria hospital."},
    {"role": "assistant", "content": "How do you like it there?"},
    {"role": "user", "content": "I love it. I prefer the tram to the metro, and I swim every Sunday."},
]
ASKED = ("Where does the user work?", "Tram or metro: what does the user prefer?")
PROMPT = ChatPromptTemplate.from_template("Known about the user:\n{memories}\n\nQuestion: {question}")


def answer(prompt: str, question: str, tool_results: int) -> str:
    """The scripted model: the first known line that shares a telling word with the question."""
    known, _, asked = prompt.partition("\n\nQuestion: ")
    telling = {"work": "nurse", "metro": "tram"}
    wanted = next((word for cue, word in telling.items() if cue in asked), asked)
    return next((line for line in re.findall(r"^- (.+)$", known, re.MULTILINE) if wanted in line), "I don't know.")


def show(documents: list[Document]) -> str:
    """Print what was found and hand it on as text."""
    for document in documents:
        print(f"      {document.metadata['relativity']:.2f}  {document.metadata['kind']}: {document.page_content}")
    return "\n".join(f"- {document.page_content}" for document in documents)


def main() -> None:
    with MemOSClient.embedded(":memory:") as client:
        client.add_message(DIARY, user_id="ann", conversation_id="diary", async_mode=False)
        retriever = MemOSRetriever(client=client, user_id="ann", k=3)
        chain = (
            {"memories": retriever | RunnableLambda(show), "question": RunnablePassthrough()}
            | PROMPT
            | langchain_model(answer)
            | StrOutputParser()
        )
        for question in ASKED:
            print(f"\nyou   {question}")
            print(f"bot   {chain.invoke(question)}")


if __name__ == "__main__":
    main()
