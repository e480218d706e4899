"""Sizes and borders of text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memos_integrations._text import clip_text, estimate_tokens, split_sentences, split_text

anything = st.text(max_size=300)


def test_estimates() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens("abcd efgh") == 3
    assert estimate_tokens("我喜欢打羽毛球") == 7
    assert estimate_tokens("한국어") == 3


def test_sentences_of_both_languages() -> None:
    assert split_sentences("I like tea. It is 3.5 km away! 我叫张三。你好？\nBye") == [
        "I like tea. ",
        "It is 3.5 km away! ",
        "我叫张三。",
        "你好？\n",
        "Bye",
    ]


@given(anything)
def test_sentences_lose_nothing(text: str) -> None:
    assert "".join(split_sentences(text)) == text


@given(anything, st.integers(min_value=1, max_value=50))
def test_pieces_lose_nothing_and_fit(text: str, limit: int) -> None:
    pieces = split_text(text, limit)
    assert "".join(pieces) == text
    assert all(estimate_tokens(piece) <= limit for piece in pieces)
    assert all(pieces)


def test_pieces_keep_sentences_whole() -> None:
    assert split_text("One two. Three four. Five six.", 6) == ["One two. Three four. ", "Five six."]


def test_one_giant_sentence_is_cut_at_spaces() -> None:
    pieces = split_text("word " * 100, 20)
    assert len(pieces) > 5
    assert all(piece.endswith(" ") for piece in pieces)


@given(anything, st.integers(min_value=6, max_value=60))
def test_clipping_keeps_both_ends(text: str, limit: int) -> None:
    clipped = clip_text(text, limit)
    assert estimate_tokens(clipped) <= limit
    if clipped != text:
        assert clipped[0] == text[0]
        assert clipped[-1] == text[-1]
