"""base_url rules (anchors 2.9): 80 hostile spellings refused, 30 good ones accepted in one form."""

from __future__ import annotations

import pytest

from memos_integrations import MemOSClient
from memos_integrations.config import CLOUD_CN, CLOUD_GLOBAL, is_loopback, normalize_base_url
from memos_integrations.errors import ConfigurationError

HOSTILE = [
    # not https
    "http://memos.memtensor.cn/api/openmem/v1",
    "http://example.com",
    "http://10.0.0.1/v1",
    "http://localhost.evil.com/",
    "http://127.0.0.1.evil.com/",
    "http://localhost./",
    "http://LOCALHOST./v1",
    "http://foo.localhost/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "ws://127.0.0.1/",
    "gopher://127.0.0.1/",
    "javascript:alert(1)",
    "data:text/plain,hi",
    "//example.com/v1",
    "example.com/v1",
    "127.0.0.1:8765",
    "https:/example.com/v1",
    "https:example.com",
    "https:///v1",
    "https://",
    "",
    " ",
    # user info, query, fragment
    "https://user@example.com/",
    "https://user:pass@example.com/",
    "https://example.com@evil.com/",
    "http://127.0.0.1@evil.com/",
    "https://@example.com/",
    "https://example.com/v1?key=1",
    "https://example.com/?",
    "https://example.com/v1#frag",
    "https://example.com/#",
    # odd characters
    "https://example.com\\@evil.com/",
    "https:\\\\example.com/",
    "https://example.com\\v1",
    "https://exa mple.com/",
    " https://example.com/v1",
    "https://example.com/v1 ",
    "https://example.com/v1\n",
    "https://exam\tple.com/",
    "https://example.com/\r\nHost: evil.com",
    "https://example.com/\x00",
    "https://ex\u0430mple.com/",
    "https://ⓔxample.com/",
    "https://例え.jp/",
    "https://example。com/",
    "https://example.com/%2e%2e/admin",
    "https://example.com/%0d%0a",
    "https://example%2ecom/",
    "https://example.com/../v1",
    "https://example.com/./v1",
    "https://example.com//evil.com/v1",
    "https://example.com/v1/..",
    "https://example.com/a:b",
    # IP addresses in disguise
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0177.0.0.1/",
    "https://127.0.0.01/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::1]/",
    "https://[2002:a9fe:a9fe::]/",
    "https://[2001:0:a9fe:a9fe::1]/",
    "https://[::a9fe:a9fe]/",
    "https://[fe80::5efe:a9fe:a9fe]/",
    "https://[2400::200:5efe:7f00:1]/",
    "https://[fe80::1%25eth0]/",
    "https://[::1",
    "https://::1/",
    "https://[example.com]/",
    "https://[127.0.0.1]/",
    # metadata and addresses nobody lives at
    "https://169.254.169.254/latest/meta-data",
    "http://169.254.169.254/",
    "https://169.254.0.1/",
    "https://[fe80::1]/",
    "https://[fd00:ec2::254]/",
    "https://100.100.100.200/",
    "https://192.0.0.192/",
    "https://168.63.129.16/",
    "https://metadata.google.internal/computeMetadata/v1",
    "https://METADATA.google.internal/",
    "https://metadata/",
    "https://instance-data.ec2.internal/",
    "https://0.0.0.0/",
    "https://[::]/",
    "https://255.255.255.255/",
    "https://224.0.0.1/",
    "https://[ff02::1]/",
    "https://240.0.0.1/",
    # ports and names
    "https://example.com:0/",
    "https://example.com:65536/",
    "https://example.com:99999999/",
    "https://example.com:-1/",
    "https://example.com:+443/",
    "https://example.com:4 43/",
    "https://example.com:٤٤٣/",
    "https://example.com:/v1",
    "https://example.com:443:80/",
    "https://exa_mple..com/",
    "https://.example.com/",
    "https://example.com./",
    "https://-example.com/",
    "https://" + "a" * 64 + ".com/",
    "https://" + "a." * 130 + "com/",
    "https://example.com/" + "a" * 2100,
]
GOOD = {
    "https://memos.memtensor.cn/api/openmem/v1": "https://memos.memtensor.cn/api/openmem/v1",
    "https://memos.memtensor.cn/api/openmem/v1/": "https://memos.memtensor.cn/api/openmem/v1",
    "HTTPS://Memos.MemTensor.CN/api/openmem/v1": "https://memos.memtensor.cn/api/openmem/v1",
    "https://api.memt.ai/platform/api/openmem/v1": "https://api.memt.ai/platform/api/openmem/v1",
    "cn": CLOUD_CN,
    "global": CLOUD_GLOBAL,
    "https://example.com": "https://example.com",
    "https://example.com/": "https://example.com",
    "https://example.com:443/v1": "https://example.com/v1",
    "https://example.com:8443/v1": "https://example.com:8443/v1",
    "https://example.com:80/v1": "https://example.com:80/v1",
    "https://memos/v1": "https://memos/v1",
    "https://memos-api.internal.example/v1": "https://memos-api.internal.example/v1",
    "https://my_service.example/v1": "https://my_service.example/v1",
    "https://xn--r8jz45g.jp/v1": "https://xn--r8jz45g.jp/v1",
    "https://10.0.0.5/v1": "https://10.0.0.5/v1",
    "https://192.168.1.2:8443/v1": "https://192.168.1.2:8443/v1",
    "https://203.0.113.7": "https://203.0.113.7",
    "https://[2001:db8::1]/v1": "https://[2001:db8::1]/v1",
    "https://[2001:DB8:0:0::1]:8443/v1": "https://[2001:db8::1]:8443/v1",
    "https://[fd12:3456::1]/v1": "https://[fd12:3456::1]/v1",
    "http://127.0.0.1:8765/api/openmem/v1": "http://127.0.0.1:8765/api/openmem/v1",
    "http://127.0.0.1:8765/api/openmem/v1///": "http://127.0.0.1:8765/api/openmem/v1",
    "http://127.0.0.1": "http://127.0.0.1",
    "http://127.0.0.1:80/": "http://127.0.0.1",
    "http://127.8.9.10:9/x": "http://127.8.9.10:9/x",
    "http://localhost:8765/api": "http://localhost:8765/api",
    "HTTP://LocalHost:8765/api": "http://localhost:8765/api",
    "http://[::1]:8765/api": "http://[::1]:8765/api",
    "https://localhost/api": "https://localhost/api",
    "https://[::1]/api": "https://[::1]/api",
    "https://example.com/~team/v1.2": "https://example.com/~team/v1.2",
}


