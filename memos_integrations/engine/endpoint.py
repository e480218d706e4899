"""An OpenAI-compatible chat endpoint (a served memos-extractor, Ollama, vLLM, llama.cpp) as a model for extraction."""

from __future__ import annotations

import json
from typing import Any

import httpx
from pydantic import SecretStr

from memos_integrations.config import normalize_base_url, secret
from memos_integrations.errors import ResponseInvalid, TransportError


class ChatCompletions:
    """Asks `{base_url}/chat/completions` for an answer that follows a JSON schema; a `Complete` of `engine.llm`.

    `base_url` follows the rules of `config.normalize_base_url` (https, or http on this machine). `timeout_s` bounds
    each wait for the network, `max_tokens` the answer. Raises TransportError for anything but a usable answer; no
    error holds text of the conversation or the key. Not kept open between calls: extraction is rare and slow.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str | SecretStr | None = None,
        timeout_s: float = 60.0,
        max_tokens: int = 1500,
        max_bytes: int = 2_000_000,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.base_url = normalize_base_url(base_url)
        self.model = model
        self._key = secret(api_key)
        self._timeout = timeout_s
        self._max_tokens = max_tokens
        self._max_bytes = max_bytes
        self._transport = transport

    def __repr__(self) -> str:
        return f"ChatCompletions({self.base_url!r}, {self.model!r})"

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
        headers = {"Authorization": f"Bearer {self._key.get_secret_value()}"} if self._key else {}
        try:
            with (
                httpx.Client(timeout=self._timeout, transport=self._transport, follow_redirects=False) as client,
                client.stream("POST", f"{self.base_url}/chat/completions", json=body, headers=headers) as response,
            ):
                status, text = response.status_code, self._read(response)
        except httpx.HTTPError as error:
            msg = f"the model endpoint did not answer ({type(error).__name__})"
            raise TransportError(msg) from None
        if status != httpx.codes.OK:
            msg = f"the model endpoint answered with HTTP status {status}"
            raise TransportError(msg, status=status)
        return _first_choice(text)

    def _read(self, response: httpx.Response) -> bytes:
        read = bytearray()
        for chunk in response.iter_bytes():
            read += chunk
            if len(read) > self._max_bytes:
                msg = "the model endpoint's answer is too long"
                raise ResponseInvalid(msg)
        return bytes(read)


def _first_choice(body: bytes) -> str:
    try:
        content = json.loads(body)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError):
        content = None
    if not isinstance(content, str):
        msg = "the model endpoint's answer is not a chat completion"
        raise ResponseInvalid(msg)
    return content
