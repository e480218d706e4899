"""`python -m tests.check`: what a machine can see in the source - format, lint, types, layers, house rules."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "memos_integrations"
# Who may talk HTTP, open SQLite and read the environment: each in one place, so that each rule is kept in one place.
IMPORTERS = {
    "httpx": {"_wire.py", "engine/transport.py", "engine/endpoint.py"},
    "sqlite3": {"_sqlite.py"},
}
MAX_LINES = 400


def commands() -> list[list[str]]:
    """The tools, as they are called."""
    here = [sys.executable, "-m"]
    return [
        [*here, "ruff", "format", "--check", "."],
        [*here, "ruff", "check", "."],
        [*here, "mypy"],
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
    ]


def sources() -> list[Path]:
    """The package's modules."""
    return sorted(PACKAGE.rglob("*.py"))


def long_modules() -> list[str]:
    """Modules over the house's size."""
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    return [f"{p.relative_to(ROOT)}: {n} lines, {MAX_LINES} at most" for p, n in sizes.items() if n > MAX_LINES]


def wrong_importers() -> list[str]:
    """Modules that import what another room owns."""
    found = []
    for path in sources():
        text = path.read_text(encoding="utf-8")
        for module, allowed in IMPORTERS.items():
            if re.search(rf"^\s*(import|from) {module}\b", text, re.MULTILINE) and (
                path.relative_to(PACKAGE).as_posix() not in allowed
            ):
                found.append(f"{path.relative_to(ROOT)} imports {module}; only {', '.join(sorted(allowed))} may")
        if re.search(r"\bos\.(environ|getenv)\b", text) and path.name != "config.py":
            found.append(f"{path.relative_to(ROOT)} reads the environment; only config.py may")
    return found


def unfinished() -> list[str]:
    """Places marked as not done, silenced or skipped."""
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME)\b|pragma: no " + r"cover|pytest\.sk" + "ip")
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for folder in (PACKAGE, ROOT / "tests", ROOT / "examples")
        for path in sorted(folder.rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if marks.search(line)
    ]


RULES: list[Callable[[], list[str]]] = [long_modules, wrong_importers, unfinished]


def main() -> int:
    """Run everything, report everything, fail if anything failed."""
    failed = 0
    for command in commands():
        print("$", *command[2:] if command[1] == "-m" else command, flush=True)
        failed += subprocess.run(command, cwd=ROOT, check=False).returncode != 0
    for rule in RULES:
        problems = rule()
        failed += bool(problems)
        print(f"{rule.__name__}: {len(problems)}")
        for problem in problems:
            print(" ", problem)
    print("all checks passed" if not failed else f"{failed} checks failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
