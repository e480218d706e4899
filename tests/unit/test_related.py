"""engine/related.py: the table of near words, and questions in other words than what was told."""

import pytest

from memos_integrations import MemOSClient
from memos_integrations.engine import related
from memos_integrations.engine.text import terms


def stem(word):
    return terms(word)[0] if word.isascii() else word


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("movie", "film"),
        ("doctor", "physician"),
        ("car", "vehicle"),
        ("医生", "医院"),
        ("旅游", "旅行"),
        ("衣服", "服装"),
    ],
)
def test_words_of_one_meaning_are_near_each_other_both_ways(word, other):
    assert stem(other) in dict(related.near(stem(word)))
    assert stem(word) in dict(related.near(stem(other)))


def test_unrelated_and_unknown_words_are_not_near():
    assert stem("violin") not in dict(related.near(stem("car")))
    assert related.near("qwxyz") == []
    assert related.near("钢琴") != []
    assert "汽车" not in dict(related.near("钢琴"))
    assert related.near("чай") == []


@pytest.mark.parametrize(("word", "least"), [("movie", 0.55), ("salary", 0.55), ("电影", 0.36), ("失眠", 0.36)])
def test_every_neighbour_is_a_term_itself_and_the_nearest_comes_first(word, least):
    for term in (stem(word), *(other for other, _ in related.near(stem(word)))):
        found = related.near(term)
        assert all(least <= close <= 1 for _, close in found)
        assert [close for _, close in found] == sorted((close for _, close in found), reverse=True)
        assert all(other != term and terms(other) for other, _ in found)


def test_words_of_asking_and_liking_lead_nowhere():
    for word in ("recommend", "prefer", "推荐", "喜欢", "什么"):
        assert related.near(stem(word)) == []
    assert not {"recommend", "prefer", "喜欢"} & {
        other for word in ("advice", "适应", "option") for other, _ in related.near(word)
    }


def test_what_is_packed_is_read_again():
    packed = related.pack({"tea": [("coffe", 71), ("cup", 60)], "coffe": [("tea", 71)], "cup": []})
    table = related.Table(packed)
    assert table.near("tea") == [("coffe", 0.71), ("cup", 0.6)]
    assert table.near("coffe") == [("tea", 0.71)]
    assert table.near("cup") == table.near("milk") == []


@pytest.mark.parametrize(
    ("told", "question"),
    [
        ("My physician is Dr. Brandt.", "Who is my doctor?"),
        ("I watch horror films on Fridays.", "What kind of movies do I watch?"),
        ("I bought a used automobile from my cousin.", "What car do I have?"),
        ("我对海鲜过敏，一吃就起疹子。", "附近有什么好吃的餐馆？"),
        ("我去年坐高铁去了杭州。", "我坐火车去过哪里？"),
    ],
)
def test_without_a_model_other_words_for_the_same_thing_find_a_memory(told, question):
    others = ["My sister plays the violin.", "I painted the fence green.", "Our train was late again.", "I keep bees."]
    with MemOSClient.embedded(":memory:", embedder="none") as client:
        for n, text in enumerate([told, *others]):
            turn = [{"role": "user", "content": text}]
            client.add_message(turn, user_id="u", conversation_id=f"c{n}", async_mode=False)
        found = client.search_memory(question, user_id="u", memory_limit_number=1)
        assert set(terms(told)) & set(terms(found.memories[0].text)) >= {terms(told)[-1]}


def test_the_exact_word_stands_before_a_near_one():
    with MemOSClient.embedded(":memory:", embedder="none") as client:
        for n, text in enumerate(["My film club meets in May.", "My movie club meets in June."]):
            turn = [{"role": "user", "content": text}]
            client.add_message(turn, user_id="u", conversation_id=f"c{n}", async_mode=False)
        assert "June" in client.search_memory("movie club", user_id="u").memories[0].text
        assert "May" in client.search_memory("film club", user_id="u").memories[0].text
