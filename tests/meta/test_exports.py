"""The public names are a promise, and asking for them costs nothing that was not asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import memos_integrations
import memos_integrations.langchain
import memos_integrations.llama_index

ROOT = Path(__file__).resolve().parents[2]
FRAMEWORKS = ("langchain", "langchain_core", "langchain_classic", "langgraph", "llama_index", "numpy", "onnxruntime")

# Run before anything else: reports what the import loaded, opened for writing, connected to or started.
PROBE = """
import json, sys, threading
seen = []
def watch(event, args):
    writing = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    if event in ("sqlite3.connect", "socket.connect", "socket.bind", "subprocess.Popen", "os.mkdir") or writing:
        seen.append(event)
sys.dont_write_bytecode = True
sys.addaudithook(watch)
{statement}
modules = sorted({{m.split(".")[0] for m in sys.modules}})
print(json.dumps({{"modules": modules, "events": seen, "threads": threading.active_count()}}))
"""


def probe(statement: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(statement=statement)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    report: dict[str, object] = json.loads(done.stdout)
    return report


@pytest.mark.parametrize(
    "module",
    [memos_integrations, memos_integrations.langchain, memos_integrations.llama_index],
    ids=lambda m: m.__name__,
)
def test_every_name_resolves(module: object) -> None:
    names = module.__all__  # type: ignore[attr-defined]
    assert len(names) == len(set(names))
    assert all(getattr(module, name) is not None for name in names)
    assert set(names) <= set(dir(module))
    with pytest.raises(AttributeError, match="no_such_name"):
        module.no_such_name  # type: ignore[attr-defined]  # noqa: B018


def test_the_promised_names() -> None:
    """design.md, "The public API"."""
    assert {"MemOSClient", "MemorySession"} <= set(memos_integrations.__all__)
    assert {
        "MemOSChatMemory",
        "MemOSContext",
        "MemOSMiddleware",
        "MemOSRetriever",
        "create_memos_tools",
        "with_memos",
    } <= set(memos_integrations.langchain.__all__)
    assert {"MemOSMemory", "MemOSMemoryBlock", "MemOSRetriever", "MemOSToolSpec"} <= set(
        memos_integrations.llama_index.__all__
    )


PACKAGES = ["memos_integrations", "memos_integrations.langchain", "memos_integrations.llama_index"]


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_loads_nothing_but_itself(package: str) -> None:
    report = probe(f"import {package}")
    assert not set(report["modules"]) & {*FRAMEWORKS, "httpx", "pydantic", "sqlite3"}  # type: ignore[call-overload]
    assert report["events"] == []
    assert report["threads"] == 1


def test_the_client_and_session_need_no_framework() -> None:
    report = probe("from memos_integrations import MemOSClient, MemorySession, SearchResult")
    assert not set(report["modules"]) & set(FRAMEWORKS)  # type: ignore[call-overload]
    assert report["events"] == []
    assert report["threads"] == 1


def test_the_retriever_loads_only_langchain_core() -> None:
    report = probe("from memos_integrations.langchain import MemOSRetriever")
    assert "langchain_core" in report["modules"]  # type: ignore[operator]
    assert not set(report["modules"]) & {"langchain", "langchain_classic", "langgraph", "llama_index"}  # type: ignore[call-overload]


def test_version_is_the_packages() -> None:
    assert f'version = "{memos_integrations.__version__}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f"## {memos_integrations.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
