"""_redact: what counts as a secret, what does not, and the log filter."""

from __future__ import annotations

import logging

import pytest

from memos_integrations._redact import SecretFilter, get_logger, redact


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("4111 1111 1111 1111", "card"),
        ("5500-0055-5555-5559", "card"),
        ("378282246310005", "card"),
        ("3782 822463 10005", "card"),
        ("4500 2024 88123", None),
        ("4111 11111111 1111", None),
        ("4111 1111 1111 1112", None),
        ("4444444444444444", None),
        ("9999 1111 1111 1111", None),
        ("11010519491231002X", "citizen_id"),
        ("11010519491231002x", "citizen_id"),
        ("110105194912310021", None),
        ("11010519491331002X", None),
        ("GB82 WEST 1234 5698 7654 32", "iban"),
        ("DE89370400440532013000", "iban"),
        ("GB82 WEST 1234 5698 7654 33", None),
        ("FR76 1234 5678", None),
        ("GB82 WEST 1234 5698 7654 3200 1111 2222 3", None),
        ("123-45-6789", "ssn"),
        ("000-45-6789", None),
        ("tel 010-8888-9999", None),
    ],
)
def test_numbers_with_check_digits(text, kind):
    clean = redact(f"It is {text} indeed")
    assert clean == (f"It is [REDACTED:{kind}] indeed" if kind else f"It is {text} indeed")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("password: hunter2", "password: [REDACTED:password]"),
        ('{"api_key": "abcdef123456"}', '{"api_key": "[REDACTED:password]"}'),
        ("DB_PASSWORD=correct-horse", "DB_PASSWORD=[REDACTED:password]"),
        ("my password is S3cret!x", "my password is [REDACTED:password]"),
        ("我的密码是 abc12345，谢谢", "我的密码是 [REDACTED:password]，谢谢"),
        ("postgres://bob:s3cr3t@db/x", "postgres://bob:[REDACTED:password]@db/x"),
        ("Authorization: Bearer abcdefghijklmnop", "Authorization: Bearer [REDACTED:credential]"),
        ("use bearer abcdefghij.klmnopqrst.uvwxyz", "use bearer [REDACTED:credential]"),
        ("token=ghp_" + "a1B2" * 9, "token=[REDACTED:access_token]"),
        ("password: ghp_" + "a1B2" * 9, "password: [REDACTED:access_token]"),
    ],
)
def test_secrets_in_context(text, clean):
    assert redact(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "my password is safe",
        "The secret is patience and the key is practice.",
        "我的密码是秘密",
        "Call me on 13812345678 or +49 170 1234567.",
        "Order 8812 is pending, invoice 2025-001234567.",
        "ann@example.org lives at https://example.org/a:b/c",
        "risk-averse, task-oriented and desk-bound",
        "The commit is 3f2a9c1e5b7d4f60a1b2c3d4e5f60718293a4b5c.",
        "id 550e8400-e29b-41d4-a716-446655440000",
        "short",
        "",
    ],
)
def test_ordinary_text_is_kept(text):
    assert redact(text) == text


def test_the_log_filter_rewrites_and_never_drops(caplog):
    logger = get_logger("memos_integrations.test_redact")
    assert get_logger("memos_integrations.test_redact") is logger
    assert sum(isinstance(f, SecretFilter) for f in logger.filters) == 1
    with caplog.at_level(logging.INFO):
        logger.info("key %s", "sk-" + "a1B2" * 9)
        logger.info("plain %s", "text")
    assert [r.getMessage() for r in caplog.records] == ["key [REDACTED:api_key]", "plain text"]
