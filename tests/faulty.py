"""A real HTTP server over the embedded engine that can be killed, revived, slowed down and told to fail."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from memos_integrations.engine.api import PREFIX, Api
from memos_integrations.engine.memories import Memories

Fault = Callable[[str, dict[str, Any]], object]
"""(endpoint, body) -> None (answer), int below 1000 (that HTTP status), int (that code), "drop", "lose", seconds."""


class FaultyServer:
    """`calls` holds (endpoint, body) in order; `fault` decides what goes wrong.

    `lagging` empties every search and leaves every add running, as the cloud does while it reads what it was told.
    """

    def __init__(self, path: str | Path = ":memory:") -> None:
        self.memories = Memories(path, embedder="none")
        self.api = Api(self.memories)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.fault: Fault = lambda endpoint, body: None
        self.lagging = False
        self.port = 0
        self._running: tuple[ThreadingHTTPServer, threading.Thread] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PREFIX}"

    def start(self) -> None:
        server = _Http(("127.0.0.1", self.port), _handler(self))
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self._running = server, thread

    def kill(self) -> None:
        if self._running:
            server, thread = self._running
            server.shutdown()
            server.server_close()
            thread.join()
            self._running = None

    def close(self) -> None:
        self.kill()
        self.memories.close()

    def count(self, endpoint: str) -> int:
        return sum(called == endpoint for called, _ in self.calls)

    def bodies(self, endpoint: str) -> list[dict[str, Any]]:
        return [body for called, body in self.calls if called == endpoint]

    def stored(self, user_id: str, conversation_id: str) -> list[str]:
        """The texts of a conversation's messages as the server keeps them, oldest first."""
        from memos_integrations.requests import GetMessagesRequest

        request = GetMessagesRequest(user_id=user_id, conversation_id=conversation_id, message_limit_number=50)
        return [str(m.content) for m in self.memories.get_message(request).messages]


class _Http(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left early is no news."""


def _handler(owner: FaultyServer) -> type[socketserver.BaseRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        # HTTP/1.0: every connection ends with its answer, so a killed server is dead at once.
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            endpoint = self.path.removeprefix(PREFIX)
            content = json.loads(body or b"{}")
            owner.calls.append((endpoint, content))
            wrong = owner.fault(endpoint, content)
            if wrong == "drop":
                return
            if isinstance(wrong, float):
                time.sleep(wrong)
                wrong = None
            if isinstance(wrong, int):
                answer = json.dumps({"code": wrong, "message": "no", "data": None}).encode()
                self._answer(wrong if wrong < 1000 else 200, answer if wrong >= 1000 else b"{}")
                return
            status, answer = owner.api.handle("POST", self.path, body, {})
            if endpoint == "/search/memory" and owner.lagging:
                empty = {"memory_detail_list": [], "preference_detail_list": [], "preference_note": ""}
                answer = json.dumps({"code": 0, "message": "ok", "data": empty}).encode()
            if endpoint == "/add/message" and owner.lagging:
                answer = answer.replace(b'"completed"', b'"running"')
            if wrong != "lose":
                self._answer(status, answer)

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
