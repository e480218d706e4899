"""The examples' scripted models, for tests and benchmarks: the fake chat models of this project live in one place."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))

from _scripted import (  # type: ignore[import-not-found]
    Reply,
    ScriptedChatModel,
    ScriptedLLM,
    recite,
    remembered,
)

__all__ = ["Reply", "ScriptedChatModel", "ScriptedLLM", "recite", "remembered"]
