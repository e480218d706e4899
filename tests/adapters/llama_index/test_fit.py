"""Fitting a block into a number of tokens that somebody else counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from memos_integrations import FactMemory
from memos_integrations.llama_index._fit import fit
from memos_integrations.prompt import render

BLOCK = render([FactMemory(memory_value=f"The user owns boat number {n}.") for n in range(8)], [])


def characters(text: str) -> str:
    return text


def words(text: str) -> list[str]:
    return text.split()


def lopsided(text: str) -> list[int]:
    """A tokenizer for which the beginning of a block costs nearly everything."""
    return [0] * (1000 + len(text) // 50)


def test_what_fits_is_left_alone() -> None:
    assert fit(BLOCK, len(BLOCK), characters) == BLOCK
    assert fit("", 0, characters) == ""


@pytest.mark.parametrize("tokenize", [characters, words])
@pytest.mark.parametrize("share", [0.9, 0.7, 0.5])
def test_whole_memories_are_dropped(tokenize: Callable[[str], str], share: float) -> None:
    limit = int(len(tokenize(BLOCK)) * share)
    shorter = fit(BLOCK, limit, tokenize)
    assert len(tokenize(shorter)) <= limit
    assert 0 < shorter.count("\n- ") < 8
    assert shorter.startswith("<memos_memory>\n")
    assert shorter.endswith("\n</memos_memory>")


def test_when_nothing_fits_nothing_is_left() -> None:
    assert fit(BLOCK, 10, characters) == ""
    assert fit(BLOCK, 0, characters) == ""
    assert fit(BLOCK, -5, characters) == ""
    assert fit(BLOCK, 1001, lopsided) == ""
