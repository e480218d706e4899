"""Synthetic secrets in forty-odd formats never reach the wire, the outbox or the store; ordinary text does."""

from __future__ import annotations

import random
import string

import pytest

from memos_integrations import MemorySession, MemOSClient
from memos_integrations._redact import redact
from tests.faulty import FaultyServer

ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits


def run(rng: random.Random, alphabet: str, length: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(length))


def luhn(rng: random.Random, prefix: str, length: int) -> str:
    while True:
        body = prefix + run(rng, string.digits, length - len(prefix) - 1)
        digits = [int(c) for c in reversed(body)]
        total = sum(d if i % 2 else (d * 2 - 9 if d > 4 else d * 2) for i, d in enumerate(digits))
        if len(set(body)) > 3:
            return body + str(-total % 10)


def citizen(rng: random.Random) -> str:
    body = f"{rng.randint(110000, 659999)}{rng.randint(1950, 2005)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    body += run(rng, string.digits, 3)
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(w * int(d) for w, d in zip(weights, body, strict=True)) % 11]


FORMATS = {
    "openai": lambda r: "sk-" + run(r, ALNUM, 48),
    "openai project": lambda r: "sk-proj-" + run(r, ALNUM + "-_", 60) + "a",
    "anthropic": lambda r: "sk-ant-api03-" + run(r, ALNUM, 60),
    "openrouter": lambda r: "sk-or-v1-" + run(r, HEX, 64),
    "deepseek": lambda r: "sk-" + run(r, HEX, 32),
    "groq": lambda r: "gsk_" + run(r, ALNUM, 52),
    "xai": lambda r: "xai-" + run(r, ALNUM, 80),
    "replicate": lambda r: "r8_" + run(r, ALNUM, 37),
    "perplexity": lambda r: "pplx-" + run(r, ALNUM, 48),
    "hugging face": lambda r: "hf_" + run(r, string.ascii_letters, 34),
    "langsmith": lambda r: "lsv2_pt_" + run(r, HEX, 32) + "_" + run(r, HEX, 10),
    "memos": lambda r: "mpg-" + run(r, ALNUM, 32),
    "github": lambda r: "ghp_" + run(r, ALNUM, 36),
    "github app": lambda r: "ghs_" + run(r, ALNUM, 36),
    "github fine": lambda r: "github_pat_" + run(r, ALNUM, 22) + "_" + run(r, ALNUM, 59),
    "gitlab": lambda r: "glpat-" + run(r, ALNUM, 20),
    "npm": lambda r: "npm_" + run(r, ALNUM, 36),
    "pypi": lambda r: "pypi-AgEIcHlwaS5vcmc" + run(r, ALNUM, 60),
    "aws": lambda r: "AKIA" + run(r, UPPER, 16),
    "aws session": lambda r: "ASIA" + run(r, UPPER, 16),
    "aws secret": lambda r: "aws_secret_access_key = " + run(r, ALNUM, 40),
    "aliyun": lambda r: "LTAI" + run(r, ALNUM, 20),
    "tencent": lambda r: "AKID" + run(r, ALNUM, 32),
    "google": lambda r: "AIza" + run(r, ALNUM, 35),
    "google oauth": lambda r: "ya29." + run(r, ALNUM, 60),
    "slack bot": lambda r: "xoxb-" + run(r, string.digits, 12) + "-" + run(r, ALNUM, 24),
    "slack hook": lambda r: "https://hooks.slack.com/services/T" + run(r, UPPER, 8) + "/B" + run(r, UPPER, 8) + "/x9",
    "stripe": lambda r: "sk_live_" + run(r, ALNUM, 24),
    "stripe hook": lambda r: "whsec_" + run(r, ALNUM, 32),
    "sendgrid": lambda r: "SG." + run(r, ALNUM, 22) + "." + run(r, ALNUM, 43),
    "twilio": lambda r: "SK" + run(r, HEX, 32),
    "mailgun": lambda r: "key-" + run(r, HEX, 32),
    "telegram": lambda r: run(r, "123456789", 9) + ":AA" + run(r, ALNUM, 33),
    "discord": lambda r: "M" + run(r, ALNUM, 24) + "." + run(r, ALNUM, 6) + "." + run(r, ALNUM, 30),
    "digitalocean": lambda r: "dop_v1_" + run(r, HEX, 64),
    "databricks": lambda r: "dapi" + run(r, HEX, 32),
    "shopify": lambda r: "shpat_" + run(r, HEX, 32),
    "square": lambda r: "sq0atp-" + run(r, ALNUM, 22),
    "vault": lambda r: "hvs." + run(r, ALNUM, 40),
    "notion": lambda r: "ntn_" + run(r, ALNUM, 40),
    "linear": lambda r: "lin_api_" + run(r, ALNUM, 40),
    "figma": lambda r: "figd_" + run(r, ALNUM, 40),
    "grafana": lambda r: "glsa_" + run(r, ALNUM, 32) + "_" + run(r, HEX, 8),
    "azure": lambda r: "AccountKey=" + run(r, ALNUM, 86) + "==",
    "jwt": lambda r: "eyJ" + run(r, ALNUM, 20) + ".eyJ" + run(r, ALNUM, 40) + "." + run(r, ALNUM, 43),
    "pem": lambda r: f"-----BEGIN RSA PRIVATE KEY-----\n{run(r, ALNUM, 64)}\n-----END RSA PRIVATE KEY-----",
    "cut pem": lambda r: f"-----BEGIN PRIVATE KEY-----\n{run(r, ALNUM, 64)}",
    "url login": lambda r: f"postgres://app:{run(r, ALNUM, 16)}@db.internal/prod",
    "basic header": lambda r: "Authorization: Basic " + run(r, ALNUM, 24) + "==",
    "visa": lambda r: luhn(r, "4", 16),
    "mastercard": lambda r: luhn(r, "55", 16),
    "union pay": lambda r: luhn(r, "62", 19),
    "citizen": citizen,
    "password": lambda r: "password: " + run(r, ALNUM, 12),
    "chinese password": lambda r: "密码：" + run(r, ALNUM, 10) + "7",
}
SENTENCES = ["My credentials: {}", "Please remember {} for me.", "这是我的：{}", "{}", "x={}\nsecond line"]


