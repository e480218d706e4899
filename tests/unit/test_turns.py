"""The order of a conversation and the words around a turn."""

from __future__ import annotations

import pytest

from memos_integrations.engine.turns import Turns


def told(*texts, conversation="c"):
    turns = Turns()
    for text in texts:
        turns.add(conversation, text.split())
    return turns


def test_neighbours_are_those_of_the_same_conversation():
    turns = Turns()
    for conversation in "aababa":
        turns.add(conversation, [])
    assert turns.near(3) == [(1, 1.0), (0, 0.5), (5, 1.0)]
    assert turns.near(2) == [(4, 1.0)]
    assert turns.sides(3) == (1, 5)
    assert turns.sides(4) == (2, -1)
    assert len(turns) == 6


def test_an_answer_is_found_by_its_question_and_fades_with_distance():
    turns = told("married long", "three year", "nice", "really", "weather")
    found = turns.around([0, 1, 2, 3, -1], ["married"])
    assert found[0] >= found[1] > found[2] > 0
    assert found[3] == 0
    assert -1 not in found


def test_long_surroundings_count_less():
    short, long = told("cat", "x"), told("cat", "x " * 30)
    assert short.around([1], ["cat"])[1] == pytest.approx(short.around([0], ["cat"])[0])
    uneven = told("cat", "x", "y", "y", "y " * 30, "cat", "x")
    scores = uneven.around([0, 5], ["cat"])
    assert scores[0] > scores[5]
    assert long.bytes > 0
