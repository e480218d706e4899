"""Names that are loaded when they are first used, so that importing a package imports no framework."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any

from .errors import MissingExtraError


class Later:
    """A module that is loaded by the first use of one of its names, from whichever thread."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)


def load(package: str, homes: Mapping[str, str], name: str, extras: Mapping[str, tuple[str, str]] | None = None) -> Any:
    """`package`'s attribute `name` from the module that `homes` names, kept in the package from then on.

    `extras` maps a framework's import name to (its distribution, our extra). Raises AttributeError for an unknown
    name and MissingExtraError, with the pip command, when a framework of `extras` is not installed.
    """
    if name not in homes:
        msg = f"module {package!r} has no attribute {name!r}"
        raise AttributeError(msg)
    try:
        module = importlib.import_module(f"{package}.{homes[name]}")
    except ModuleNotFoundError as error:
        # Only a framework's absence is an extra's; anything else missing is a fault of its own.
        missing = (error.name or "").split(".")[0]
        if missing not in (extras or {}):
            raise
        distribution, extra = (extras or {})[missing]
        raise MissingExtraError(f'{name} needs {distribution}: pip install "memos-integrations[{extra}]"') from error
    value = getattr(module, name)
    setattr(sys.modules[package], name, value)
    return value