@pytest.mark.parametrize("name", FORMATS)
def test_no_synthetic_secret_survives(name):
    rng = random.Random(name)
    for n in range(20):
        secret = FORMATS[name](rng)
        clean = redact(SENTENCES[n % len(SENTENCES)].format(secret))
        assert "[REDACTED:" in clean
        # The recognizable word before the secret may stay, the secret's own characters may not.
        tail = secret.split()[-1].rpartition("：")[2][-8:].rstrip("=-")
        assert secret.startswith(("-----BEGIN", "postgres")) or tail not in clean
        assert max((len(part) for part in secret.replace("\n", " ").split() if part in clean), default=0) < 25


def test_forty_formats():
    assert len(FORMATS) >= 40


BENIGN = """
    the user likes green tea and prefers window seats on long flights to Lisbon on 12 May 2024 at 09:30 with order 88123
    room 1204 phone 13812345678 project memory-engine version 2.0.31 budget 4500 euros task-based risk pin password
    secret key token was for my our 我 喜欢 绿茶 和 火锅 住在 广州 编号 20240512 价格 300 元 会议 下午
"""
WORDS = BENIGN.split()


def test_benign_sentences_are_left_alone():
    rng = random.Random(7)
    changed = 0
    for _ in range(10_000):
        sentence = " ".join(rng.choice(WORDS) for _ in range(rng.randint(4, 14)))
        changed += redact(sentence) != sentence
    assert changed <= 10


def test_secrets_reach_neither_wire_nor_disk(tmp_path):
    rng = random.Random(1)
    secrets = [FORMATS[name](rng) for name in ("openai", "github", "aws", "jwt", "citizen", "visa")]
    server = FaultyServer(tmp_path / "server.db")
    with MemOSClient(api_key="k", base_url=server.url) as client:
        server.kill()
        session = MemorySession(client, user_id="ann", conversation_id="c")
        session.observe([("user", f"Remember that my secret is {secret}") for secret in secrets])
        assert session.recall("What is my secret?").prompt.count("REDACTED") <= len(secrets)
        waiting = b"".join(path.read_bytes() for path in client.outbox_path.parent.iterdir())
        server.start()
        while not session.flush(30):
            pass
        session.close()
    server.close()
    disk = b"".join(path.read_bytes() for path in tmp_path.glob("server.db*"))
    for secret in secrets:
        assert secret not in str(server.calls)
        assert secret.encode() not in waiting
        assert secret.encode() not in disk
