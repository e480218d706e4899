"""Importing the package loads no framework; a missing framework is named with its pip command."""

from __future__ import annotations

import subprocess
import sys

import pytest

from memos_integrations import MissingExtraError
from memos_integrations import llama_index as package

BLOCKED = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {name!r}:
            raise ModuleNotFoundError("No module named " + name, name=name)
sys.meta_path.insert(0, Block())
from memos_integrations import llama_index
llama_index.MemOSMemory
"""


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_importing_loads_no_framework() -> None:
    code = "import sys, memos_integrations.llama_index as p; dir(p); print('llama_index.core' in sys.modules)"
    done = python(code)
    assert done.stdout.strip() == "False", done.stderr


def test_a_missing_framework_is_named() -> None:
    done = python(BLOCKED.format(name="llama_index"))
    assert 'pip install "memos-integrations[llama-index]"' in done.stderr
    assert MissingExtraError.__name__ in done.stderr


def test_another_missing_module_is_not_the_extra() -> None:
    done = python(BLOCKED.format(name="pydantic"))
    assert MissingExtraError.__name__ not in done.stderr
    assert "No module named pydantic" in done.stderr


def test_names() -> None:
    assert sorted(package.__all__) == package.__all__
    assert set(package.__all__) <= set(dir(package))
    for name in package.__all__:
        assert getattr(package, name).__name__ == name
    with pytest.raises(AttributeError, match="nothing"):
        package.nothing  # noqa: B018
