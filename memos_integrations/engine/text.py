"""Words of a text for search, and the language of a text: English, Chinese, and any other script kept as it is."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Literal

from memos_integrations.engine.stem import stem

# Scripts written without spaces: Chinese, Japanese, Korean (whose particles stick to their words) and Thai.
DENSE = "\u0e01-\u0e3a\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"

_TOKEN = re.compile(f"([{DENSE}]+)|([^\\W_{DENSE}]+(?:['\u2019][^\\W\\d_{DENSE}]+)*)")
_ENDING = re.compile(r"(?:['\u2019](?:s|re|ve|ll|d|m|t))+$")


def words(text: str) -> frozenset[str]:
    """The blank-separated entries of a word list as a set."""
    return frozenset(text.split())


STOP_WORDS = words(
    """
    a an the and or but nor so yet if then than because as until while of at by for with about against between into
    through during before after above below to from up down in out on off over under again further once here there
    when where why how all any both each few more most other some such no not only own same too very can cannot will
    just dont don should now i me my myself we us our ours ourselves you your yours yourself he him his himself she
    her hers herself it its itself they them their theirs themselves what which who whom whose this that these those
    am is are was were be been being have has had having do does did doing done would could may might must shall
    also ever much many get got getting let lets oh hey hi hello yes yeah ok okay please thanks thank well really
    isn aren wasn weren hasn haven hadn doesn didn won wouldn couldn shouldn mustn ain ll re ve im ive id said says
    say user users
    """
)
# Characters that carry grammar, not content: alone they are no term, and a pair of them is none either.
STOP_CHARACTERS = frozenset(
    "的了是我你您他她它们在有和与及或就都也还又很不没吗呢吧啊呀哦嗯着过把被给让向从到对于这那哪谁么什怎"
    "样个一之而且但因为所以如果则"
    "请会能可要想说上下里中"
)
_CODE_OR_NAME = re.compile(
    r"https?://\S+|\[[^\]\n]{0,40}\d[^\]\n]{0,40}\]|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}\b"
    r"|^\s*(?:user|assistant|system|tool)\s*[:：]",
    re.IGNORECASE | re.MULTILINE,
)
_HAN = re.compile(f"[{HAN}]")


def terms(text: str) -> list[str]:
    """Search terms of `text` in order, repeats kept: English words stemmed and without stop words, CJK as overlapping
    pairs of characters plus its single content characters, words of other scripts lower-cased.
    """
    found: list[str] = []
    for match in _TOKEN.finditer(fold(text)):
        dense, word = match.groups()
        if dense:
            _dense_terms(dense, found)
        else:
            term = _term(word)
            if term:
                found.append(term)
    return found


def language(text: str) -> Literal["en", "zh"]:
    """MemOS's own rule (contract §3.1): "zh" when more than 30 % of the visible characters are Chinese, else "en"."""
    if text.isascii():
        return "en"
    text = _CODE_OR_NAME.sub(" ", text)
    visible = sum(c.isalpha() for c in text)
    return "zh" if visible and len(_HAN.findall(text)) / visible > 0.3 else "en"


def latin(text: str) -> bool:
    """True unless most letters of the text are of another script than Latin."""
    if text.isascii():
        return True
    letters = [c for c in text if c.isalpha()]
    return 2 * sum(c < "\u0250" for c in letters) >= len(letters)


def fold(text: str) -> str:
    """`text` for comparison: compatibility forms unified, lower-case, Latin accents dropped."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c for c in decomposed if not "\u0300" <= c <= "\u036f")
    return unicodedata.normalize("NFC", kept)


@lru_cache(maxsize=16_384)
def _term(word: str) -> str:
    word = _ENDING.sub("", word).replace("'", "").replace("\u2019", "")
    if word in STOP_WORDS or (len(word) == 1 and word.isascii() and word.isalpha()):
        return ""
    return stem(word) if word.isascii() else word


def _dense_terms(run: str, found: list[str]) -> None:
    previous = ""
    for character in run:
        if previous and not (previous in STOP_CHARACTERS and character in STOP_CHARACTERS):
            found.append(previous + character)
        if character not in STOP_CHARACTERS:
            found.append(character)
        previous = character
