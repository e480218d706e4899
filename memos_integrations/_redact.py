"""Secrets out of text: typed placeholders in what is remembered, and a filter for what is logged.

Patterns with a fixed shape first, then numbers with a check digit (cards, 身份证, IBAN), so that an order number is not
taken for a card. Phone numbers and e-mail addresses are kept: people tell them to be remembered.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import date

# One alternation, tried only where a secret can begin; the group's name is the placeholder's.
_TOKENS = re.compile(
    r"""
    (?P<private_key>-----BEGIN\ [A-Z0-9 ]*PRIVATE\ KEY(?:\ BLOCK)?-----.*?
        (?:-----END\ [A-Z0-9 ]*PRIVATE\ KEY(?:\ BLOCK)?-----|\Z)
        |AGE-SECRET-KEY-1[0-9A-Z]{20,})
    |(?<![A-Za-z0-9_])(?:
    (?P<jwt>eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})
    |(?P<cloud_key>(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b|LTAI[A-Za-z0-9]{12,30}\b|AKID[A-Za-z0-9]{28,40}\b|AKLT[A-Za-z0-9_-]{20,}
        |AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}|bce-v3/ALTAK-[A-Za-z0-9/]{20,}
        |dop_v1_[a-f0-9]{40,}|dapi[a-f0-9]{32}|hvs\.[A-Za-z0-9_-]{20,}|DefaultEndpointsProtocol=\S{0,200}?AccountKey=\S+
        |AccountKey=[A-Za-z0-9+/=]{40,}|SharedAccessSignature=\S{20,})
    |(?P<api_key>sk-[A-Za-z0-9_-]{16,}|gsk_[A-Za-z0-9]{20,}|xai-[A-Za-z0-9]{20,}|r8_[A-Za-z0-9]{20,}|pplx-[A-Za-z0-9]{20,}
        |hf_[A-Za-z0-9]{20,}|pcsk_[A-Za-z0-9_]{20,}|lsv2_(?:pt|sk)_[A-Za-z0-9_]{20,}|mpg-[A-Za-z0-9_-]{8,}|krlk_[a-f0-9]{32,}
        |[srp]k_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,}|sq0[a-z]{3}-[A-Za-z0-9_-]{20,}
        |SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|key-[a-f0-9]{32}\b|[a-f0-9]{32}-us\d{1,2}\b|(?:SK|AC)[a-f0-9]{32}\b
        |shp(?:at|ca|pa|ss)_[a-fA-F0-9]{24,}|lin_api_[A-Za-z0-9]{20,}|ntn_[A-Za-z0-9]{20,}|secret_[A-Za-z0-9]{32,}
        |figd_[A-Za-z0-9_-]{20,}|PMAK-[a-f0-9]{20,}-[a-f0-9]{20,}|NRAK-[A-Z0-9]{20,}|sntrys_[A-Za-z0-9+/=_-]{20,}
        |glsa_[A-Za-z0-9_]{20,}|sbp_[a-f0-9]{30,}|dp\.(?:pt|st|sa)\.[A-Za-z0-9]{20,}|pat[A-Za-z0-9]{14}\.[a-f0-9]{40,}
        |ATATT3[A-Za-z0-9_=-]{20,}|fo1_[A-Za-z0-9_-]{20,}|rnd_[A-Za-z0-9]{20,}|tvly-[A-Za-z0-9-]{20,})
    |(?P<access_token>gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{30,}
        |pypi-[A-Za-z0-9_-]{32,}|xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{20,}|EAA[A-Za-z0-9]{40,}
        |\d{8,10}:AA[A-Za-z0-9_-]{32,}|[MNO][A-Za-z\d_-]{23,27}\.[A-Za-z\d_-]{6}\.[A-Za-z\d_-]{27,})
    )
    |(?P<webhook>https://(?:hooks\.slack\.com/services|discord(?:app)?\.com/api/webhooks|open\.feishu\.cn/open-apis/bot/v2/hook
        |oapi\.dingtalk\.com/robot/send\?access_token=|qyapi\.weixin\.qq\.com/cgi-bin/webhook/send\?key=)[^\s"'<>]{8,})
    """,
    re.VERBOSE | re.DOTALL,
)
_URL_LOGIN = re.compile(r"(?P<head>[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s/:@]{1,64}:)(?P<secret>[^\s/@]{3,128})(?=@)")
_HEADER = re.compile(
    r"(?P<head>\b(?:authorization|proxy-authorization|x-api-key|api-key|cookie)\s*[:=]\s*(?:bearer|token|basic)?\s*)"
    r"(?P<secret>[A-Za-z0-9+/=._~:-]{12,})|(?P<head2>\bbearer\s+)(?P<secret2>[A-Za-z0-9+/=._~-]{20,})",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(
    r"""(?P<head>(?:pass(?:word|wd|phrase|code)?|pwd|secret(?:[_-]?(?:access)?[_-]?key)?|api[_-]?key|access[_-]?(?:key|token)
        |auth[_-]?token|private[_-]?key|client[_-]?secret|\bpin|密码|口令|密钥|验证码)["']?\s{0,3}(?:[:=：＝]|是|为|\bis\b)\s{0,3}["']?)
        (?P<secret>[^\s"'，。；,;]{4,128})""",
    re.IGNORECASE | re.VERBOSE,
)
_NUMBER = re.compile(r"(?<![\w.+-])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}[ -]\d{6}[ -]\d{4,5})(?![\w-])")
_CITIZEN = re.compile(r"(?<!\d)[1-9]\d{5}(?:19|20)\d{9}[\dXx](?![\dA-Za-z])")
_SSN = re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?![A-Za-z0-9])")
_CARD_PREFIX = re.compile(r"4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[47]|3[0689]|35|6(?:011|4[4-9]|5)|62|81")
_WORTH_A_LOOK = re.compile(
    r"[A-Za-z0-9_+/=.-]{12}|\d[\d -]{8}|pass|pwd|secret|key|token|pin|密|口令|验证码|://", re.IGNORECASE
)


def redact(text: str) -> str:
    """`text` with every secret replaced by `[REDACTED:kind]`."""
    if not _WORTH_A_LOOK.search(text):
        return text
    text = _TOKENS.sub(lambda match: _mark(match.lastgroup or "secret"), text)
    text = _URL_LOGIN.sub(lambda match: f"{match['head']}{_mark('password')}", text)
    text = _HEADER.sub(lambda match: f"{match['head'] or match['head2']}{_mark('credential')}", text)
    text = _ASSIGNED.sub(_assigned, text)
    text = _checked(_CITIZEN, "citizen_id", _citizen, text)
    text = _checked(_IBAN, "iban", _iban, text)
    text = _checked(_NUMBER, "card", _card, text)
    return _SSN.sub(_mark("ssn"), text)


def _mark(kind: str) -> str:
    return f"[REDACTED:{kind}]"


def _assigned(match: re.Match[str]) -> str:
    secret = match["secret"]
    # "my password is safe", "the key is under the mat": a word in a sentence is none, a word after "=" or ":" is.
    sentence = re.search(r"\bis\b|[是为]", match["head"], re.IGNORECASE)
    plain = secret.isalpha() or secret.startswith("[REDACTED")
    if plain and (sentence or secret.startswith("[REDACTED")):
        return match[0]
    return f"{match['head']}{_mark('password')}"


def _checked(pattern: re.Pattern[str], kind: str, valid: Callable[[str], bool], text: str) -> str:
    return pattern.sub(lambda match: _mark(kind) if valid(match[0]) else match[0], text)


def _card(number: str) -> bool:
    digits = [int(c) for c in number if c.isdigit()]
    if not _CARD_PREFIX.match("".join(map(str, digits))) or len(set(digits)) < 2:
        return False
    doubled = [d if i % 2 == 0 else (d * 2 - 9 if d > 4 else d * 2) for i, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def _citizen(number: str) -> bool:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return "10X98765432"[sum(w * int(d) for w, d in zip(weights, number, strict=False)) % 11] == number[-1].upper()


def _iban(number: str) -> bool:
    compact = number.replace(" ", "")
    if not 15 <= len(compact) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


class SecretFilter(logging.Filter):
    """Replaces secrets in log messages; attached to every logger of the package that `get_logger` makes."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record's message; never drops it."""
        message = record.getMessage()
        clean = redact(message)
        if clean != message:
            record.msg, record.args = clean, None
        return True


def get_logger(name: str) -> logging.Logger:
    """The module's logger, with secrets filtered."""
    logger = logging.getLogger(name)
    if not any(isinstance(f, SecretFilter) for f in logger.filters):
        logger.addFilter(SecretFilter())
    return logger
