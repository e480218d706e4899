"""engine/search.py: what stands first, through the engine."""

from datetime import datetime, timezone

import pytest

from memos_integrations import MemOSClient
from memos_integrations.engine.search import Query


@pytest.fixture(params=["auto", "none"])
def client(request):
    with MemOSClient.embedded(":memory:", embedder=request.param) as client:
        yield client


def talk(client, *lines):
    messages = [{"role": "user", "role_id": n.lower(), "role_name": n, "content": text} for n, text in lines]
    client.add_message(messages, user_id="u", conversation_id="c", async_mode=False)


def test_a_remark_does_not_stand_before_the_statement_it_remarks_on(client):
    talk(
        client,
        ("Ada", "I finally bought a telescope, a big second-hand one from the observatory."),
        ("Ben", "Gosh. Since when?"),
        ("Ada", "Since the market on Saturday, it hardly fit into the tram."),
        ("Ben", "I spent the whole weekend repainting the kitchen."),
    )
    found = client.search_memory("Which telescope did Ada buy?", user_id="u").memories
    texts = [memory.text for memory in found]
    assert "observatory" in texts[0]
    remark = [memory.relativity for memory in found if "Gosh" in memory.text]
    assert all(relativity < found[0].relativity for relativity in remark)


def tell(client, day, text, conversation):
    message = {"role": "user", "content": text, "chat_time": f"2025-{day}T10:00:00Z"}
    client.add_message([message], user_id="u", conversation_id=conversation, async_mode=False)


@pytest.mark.parametrize(
    ("older", "newer", "question", "word"),
    [
        (
            "My rowing team trains on the river Dove.",
            "My rowing team trains on the river Trent.",
            "On which river does my rowing team train?",
            "Trent",
        ),
        ("我们团队用飞书开会。", "我们团队用钉钉开会。", "我们团队现在用什么开会？", "钉钉"),
    ],
)
def test_asked_about_the_present_the_newer_of_two_like_statements_stands_first(client, older, newer, question, word):
    tell(client, "01-10", newer.replace(word, "Exe"), "a")
    tell(client, "02-10", older, "b")
    tell(client, "03-10", "The kitchen tap drips again.", "c")
    tell(client, "05-10", newer, "d")
    assert word in client.search_memory(question, user_id="u").memories[0].text


@pytest.mark.parametrize(
    ("question", "current"),
    [
        ("Where does Ann live?", True),
        ("What car do I drive these days?", True),
        ("Where did Ann live before?", False),
        ("When is the wedding?", False),
        ("Who was my first boss?", False),
        ("我现在住在哪里？", True),
        ("我去年住在哪里？", False),
        ("我去过哪里？", False),
    ],
)
def test_a_question_about_the_present_is_told_from_one_about_the_past(question, current):
    assert Query.of(question, None, None, datetime(2025, 6, 1, tzinfo=timezone.utc)).current is current
