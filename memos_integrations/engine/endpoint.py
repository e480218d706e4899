"""OpenAI-compatible model servers (OpenAI, Ollama, vLLM, llama.cpp, TEI, a served memos-extractor), plugged in by URL.

`ChatCompletions` is a model for extraction (`engine.llm.LLMExtractor`), `EmbeddingsEndpoint` an embedder. Their errors
are typed as the client's are, TransportError and APIError, and hold neither key nor text.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Self
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from memos_integrations._flow import Flow, HttpRequest, call, run, sleep
from memos_integrations._policy import Policy, RetryPolicy, retry_after
from memos_integrations._text import estimate_tokens, split_text
from memos_integrations._wire import HttpWire
from memos_integrations.config import Settings, is_loopback, normalize_base_url, secret
from memos_integrations.engine.embed import unit_rows
from memos_integrations.engine.llm import LLMExtractor
from memos_integrations.errors import (
    APIError,
    AuthenticationError,
    ConfigurationError,
    InvalidRequest,
    MemOSError,
    NotFound,
    PermissionDenied,
    ResponseInvalid,
    api_error,
)

if TYPE_CHECKING:
    from memos_integrations.engine.embed import Array

# Servers bound the tokens of one request, and a batch answers no sooner than its last text.
_BATCH_TOKENS = 8_000
# A server whose model takes less than was said gets the beginning of each text.
_SHORTER = 4
_ADVICE: dict[type[APIError], str] = {
    AuthenticationError: "check its key",
    PermissionDenied: "check its key",
    NotFound: "check the model's name and base_url, which usually ends in /v1",
    InvalidRequest: "it does not take this request or this model",
}


class _Endpoint:
    """Where a model is served, and how it is asked; `transport` replaces the network."""

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str | SecretStr | None,
        allow_insecure: bool,
        transport: httpx.BaseTransport | None,
    ) -> None:
        self.base_url = normalize_base_url(base_url, allow_insecure=allow_insecure)
        if not isinstance(model, str) or not model.strip():
            msg = "name the model that the endpoint serves"
            raise ConfigurationError(msg)
        self.model = model.strip()
        self._key = secret(api_key)
        self._transport = transport

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_url!r}, {self.model!r})"

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        msg = f"{type(self).__name__} holds a key and connections: make it anew in the other process"
        raise TypeError(msg)

    def _wire(self) -> HttpWire:
        parts = urlsplit(self.base_url)
        # A proxy that the environment names for http knows nothing of this machine's own servers.
        local = parts.scheme == "http" and is_loopback(parts.hostname or "")
        return HttpWire(self.base_url, self._key, self._transport, trust_env=not local, scheme="Bearer")


def _asked(policy: Policy, path: str, body: dict[str, Any]) -> Flow[Any]:
    """The JSON that `path` answers; tried again, within the deadline, where that may help."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    deadline, tries = policy.deadline(), 0
    while True:
        wait = None
        try:
            response = yield from call(HttpRequest("POST", path, text, deadline.remaining()))
            if response.status == httpx.codes.OK:
                return _json(response.body)
            wait = retry_after(response.headers, policy.wall())
            raise _refusal(response.status)
        except MemOSError as error:
            tries += 1
            pause = policy.retry.pause(tries, policy.draw(), wait)
            if tries >= policy.retry.attempts or not error.retryable or pause >= deadline.remaining():
                raise
        yield from sleep(pause)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        msg = "the model endpoint's answer is not JSON; check base_url"
        raise ResponseInvalid(msg) from None


def _refusal(status: int) -> MemOSError:
    msg = f"the model endpoint answered with HTTP status {status}"
    if status < 400:
        return ResponseInvalid(f"{msg}; redirects are never followed, check base_url", status=status)
    known = api_error(status=status)
    advice = _ADVICE.get(type(known), "")
    return type(known)(f"{msg}; {advice}" if advice else msg, status=status, retryable=known.retryable)


