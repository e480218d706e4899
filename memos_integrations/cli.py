"""The command line: serve, chat, search, list, forget, export, import, doctor. Thin: everything is the public API.

Memory is the embedded file of `--path`, or what the environment says (config.py); commands that read make no file.
`--json` prints one JSON value per line. Exit codes: 0 done, 1 nothing to do or not confirmed, 2 an error, told in one
line with what to do next.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import sys
import uuid
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from ._transfer import Memory, everything, exported, read, restore
from .client import MEMORY, MemOSClient
from .config import Settings, secret
from .errors import ConfigurationError, MemOSError, NotFound
from .models import PreferenceMemory

Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    args = _parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        return int(args.run(args))
    except MemOSError as error:
        print(f"memos-integrations: {error}", file=sys.stderr)
    except (OSError, ValueError) as error:
        print(f"memos-integrations: {error}; check the file", file=sys.stderr)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="memos-integrations", description="Long-term memory, from the command line.")
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name: str, run: Command, about: str, *, user: bool = True) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        made.set_defaults(run=run)
        made.add_argument("--path", help="embedded database (default: what MEMOS_* variables say)")
        made.add_argument("--json", action="store_true", help="print JSON, one value per line")
        if user:
            made.add_argument("--user", help="whose memory (default: MEMOS_USER_ID)")
        return made

    serve = command("serve", _serve, "serve the MemOS API on this machine", user=False)
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8765)
    serve.add_argument("--api-key", help="key that callers must send (default: MEMOS_SERVER_KEY; none on loopback)")
    serve.add_argument("--allow-host", action="append", default=[], help="further Host name to answer to")
    serve.add_argument("--allow-origin", action="append", default=[], help="web origin that may ask")
    chat = command("chat", _chat, "talk, and see what is remembered (OPENAI_API_KEY: with a model)")
    chat.add_argument("--conversation", help="conversation to continue (default: a new one)")
    search = command("search", _search, "find memories")
    search.add_argument("query")
    search.add_argument("--limit", type=int, default=6, help="facts, and as many preferences")
    command("list", _list, "show all memories of a user")
    forget = command("forget", _forget, "delete memories by id, or everything of a user")
    forget.add_argument("ids", nargs="*", help="memory ids; none means everything of --user")
    forget.add_argument("--yes", action="store_true", help="do not ask")
    export = command("export", _export, "write a user's memories as JSON lines")
    export.add_argument("--out", type=Path, help="file (default: standard output)")
    import_ = command("import", _import, "store memories from JSON lines")
    import_.add_argument("file", type=Path)
    command("doctor", _doctor, "check the set-up; prints no secret", user=False)
    return parser


def _client(args: argparse.Namespace) -> MemOSClient:
    settings = Settings.from_env()
    if args.path:
        settings = replace(settings, mode="embedded", path=Path(args.path))
    return MemOSClient.from_env(settings)


def _reader(args: argparse.Namespace) -> MemOSClient | None:
    """The client of a command that stores nothing; None when nothing was stored yet where memory is by default.

    A `--path` that leads nowhere is a ConfigurationError: a slip of the pen must not look like an empty memory.
    """
    place = _missing(args)
    if place is None:
        return _client(args)
    print(f"nothing remembered yet: {place} is made when something is stored", file=sys.stderr)
    return None


def _missing(args: argparse.Namespace) -> Path | None:
    """The embedded database that does not exist yet; None when it does, or memory is elsewhere."""
    settings = Settings.from_env()
    if args.path == MEMORY or not (args.path or settings.embedded):
        return None
    place = Path(args.path).expanduser() if args.path else settings.place
    if place.is_dir():
        raise ConfigurationError(f"{place} is a folder: name the database file in it")
    if place.exists():
        return None
    if args.path:
        raise ConfigurationError(f"there is no memory at {place}: check --path (`chat` and `import` make a new one)")
    return place


def _user(args: argparse.Namespace) -> str:
    user: str | None = args.user or Settings.from_env().user_id
    if not user:
        raise ConfigurationError("say whose memory: pass --user or set MEMOS_USER_ID")
    return user


def _serve(args: argparse.Namespace) -> int:
    from .engine.endpoint import plugged
    from .engine.memories import Memories
    from .server import Server

    settings = Settings.from_env()
    key: SecretStr | None = secret(args.api_key, "--api-key") or settings.server_key
    path = args.path or settings.database()
    server = Server(
        Memories(path, **plugged(settings)),
        host=args.host,
        port=args.port,
        api_key=key,
        hosts=frozenset(name.lower() for name in args.allow_host),
        origins=frozenset(args.allow_origin),
    )
    told = {"url": server.url, "path": str(path), "key_required": key is not None}
    print(json.dumps(told) if args.json else f"MemOS API at {server.url} on {path}; Ctrl+C ends it", flush=True)
    server.run()
    return 0


def _chat(args: argparse.Namespace) -> int:
    from ._chat import Chat, openai_model

    user, name = _user(args), Settings.from_env().chat_model
    model = None if name is None else openai_model(name)
    conversation = args.conversation or f"chat-{uuid.uuid4().hex[:12]}"
    with _client(args) as client, Chat(client, user_id=user, conversation_id=conversation, model=model) as chat:
        chat.run(as_json=args.json)
    return 0


def _search(args: argparse.Namespace) -> int:
    user, client = _user(args), _reader(args)
    if client is None:
        return 0
    with client:
        found = client.search_memory(
            args.query, user_id=user, memory_limit_number=args.limit, preference_limit_number=args.limit
        )
    return _show(args, [*found.memories, *found.preferences])


def _list(args: argparse.Namespace) -> int:
    user, client = _user(args), _reader(args)
    if client is None:
        return 0
    with client:
        return _show(args, list(everything(client, user)))


def _forget(args: argparse.Namespace) -> int:
    from .session import MemorySession

    user = None if args.ids else _user(args)
    what = _count(len(args.ids)) if args.ids else f"everything of {user}"
    client = _reader(args)
    if client is None:
        return 1
    with client:
        if not args.yes and not _confirmed(f"Delete {what}, for good?"):
            return 1
        if user is None:
            done = client.delete_memory(memory_ids=args.ids)
        else:
            # What an interrupted program left to be sent would come back after the rest is gone.
            MemorySession(client, user_id=user).forget_pending()
            done = client.delete_memory(user_id=user)
    print(json.dumps({"success": done.success}) if args.json else f"deleted {what}")
    return 0


def _confirmed(question: str) -> bool:
    """Whether somebody said yes; the question goes where it spoils no output."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    try:
        confirmed = input().strip().lower() in {"y", "yes"}
    except EOFError:
        print("\nnothing deleted: nobody answered; --yes deletes without asking", file=sys.stderr)
        return False
    if not confirmed:
        print("nothing deleted", file=sys.stderr)
    return confirmed


