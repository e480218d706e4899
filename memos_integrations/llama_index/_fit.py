"""Fitting a rendered block into what a `Memory`'s token limit leaves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sized

from memos_integrations._text import estimate_tokens
from memos_integrations.prompt import truncate


def fit(block: str, tokens: int, tokenize: Callable[[str], Sized]) -> str:
    """`block` within `tokens` as `tokenize` counts them: whole memories are dropped; "" when none fits."""
    size = len(tokenize(block))
    if size <= tokens:
        return block
    # The renderer cuts by its estimate, which may be off either way: aim by the ratio, then lower until it fits.
    limit = math.floor(estimate_tokens(block) * tokens / size)
    while limit > 0 and block:
        block = truncate(block, limit)
        if len(tokenize(block)) <= tokens:
            return block
        limit = min(limit, estimate_tokens(block)) - 1
    return ""