def test_the_tables_are_as_long_as_promised() -> None:
    assert len(set(HOSTILE)) >= 80
    assert len(GOOD) >= 30


@pytest.mark.parametrize("url", HOSTILE)
def test_hostile_spellings_are_refused_before_any_request(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        normalize_base_url(url)
    assert "evil" not in str(caught.value)
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize(("url", "normal"), GOOD.items())
def test_good_ones_have_one_form(url: str, normal: str) -> None:
    assert normalize_base_url(url) == normal
    assert normalize_base_url(normal) == normal


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        normalize_base_url(None)  # type: ignore[arg-type]


def test_plain_http_elsewhere_needs_to_be_asked_for_and_metadata_stays_refused() -> None:
    assert normalize_base_url("http://memos:8765/api", allow_insecure=True) == "http://memos:8765/api"
    with pytest.raises(ConfigurationError, match="metadata"):
        normalize_base_url("http://169.254.169.254/", allow_insecure=True)


def test_a_client_refuses_them_at_construction() -> None:
    with pytest.raises(ConfigurationError, match="base_url"):
        MemOSClient(api_key="k", base_url="http://example.com/api")


@pytest.mark.parametrize(
    ("host", "here"), [("localhost", True), ("127.9.9.9", True), ("::1", True), ("10.0.0.1", False)]
)
def test_loopback_is_this_machine_only(host: str, here: bool) -> None:
    assert is_loopback(host) is here
    assert not is_loopback("localhost.example")
