"""The README is a program: every block runs, and what it says it prints is what it prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Block:
    language: str
    code: str
    line: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.language}-line-{self.line}"


def blocks() -> list[Block]:
    found = []
    for match in re.finditer(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL):
        before = README[: match.start()].rstrip().rsplit("\n", 1)[-1]
        after = README[match.end() :].lstrip("\n")
        line = README.count("\n", 0, match.start()) + 1
        found.append(Block(match.group(1), match.group(2), line, before, after))
    return found


BLOCKS = blocks()
PYTHON = [b for b in BLOCKS if b.language == "python"]
# The two commands build virtual environments: .ci/run executes them, from this file.
SHELL = [b for b in BLOCKS if b.language == "bash" and "-command" not in b.before]


def environment(tmp_path: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MEMOS_", "OPENAI_"))}
    scripts = str(Path(sys.executable).parent)
    path = os.pathsep.join([scripts, kept.get("PATH", "")])
    return {**kept, "PATH": path, "MEMOS_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT / "examples")}


def expected_output(block: Block) -> str | None:
    match = re.match(r"```text\n(.*?)^```$", block.after, re.MULTILINE | re.DOTALL)
    return match.group(1) if match else None


def undated(text: str) -> str:
    """Without the day on which a memory was made: the README was written on another one."""
    return re.sub(r"\[\d{4}-\d\d-\d\d\]", "[day]", text)


def test_there_is_something_to_run() -> None:
    assert len(PYTHON) >= 6
    assert len(SHELL) >= 1
    assert {b.language for b in BLOCKS} <= {"python", "bash", "text"}


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_block(block: Block, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", block.code],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = expected_output(block)
    if expected is not None:
        assert undated(done.stdout) == undated(expected)


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_shell_block(block: Block, tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-euc", block.code],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = expected_output(block)
    if expected is not None:
        assert undated(done.stdout) == undated(expected)


@pytest.mark.parametrize("name", ["main-command", "test-command"])
def test_the_two_commands_are_one_line_each(name: str) -> None:
    """.ci/run finds them by these markers; one copy-paste line each."""
    [section] = re.findall(rf"<!-- {name} -->\n```bash\n(.*?)```\n<!-- end -->", README, re.DOTALL)
    assert section.startswith("python3 -m venv ")
    assert section.count("\n") == 1
    assert f"command_of {name}" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", README):
        assert (ROOT / target).exists(), target
