"""The seed documents' programs, and what official clients send, against the real server (contract §5.1).

The programs are the seeds' own, with only base URL and key changed; `requests` comes with the LangChain extra.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import SecretStr

from tests.conftest import Serve

from .test_extract_memory import SEED

SEEDS = Path(__file__).resolve().parents[2].parent / "shared" / "seeds"
SEARCHES = [
    {
        "query": "I want to travel during the National Day holiday. Please recommend a city I haven’t been to and "
        "a hotel brand I haven’t stayed at.",
        "user_id": "memos_user_123",
        "conversation_id": "0928",
    },
    {
        "user_id": "memos_user_345",
        "conversation_id": "memos_conversation_789",
        "query": "I'm going to Yunnan for National Day. Any food recommendations?",
    },
    {"user_id": "memos_user_567", "query": "What are my key personal traits?"},
]


@pytest.fixture
def url(serve: Serve) -> str:
    return serve(api_key=SecretStr("YOUR_API_KEY"))


def post(url: str, path: str, data: dict[str, Any], key: str = "Token YOUR_API_KEY") -> requests.Response:
    """The seeds' way of asking."""
    headers = {"Content-Type": "application/json", "Authorization": key}
    return requests.post(url=f"{url}{path}", headers=headers, data=json.dumps(data), timeout=30)


def remember(url: str, user: str, *sentences: str) -> None:
    messages = [{"role": "user", "content": sentence} for sentence in sentences]
    added = post(url, "/add/message", {"user_id": user, "messages": messages, "async_mode": False})
    assert added.json()["message"] == "ok"


def test_the_extract_program(url: str) -> None:
    result = post(url, "/extract/memory", SEED).json()
    assert (result["code"], result["message"], result["data"]["success"]) == (0, "ok", True)
    assert any("7 Days Inn" in memory["memory_value"] for memory in result["data"]["memory_detail_list"])


@pytest.mark.parametrize("data", SEARCHES)
def test_the_search_programs_on_an_empty_memory(url: str, data: dict[str, Any]) -> None:
    result = post(url, "/search/memory", data).json()
    assert (result["code"], result["message"]) == (0, "ok")
    assert result["data"]["memory_detail_list"] == []
    assert result["data"]["preference_detail_list"] == []
    assert result["data"]["preference_note"] == ""


def test_the_search_programs_find_what_was_told(url: str) -> None:
    remember(url, "memos_user_123", "I’ve booked a summer trip to Guangzhou.", "I stayed at a 7 Days Inn there.")
    remember(url, "memos_user_345", "I like spicy food but I don't like oily dishes such as hotpot.")
    remember(url, "memos_user_567", "I am a backend developer.", "I enjoy badminton.")
    expected = ["Guangzhou", "spicy", "developer"]
    for data, word in zip(SEARCHES, expected, strict=True):
        found = post(url, "/search/memory", data).json()["data"]
        texts = [m["memory_value"] for m in found["memory_detail_list"]]
        texts += [p["preference"] for p in found["preference_detail_list"]]
        assert any(word in text for text in texts), word


def test_the_profile_is_made_of_user_memories(url: str) -> None:
    remember(url, "memos_user_567", "I am a backend developer.")
    found = post(url, "/search/memory", SEARCHES[2]).json()["data"]["memory_detail_list"]
    assert any(memory["memory_type"] == "UserMemory" for memory in found)


@pytest.mark.parametrize(
    ("key", "code"),
    [("Token wrong", 40132), ("Bearer wrong", 40132), ("", 40100), ("Token", 40100), ("Basic eA==", 40100)],
)
def test_a_wrong_or_missing_key(url: str, key: str, code: int) -> None:
    answer = post(url, "/search/memory", SEARCHES[0], key=key)
    assert answer.status_code == 401
    assert answer.json()["code"] == code
    assert answer.json()["data"] is None


def test_a_bearer_key_is_as_good(url: str) -> None:
    assert post(url, "/search/memory", SEARCHES[0], key="Bearer YOUR_API_KEY").json()["code"] == 0


def programs() -> list[str]:
    """The Python blocks of the seed documents, where these lie beside the repository."""
    blocks = []
    for name in ("extract_memory.txt", "search_memory.txt"):
        text = (SEEDS / name).read_text(encoding="utf-8") if (SEEDS / name).exists() else ""
        blocks += re.findall(r'^import os\n.*?^print\(f"result: \{res\.json\(\)\}"\)', text, re.MULTILINE | re.DOTALL)
    return blocks


def test_the_documents_own_text_runs_verbatim(url: str, tmp_path: Path) -> None:
    blocks = programs()
    assert len(blocks) == (4 if SEEDS.exists() else 0)
    for block in blocks:
        program = tmp_path / "program.py"
        program.write_text(block.replace("https://memos.memtensor.cn/api/openmem/v1", url), encoding="utf-8")
        done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("result: {'code': 0,")
