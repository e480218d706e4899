"""The local server's guard (anchors 2.10): hostile requests are refused, and nothing of them is stored."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic import SecretStr

from memos_integrations import MemOSClient, server
from memos_integrations.engine.memories import Memories
from memos_integrations.errors import AuthenticationError, ConfigurationError, MissingExtraError
from memos_integrations.server import Guard, Server
from tests.conftest import Serve, serving

PATH = "/api/openmem/v1/add/message"
BODY = json.dumps(
    {"user_id": "u", "async_mode": False, "messages": [{"role": "user", "content": "I live in Lisbon."}]}
).encode()


def port_of(url: str) -> int:
    return int(re.search(r":(\d+)/", url)[1])  # type: ignore[index]


def raw(url: str, data: bytes) -> tuple[int, dict[str, Any]]:
    """Send bytes as they are; status and parsed body of the answer, status 0 when the door was slammed."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port_of(url)), 20) as sock:
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            sock.sendall(data)
        with contextlib.suppress(ConnectionResetError):
            while chunk := sock.recv(65536):
                answer += chunk
    if not answer:
        return 0, {}
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    return status, json.loads(body) if body.startswith(b"{") else {}


def request(
    headers: dict[str, str | None] | None = None,
    *,
    method: str = "POST",
    path: str = PATH,
    extra: str = "",
    body: bytes = BODY,
) -> bytes:
    """A request that is fine but for what the test changes; a header of None is left out."""
    lines: dict[str, str | None] = {
        "Host": "127.0.0.1:8765",
        "Authorization": "Token right-key",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    lines.update(headers or {})
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
    return f"{method} {path} HTTP/1.1\r\n{head}{extra}\r\n".encode("latin-1") + body


@pytest.fixture
def guarded() -> Iterator[tuple[str, Memories]]:
    memories = Memories(":memory:", embedder="none")
    with serving(memories, api_key=SecretStr("right-key")) as url:
        yield url, memories


HOSTILE: dict[str, tuple[bytes, int, int | None]] = {
    # what is wrong with it, and the status and code it is answered with
    "foreign host": (request({"Host": "evil.example"}), 421, 40101),
    "rebinding name": (request({"Host": "127.0.0.1.evil.example"}), 421, 40101),
    "rebinding name with port": (request({"Host": "localhost.evil.example:8765"}), 421, 40101),
    "nip.io": (request({"Host": "127.0.0.1.nip.io"}), 421, 40101),
    "lan address": (request({"Host": "192.168.1.5"}), 421, 40101),
    "any address": (request({"Host": "0.0.0.0:8765"}), 421, 40101),
    "mapped loopback": (request({"Host": "[::ffff:10.0.0.1]"}), 421, 40101),
    "host with user info": (request({"Host": "127.0.0.1@evil.example"}), 400, 40000),
    "host with a path": (request({"Host": "127.0.0.1/evil"}), 400, 40000),
    "host with a space": (request({"Host": "127.0.0.1 evil"}), 400, 40000),
    "host with a trailing dot": (request({"Host": "localhost.evil."}), 421, 40101),
    "decimal host": (request({"Host": "2130706433"}), 421, 40101),
    "blank host": (request({"Host": ""}), 400, 40000),
    "no host": (request({"Host": None}), 400, None),
    "two hosts": (request(extra="Host: evil.example\r\n"), 400, None),
    "no host in http/1.0": (request({"Host": None}).replace(b"HTTP/1.1", b"HTTP/1.0"), 400, 40000),
    "absolute uri": (request(path=f"http://evil.example{PATH}", headers={"Host": "evil.example"}), 421, 40101),
    "absolute uri, good host": (request(path=f"http://evil.example{PATH}"), 404, 50000),
    "foreign origin": (request({"Origin": "https://evil.example"}), 403, 40101),
    "null origin": (request({"Origin": "null"}), 403, 40101),
    "own origin, still a page": (request({"Origin": "http://127.0.0.1:8765"}), 403, 40101),
    "empty origin": (request({"Origin": ""}), 403, 40101),
    "preflight": (request({"Origin": "https://evil.example"}, method="OPTIONS", body=b""), 403, 40101),
    "form": (request({"Content-Type": "application/x-www-form-urlencoded"}), 415, 40000),
    "plain text": (request({"Content-Type": "text/plain"}), 415, 40000),
    "multipart": (request({"Content-Type": "multipart/form-data; boundary=x"}), 415, 40000),
    "json in disguise": (request({"Content-Type": "text/plain; application/json"}), 415, 40000),
    "no content type": (request({"Content-Type": None}), 415, 40000),
    "two content types": (request(extra="Content-Type: text/plain\r\n"), 415, 40000),
    "too large": (request({"Content-Length": str(5 * 1024 * 1024)}), 413, 40013),
    "a terabyte": (request({"Content-Length": "1099511627776"}), 413, 40013),
    "no key": (request({"Authorization": None}), 401, 40100),
    "empty key": (request({"Authorization": "Token "}), 401, 40100),
    "bare key": (request({"Authorization": "right-key"}), 401, 40100),
    "basic": (request({"Authorization": "Basic cmlnaHQta2V5"}), 401, 40100),
    "two keys": (request(extra="Authorization: Token right-key\r\n"), 401, 40100),
    "wrong key": (request({"Authorization": "Token wrong-key"}), 401, 40132),
    "key in other case": (request({"Authorization": "Token Right-Key"}), 401, 40132),
    "beginning of the key": (request({"Authorization": "Token right"}), 401, 40132),
    "key and more": (request({"Authorization": "Token right-key2"}), 401, 40132),
    "key in latin-1": (request({"Authorization": "Token right-k\xe9y"}), 401, 40132),
    "key in the query": (request({"Authorization": None}, path=f"{PATH}?api_key=right-key"), 401, 40100),
    "path traversal": (request(path="/api/openmem/v1/../../../etc/passwd"), 200, 50000),
    "quoted traversal": (request(path="/api/openmem/v1/%2e%2e/add/message"), 200, 50000),
    "other prefix": (request(path="/product/add"), 404, 50000),
    "root": (request(method="GET", path="/", body=b""), 404, 50000),
    "double slash": (request(path="//evil.example/api/openmem/v1/add/message"), 404, 50000),
    "trace": (request(method="TRACE", body=b""), 200, 50000),
    "connect": (request(method="CONNECT", path="127.0.0.1:22", body=b""), 404, 50000),
    "negative length": (request({"Content-Length": "-1"}), 400, None),
    "two lengths": (request(extra="Content-Length: 1\r\n"), 400, None),
    "smuggled chunk": (request(extra="Transfer-Encoding: chunked, identity\r\n"), 400, None),
    "10,000 headers": (request(extra="".join(f"x-{n}: {n}\r\n" for n in range(10_000))), 400, None),
    "long header": (request(extra=f"x: {'a' * 300_000}\r\n"), 400, None),
    "not http": (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", 400, None),
}


def test_there_are_more_than_forty() -> None:
    assert len(HOSTILE) >= 40


def test_hostile_requests_are_refused_and_store_nothing(guarded: tuple[str, Memories]) -> None:
    url, memories = guarded
    wrong = {}
    for name, (data, status, code) in HOSTILE.items():
        got, envelope = raw(url, data)
        # Data still on its way when the door closes can turn the answer into a reset.
        slammed = got == 0 and len(data) > 100_000
        if (got != status and not slammed) or (code is not None and envelope.get("code") != code):
            wrong[name] = (got, envelope)
        assert "right-key" not in json.dumps(envelope)
    assert wrong == {}
    assert memories.users() == []
    assert raw(url, request())[1]["code"] == 0
    assert memories.users() != []


def test_chunks_beyond_four_megabytes_are_refused(guarded: tuple[str, Memories]) -> None:
    url, memories = guarded
    chunk = b"%x\r\n%s\r\n" % (1 << 20, b" " * (1 << 20))
    head = request({"Content-Length": None}, extra="Transfer-Encoding: chunked\r\n", body=b"")
    status, envelope = raw(url, head + chunk * 5 + b"0\r\n\r\n")
    assert (status, envelope["code"]) == (413, 40013)
    assert memories.users() == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:9", "127.1.2.3", "localhost", "LOCALHOST:8765", "[::1]", "[::1]:8765"]
)
def test_this_machine_by_any_of_its_names(guarded: tuple[str, Memories], host: str) -> None:
    assert raw(guarded[0], request({"Host": host}))[0] == 200


@pytest.mark.parametrize("value", ["Token right-key", "token right-key", "Bearer right-key", "BEARER  right-key "])
def test_both_schemes_are_accepted(guarded: tuple[str, Memories], value: str) -> None:
    assert raw(guarded[0], request({"Authorization": value}))[1]["code"] == 0


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_with_and_without_charset(guarded: tuple[str, Memories], kind: str) -> None:
    assert raw(guarded[0], request({"Content-Type": kind}))[1]["code"] == 0


@pytest.mark.parametrize("authorization", [None, "Token anything", "nonsense"])
def test_without_a_key_any_caller_of_this_machine_is_welcome(serve: Serve, authorization: str | None) -> None:
    assert raw(serve(), request({"Authorization": authorization}))[1]["code"] == 0


def test_listed_origins_and_hosts_may_ask(serve: Serve) -> None:
    url = serve(hosts=frozenset({"memos.internal"}), origins=frozenset({"https://app.example"}))
    assert raw(url, request({"Origin": "https://app.example", "Host": "memos.internal:80"}))[0] == 200
    assert raw(url, request({"Host": "other.internal"}))[0] == 421


def test_health_says_nothing_and_needs_no_key_but_the_right_host(guarded: tuple[str, Memories], serve: Serve) -> None:
    asked = request(method="GET", path="/health", body=b"")
    assert raw(serve(), asked) == (200, {"code": 0, "data": {}, "message": "ok"})
    assert raw(guarded[0], request({"Authorization": None}, method="GET", path="/health", body=b""))[0] == 200
    assert raw(guarded[0], request({"Host": "evil.example"}, method="GET", path="/health", body=b""))[0] == 421


def test_the_client_learns_about_its_key(guarded: tuple[str, Memories]) -> None:
    url = guarded[0]
    for key, code in (("wrong", 40132), (None, 40100)):
        with MemOSClient(api_key=key, base_url=url) as client, pytest.raises(AuthenticationError) as caught:
            client.search_memory("q", user_id="u")
        assert caught.value.code == code
        assert caught.value.status == 401
    with MemOSClient(api_key="right-key", base_url=url) as client:
        assert client.search_memory("q", user_id="u").memories == []


def test_slow_callers_do_not_hold_up_others(serve: Serve) -> None:
    url = serve()
    slow = [socket.create_connection(("127.0.0.1", port_of(url)), 20) for _ in range(200)]
    try:
        for n, sock in enumerate(slow):
            sock.sendall(request()[: 40 if n % 2 else -5])
        with MemOSClient(base_url=url, timeout_s=20) as client:
            assert client.search_memory("q", user_id="u").memories == []
    finally:
        for sock in slow:
            sock.close()


def test_a_body_that_never_ends_is_given_up(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "BODY_TIMEOUT_S", 0.2)
    assert raw(serve(), request()[:-5])[0] == 408


def test_a_caller_that_goes_away_in_the_middle_is_forgotten(serve: Serve) -> None:
    url = serve()
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", port_of(url)), 20) as sock:
            sock.sendall(request()[:-5])
    assert raw(url, request())[1]["code"] == 0


def test_many_at_once(serve: Serve) -> None:
    url = serve()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: raw(url, request())[1]["code"], range(64)))
    assert answers == [0] * 64


