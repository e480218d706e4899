"""Session options as keyword parameters of pydantic adapters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from memos_integrations.session import SessionOptions

_NAMES = frozenset(f.name for f in fields(SessionOptions))


def gathered(values: Mapping[str, Any]) -> dict[str, Any]:
    """Constructor values with every session option moved into one `options` value; the rest is left to pydantic."""
    given = {name: value for name, value in values.items() if name in _NAMES}
    rest = {name: value for name, value in values.items() if name not in _NAMES}
    return {**rest, "options": SessionOptions(**given)} if given else rest
