"""The words by which memories are found, and the language of a text."""

from __future__ import annotations

import pytest

from memos_integrations.engine.stem import stem
from memos_integrations.engine.text import language, terms


def test_english_words_are_stemmed_and_stop_words_dropped():
    assert terms("I've been running and travelling to the Cafés!") == ["run", "travel", "cafe"]
    assert terms("Order #8812 isn't shipped") == ["order", "8812", "ship"]


def test_chinese_words_of_two_characters_can_be_found():
    stored = set(terms("我在北京喝绿茶，生日是五月。"))
    for word in ("北京", "绿茶", "生日"):
        assert set(terms(word)) <= stored


def test_single_characters_are_found_but_grammar_is_not():
    assert "猫" in terms("我养了一只猫")
    assert terms("我的") == []


def test_other_scripts_are_kept():
    assert terms("Привет, мир") == ["привет", "мир"]
    assert terms("naïve Straße") == ["naiv", "strass"]


@pytest.mark.parametrize(
    ("word", "base"),
    [("went", "go"), ("children", "child"), ("policies", "polici"), ("hopping", "hop"), ("relational", "relat"),
     ("hopefulness", "hope"), ("agreed", "agre"), ("sized", "size"), ("falling", "fall"), ("happy", "happi"),
     ("adoption", "adopt"), ("caresses", "caress"), ("controlled", "control"), ("roll", "roll"), ("sky", "sky"),
     ("is", "is"), ("electrical", "electr"), ("rate", "rate"), ("cease", "ceas"), ("conflated", "conflat"),
     ("b2b", "b2b"),
     ("replacement", "replac"), ("bled", "bled"), ("feed", "feed")],
)  # fmt: skip
def test_stems(word, base):
    assert stem(word) == base


@pytest.mark.parametrize(
    ("text", "found"),
    [("用户喜欢喝茶", "zh"), ("The user likes tea", "en"), ("I like 茶", "en"), ("", "en"),
     ("user: 我住在北京 https://a.b/c", "zh"),
     ("[2025-01-01 10:00] 你好", "zh"), ("これはペンです", "en")],
)  # fmt: skip
def test_language_follows_the_contract(text, found):
    assert language(text) == found
