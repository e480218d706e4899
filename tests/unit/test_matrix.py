"""Vectors by slot."""

from __future__ import annotations

import numpy as np

from memos_integrations.engine.embed import pack
from memos_integrations.engine.matrix import Matrix


def test_a_matrix_grows_and_keeps_slots_apart():
    matrix = Matrix()
    matrix.put([], [])
    assert matrix.dot(np.ones(2, dtype=np.float32)) is None
    assert matrix.bytes == 0
    for slots in ((0,), (3, 200), (500, 1)):
        matrix.put(slots, [pack(np.array([1.0, slot], dtype=np.float32)) for slot in slots])
    scores = matrix.dot(np.array([0, 1], dtype=np.float32))
    assert scores[[0, 1, 2, 3, 200, 500]].tolist() == [0, 1, 0, 3, 200, 500]
    assert len(scores) == 501
    assert matrix.dot(np.ones(3, dtype=np.float32)) is None
    assert matrix.bytes >= 501 * 2 * 4