class ChatCompletions(_Endpoint):
    """Asks `{base_url}/chat/completions` for an answer that follows a JSON schema; a `Complete` of `engine.llm`.

    `base_url` follows the rules of `config.normalize_base_url` (https, or http on this machine; `allow_insecure` for a
    trusted network). `timeout_s` bounds a call, `max_tokens` the answer. Asked once per call, on a connection of its
    own: extraction is rare, slow and falls back.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str | SecretStr | None = None,
        timeout_s: float = 60.0,
        max_tokens: int = 1500,
        allow_insecure: bool = False,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        super().__init__(base_url, model, api_key=api_key, allow_insecure=allow_insecure, transport=transport)
        self._policy = Policy(timeout_s, RetryPolicy(attempts=1))
        self._max_tokens = max_tokens

    def __call__(self, messages: list[dict[str, str]], schema: dict[str, Any]) -> str:
        """The text of the first choice."""
        body = {
            "model": self.model,
            "messages": messages,
            "temperature": 0,
            "max_tokens": self._max_tokens,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "memories", "schema": schema, "strict": True},
            },
        }
        wire = self._wire()
        try:
            return _first_choice(run(_asked(self._policy, "/chat/completions", body), wire))
        finally:
            wire.close()


def _first_choice(answer: Any) -> str:
    try:
        content = answer["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        content = None
    if not isinstance(content, str):
        msg = "the model endpoint's answer is not a chat completion"
        raise ResponseInvalid(msg)
    return content


class EmbeddingsEndpoint(_Endpoint):
    """Embeds by `{base_url}/embeddings`; an `Embedder` for `MemOSClient.embedded(path, embedder=...)`.

    `dimensions` asks models that can for shorter vectors; `query_prefix` and `document_prefix` are what models such as
    e5 ("query: ", "passage: ") or nomic-embed ("search_query: ", "search_document: ") want before a text. A text is cut
    to its first `max_tokens` (estimated), and to a quarter of that if the server refuses it. At most `batch_size` texts
    go into a request; a request is tried up to `max_attempts` times within `timeout_s`, a query within
    `query_timeout_s`, which is on a user's path. `base_url` as for `ChatCompletions`; needs numpy. Thread-safe, also
    after a fork. The name under which vectors are stored holds all settings that change them.
    """

    bounded = True

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str | SecretStr | None = None,
        dimensions: int | None = None,
        query_prefix: str = "",
        document_prefix: str = "",
        batch_size: int = 32,
        max_tokens: int = 480,
        timeout_s: float = 30.0,
        query_timeout_s: float = 2.0,
        max_attempts: int = 3,
        allow_insecure: bool = False,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        super().__init__(base_url, model, api_key=api_key, allow_insecure=allow_insecure, transport=transport)
        if min(batch_size, max_tokens, 1 if dimensions is None else dimensions) < 1:
            msg = "batch_size, max_tokens and dimensions must be at least 1"
            raise ConfigurationError(msg)
        self._prefixes = query_prefix, document_prefix
        self._dimensions, self._batch_size, self._max_tokens = dimensions, batch_size, max_tokens
        self._for_documents = Policy(timeout_s, RetryPolicy(attempts=max_attempts))
        self._for_query = Policy(query_timeout_s, RetryPolicy(attempts=max_attempts, cap_s=0.25))
        self._connection = self._wire()
        # Another server may serve another model under this name.
        self.name = json.dumps(["openai", self.base_url, self.model, dimensions, *self._prefixes], ensure_ascii=False)

    def documents(self, texts: Sequence[str]) -> Array:
        """One row of unit length per text, in any number of requests."""
        rows = [row for batch in self._batches(texts) for row in self._embed(self._prefixes[1], batch)]
        return _unit(rows)

    def query(self, text: str) -> Array:
        """The row of a text to search with."""
        row: Array = _unit(self._embed(self._prefixes[0], [text], self._for_query))[0]
        return row

    def close(self) -> None:
        """Close the connections; not usable afterwards."""
        self._connection.close()

    def _batches(self, texts: Sequence[str]) -> Iterator[list[str]]:
        batch: list[str] = []
        spent = 0
        for text in texts:
            size = min(estimate_tokens(text), self._max_tokens)
            if batch and (len(batch) == self._batch_size or spent + size > _BATCH_TOKENS):
                yield batch
                batch, spent = [], 0
            batch.append(text)
            spent += size
        if batch:
            yield batch

    def _embed(self, prefix: str, texts: Sequence[str], policy: Policy | None = None) -> list[Any]:
        try:
            return self._request([prefix + _head(text, self._max_tokens) for text in texts], policy)
        except APIError as error:
            shorter = max(1, self._max_tokens // _SHORTER)
            # llama.cpp calls a text that is too long a failure of its own.
            refused = isinstance(error, InvalidRequest) or error.status == httpx.codes.INTERNAL_SERVER_ERROR
            if not refused or max(map(estimate_tokens, texts)) <= shorter:
                raise
            return self._request([prefix + _head(text, shorter) for text in texts], policy)

    def _request(self, texts: list[str], policy: Policy | None) -> list[Any]:
        body: dict[str, Any] = {"model": self.model, "input": texts, "encoding_format": "float"}
        if self._dimensions is not None:
            body["dimensions"] = self._dimensions
        answer = run(_asked(policy or self._for_documents, "/embeddings", body), self._connection)
        vectors = _vectors(answer, len(texts))
        if self._dimensions is not None and any(len(vector) != self._dimensions for vector in vectors):
            msg = f"the model endpoint's vectors have not the {self._dimensions} dimensions asked for"
            raise ResponseInvalid(msg)
        return vectors


def _head(text: str, limit: int) -> str:
    """The first `limit` estimated tokens, whole sentences where that leaves something."""
    return text if estimate_tokens(text) <= limit else split_text(text[: 4 * limit], limit)[0]


def _vectors(answer: Any, count: int) -> list[Any]:
    """The vectors of an answer in the order of the texts."""
    try:
        items = answer["data"]
        if any("index" in item for item in items):
            items = sorted(items, key=lambda item: item["index"])
            if [item["index"] for item in items] != list(range(count)):
                raise ValueError
        vectors = [_vector(item["embedding"]) for item in items]
    except (KeyError, TypeError, ValueError):
        vectors = []
    if len(vectors) != count:
        msg = "the model endpoint's answer is not one embedding per text"
        raise ResponseInvalid(msg)
    return vectors


def _vector(value: Any) -> Any:
    if isinstance(value, str):
        # Some servers answer packed single-precision numbers whatever was asked for.
        import numpy as np

        return np.frombuffer(base64.b64decode(value, validate=True), dtype="<f4")
    if not isinstance(value, list) or not all(type(number) in {int, float} for number in value):
        raise ValueError
    return value


def _unit(vectors: list[Any]) -> Array:
    try:
        rows = unit_rows(vectors)
    except ConfigurationError:
        msg = "the model endpoint's vectors differ in width or hold values that are no numbers"
        raise ResponseInvalid(msg) from None
    if not rows.any(axis=1).all():
        msg = "the model endpoint answered a vector of zeros"
        raise ResponseInvalid(msg)
    return rows


def plugged(settings: Settings) -> dict[str, Any]:
    """The `embedder` and `extractor` of an embedded engine, as the settings name them."""
    options: dict[str, Any] = {"embedder": settings.embedder, "extractor": None}
    embed, llm, insecure = settings.embed, settings.llm, settings.allow_insecure
    if embed is not None and settings.embedder == "auto":
        options["embedder"] = EmbeddingsEndpoint(
            embed.base_url,
            embed.model,
            api_key=embed.api_key,
            dimensions=embed.dimensions,
            query_prefix=embed.query_prefix,
            document_prefix=embed.document_prefix,
            allow_insecure=insecure,
        )
    if llm is not None:
        model = ChatCompletions(llm.base_url, llm.model, api_key=llm.api_key, allow_insecure=insecure)
        options["extractor"] = LLMExtractor(model)
    return options
