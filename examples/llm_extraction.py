"""The embedded engine with your own model doing the extraction: Ollama, vLLM, llama.cpp, a served memos-extractor.

    OPENAI_BASE_URL=http://127.0.0.1:11434/v1 OPENAI_MODEL=qwen3:4b python examples/llm_extraction.py

Whatever the model leaves, breaks or delays is done by the built-in extractor; without OPENAI_BASE_URL it does all.
"""

from __future__ import annotations

import os

from memos_integrations import MemOSClient
from memos_integrations.engine.endpoint import ChatCompletions
from memos_integrations.engine.llm import LLMExtractor

TOLD = [
    ("user", "Since March I work from Lisbon, three days a week at most, and I can't stand early meetings."),
    ("assistant", "I will plan around that."),
]


def main() -> None:
    url = os.environ.get("OPENAI_BASE_URL")
    extractor = None
    if url:
        model = os.environ.get("OPENAI_MODEL", "qwen3:4b")
        extractor = LLMExtractor(ChatCompletions(url, model, api_key=os.environ.get("OPENAI_API_KEY")))
    with MemOSClient.embedded(":memory:", extractor=extractor, timeout_s=120) as client:
        found = client.extract_memory(TOLD)
    for memory in [*found.memories, *found.preferences]:
        print("-", memory.text)
    if extractor is not None:
        print(f"asked the model for {extractor.calls} turns, {extractor.fallbacks} done without it")


if __name__ == "__main__":
    main()
