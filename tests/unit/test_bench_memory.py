"""The memory bench on data made by hand, whose figures can be counted."""

from __future__ import annotations

import json

import pytest

from tests.bench import _yardstick, memory

DIALOGUE = {
    "user": "u",
    "turns": [
        {"id": "1", "speaker": "Ann", "text": "I adopted a hamster called Biscuit.", "time": "2024-05-01"},
        {"id": "2", "speaker": "Bob", "text": "The ferry to Helsinki was cancelled."},
        {"id": "3", "speaker": "Ann", "text": "I play the oboe in an orchestra.", "session": "2"},
    ],
    "questions": [
        {"question": "Which hamster did Ann adopt?", "evidence": ["1"], "kind": "pets"},
        {"question": "What about the ferry to Helsinki?", "evidence": ["2", "lost"]},
        {"question": "Nobody knows", "evidence": ["lost"]},
    ],
}
LOCOMO = {
    "sample_id": "talk",
    "conversation": {
        "session_1_date_time": "1:00 pm on 8 May, 2023",
        "session_1": [{"dia_id": "D1:1", "speaker": "Ann", "text": "I adopted a hamster called Biscuit."}],
        "session_2_date_time": "2:00 pm on 9 May, 2023",
        "session_2": [{"dia_id": "D2:1", "speaker": "Bob", "text": "The ferry to Helsinki was cancelled."}],
    },
    "qa": [
        {"question": "Which hamster does Ann have?", "evidence": ["D1:1"], "category": 1},
        {"question": "What happened to the ferry to Helsinki?", "evidence": ["D2:1; D1:1"], "category": 2},
        {"question": "Not asked", "evidence": ["D2:1"], "category": 5},
    ],
}


def told(capsys, tmp_path, data, *options, noise=None):
    path = tmp_path / "data.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    if noise is not None:
        (tmp_path / "noise.json").write_text(json.dumps(noise), encoding="utf-8")
        options += ("--noise", str(tmp_path / "noise.json"))
    assert memory.main(["--data", str(path), "--embedder", "none", *options]) == 0
    return capsys.readouterr().out


def row(shown, name):
    """The figures of all rows called `name`, as printed."""
    return [line.removeprefix(name).split() for line in shown.splitlines() if line.startswith(name)]


def test_dialogues_of_ones_own(capsys, tmp_path):
    shown = told(capsys, tmp_path, [DIALOGUE])
    assert row(shown, "questions") == [["2", "2"]]
    assert row(shown, "R@6 all") == row(shown, "R@20 all") == [["100.0", "100.0"]]
    assert row(shown, "R@6 pets") == [["100.0", "100.0"]]


def test_dialogues_in_locomos_form(capsys, tmp_path):
    shown = told(capsys, tmp_path, [LOCOMO], "--systems", "bm25")
    assert row(shown, "questions") == [["2"]]
    assert row(shown, "R@6 all") == [["75.0"]]
    assert row(shown, "R@6 multi-hop") == [["100.0"]]
    assert row(shown, "R@6 temporal") == [["50.0"]]
    assert row(shown, "R@6 single") == []


def topics():
    def explicit(n, word):
        return {"question": f"Recommend a {word}", "preference": f"I love every {word} that is number {n}"}

    choice = {
        "question": "Recommend a lamp",
        "preference": "I like lamps of brass",
        "conversation": {
            "query": "Which lamp?", "assistant_options": "1. brass 2. glass",
            "user_selection": "The brass lamp, please", "assistant_acknowledgment": "Good",
        },
    }  # fmt: skip
    persona = {
        "question": "Plan an evening",
        "preference": "I avoid noisy evening bars",
        "conversation": {"1": {"user": "I avoid noisy bars in the evening", "assistant": "I see"}},
    }
    return {
        word: {"explicit": [explicit(n, word) for n in range(6)], "choice": [choice], "persona": [persona] * 5}
        for word in ("lamp", "chair")
    }


NOISE = [
    {"conversation": [{"role": r, "content": c} for r, c in (("user", "What is pi?"), ("assistant", "About 3.14."))]}
] * 3


def test_preferences_from_every_store(capsys, tmp_path):
    shown = told(capsys, tmp_path, topics(), "--kinds", "explicit,persona", noise=NOISE)
    # 5 of each topic together, 6 of one, 5 of each alone; then the same for the five personas.
    assert row(shown, "questions") == [[n, n] for n in ("10", "12", "10", "10", "10", "10")]
    assert row(shown, "pref@6")[2] == ["100.0", "100.0"]
    assert len(row(shown, "any@6")) == 6
    assert "explicit, crowd, 3 unrelated turns per user" in shown
    assert shown.rstrip().endswith("junk preferences per 100 unrelated turns: 0.0")


def test_a_choice_is_found_by_what_was_chosen(capsys, tmp_path):
    options = ("--kinds", "choice", "--stores", "alone,crowd", "--systems", "bm25", "--topics", "1")
    shown = told(capsys, tmp_path, topics(), *options)
    assert row(shown, "any@6") == [["100.0"]] * 2
    assert "junk" not in shown


def test_a_store_without_questions_has_no_figures(capsys, tmp_path):
    shown = told(capsys, tmp_path, topics(), "--kinds", "choice", "--stores", "mixed", "--systems", "bm25")
    assert row(shown, "pref@6") == [["-"]]


@pytest.mark.parametrize(
    ("evidence", "recalled", "share"),
    [("I walk the dogs", "a dog was walked", 1.0), ("violas and cellos", "viola", 0.5), ("我喜欢", "喜", 1 / 3),
     ("is it so", "anything", 0.0)],
)  # fmt: skip
def test_coverage_counts_content_words(evidence, recalled, share):
    assert _yardstick.coverage(evidence, recalled) == pytest.approx(share)


def test_whole_texts_are_kept_up_to_the_budget():
    assert _yardstick.cut(["a" * 40, "b" * 40, "c" * 40], 6, 25) == ["a" * 40, "b" * 40]
    assert _yardstick.cut(["猫" * 30, "b"], 6, 25) == []
    assert _yardstick.cut(["a", "b"], 1, 25) == ["a"]
