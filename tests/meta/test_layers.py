"""The layers that lint-imports checks: every module of the package root has its place among them."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_module_of_the_package_root_is_in_a_layer() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        (contract,) = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    named = [module.strip() for row in contract["layers"] for module in row.split("|")]
    root = ROOT / "memos_integrations"
    modules = {f"memos_integrations.{path.stem}" for path in root.glob("*.py") if path.stem != "__init__"}
    assert modules - set(named) == set()
    assert len(named) == len(set(named))
