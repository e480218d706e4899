"""Model servers by URL: what they are asked, what is made of every kind of answer, and what the engine does then."""

from __future__ import annotations

import base64
import copy
import json
import logging
import os
import pickle
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import numpy as np
import pytest

from memos_integrations import MemOSClient, Settings
from memos_integrations.cli import main
from memos_integrations.engine.embed import Embedder, embedder_for
from memos_integrations.engine.endpoint import ChatCompletions, EmbeddingsEndpoint, plugged
from memos_integrations.engine.llm import LLMExtractor
from memos_integrations.errors import (
    APIError,
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    DeadlineExceeded,
    InvalidRequest,
    MemOSError,
    NotFound,
    ResponseInvalid,
    ServerError,
)
from tests.faults.fault_server import FAULTS, misbehaving, reply

LOCAL = "http://127.0.0.1:9/v1"
KEY, TEXT = "sk-canary-key", "canary text about cats"


def vector(text):
    """Cats and trains, and how long the text is."""
    return [float("cat" in text or "pet" in text), float("train" in text), len(text) / 1000]


class Server:
    """An embeddings endpoint; `answer(texts, body)` gives rows, or a status, headers and body."""

    def __init__(self):
        self.seen, self.heads = [], []
        self.answer = lambda texts, body: [vector(t) for t in texts]
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                owner.seen.append({"path": self.path, **body})
                owner.heads.append(dict(self.headers))
                answer = owner.answer(body["input"], body)
                status, headers, content = answer if isinstance(answer, tuple) else (200, {}, data(answer))
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_args):
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    def inputs(self):
        return [body["input"] for body in self.seen]

    def close(self):
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


def data(rows):
    items = [{"object": "embedding", "index": i, "embedding": row} for i, row in enumerate(rows)]
    return json.dumps({"object": "list", "data": items}).encode()


@pytest.fixture
def server():
    made = Server()
    yield made
    made.close()


