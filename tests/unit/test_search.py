"""engine/search.py: what stands first, through the engine."""

import pytest

from memos_integrations import MemOSClient


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
