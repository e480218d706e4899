"""Settings: where MemOS is and with which key. The only reader of `os.environ`.

MEMOS_API_KEY        key of MemOS Cloud (or of a server started with one)
MEMOS_BASE_URL       API root, or the words "cn" and "global" for the two clouds; default cn
MEMOS_MODE           cloud, embedded or auto (default): auto is cloud when a key is set, else embedded
MEMOS_PATH           the embedded database; default MEMOS_HOME/memos.db
MEMOS_HOME           databases and outboxes; default the platform's user data folder
MEMOS_EMBEDDER       auto (default: the one at MEMOS_EMBED_URL, else the packaged one where installed) or none
MEMOS_EMBED_URL      OpenAI-compatible API root whose /embeddings embeds for the embedded engine, with MEMOS_EMBED_MODEL
                     and, where needed, MEMOS_EMBED_KEY, MEMOS_EMBED_DIMENSIONS, MEMOS_EMBED_QUERY_PREFIX and
                     MEMOS_EMBED_DOCUMENT_PREFIX (put before a text with a space between)
MEMOS_LLM_URL        OpenAI-compatible API root whose /chat/completions extracts for the embedded engine, with
                     MEMOS_LLM_MODEL and, where needed, MEMOS_LLM_KEY
MEMOS_ALLOW_INSECURE 1 allows plain http beyond this machine, for a trusted network
MEMOS_SERVER_KEY     key that `serve` asks for
MEMOS_USER_ID        default user of the command line, never of the library
OPENAI_API_KEY       lets `chat` answer with a real model, named by OPENAI_MODEL (default gpt-4o-mini)
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args
from urllib.parse import urlsplit

from .errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic import SecretStr

CLOUD_CN = "https://memos.memtensor.cn/api/openmem/v1"
CLOUD_GLOBAL = "https://api.memt.ai/platform/api/openmem/v1"
Mode: TypeAlias = Literal["auto", "cloud", "embedded"]
EmbedderName: TypeAlias = Literal["auto", "none"]
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_CLOUDS = {"cn": CLOUD_CN, "global": CLOUD_GLOBAL}
_URL_CHARS = re.compile(r"[A-Za-z0-9\-._~:/\[\]]{1,2048}")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Cloud machines tell their credentials to whoever asks at these addresses (169.254.0.0/16 and fe80::/10 besides).
_METADATA_NAMES = frozenset(
    {"metadata", "metadata.google.internal", "metadata.goog", "metadata.tencentyun.com", "metadata.azure.internal"}
    | {"instance-data", "instance-data.ec2.internal", "metadata.packet.net", "metadata.platformequinix.com"}
)
_METADATA_ADDRESSES = frozenset(
    ipaddress.ip_address(a)
    for a in ("100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254")
)
_CARRIES_IPV4 = [ipaddress.ip_network(n) for n in ("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]


def normalize_base_url(url: str, *, allow_insecure: bool = False) -> str:
    """The API root in its one form: lower-case scheme and host, no default port, no trailing slash.

    https is required except for loopback hosts (or everywhere with `allow_insecure`). Raises ConfigurationError for
    everything a plain API root does not need: user info, query, fragment, escapes, odd spellings of IP addresses,
    non-ASCII names, path steps, metadata and unroutable addresses. The message does not repeat the URL.
    """
    if not isinstance(url, str) or not _URL_CHARS.fullmatch(_CLOUDS.get(url, url)):
        raise _bad_url("write it like https://host/path, without user info, query, fragment, spaces or escapes")
    url = _CLOUDS.get(url, url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _bad_url("its host or port cannot be read") from None
    if parts.scheme not in {"http", "https"} or not url.lower().startswith(f"{parts.scheme}://"):
        raise _bad_url("it must start with https://")
    host = _host(parts.netloc, port)
    if parts.scheme == "http" and not (allow_insecure or is_loopback(host)):
        raise _bad_url("http sends key and memories in the clear; use https (http is for this machine only)")
    path = parts.path.rstrip("/")
    if any(step in {"", ".", ".."} for step in path.split("/")[1:]) or ":" in path or "[" in path or "]" in path:
        raise _bad_url("its path may not hold empty or dotted steps")
    shown_port = "" if port is None or port == {"http": 80, "https": 443}[parts.scheme] else f":{port}"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{shown_port}{path}"


def is_loopback(host: str) -> bool:
    """Whether `host` (a name or an IP address without brackets) is this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bad_url(why: str) -> ConfigurationError:
    return ConfigurationError(f"base_url is not usable: {why}")