@pytest.fixture
def endpoint(server):
    made = []

    def make(**options):
        made.append(EmbeddingsEndpoint(options.pop("url", server.url), options.pop("model", "m"), **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def canned(answer, status=200):
    """An endpoint whose server always answers this."""
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    transport = httpx.MockTransport(lambda _request: httpx.Response(status, content=body))
    return EmbeddingsEndpoint(LOCAL, "m", transport=transport, max_attempts=1)


# -- asking


def test_texts_become_unit_rows_in_order(server, endpoint):
    model = endpoint(api_key=KEY)
    rows = model.documents(["my cat", "the train"])
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert rows[0] @ model.query("a pet") > 0.9 > rows[1] @ model.query("a pet")
    assert server.seen[0] == {
        "path": "/v1/embeddings", "model": "m", "input": ["my cat", "the train"], "encoding_format": "float"
    }  # fmt: skip
    assert server.heads[0]["authorization"] == f"Bearer {KEY}"
    assert isinstance(model, Embedder)
    assert embedder_for(model) is model


def test_prefixes_and_dimensions_are_sent(server, endpoint):
    model = endpoint(query_prefix="query: ", document_prefix="passage: ", dimensions=3)
    model.query("a")
    model.documents(["b"])
    assert server.inputs() == [["query: a"], ["passage: b"]]
    assert server.seen[0]["dimensions"] == 3
    assert "authorization" not in server.heads[0]


def test_many_texts_go_in_several_requests(server, endpoint):
    texts = [f"text {i}" for i in range(7)]
    rows = endpoint(batch_size=3).documents(texts)
    assert server.inputs() == [texts[:3], texts[3:6], texts[6:]]
    assert rows.shape == (7, 3)


def test_a_request_holds_a_bounded_number_of_tokens(server, endpoint):
    texts = ["word " * 3000] * 5
    endpoint(max_tokens=3000).documents(texts)
    assert [len(batch) for batch in server.inputs()] == [2, 2, 1]


def test_long_texts_are_cut_at_a_sentence(server, endpoint):
    model = endpoint(max_tokens=20)
    model.documents(
        ["One short sentence here. Another one follows it. " + "More and more words. " * 500_000, "猫" * 100]
    )
    [sent] = server.inputs()
    assert sent[0].strip() == "One short sentence here. Another one follows it. More and more words."
    assert sent[1] == "猫" * 20


@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_a_text_that_is_still_too_long_is_cut_shorter(server, endpoint, status):
    server.answer = lambda texts, body: (
        (status, {}, b"too large") if max(map(len, texts)) > 200 else [vector(t) for t in texts]
    )
    model = endpoint(max_tokens=100, max_attempts=1)
    assert model.documents(["cat " * 90]).shape == (1, 3)
    assert [len(batch[0]) <= 100 for batch in server.inputs()] == [False, True]


def test_a_refusal_that_has_nothing_to_do_with_length_stays_one(server, endpoint):
    server.answer = lambda texts, body: (400, {}, b"no")
    with pytest.raises(InvalidRequest, match="does not take"):
        endpoint().query("short")
    assert len(server.seen) == 1
    with pytest.raises(InvalidRequest):
        endpoint().query("long " * 1000)
    assert len(server.seen) == 3


# -- answers


def test_rows_come_in_any_order_and_in_base64():
    packed = base64.b64encode(np.array([0, 2], dtype="<f4").tobytes()).decode()
    rows = canned({"data": [{"index": 1, "embedding": packed}, {"index": 0, "embedding": [3, 0]}]}).documents(
        ["a", "b"]
    )
    assert rows.tolist() == [[1, 0], [0, 1]]


def test_rows_without_an_index_are_taken_as_they_come():
    assert canned({"data": [{"embedding": [1, 0]}, {"embedding": [0, 1]}]}).documents(["a", "b"]).tolist() == [
        [1, 0],
        [0, 1],
    ]


ROW = {"index": 0, "embedding": [1.0, 2.0]}
WRONG = {
    "garbage": b"\xff\xfe<html>",
    "half": data([[1.0, 2.0]])[:40],
    "deep": b"[" * 100_000,
    "null": b"null",
    "a list": [],
    "a string": b'"data"',
    "no data": {"error": "x"},
    "data null": {"data": None},
    "data an object": {"data": {"index": 0}},
    "no rows": {"data": []},
    "two rows": {"data": [ROW, {"index": 1, "embedding": [1.0, 2.0]}]},
    "an index twice": {"data": [ROW, ROW]},
    "another index": {"data": [{**ROW, "index": 7}]},
    "an index that is no number": {"data": [{**ROW, "index": "0"}]},
    "no embedding": {"data": [{"index": 0}]},
    "embedding null": {"data": [{**ROW, "embedding": None}]},
    "embedding empty": {"data": [{**ROW, "embedding": []}]},
    "nested": {"data": [{**ROW, "embedding": [[1.0, 2.0]]}]},
    "strings": {"data": [{**ROW, "embedding": ["1", "2"]}]},
    "booleans": {"data": [{**ROW, "embedding": [True, False]}]},
    "nulls": {"data": [{**ROW, "embedding": [None, None]}]},
    "NaN": b'{"data": [{"index": 0, "embedding": [NaN, 1.0]}]}',
    "infinity": b'{"data": [{"index": 0, "embedding": [Infinity, 1.0]}]}',
    "huge": b'{"data": [{"index": 0, "embedding": [1' + b"0" * 400 + b", 1.0]}]}",
    "zeros": {"data": [{**ROW, "embedding": [0.0, 0.0]}]},
    "not base64": {"data": [{**ROW, "embedding": "!!!"}]},
    "odd base64": {"data": [{**ROW, "embedding": "AAAAAAA="}]},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_answer_is_named_and_not_quoted(wrong):
    with pytest.raises(ResponseInvalid) as caught:
        canned(WRONG[wrong]).query(TEXT)
    assert "canary" not in str(caught.value)


def test_rows_of_several_widths_are_no_embedding():
    with pytest.raises(ResponseInvalid, match="width"):
        canned({"data": [{"embedding": [1.0]}, {"embedding": [1.0, 2.0]}]}).documents(["a", "b"])


def test_dimensions_that_were_not_kept_are_named(endpoint):
    with pytest.raises(ResponseInvalid, match="8 dimensions"):
        endpoint(dimensions=8).query("a")


@pytest.mark.parametrize(
    ("status", "kind", "advice"),
    [
        (401, AuthenticationError, "key"),
        (404, NotFound, "/v1"),
        (500, ServerError, "status 500"),
        (307, ResponseInvalid, "redirect"),
    ],
)
def test_refusals_are_typed_and_say_what_to_do(status, kind, advice):
    body = json.dumps({"error": {"message": f"{KEY} {TEXT}"}}).encode()
    with pytest.raises(kind, match=advice) as caught:
        canned(body, status).query(TEXT)
    assert caught.value.status == status
    assert "canary" not in str(caught.value)
    assert "MEMOS_API_KEY" not in str(caught.value)


def refusing(times, status=503, headers=None):
    left = [times]

    def answer(texts, _body):
        left[0] -= 1
        return (status, headers or {}, b"") if left[0] >= 0 else [vector(t) for t in texts]

    return answer


@pytest.mark.parametrize("status", [429, 503])
def test_passing_trouble_is_tried_again(server, endpoint, status):
    server.answer = refusing(2, status, {"retry-after": "0"})
    assert endpoint().query("cat").shape == (3,)
    assert len(server.seen) == 3


def test_a_server_that_asks_for_more_time_than_there_is_gets_none(server, endpoint):
    server.answer = refusing(9, 429, {"retry-after": "3600"})
    with pytest.raises(APIError, match="429"):
        endpoint().documents(["cat"])
    assert len(server.seen) == 1


def test_lasting_trouble_is_tried_a_few_times(server, endpoint):
    server.answer = refusing(9, 503, {"retry-after": "0"})
    with pytest.raises(ServerError):
        endpoint(max_attempts=2).documents(["cat"])
    assert len(server.seen) == 2


@pytest.mark.parametrize("fault", [*FAULTS, "500", "401"])
def test_every_fault_ends_in_a_typed_error_in_time(fault):
    more = {"500": reply(b"x", status="500 no"), "401": reply(b"x", status="401 no")}
    with misbehaving({**FAULTS, **more}[fault]) as bad:
        model = EmbeddingsEndpoint(bad.url, "m", api_key=KEY, timeout_s=0.5, query_timeout_s=0.5)
        with pytest.raises(MemOSError) as caught:
            model.query(TEXT)
        assert not isinstance(caught.value, ConfigurationError)
        assert "canary" not in f"{caught.value!r} {caught.value.__cause__!r}"
        model.close()


def test_nobody_there_is_a_failed_connection():
    with pytest.raises(ConnectionFailed):
        EmbeddingsEndpoint(LOCAL, "m").query("a")


def test_a_hang_ends_with_the_time_given():
    with misbehaving(FAULTS["trickled body"]) as bad, pytest.raises(DeadlineExceeded):
        EmbeddingsEndpoint(bad.url, "m", query_timeout_s=0.1).query("a")


# -- what it is called, and what must not be seen


def test_names_differ_where_vectors_do():
    base = {"base_url": LOCAL, "model": "m"}
    others = [{"model": "n"}, {"dimensions": 2}, {"query_prefix": "q"}, {"document_prefix": "q"}]
    others += [{"base_url": "http://127.0.0.1:10/v1"}]
    names = [EmbeddingsEndpoint(**{**base, **other}).name for other in ({}, *others)]
    assert len(set(names)) == len(names)
    assert EmbeddingsEndpoint(**base, api_key=KEY, timeout_s=1, batch_size=2).name == names[0]


def test_the_key_is_nowhere_to_be_seen(endpoint):
    for one in (endpoint(api_key=KEY), ChatCompletions(LOCAL, "m", api_key=KEY)):
        assert "canary" not in f"{one!r} {one} {getattr(one, 'name', '')} {vars(one)}"
        assert copy.deepcopy(one) is one
        with pytest.raises(TypeError, match="holds a key"):
            pickle.dumps(one)


@pytest.mark.parametrize(
    "options",
    [{"base_url": "http://example.org/v1"}, {"base_url": "https://user:pw@example.org"}, {"model": " "},
     {"model": None}, {"api_key": "two words"}, {"batch_size": 0}, {"max_tokens": 0}, {"dimensions": 0},
     {"max_attempts": 0}, {"timeout_s": 0}],
    ids=str,
)  # fmt: skip
def test_what_cannot_work_is_refused_at_once(options):
    with pytest.raises(ConfigurationError):
        EmbeddingsEndpoint(**{"base_url": LOCAL, "model": "m", **options})


def test_a_trusted_network_may_do_without_tls():
    assert EmbeddingsEndpoint("http://ollama:11434/v1/", "m", allow_insecure=True).base_url == "http://ollama:11434/v1"


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_threads_and_a_forked_child_share_it(server, endpoint):
    model = endpoint()
    rows = {}
    threads = [threading.Thread(target=lambda i=i: rows.update({i: model.query(f"cat {'x' * i}")})) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.allclose(row, model.query(f"cat {'x' * i}")) for i, row in rows.items())
    pid = os.fork()
    if pid == 0:
        os._exit(0 if np.allclose(model.query("cat "), rows[0]) else 2)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0


# -- in the engine


@pytest.mark.parametrize("fault", [*FAULTS, "401", "wrong rows", "wrong width", "not a number"])
def test_memory_goes_on_without_its_embedder(tmp_path, caplog, fault, server, endpoint):
    more = {
        "401": reply(b"x", status="401 no"),
        "wrong rows": reply(data([[1.0, 2.0, 3.0]] * 9)),
        "wrong width": reply(data([[1.0, 2.0]])),
        "not a number": reply(WRONG["NaN"]),
    }
    with misbehaving({**FAULTS, **more}[fault]) as bad:
        model = endpoint(api_key=KEY, timeout_s=0.2, query_timeout_s=0.2, max_attempts=1)
        with MemOSClient.embedded(tmp_path / "m.db", embedder=model) as client:
            client.add_message([("user", "I take the train to work.")], user_id="u", async_mode=False)
            model._connection.base_url = f"{bad.url}/v1"
            client.add_message([("user", "I have a cat called Tom.")], user_id="u", async_mode=False)
            found = client.search_memory("Tom", user_id="u").memories
            assert {m.text for m in found} == {"The user has a cat called Tom.", "The user takes the train to work."}
    warnings = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert [w.split(" (")[0] for w in warnings] == [
        f"the embedder failed at {what}" for what in ("documents", "a query")
    ]
    assert all("words only" in w for w in warnings)
    assert "canary" not in caplog.text


def test_what_was_missed_is_found_by_meaning_when_the_server_is_back(server, endpoint, monkeypatch):
    monkeypatch.setattr("memos_integrations.engine.additions._POSTPONE_S", 0)
    with MemOSClient.embedded(":memory:", embedder=endpoint(max_attempts=1)) as client:
        server.answer = lambda texts, body: (503, {}, b"")
        client.add_message(
            [("user", "I have a cat called Tom."), ("user", "I take the train to work.")], user_id="u", async_mode=False
        )
        server.answer = lambda texts, body: [vector(t) for t in texts]
        for _ in range(3000):
            if client.search_memory("my pet", user_id="u").memories[0].text == "The user has a cat called Tom.":
                break
        assert client.search_memory("my pet", user_id="u").memories[0].text == "The user has a cat called Tom."


# -- by environment


def test_the_environment_plugs_both(server):
    environ = {
        "MEMOS_EMBED_URL": server.url, "MEMOS_EMBED_MODEL": "e", "MEMOS_EMBED_KEY": KEY, "MEMOS_EMBED_DIMENSIONS": "3",
        "MEMOS_EMBED_QUERY_PREFIX": "query:", "MEMOS_EMBED_DOCUMENT_PREFIX": "passage:",
        "MEMOS_LLM_URL": "http://127.0.0.1:9/v1", "MEMOS_LLM_MODEL": "l", "MEMOS_LLM_KEY": KEY,
    }  # fmt: skip
    settings = Settings.from_env(environ)
    options = plugged(settings)
    embedder, extractor = options["embedder"], options["extractor"]
    embedder.query("a")
    embedder.documents(["a"])
    embedder.close()
    assert server.inputs() == [["query: a"], ["passage: a"]]
    assert server.heads[0]["authorization"] == f"Bearer {KEY}"
    assert server.seen[0]["dimensions"] == 3
    assert isinstance(extractor, LLMExtractor)
    assert "canary" not in repr(settings)


def test_an_embedder_can_be_switched_off_in_spite_of_its_url(server):
    environ = {"MEMOS_EMBED_URL": server.url, "MEMOS_EMBED_MODEL": "e", "MEMOS_EMBEDDER": "none"}
    assert plugged(Settings.from_env(environ)) == {"embedder": "none", "extractor": None}
    assert plugged(Settings()) == {"embedder": "auto", "extractor": None}


def test_a_client_of_the_environment_asks_the_server(server, tmp_path):
    environ = {"MEMOS_EMBED_URL": server.url, "MEMOS_EMBED_MODEL": "e", "MEMOS_PATH": str(tmp_path / "m.db")}
    with MemOSClient.from_env(Settings.from_env(environ)) as client:
        client.add_message([("user", "I have a cat called Tom.")], user_id="u", async_mode=False)
        assert client.search_memory("my pet", user_id="u").memories
    assert ["my pet"] in server.inputs()


def test_doctor_asks_the_server(server, tmp_path, monkeypatch, capsys):
    environ = {"MEMOS_HOME": str(tmp_path), "MEMOS_EMBED_URL": server.url, "MEMOS_EMBED_MODEL": "e"}
    environ |= {"MEMOS_LLM_URL": LOCAL, "MEMOS_LLM_MODEL": "l", "MEMOS_LLM_KEY": KEY}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["embedder"] == f"e at {server.url}"
    assert told["embedding"] == "ok, 3 dimensions"
    assert told["extraction"] == f"l at {LOCAL}"
    server.answer = lambda texts, body: (401, {}, b"no")
    assert main(["doctor", "--json"]) == 2
    shown = capsys.readouterr().out
    assert json.loads(shown)["embedding"].startswith("failed: the model endpoint answered with HTTP status 401")
    assert "canary" not in shown