def _count(number: int) -> str:
    return f"{number} {'memory' if number == 1 else 'memories'}"


def _export(args: argparse.Namespace) -> int:
    user, client = _user(args), _reader(args)
    if client is None:
        return 1
    with client:
        # All is read before the file is opened: a memory that fails must not empty an older export.
        memories = list(everything(client, user))
    opened: Any = args.out.open("w", encoding="utf-8") if args.out else nullcontext(sys.stdout)
    with opened as out:
        for memory in memories:
            print(json.dumps(exported(memory), ensure_ascii=False), file=out)
    print(f"{_count(len(memories))} exported", file=sys.stderr)
    return 0


def _import(args: argparse.Namespace) -> int:
    user = _user(args)
    with args.file.open(encoding="utf-8") as lines:
        # All is read before anything is stored: a file that is refused leaves nothing behind.
        memories = list(read(lines))
    left: dict[int, str] = {}
    with _client(args) as client:
        for number, memory in memories:
            why = restore(client, user, memory)
            if why is not None:
                left[number] = why
                print(f"line {number} left out: {why}", file=sys.stderr)
    taken = len(memories) - len(left)
    told = {"imported": taken, "left_out": len(left), "why": [{"line": n, "why": why} for n, why in left.items()]}
    print(json.dumps(told) if args.json else f"{taken} imported, {len(left)} left out")
    return 0 if taken or not left else 1


def _doctor(args: argparse.Namespace) -> int:
    settings = Settings.from_env()
    checks: dict[str, str] = {"python": sys.version.split()[0]}
    for extra, module in (
        ("server", "uvicorn"),
        ("langchain", "langchain_core"),
        ("llama-index", "llama_index.core"),
        ("local embedder", "onnxruntime"),
    ):
        checks[extra] = "installed" if _installed(module) else "not installed"
    checks["key"] = "set" if settings.api_key else "not set"
    embedded = settings.embedded or bool(args.path)
    checks["memory"] = f"embedded, {args.path or settings.place}" if embedded else settings.base_url
    problem = ""
    try:
        checks["answer"] = "ok, nothing remembered yet" if _missing(args) else _answer(args, settings, checks)
    except MemOSError as error:
        problem = checks["answer"] = f"failed: {error}"
    if embedded:
        problem = _model_servers(settings, checks) or problem
    if args.json:
        print(json.dumps(checks, ensure_ascii=False))
    else:
        width = max(map(len, checks))
        print(*(f"{name:<{width}}  {value}" for name, value in checks.items()), sep="\n")
    return 2 if problem else 0


def _answer(args: argparse.Namespace, settings: Settings, checks: dict[str, str]) -> str:
    """Ask the memory for something; MemOSErrors pass."""
    with _client(args) as client:
        # Asking a remote memory's outbox for its name would make the folder.
        if client.is_embedded or settings.folder.exists():
            checks["outbox"] = str(client.outbox_path)
        with suppress(NotFound):
            client.with_options(timeout_s=5, max_attempts=1).get_memory(user_id="doctor", size=1)
    return "ok"


def _model_servers(settings: Settings, checks: dict[str, str]) -> str:
    """Say which servers help the embedded engine, and whether the one that embeds does; what is wrong with it."""
    from .engine.endpoint import EmbeddingsEndpoint, plugged

    if settings.llm:
        checks["extraction"] = f"{settings.llm.model} at {settings.llm.base_url}"
    try:
        embedder = plugged(settings)["embedder"]
        if isinstance(embedder, EmbeddingsEndpoint):
            checks["embedder"] = f"{embedder.model} at {embedder.base_url}"
            checks["embedding"] = f"ok, {len(embedder.query('doctor'))} dimensions"
    except MemOSError as error:
        checks["embedding"] = f"failed: {error}"
        return checks["embedding"]
    return ""


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _show(args: argparse.Namespace, memories: Sequence[Memory]) -> int:
    if args.json:
        for memory in memories:
            print(json.dumps(exported(memory), ensure_ascii=False))
    elif not memories:
        print("nothing remembered")
    elif sys.stdout.isatty() and _installed("rich"):
        _table(memories)
    else:
        for memory in memories:
            print(f"{memory.id}  {memory.text}")
    return 0


def _table(memories: Sequence[Memory]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("id", "kind", "memory", "since")
    for memory in memories:
        kind = (memory.preference_type if isinstance(memory, PreferenceMemory) else memory.memory_type) or ""
        since = f"{memory.create_time:%Y-%m-%d}" if memory.create_time else ""
        table.add_row(memory.id or "", kind, Text(memory.text), since)
    Console().print(table)
