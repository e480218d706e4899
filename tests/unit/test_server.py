"""`server`: starting and ending as a process does."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from memos_integrations import MemOSClient
from memos_integrations.engine.memories import Memories
from memos_integrations.server import Guard, Server, application
from tests.security.test_server_guard import port_of


def started(tmp_path: Path, *options: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    command = [sys.executable, "-X", "dev", "-m", "memos_integrations", "serve", "--json", "--port", "0"]
    command += ["--path", str(tmp_path / "m.db"), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_soon_and_nothing_told_is_lost(tmp_path: Path, number: signal.Signals) -> None:
    process, told = started(tmp_path, "--api-key", "canary-key")
    assert told["key_required"]
    with MemOSClient("canary-key", told["url"]) as client:
        client.add_message([("user", "I live in Lisbon.")], user_id="u", async_mode=False)
        task = client.add_message([("user", "My dog is called Rex.")], user_id="u").task_id
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "canary" not in err
    assert "Warning" not in err
    with MemOSClient.embedded(tmp_path / "m.db", embedder="none") as client:
        assert client.search_memory("Lisbon", user_id="u").memories
        while not client.get_status(task).done:
            time.sleep(0.02)
        assert client.search_memory("Rex", user_id="u").memories


def test_callers_who_never_finish_do_not_keep_it_alive(tmp_path: Path) -> None:
    process, told = started(tmp_path)
    head = b"POST /api/openmem/v1/get/memory HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with ExitStack() as stack:
        callers = []
        for _ in range(20):
            caller = stack.enter_context(socket.create_connection(("127.0.0.1", port_of(told["url"])), 20))
            caller.sendall(head + b"Content-Length: 50\r\n\r\n{")
            callers.append(caller)
        with MemOSClient(base_url=told["url"]) as client:
            client.get_memory(user_id="u")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
        answers = [caller.recv(65536) for caller in callers]
    assert process.returncode == 0
    assert "Traceback" not in err
    assert all(b"503" in answer and b"shutting down" in answer for answer in answers)


def test_signal_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    server = Server(Memories(":memory:", embedder="none"), port=0)
    threading.Timer(0.3, server.stop).start()
    server.run()
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


async def test_only_http_is_spoken() -> None:
    from concurrent.futures import ThreadPoolExecutor

    memories = Memories(":memory:", embedder="none")
    app = application(memories, Guard(), workers=ThreadPoolExecutor(1))

    async def nothing(*_: Any) -> Any:
        return {}

    with pytest.raises(ValueError, match="only HTTP"):
        await app({"type": "websocket"}, nothing, nothing)
    memories.close()
