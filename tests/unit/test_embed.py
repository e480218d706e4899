"""Embedders: what counts as one, and what is done to what they return."""

from __future__ import annotations

import logging
import os

import numpy as np
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding
from llama_index.core import MockEmbedding

from memos_integrations.engine import embed
from memos_integrations.errors import ConfigurationError, MissingExtraError


def test_none_searches_by_words():
    assert embed.embedder_for("none") is None
    assert embed.embedder_for(None) is None


def test_auto_takes_the_packaged_model_when_it_is_there():
    assert embed.embedder_for("auto").name == "all-MiniLM-L6-v2-int8"


def test_auto_without_the_extra_says_so(monkeypatch, caplog):
    monkeypatch.setattr(embed, "_LOCAL", ("there_is_no_such_package",))
    with caplog.at_level(logging.INFO):
        assert embed.embedder_for("auto") is None
    assert "memos-integrations[local]" in caplog.text


def test_the_packaged_model_knows_what_belongs_together():
    model = embed.embedder_for("auto")
    rows = model.documents(["I love cats", "The deadline is on Monday", "x " * 2000])
    scores = rows @ model.query("Which pets do I like?")
    assert scores[0] > scores[1] + 0.2
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3)


@pytest.mark.parametrize(
    "source", [DeterministicFakeEmbedding(size=8), MockEmbedding(embed_dim=8), lambda texts: [[1.0, 2]] * len(texts)]
)
def test_frameworks_and_functions_plug_in(source):
    model = embed.embedder_for(source)
    assert model.documents(["a", "b"]).shape == (2, len(model.query("a")))
    assert model.name == embed.embedder_for(source).name
    assert embed.embedder_for(model) is model


def test_other_things_are_refused():
    async def later(texts):
        return texts

    for value in ("fast", 7, later):
        with pytest.raises(ConfigurationError, match="embedder must be"):
            embed.embedder_for(value)


def test_numpy_is_asked_for_by_name(monkeypatch):
    monkeypatch.setattr(embed, "_installed", lambda name: name != "numpy")
    with pytest.raises(MissingExtraError, match="pip install"):
        embed.embedder_for(lambda texts: texts)


def test_a_broken_package_is_not_installed():
    assert not embed._installed("there.is.no.such")


def test_wrong_answers_of_an_embedder_are_named():
    with pytest.raises(ConfigurationError, match="one vector per text"):
        embed.embedder_for(lambda texts: [[1.0]]).documents(["a", "b"])


def test_rows_without_length_score_nothing():
    rows = embed.unit_rows([[3.0, 4.0], [0.0, 0.0]])
    assert rows.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0, 0]]


VECTORS = {
    "lists": lambda texts: [[3, 4]] * len(texts),
    "tuples": lambda texts: tuple((3.0, 4.0) for _ in texts),
    "an array": lambda texts: np.tile([3.0, 4.0], (len(texts), 1)),
    "half precision": lambda texts: np.tile(np.array([3.0, 4.0], dtype=np.float16), (len(texts), 1)),
    "beyond single precision": lambda texts: np.tile([3e60, 4e60], (len(texts), 1)),
    "a list of arrays": lambda texts: [np.array([3.0, 4.0])] * len(texts),
    "a generator": lambda texts: (np.array([3.0, 4.0]) for _ in texts),
    "a generator of generators": lambda texts: ((x for x in (3.0, 4.0)) for _ in texts),
}


@pytest.mark.parametrize("form", VECTORS)
def test_vectors_in_any_form_become_unit_rows(form):
    model = embed.embedder_for(VECTORS[form])
    assert model.documents(["a", "b"]).tolist() == [[pytest.approx(0.6), pytest.approx(0.8)]] * 2
    assert model.query("a").tolist() == [pytest.approx(0.6), pytest.approx(0.8)]
    assert model.query("a").dtype == np.float32


@pytest.mark.parametrize(
    "wrong",
    [None, 7, "text", [[1.0], [1.0, 2.0]], [["x"], ["y"]], [[None], [1.0]], [[float("nan")]] * 2, [[float("inf")]] * 2,
     [1.0, 2.0], np.ones((2, 1, 1)), [{"embedding": [1.0]}] * 2, [[10**400]] * 2],
    ids=repr,
)  # fmt: skip
def test_what_is_no_vector_is_named_so(wrong):
    with pytest.raises(ConfigurationError, match="the embedder must return"):
        embed.embedder_for(lambda texts: wrong).documents(["a", "b"])


class Encoder:
    """The shape of sentence-transformers and model2vec models: callable too, but not on texts."""

    model_name = "static"

    def __call__(self, features):
        raise AssertionError

    def encode(self, texts):
        return np.ones((len(texts), 3))


def test_models_with_encode_plug_in_and_keep_their_name():
    model = embed.embedder_for(Encoder())
    assert model.documents(["a"]).shape == (1, 3)
    assert model.name.endswith("Encoder:static")


def test_functions_are_told_apart_by_name():
    def one(texts):
        return texts

    def two(texts):
        return texts

    assert embed.embedder_for(one).name != embed.embedder_for(two).name
    two.name = "model 2"
    assert embed.embedder_for(two).name.endswith(":model 2")


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_loads_its_own_model():
    model = embed.embedder_for("auto")
    row = model.query("cats")
    pid = os.fork()
    if pid == 0:
        os._exit(0 if np.allclose(model.query("cats"), row, atol=1e-4) else 2)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_script_the_packaged_model_cannot_read_gets_no_direction():
    model = embed.embedder_for("auto")
    rows = model.documents(["我对海鲜过敏", "I use 微信 at work every day", "", "Я люблю чай", "Ich wohne in Köln"])
    assert [bool(row.any()) for row in rows] == [False, True, True, False, True]
    assert not model.query("周末做什么运动？").any()
    assert (model.documents(["我对海鲜过敏"]) == 0).all()
