"""English words near each other in meaning, so that a question finds what was told in other words, without any model.

The table beside this module lists for 13,760 stems the stems whose words all-MiniLM-L6-v2 (Apache-2.0) puts within a
cosine of 0.55, at most 24 each. It is made from that model's own vocabulary by `python -m tests.related`, from no
conversation and no benchmark, and holds nothing but general English.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path

TABLE = Path(__file__).with_name("related.bin")

Near = list[tuple[str, float]]


def near(stem: str) -> Near:
    """The stems near one stem, nearest first, each with its closeness in 0.55..1; empty for an unknown stem."""
    return _table().near(stem)


class Table:
    """Stems, and for each the places and closeness (in hundredths) of its neighbours, as packed by `pack`."""

    def __init__(self, data: bytes) -> None:
        names, _, rest = zlib.decompress(data).partition(b"\0")
        self._stems = names.decode("ascii").split("\n")
        self._places = {stem: place for place, stem in enumerate(self._stems)}
        count = len(self._stems)
        self._ends = [0, *accumulate(rest[:count])]
        total = self._ends[-1]
        self._near = array("H", rest[count : count + 2 * total])
        if sys.byteorder == "big":
            self._near.byteswap()
        self._closeness = rest[count + 2 * total :]

    def near(self, stem: str) -> Near:
        """The neighbours of a stem, nearest first."""
        place = self._places.get(stem)
        if place is None:
            return []
        span = range(self._ends[place], self._ends[place + 1])
        return [(self._stems[self._near[at]], self._closeness[at] / 100) for at in span]


def pack(table: Mapping[str, Sequence[tuple[str, int]]]) -> bytes:
    """The bytes `Table` reads: at most 255 neighbours per stem, each a stem of the table and hundredths in 0..255."""
    places = {stem: place for place, stem in enumerate(table)}
    flat = [(places[other], hundredths) for neighbours in table.values() for other, hundredths in neighbours]
    parts = [
        "\n".join(table).encode("ascii"),
        b"\0",
        bytes(len(neighbours) for neighbours in table.values()),
        b"".join(place.to_bytes(2, "little") for place, _ in flat),
        bytes(hundredths for _, hundredths in flat),
    ]
    return zlib.compress(b"".join(parts), 9)


@cache
def _table() -> Table:
    return Table(TABLE.read_bytes())
