"""Session options among a constructor's keywords."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from memos_integrations.session import SessionOptions

_NAMES = frozenset(field.name for field in fields(SessionOptions))


def take_options(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """`keywords` with every SessionOptions keyword folded into one `options` value."""
    given = {name: value for name, value in keywords.items() if name in _NAMES}
    rest = {name: value for name, value in keywords.items() if name not in _NAMES}
    options = rest.pop("options", None) or SessionOptions()
    return {**rest, "options": replace(options, **given)}