def test_beyond_this_machine_a_key_is_required() -> None:
    with pytest.raises(ConfigurationError, match="--api-key"):
        Server(Memories(":memory:", embedder="none"), host="0.0.0.0", port=0)


def test_beyond_this_machine_the_key_decides_and_not_the_name() -> None:
    Guard(SecretStr("k"), hosts=None).check("GET", [(b"host", b"memos.example"), (b"authorization", b"Token k")])


def test_a_taken_port_is_explained(serve: Serve) -> None:
    with pytest.raises(ConfigurationError, match="--port"):
        Server(Memories(":memory:", embedder="none"), port=port_of(serve()))


def test_ipv6_loopback(serve: Serve) -> None:
    url = serve(host="::1")
    assert url.startswith("http://[::1]:")
    with MemOSClient(base_url=url) as client:
        assert client.search_memory("q", user_id="u").memories == []


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"memos-integrations\[server\]"):
        Server(Memories(":memory:", embedder="none"), port=0)


def test_stop_ends_a_server_with_open_connections() -> None:
    # `serving` itself fails when the server does not end.
    with serving() as url:
        idle = socket.create_connection(("127.0.0.1", port_of(url)), 20)
        assert raw(url, request())[1]["code"] == 0
    with idle:
        assert idle.recv(1) == b""
