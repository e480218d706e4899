"""Words near each other in meaning, English and Chinese, so that a question finds what was told in other words, without
any model.

One table per language beside this module, made by `python -m tests.related` from general vocabularies, from no
conversation and no benchmark. English: stems whose words all-MiniLM-L6-v2 (Apache-2.0) puts within a cosine of 0.55,
taken from its own tokenizer. Chinese: the words of jieba's dictionary (MIT) that are used most, by
multilingual-e5-small (MIT), whose cosines are taken from its mean vector and count from 0.36.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path

from memos_integrations.engine.text import terms, words

TABLES = {language: Path(__file__).with_name(f"related_{language}.bin") for language in ("en", "zh")}

Near = list[tuple[str, float]]

# Words of asking, liking and choosing stand in every question and every preference: they lead from any to any.
_WITHOUT_TOPIC = frozenset(
    terms(
        """recommend suggest advise advice advisable propose idea tip help try tell show find give look want need wish
        like love enjoy prefer favor favorite favourite hate dislike best better good great nice suitable appropriate
        option choose choice pick decide opt consider think know plan want hope interested amazing fantastic"""
    )
) | words(
    """推荐 建议 提议 喜欢 喜爱 讨厌 偏好 愿意 兴趣 觉得 知道 想要 需要 希望 要求 适合 合适 最好 最佳 不错 好评 选择
    挑选 决定 特别 特殊 特色 特点 什么 哪个 哪些 哪儿 怎么 怎样 如何 这么 那么 这样 那样 有没 没有 可以 应该 一个 一些
    一下 比较 非常 用户 介绍 帮忙 打算 计划"""
)


def near(term: str) -> Near:
    """The terms near one term of `engine.text.terms`, nearest first, each with its closeness in 0..1; none for an
    unknown one, and none that have no topic.
    """
    if term in _WITHOUT_TOPIC:
        return []
    found = _table("en" if term.isascii() else "zh").near(term)
    return [pair for pair in found if pair[0] not in _WITHOUT_TOPIC]


class Table:
    """Terms, and for each the places and closeness (in hundredths) of its neighbours, as packed by `pack`."""

    def __init__(self, data: bytes) -> None:
        names, _, rest = zlib.decompress(data).partition(b"\0")
        self.terms = names.decode("utf-8").split("\n")
        self._places = {term: place for place, term in enumerate(self.terms)}
        count = len(self.terms)
        self._ends = [0, *accumulate(rest[:count])]
        total = self._ends[-1]
        self._near = array("H", rest[count : count + 2 * total])
        if sys.byteorder == "big":
            self._near.byteswap()
        self._closeness = rest[count + 2 * total :]

    def near(self, term: str) -> Near:
        """The neighbours of a term, nearest first."""
        place = self._places.get(term)
        if place is None:
            return []
        span = range(self._ends[place], self._ends[place + 1])
        return [(self.terms[self._near[at]], self._closeness[at] / 100) for at in span]


def pack(table: Mapping[str, Sequence[tuple[str, int]]]) -> bytes:
    """The bytes `Table` reads: at most 255 neighbours per term, each a term of the table and hundredths in 0..255."""
    places = {term: place for place, term in enumerate(table)}
    flat = [(places[other], hundredths) for neighbours in table.values() for other, hundredths in neighbours]
    parts = [
        "\n".join(table).encode("utf-8"),
        b"\0",
        bytes(len(neighbours) for neighbours in table.values()),
        b"".join(place.to_bytes(2, "little") for place, _ in flat),
        bytes(hundredths for _, hundredths in flat),
    ]
    return zlib.compress(b"".join(parts), 9)


@cache
def _table(language: str) -> Table:
    return Table(TABLES[language].read_bytes())
