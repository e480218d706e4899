"""A real MemOS server on loopback that counts what it is asked and can be killed."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn

from memos_integrations.engine.api import Api
from memos_integrations.engine.memories import Memories

PREFIX = "/api/openmem/v1"


class MemoryServer:
    """uvicorn over the engine; `calls` holds (path, JSON body) in order, `stop` kills it, `start` revives it."""

    def __init__(self, folder: Path) -> None:
        self._memories = Memories(folder / "server.db", embedder="none")
        self._api = Api(self._memories)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}{PREFIX}"
        self._running: tuple[uvicorn.Server, threading.Thread] | None = None

    async def _app(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
        self.calls.append((scope["path"].removeprefix(PREFIX), json.loads(body or b"{}")))
        headers = {k.decode(): v.decode() for k, v in scope["headers"]}
        status, answer = await asyncio.to_thread(self._api.handle, scope["method"], scope["path"], body, headers)
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": answer})

    def start(self) -> None:
        config = uvicorn.Config(self._app, port=self._port, log_level="critical", lifespan="off", interface="asgi3")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        self._running = server, thread

    def stop(self) -> None:
        if self._running:
            server, thread = self._running
            server.should_exit = server.force_exit = True
            thread.join(10)
            self._running = None

    def close(self) -> None:
        self.stop()
        self._memories.close()

    def count(self, path: str) -> int:
        return sum(called == path for called, _ in self.calls)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Searches, extracts and adds so far."""
        return self.count("/search/memory"), self.count("/extract/memory"), self.count("/add/message")

    def bodies(self, path: str) -> list[dict[str, Any]]:
        return [body for called, body in self.calls if called == path]

    def added(self) -> list[list[tuple[str, str]]]:
        """What add/message was told: (role, text) of each turn."""
        return [[(m["role"], m["content"]) for m in body["messages"]] for body in self.bodies("/add/message")]
