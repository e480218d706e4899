"""One memory behind two doors: `door.client` speaks typed, `door.post` raw JSON; in process and through uvicorn."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from memos_integrations import MemOSClient

ENGINE_URL = "http://localhost/api/openmem/v1"


class Door:
    """The same memory, typed and raw."""

    def __init__(self, client: MemOSClient) -> None:
        self.client = client
        wire = client._wire
        self.http = httpx.Client(transport=client._engine) if client._engine else httpx.Client()
        self.url = wire.base_url

    def send(self, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
        """One request; HTTP status and parsed body."""
        headers = {"content-type": "application/json", "authorization": "Token test-key"}
        answer = self.http.request(method, self.url + path, content=body, headers=headers)
        return answer.status_code, answer.json()

    def post(self, path: str, body: Any) -> dict[str, Any]:
        """The envelope answered to a JSON body; HTTP status is 200 for business errors too (contract §2)."""
        status, envelope = self.send("POST", path, json.dumps(body).encode())
        assert status == 200
        assert set(envelope) == {"code", "data", "message"}
        return envelope

    def data(self, path: str, body: Any) -> dict[str, Any]:
        """`data` of a successful answer (contract §1: code 0, message "ok")."""
        envelope = self.post(path, body)
        assert (envelope["code"], envelope["message"]) == (0, "ok")
        return envelope["data"]

    def code(self, path: str, body: Any) -> int:
        """`code` of a refusal, whose message quotes nothing."""
        envelope = self.post(path, body)
        assert envelope["code"] != 0
        assert envelope["data"] is None
        assert "canary" not in envelope["message"]
        return envelope["code"]

    def tell(self, *sentences: str, user: str = "u", conversation: str = "c") -> None:
        """Store what a user says, and wait for it."""
        messages = [{"role": "user", "content": sentence} for sentence in sentences]
        body = {"messages": messages, "user_id": user, "conversation_id": conversation, "async_mode": False}
        assert self.data("/add/message", body)["status"] == "completed"


@pytest.fixture
def door(client: MemOSClient) -> Iterator[Door]:
    door = Door(client)
    yield door
    door.http.close()
