"""_lazy: what is loaded when, and that the first use may come from many threads at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest

from memos_integrations import MemOSClient
from memos_integrations._lazy import Later

ROOT = Path(__file__).parent.parent.parent


def python(code: str) -> str:
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_module_is_loaded_by_the_first_use_of_a_name():
    code = """
import json, sys
from memos_integrations._lazy import Later
later = Later("zipapp")
before = "zipapp" in sys.modules
later.create_archive
print(json.dumps([before, "zipapp" in sys.modules]))
"""
    assert json.loads(python(code)) == [False, True]
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = Later("json").no_such_name
    with pytest.raises(ModuleNotFoundError):
        _ = Later("no_such_module_at_all").name


def test_importing_the_client_builds_no_models():
    loaded = set(
        json.loads(
            python("import json, sys, memos_integrations as m; m.MemOSClient; print(json.dumps([*sys.modules]))")
        )
    )
    assert "memos_integrations.client" in loaded
    assert not loaded & {
        "asyncio",
        "pydantic.main",
        "memos_integrations.models",
        "memos_integrations.requests",
        "sqlite3",
    }


def test_the_first_use_may_come_from_many_threads_at_once():
    """Pydantic's deferred building may hand out another model's validator then; the import lock may not."""
    code = """
import threading
from memos_integrations import MemOSClient
gate, wrong = threading.Barrier(24), []
def use(n):
    gate.wait()
    try:
        with MemOSClient.embedded(":memory:", embedder="none") as client:
            client.add_message([("user", f"I live in town {n}.")], user_id=f"u{n}", async_mode=False)
            found = client.search_memory("Where do I live?", user_id=f"u{n}")
            assert type(found).__name__ == "SearchResult", type(found)
            assert [str(n) in m.memory_value for m in found.memories] == [True], found
            assert client.get_memory(user_id=f"u{n}").memories[0].memory_value == found.memories[0].memory_value
            assert client.extract_memory([("user", "I love green tea.")]).success
    except BaseException as error:
        wrong.append(repr(error))
threads = [threading.Thread(target=use, args=(n,)) for n in range(24)]
[t.start() for t in threads]
[t.join() for t in threads]
assert not wrong, wrong
"""
    for _ in range(3):
        python(code)


def test_the_names_in_the_clients_annotations_can_be_read():
    with MemOSClient.embedded(":memory:", embedder="none") as client:
        for name in ("search_memory", "aadd_message", "get_status", "extract_memory", "delete_memory"):
            assert "return" in get_type_hints(getattr(client, name))