def _host(netloc: str, port: int | None) -> str:
    """The host in its one spelling, checked: a strict IP address or an ASCII name."""
    bracketed = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::([0-9]{1,5}))?", netloc)
    named = re.fullmatch(r"([A-Za-z0-9._-]+)(?::([0-9]{1,5}))?", netloc)
    match = bracketed or named
    if match is None or port == 0:
        raise _bad_url("its host or port cannot be read")
    host = match[1].lower()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if bracketed or _NUMERIC.fullmatch(host.rsplit(".", 1)[-1]):
            raise _bad_url("write an IP address in its usual form") from None
        return _name(host)
    _check_address(address)
    return str(address)


def _name(host: str) -> str:
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _bad_url("its host name is malformed")
    if host in _METADATA_NAMES:
        raise _bad_url("it names a cloud metadata service")
    return host


def _check_address(address: Address) -> None:
    embedded = isinstance(address, ipaddress.IPv6Address) and (
        address.ipv4_mapped is not None
        or (not address.is_loopback and any(address in network for network in _CARRIES_IPV4))
        or address.packed[8:12] in {b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe"}
    )
    if embedded:
        raise _bad_url("write an IPv4 address as such")
    if address.is_link_local or address in _METADATA_ADDRESSES:
        raise _bad_url("it is a cloud metadata or link-local address")
    # IPv6 loopback counts as reserved in the address registry.
    if address.is_unspecified or address.is_multicast or (address.is_reserved and not address.is_loopback):
        raise _bad_url("nobody can be reached at that address")


def secret(value: str | SecretStr | None, name: str = "api_key") -> SecretStr | None:
    """`value` as a SecretStr, None when blank; ConfigurationError when it cannot be sent in an HTTP header."""
    if value is None:
        return None
    from pydantic import SecretStr  # loads a good part of pydantic

    text = (value.get_secret_value() if isinstance(value, SecretStr) else value).strip()
    if not text:
        return None
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigurationError(f"{name} holds characters that no key has; copy it again")
    return SecretStr(text)


def _choice(value: str, allowed: Any, name: str) -> Any:
    if value not in get_args(allowed):
        raise ConfigurationError(f"{name} must be one of: {', '.join(get_args(allowed))}")
    return value


@dataclass(frozen=True, slots=True)
class ModelServer:
    """An OpenAI-compatible endpoint: `base_url` in its one form, a model, a key where it asks for one.

    `dimensions` and the prefixes are an embedder's (`engine.endpoint.EmbeddingsEndpoint`).
    """

    base_url: str
    model: str
    api_key: SecretStr | None = None
    dimensions: int | None = None
    query_prefix: str = ""
    document_prefix: str = ""

    @classmethod
    def from_env(cls, env: Mapping[str, str], name: str, *, allow_insecure: bool = False) -> ModelServer | None:
        """The server that the variables beginning with `name` describe; None without its URL."""
        url, model = env.get(f"{name}_URL"), env.get(f"{name}_MODEL")
        if url is None:
            return None
        if model is None:
            raise ConfigurationError(f"{name}_URL is set: name its model with {name}_MODEL")
        dimensions = env.get(f"{name}_DIMENSIONS")
        if dimensions is not None and not (dimensions.isascii() and dimensions.isdigit() and int(dimensions)):
            raise ConfigurationError(f"{name}_DIMENSIONS must be a number from 1 on")
        prefixes = [f"{env[key]} " if key in env else "" for key in (f"{name}_QUERY_PREFIX", f"{name}_DOCUMENT_PREFIX")]
        try:
            root = normalize_base_url(url, allow_insecure=allow_insecure)
        except ConfigurationError as error:
            raise ConfigurationError(f"{name}_URL: {error}") from None
        key = secret(env.get(f"{name}_KEY"), f"{name}_KEY")
        return cls(root, model, key, int(dimensions) if dimensions else None, *prefixes)


@dataclass(frozen=True, slots=True)
class Settings:
    """Where MemOS is; see the module's table. `Settings()` reads nothing, `Settings.from_env()` the environment."""

    api_key: SecretStr | None = None
    base_url: str = CLOUD_CN
    mode: Mode = "auto"
    path: Path | None = None
    home: Path | None = None
    embedder: EmbedderName = "auto"
    allow_insecure: bool = False
    server_key: SecretStr | None = None
    user_id: str | None = field(default=None, repr=False)
    chat_model: str | None = None
    embed: ModelServer | None = None
    llm: ModelServer | None = None

    def __post_init__(self) -> None:
        _choice(self.mode, Mode, "MEMOS_MODE")
        _choice(self.embedder, EmbedderName, "MEMOS_EMBEDDER")
        url = normalize_base_url(self.base_url, allow_insecure=self.allow_insecure)
        object.__setattr__(self, "base_url", url)

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        api_key: str | SecretStr | None = None,
        base_url: str | None = None,
    ) -> Settings:
        """Settings from `environ` (default: the process's); what is passed explicitly wins. Blank values are unset."""
        env = {k: v.strip() for k, v in (os.environ if environ is None else environ).items() if v.strip()}
        path, home = env.get("MEMOS_PATH"), env.get("MEMOS_HOME")
        insecure = env.get("MEMOS_ALLOW_INSECURE", "").lower() in {"1", "true", "yes"}
        return cls(
            api_key=secret(api_key) or secret(env.get("MEMOS_API_KEY"), "MEMOS_API_KEY"),
            base_url=base_url or env.get("MEMOS_BASE_URL", CLOUD_CN),
            mode=cast("Mode", env.get("MEMOS_MODE", "auto").lower()),
            path=Path(path).expanduser() if path else None,
            home=Path(home).expanduser() if home else None,
            embedder=cast("EmbedderName", env.get("MEMOS_EMBEDDER", "auto").lower()),
            allow_insecure=insecure,
            server_key=secret(env.get("MEMOS_SERVER_KEY"), "MEMOS_SERVER_KEY"),
            user_id=env.get("MEMOS_USER_ID"),
            chat_model=env.get("OPENAI_MODEL", "gpt-4o-mini") if "OPENAI_API_KEY" in env else None,
            embed=ModelServer.from_env(env, "MEMOS_EMBED", allow_insecure=insecure),
            llm=ModelServer.from_env(env, "MEMOS_LLM", allow_insecure=insecure),
        )

    @property
    def embedded(self) -> bool:
        """Whether memory lives in this process; in mode auto: no key and no server of one's own is named."""
        if self.mode == "auto":
            return self.api_key is None and self.base_url in _CLOUDS.values()
        return self.mode == "embedded"

    @property
    def loopback(self) -> bool:
        """Whether the API is on this machine."""
        return is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def folder(self) -> Path:
        """The folder of databases and outboxes, whether it exists yet or not."""
        if self.home is not None:
            return self.home
        from platformdirs import user_data_path

        return user_data_path("memos-integrations", appauthor=False)

    @property
    def place(self) -> Path:
        """Where the embedded database is, or will be once something is stored."""
        return self.path or self.folder / "memos.db"

    def data_home(self) -> Path:
        """The `folder`, made on first use and readable by its owner only."""
        home = self.folder
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"MEMOS_HOME cannot be made ({error}); name a folder you may write to") from None
        return home

    def database(self) -> Path:
        """The embedded database, in a folder that exists unless `path` names another one."""
        if self.path is None:
            self.data_home()
        return self.place

    def outbox(self) -> Path:
        """The outbox of this API and key: other keys' turns never share a file with them."""
        key = self.api_key.get_secret_value() if self.api_key else ""
        name = hashlib.sha256(f"{self.base_url}\n{key}".encode()).hexdigest()[:16]
        return self.data_home() / f"outbox-{name}.db"
