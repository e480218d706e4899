"""A raw-socket HTTP server on loopback that misbehaves as told, after it has read the whole request."""

from __future__ import annotations

import contextlib
import gzip
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator

Misbehaviour = Callable[["Connection"], None]


class Connection:
    """One accepted connection: what was asked, and ways to answer badly."""

    def __init__(self, sock: socket.socket, stop: threading.Event) -> None:
        self.sock, self.stop = sock, stop
        self.head, self.body = b"", b""

    def read_request(self) -> bool:
        """Read head and body; False when nothing (more) comes."""
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = self.sock.recv(65536)
            if not chunk:
                return False
            data += chunk
        self.head, _, self.body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?im)^content-length: *(\d+)", self.head)
        while length and len(self.body) < int(length[1]):
            self.body += self.sock.recv(65536)
        return True

    def answer(self, body: bytes, *, status: str = "200 OK", **headers: str) -> None:
        """A well-formed answer, the only one on this connection."""
        lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", "connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode() + body)

    def reset(self) -> None:
        """End with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def trickle(self, data: bytes) -> None:
        """One byte every 20 ms, for as long as anybody listens."""
        for byte in data:
            if self.stop.wait(0.02):
                return
            self.sock.sendall(bytes([byte]))


class FaultServer:
    """Accepts connections on loopback; each request is handed to `misbehave`."""

    def __init__(self, misbehave: Misbehaviour) -> None:
        self._misbehave = misbehave
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self.requests: list[tuple[bytes, bytes]] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/api/openmem/v1"
        self._start(self._accept)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock = self._listener.accept()[0]
            except OSError:
                return
            if self._stop.is_set():
                sock.close()
                return
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        sock.settimeout(20)
        connection = Connection(sock, self._stop)
        with contextlib.suppress(OSError), sock:
            if connection.read_request():
                self.requests.append((connection.head, connection.body))
                self._misbehave(connection)

    def close(self) -> None:
        """Let everybody go and wait for them."""
        self._stop.set()
        with contextlib.suppress(OSError):
            socket.create_connection(self._listener.getsockname(), 1).close()
        self._listener.close()
        for thread in self._threads:
            thread.join(20)


@contextlib.contextmanager
def misbehaving(misbehave: Misbehaviour) -> Iterator[FaultServer]:
    """A fault server for the time of the block."""
    server = FaultServer(misbehave)
    try:
        yield server
    finally:
        server.close()


GOOD = b'{"code":0,"data":{},"message":"ok"}'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 35\r\n"


def hang(connection: Connection) -> None:
    connection.stop.wait(20)


def say(data: bytes, *, reset: bool = False, half_close: bool = False) -> Misbehaviour:
    """Send raw bytes, then end: with FIN, with RST, or keeping the other direction open."""

    def misbehave(connection: Connection) -> None:
        connection.sock.sendall(data)
        if reset:
            connection.reset()
        if half_close:
            connection.sock.shutdown(socket.SHUT_WR)
            connection.stop.wait(20)

    return misbehave


def reply(body: bytes, *, status: str = "200 OK", **headers: str) -> Misbehaviour:
    """Send a well-formed answer."""
    return lambda connection: connection.answer(body, status=status, **headers)


# Every one of these must come out as a MemOSError, within the time given.
FAULTS: dict[str, Misbehaviour] = {
    "closed without a word": say(b""),
    "reset without a word": say(b"", reset=True),
    "reset in the head": say(HEAD, reset=True),
    "reset in the body": say(HEAD + b'\r\n{"code"', reset=True),
    "half close in the body": say(HEAD + b'\r\n{"code"', half_close=True),
    "not http": say(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "broken head": say(b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n"),
    "endless head": say(b"HTTP/1.1 200 OK\r\nx: " + b"a" * 300_000),
    "broken chunks": say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhi\r\n"),
    "truncated json": reply(b'{"code":0,"data":{"memory_detail_list":[{"id"'),
    "html": reply(b"<html>welcome</html>", content_type="text/html"),
    "bad utf-8": reply(b'{"code":0,"data":{"x":"\xff\xfe"}}'),
    "code in 200": reply(b'{"code":50000,"data":null,"message":"boom"}'),
    "1 MB error page": reply(b"<p>sorry</p>" * 87_382, status="502 Bad Gateway", content_type="text/html"),
    "gzip bomb": reply(gzip.compress(b"0" * 50_000_000), content_encoding="gzip"),
    "not the gzip it says": reply(GOOD, content_encoding="gzip"),
    "brotli nobody asked for": reply(GOOD, content_encoding="br"),
    "20 MB": reply(b" " * 20_000_000),
    "redirect": reply(b"", status="307 Temporary Redirect", location="http://127.0.0.1:9/x"),
    "null": reply(b"null"),
    "hang": hang,
    "hang in the head": lambda connection: (connection.sock.sendall(HEAD), hang(connection))[1],
    "hang in the body": lambda connection: (connection.sock.sendall(HEAD + b"\r\n{"), hang(connection))[1],
    "trickled head": lambda connection: connection.trickle(HEAD + b"x: " + b"y" * 2000),
    "trickled body": lambda connection: connection.trickle(HEAD.replace(b"35", b"2000") + b"\r\n" + b" " * 2000),
}
