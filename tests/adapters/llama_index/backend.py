"""The recording MemOS server of the adapter tests, read the way LlamaIndex tests ask."""

from __future__ import annotations

from tests.adapters.langchain.memory_server import MemoryServer


class Backend(MemoryServer):
    """See MemoryServer."""

    def stop(self) -> None:
        """Answer what is being asked, then close every connection: one left open would hang its client instead."""
        if self._running:
            server, thread = self._running
            server.should_exit = True
            thread.join(10)
            self._running = None

    def told(self) -> list[list[tuple[str, str]]]:
        """What was sent to extract/memory, oldest first."""
        return [[(m["role"], m["content"]) for m in body["messages"]] for body in self.bodies("/extract/memory")]
