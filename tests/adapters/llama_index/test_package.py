"""Importing the package loads no framework; a missing framework is named with its pip command."""

from __future__ import annotations

import subprocess
import sys

import pytest

from memos_integrations import MissingExtraError
from memos_integrations import llama_index as package


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_importing_loads_no_framework() -> None:
    code = "import sys, memos_integrations.llama_index as p; dir(p); print('llama_index.core' in sys.modules)"
    done = python(code)
    assert done.stdout.strip() == "False", done.stderr


def without(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """As if `module` were not installed and MemOSMemory had not been used yet."""
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "memos_integrations.llama_index.memory", raising=False)
    monkeypatch.delitem(vars(package), "MemOSMemory", raising=False)


def test_a_missing_framework_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "llama_index.core.async_utils")
    with pytest.raises(MissingExtraError, match=r'pip install "memos-integrations\[llama-index\]"'):
        package.MemOSMemory  # noqa: B018


def test_another_missing_module_is_not_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "memos_integrations.llama_index._fit")
    with pytest.raises(ModuleNotFoundError, match="_fit") as caught:
        package.MemOSMemory  # noqa: B018
    assert not isinstance(caught.value, MissingExtraError)


def test_names() -> None:
    assert sorted(package.__all__) == package.__all__
    assert set(package.__all__) <= set(dir(package))
    for name in package.__all__:
        assert getattr(package, name).__name__ == name
    with pytest.raises(AttributeError, match="nothing"):
        package.nothing  # noqa: B018
