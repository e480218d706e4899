"""The recording MemOS server of the adapter tests, read the way LlamaIndex tests ask."""

from __future__ import annotations

from tests.adapters.langchain.memory_server import MemoryServer


class Backend(MemoryServer):
    """See MemoryServer."""

    def told(self) -> list[list[tuple[str, str]]]:
        """What was sent to extract/memory, oldest first."""
        return [[(m["role"], m["content"]) for m in body["messages"]] for body in self.bodies("/extract/memory")]
