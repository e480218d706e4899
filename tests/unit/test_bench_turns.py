"""`tests.bench turns`: the table, and nothing beside it."""

from __future__ import annotations

import subprocess
import sys


def test_chains_of_old_are_counted_without_a_word_about_their_age() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "turns", "Chain.invoke"],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    counted = [line.split()[0] for line in done.stdout.splitlines()[1:-1]]
    assert counted == ["LLMChain.invoke", "ConversationChain.invoke"]
    assert done.stdout.endswith("2 of 2 callers: exactly one search, one extract and one add per turn\n")
    assert done.stderr == ""
