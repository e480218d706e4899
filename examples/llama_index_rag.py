"""Retrieval-augmented answers from a user's memory: MemOSRetriever in a LlamaIndex query engine.

Runs offline with a scripted model; OPENAI_API_KEY moves the answers to a real one.
"""

from __future__ import annotations

import re

from _scripted import llama_index_model
from llama_index.core.query_engine import RetrieverQueryEngine

from memos_integrations import MemOSClient
from memos_integrations.llama_index import MemOSRetriever

DIARY = [
    {"role": "user", "content": "I moved to Lisbon in March and I work as a nurse at Santa Maria hospital."},
    {"role": "assistant", "content": "How do you like it there?"},
    {"role": "user", "content": "I love it. I prefer the tram to the metro, and I swim every Sunday."},
]
ASKED = ("Where does the user work?", "How does the user like to get around?")


def answer(prompt: str, question: str, tool_results: int) -> str:
    """The scripted model: the first line of the context that shares a word with the question."""
    context = prompt.partition("---------------------")[2].rpartition("---------------------")[0]
    cues = {"work": ("work", "nurse"), "get around": ("tram",)}
    wanted = next((words for cue, words in cues.items() if cue in question), ())
    lines = re.findall(r"\S.*", context)
    return next((line for line in lines if any(word in line for word in wanted)), "I don't know.")


def main() -> None:
    with MemOSClient.embedded(":memory:") as client:
        client.add_message(DIARY, user_id="ann", conversation_id="diary", async_mode=False)
        retriever = MemOSRetriever(client=client, user_id="ann", top_k=3)
        engine = RetrieverQueryEngine.from_args(retriever, llm=llama_index_model(answer))
        for question in ASKED:
            print(f"\nyou   {question}")
            response = engine.query(question)
            for node in response.source_nodes:
                print(f"      {node.score:.2f}  {node.node.metadata['kind']}: {node.text}")
            print(f"bot   {response}")


if __name__ == "__main__":
    main()
