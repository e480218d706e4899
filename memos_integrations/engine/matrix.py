"""The vectors of one shelf as one matrix, for cosines of all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memos_integrations.engine.embed import Array


class Matrix:
    """Vectors by slot, growing in place; a slot without a vector has a zero row and scores nothing."""

    __slots__ = ("_rows", "filled")

    def __init__(self) -> None:
        self._rows: Any = None
        self.filled = 0

    def put(self, slots: Sequence[int], data: Sequence[bytes]) -> None:
        """Set the rows of `slots` from their stored half-precision bytes, all of one length."""
        if not slots:
            return
        import numpy as np

        rows = np.frombuffer(b"".join(data), dtype=np.float16).reshape(len(slots), -1)
        filled = max(self.filled, max(slots) + 1)
        held = 0 if self._rows is None else len(self._rows)
        if filled > held:
            grown = np.zeros((max(64, filled, held * 3 // 2), rows.shape[1]), dtype=np.float32)
            grown[:held] = 0 if self._rows is None else self._rows
            self._rows = grown
        self._rows[list(slots)] = rows
        self.filled = filled

    def dot(self, query: Array) -> Array | None:
        """The cosine of each of the first `filled` slots with `query`; None without vectors."""
        if self._rows is None or self._rows.shape[1] != len(query):
            return None
        import numpy as np

        # Not "@", which splits this between threads: on a busy machine, waiting for them takes twenty times as long as
        # the sum itself, and the sum is bound by reading memory anyway.
        scores: Array = np.einsum("ij,j->i", self._rows[: self.filled], query)
        return scores

    @property
    def bytes(self) -> int:
        """Size in memory."""
        return 0 if self._rows is None else int(self._rows.nbytes)
