"""A real MemOS server on loopback that writes down what it is asked, and can be stopped and started again."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from pathlib import Path
from typing import Any

import uvicorn

from memos_integrations.engine.api import Api
from memos_integrations.engine.memories import Memories

PREFIX = "/api/openmem/v1"


class Backend:
    """`asked` holds (endpoint, body) of every request in order; the memories survive `stop` and `start`."""

    def __init__(self, path: Path) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.memories = Memories(path)
        self._api = Api(self.memories)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._socket.close()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PREFIX}"

    def start(self) -> None:
        quiet: dict[str, Any] = {"log_level": "error", "lifespan": "off", "ws": "none", "interface": "asgi3"}
        self._server = uvicorn.Server(uvicorn.Config(self._app, host="127.0.0.1", port=self.port, **quiet))
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(10)

    def close(self) -> None:
        self.stop()
        self.memories.close()

    def bodies(self, endpoint: str) -> list[dict[str, Any]]:
        return [body for path, body in self.asked if path == endpoint]

    def told(self) -> list[list[tuple[str, str]]]:
        """What was sent to extract/memory, oldest first."""
        return [[(m["role"], m["content"]) for m in body["messages"]] for body in self.bodies("/extract/memory")]

    @property
    def counts(self) -> tuple[int, int, int]:
        """Searches, extracts and adds so far."""
        found = [len(self.bodies(p)) for p in ("/search/memory", "/extract/memory", "/add/message")]
        return found[0], found[1], found[2]

    async def _app(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        body = b""
        while True:
            event = await receive()
            body += event.get("body", b"")
            if not event.get("more_body"):
                break
        self.asked.append((scope["path"].removeprefix(PREFIX), json.loads(body or b"{}")))
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, answer = await asyncio.to_thread(self._api.handle, scope["method"], scope["path"], body, headers)
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": answer})
