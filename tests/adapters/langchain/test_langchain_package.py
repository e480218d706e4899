"""What happens when a framework is not installed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from memos_integrations import MissingExtraError, langchain

PROBE = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
import memos_integrations.langchain as adapters
try:
    adapters.{name}
except {error} as error:
    print(type(error).__name__, error)
"""


def probe(package: str, name: str, error: str) -> str:
    code = PROBE.format(package=package, name=name, error=error)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("package", "name", "extra"),
    [
        ("langchain_core", "MemOSRetriever", "langchain"),
        ("langchain", "MemOSMiddleware", "langchain-agents"),
        ("langgraph", "MemOSMiddleware", "langchain-agents"),
        ("langchain_classic", "MemOSChatMemory", "langchain-classic"),
    ],
)
def test_a_missing_framework_names_the_command(package: str, name: str, extra: str) -> None:
    said = probe(package, name, "ImportError")
    distribution = package.replace("_", "-")
    assert said == f'MissingExtraError {name} needs {distribution}: pip install "memos-integrations[{extra}]"'


def test_any_other_missing_module_is_reported_as_it_is() -> None:
    assert probe("httpx", "MemOSRetriever", "ModuleNotFoundError").startswith("ModuleNotFoundError No module named")


@pytest.mark.parametrize("name", ["MemOSRetriever", "with_memos", "create_memos_tools", "MemOSContext"])
def test_these_need_only_langchain_core(name: str) -> None:
    code = PROBE.format(package="langgraph", name=name, error="ImportError")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == ""


@pytest.mark.parametrize("hidden", ["langchain_core.retrievers", "memos_integrations.session"])
def test_only_a_framework_is_an_extra(monkeypatch: pytest.MonkeyPatch, hidden: str) -> None:
    monkeypatch.delitem(vars(langchain), "MemOSRetriever", raising=False)
    monkeypatch.delitem(sys.modules, "memos_integrations.langchain.retriever", raising=False)
    monkeypatch.setitem(sys.modules, hidden, None)
    with pytest.raises(ModuleNotFoundError if hidden.startswith("memos") else MissingExtraError):
        langchain.MemOSRetriever  # noqa: B018


def test_names() -> None:
    assert langchain.__all__ == sorted(langchain.__all__)
    assert set(langchain.__all__) <= set(dir(langchain))
    with pytest.raises(AttributeError, match="no_such_name"):
        langchain.no_such_name  # noqa: B018
