"""The inverted index: BM25 with numpy and without it says the same."""

from __future__ import annotations

import random
import sys

import pytest

from memos_integrations.engine import postings
from memos_integrations.engine.postings import Postings
from memos_integrations.engine.turns import Turns

WORDS = [f"w{n}" for n in range(60)]
WITH, WITHOUT = (0, 0), (sys.maxsize, sys.maxsize)
WEIGHTS = [1 / (n + 1) for n in range(60)]


def indexed(*texts):
    index = Postings()
    for text in texts:
        index.add(text.split())
    return index


@pytest.fixture(params=["numpy", "plain"])
def way(request, monkeypatch):
    """Each way of adding up, whatever the number of documents."""
    monkeypatch.setattr(postings, "_LEAST", WITH if request.param == "numpy" else WITHOUT)
    return request.param


def test_rare_words_and_short_texts_count_more(way):
    index = indexed("cat dog", "dog", "dog fish bird horse cow", "cat cat cat")
    scores = index.scores(["cat", "dog", "missing"])
    assert sorted(scores.best(4)) == [0, 1, 2, 3]
    assert scores.of(0) > scores.of(3) > scores.of(1) > scores.of(2) > 0
    assert (
        scores.highest
        == scores.of(0)
        == pytest.approx(
            index.weight("cat") / (1 + 0.9 * (0.5 + 0.5 * 2 / 2.75))
            + index.weight("dog") / (1 + 0.9 * (0.5 + 1 / 2.75))
        )
    )


def test_nothing_scores_in_an_empty_index_or_for_unknown_words(way):
    for index in (Postings(), indexed("cat")):
        scores = index.scores(["dog"])
        assert (scores.best(3), scores.highest) == ([], 0.0)
    assert indexed("cat").scores(["dog"]).of(0) == 0.0


def test_of_equals_the_oldest_come_first_into_a_short_list(way):
    index = indexed(*["cat"] * 5, "dog", "cat cat")
    assert sorted(index.scores(["cat"]).best(3)) == [0, 1, 6]


def test_very_common_words_only_add_to_what_rarer_ones_found(way):
    index = indexed("rare common", *["common"] * 600)
    assert index.scores(["common", "rare"]).best(9) == [0]
    assert len(index.scores(["common"]).best(999)) == 601


def test_a_word_said_over_and_over_counts_up_to_a_limit(way):
    index = indexed(*["x " * count for count in (1, 255, 256, 1000)])
    assert [code & postings.MOST for code in index.lists["x"]] == [1, 255, 255, 255]
    assert index.lengths[3] == 1000


def test_both_ways_agree_on_a_large_index(monkeypatch):
    rng = random.Random(7)
    index, turns = Postings(), Turns()
    for n in range(3000):
        text = rng.choices(WORDS, WEIGHTS, k=rng.randint(0, 12))
        assert index.add(text) == turns.add(f"c{n % 7}", text) == n
    for n in range(30):
        wanted = rng.sample(WORDS, 1 + n % 5)
        chosen = rng.sample(range(3000), 40)
        found = []
        for least in (WITH, WITHOUT):
            monkeypatch.setattr(postings, "_LEAST", least)
            scores = index.scores(wanted)
            best = sorted(scores.best(25))
            found.append((best, [scores.of(slot) for slot in best], turns.around(chosen, wanted)))
        dense, sparse = found
        assert dense[0] == sparse[0]
        assert dense[1] == pytest.approx(sparse[1], abs=1e-12)
        assert dense[2] == pytest.approx(sparse[2], abs=1e-6)


def test_large_indexes_do_without_numpy_where_there_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)
    monkeypatch.setattr(postings, "_LEAST", WITH)
    postings._numpy.cache_clear()
    try:
        assert postings.numpy_for(5) is None
        assert indexed("cat").scores(["cat"]).best(1) == [0]
    finally:
        postings._numpy.cache_clear()


def test_size_grows_with_what_is_stored():
    index = indexed("cat")
    before = index.bytes
    index.add(["cat", "dog"])
    assert index.bytes > before > 0


def test_near_words_count_where_the_wanted_one_is_missing_and_only_the_best_of_them(way):
    index = indexed("movie night", "film night", "cinema film night", "cinema night", "garden night")
    close = {"movie": [("film", 0.9), ("cinema", 0.6), ("theatre", 0.6)]}

    def near(term):
        return close.get(term, [])

    plain, scores = index.scores(["movie"]), index.scores(["movie"], near)
    assert scores.of(0) == plain.of(0) > scores.of(1) == scores.of(2) > scores.of(3) > scores.of(4) == 0
    assert scores.of(1) == pytest.approx(0.7 * 0.9 * index.weight("film"))
    assert scores.of(3) == pytest.approx(0.7 * 0.6 * index.weight("cinema"))
    assert index.scores(["movie", "night"], near).of(1) == pytest.approx(scores.of(1) + index.scores(["night"]).of(1))


def test_near_words_find_what_no_document_says_literally(way):
    index = indexed("film night", "garden night")
    scores = index.scores(["movie"], lambda term: [("film", 0.8)])
    assert scores.best(3) == [0]
    assert index.scores(["movie"]).best(3) == []


def test_numpy_is_not_imported_for_a_small_index(monkeypatch):
    assert postings.numpy_for(10) is None
    assert postings.numpy_for(1000) is sys.modules["numpy"]
    monkeypatch.delitem(sys.modules, "numpy")
    assert postings.numpy_for(1000) is None
    assert postings.numpy_for(2000) is not None
