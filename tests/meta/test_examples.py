"""Every example runs offline as a user would run it, without a warning, and shows that it remembers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
# What a reader must see in the second conversation, per example.
SHOWS = {
    "langchain_agent.py": ["It is sunny in Lisbon, 24 °C.", "Take the train."],
    "langchain_chain.py": ["Your dog is called Rex.", "Green tea, since you can't stand coffee."],
    "langchain_lcel.py": ["A mushroom risotto, without any meat.", "A steak, and no mushrooms on the side."],
    "langchain_rag.py": ["a nurse at Santa Maria hospital"],
    "llama_index_agent.py": ["Done: Vegan Garden, tonight at 8.", "Your sister's birthday is on 3 May."],
    "llama_index_chat.py": ["You live in Lisbon.", "A vegetarian risotto."],
    "llama_index_rag.py": ["a nurse at Santa Maria hospital"],
    "llm_extraction.py": ["works from Lisbon, three days a week at most"],
    "quickstart.py": [
        "How about Chengdu instead of Guangzhou, at All Seasons, since you already chose 7 Days Inn?",
        "打羽毛球。",
    ],
}


def run_example(name: str, tmp_path: Path, *arguments: str) -> str:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MEMOS_", "OPENAI_"))}
    command = ["bash", str(EXAMPLES / name)] if name.endswith(".sh") else [sys.executable, str(EXAMPLES / name)]
    scripts = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
    done = subprocess.run(
        [*command, *arguments],
        cwd=tmp_path,
        env={**kept, "MEMOS_HOME": str(tmp_path), "PATH": scripts, "COLUMNS": "110"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.mark.parametrize("name", SHOWS)
def test_example(name: str, tmp_path: Path) -> None:
    printed = run_example(name, tmp_path)
    assert printed.strip()
    flat = " ".join(printed.replace("│", " ").split())
    for text in SHOWS[name]:
        assert text in flat


def test_server_and_curl(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    printed = run_example("server_and_curl.sh", tmp_path, port)
    assert printed.replace(" ", "").count('"code":0') == 3
    assert "vegetarian" in printed.splitlines()[1]


def test_no_example_is_forgotten() -> None:
    found = {p.name for p in EXAMPLES.iterdir() if p.suffix in {".py", ".sh"} and not p.name.startswith("_")}
    assert found == {*SHOWS, "server_and_curl.sh"}
