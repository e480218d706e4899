"""The command line: serve, chat, search, list, forget, export, import, doctor. Thin: everything is the public API.

Memory is the embedded file of `--path`, or what the environment says (config.py). `--json` prints one JSON value per
line. Exit codes: 0 done, 1 nothing to do or not confirmed, 2 an error, told in one line with what to do next.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from pydantic import SecretStr

from .client import MemOSClient
from .config import Settings, secret
from .errors import ConfigurationError, MemOSError, MissingExtraError, NotFound
from .models import FactMemory, PreferenceMemory

Command = Callable[[argparse.Namespace], int]
Memory = FactMemory | PreferenceMemory
_PAGE = 50
_FLUSH_S = 10.0


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
    from .session import MemorySession

    answer = _model(Settings.from_env().chat_model)
    conversation = args.conversation or f"chat-{uuid.uuid4().hex[:12]}"
    with _client(args) as client, MemorySession(client, user_id=_user(args), conversation_id=conversation) as session:
        for line in _lines(prompt="" if args.json else "you> "):
            recall = session.recall(line)
            found = [fact.text for fact in recall.memories] + [one.text for one in recall.preferences]
            said = answer(recall.prompt, line)
            session.observe([{"role": "user", "content": line}, {"role": "assistant", "content": said}])
            if args.json:
                print(json.dumps({"recalled": found, "answer": said}, ensure_ascii=False), flush=True)
            else:
                print(*[f"  remembered: {text}" for text in found], f"bot> {said}", sep="\n", flush=True)
        if not session.flush(_FLUSH_S):
            print("memory was not reachable; what was said is kept and sent next time", file=sys.stderr)
    return 0


def _lines(prompt: str) -> Iterator[str]:
    while True:
        try:
            line = input(prompt).strip()
        except EOFError:
            return
        if line:
            yield line


def _model(name: str | None) -> Callable[[str, str], str]:
    if name is None:
        return lambda recalled, _said: "I keep that in mind." if not recalled else "I remember what you told me."
    if importlib.util.find_spec("langchain_openai") is None:
        raise MissingExtraError("chat with a model needs: pip install langchain-openai; or unset OPENAI_API_KEY")
    from langchain_openai import ChatOpenAI

    from .prompt import INSTRUCTIONS

    model = ChatOpenAI(model=name)
    return lambda recalled, said: str(
        model.invoke([("system", INSTRUCTIONS), ("user", f"{recalled}\n\n{said}")]).content
    )


def _search(args: argparse.Namespace) -> int:
    with _client(args) as client:
        found = client.search_memory(
            args.query, user_id=_user(args), memory_limit_number=args.limit, preference_limit_number=args.limit
        )
    return _show(args, [*found.memories, *found.preferences])


def _list(args: argparse.Namespace) -> int:
    with _client(args) as client:
        return _show(args, list(_everything(client, _user(args))))


def _everything(client: MemOSClient, user: str) -> Iterator[Memory]:
    number = 0
    while True:
        number += 1
        page = client.get_memory(user_id=user, page=number, size=_PAGE)
        yield from page.memories
        yield from page.preferences
        if max(len(page.memories), len(page.preferences)) < _PAGE:
            return


def _forget(args: argparse.Namespace) -> int:
    user = None if args.ids else _user(args)
    what = f"{len(args.ids)} memories" if args.ids else f"everything of {user}"
    if not args.yes and input(f"Delete {what}, for good? [y/N] ").strip().lower() not in {"y", "yes"}:
        print("nothing deleted", file=sys.stderr)
        return 1
    with _client(args) as client:
        done = client.delete_memory(memory_ids=args.ids) if user is None else client.delete_memory(user_id=user)
    print(json.dumps({"success": done.success}) if args.json else f"deleted {what}")
    return 0


def _export(args: argparse.Namespace) -> int:
    count = 0
    opened: Any = args.out.open("w", encoding="utf-8") if args.out else nullcontext(sys.stdout)
    with _client(args) as client, opened as out:
        for memory in _everything(client, _user(args)):
            print(json.dumps(_wire(memory), ensure_ascii=False), file=out)
            count += 1
    print(f"{count} memories exported", file=sys.stderr)
    return 0


def _import(args: argparse.Namespace) -> int:
    user = _user(args)
    taken = left = 0
    with _client(args) as client, args.file.open(encoding="utf-8") as lines:
        for memory in _read(lines):
            if _restore(client, user, memory):
                taken += 1
            else:
                left += 1
    print(json.dumps({"imported": taken, "left_out": left}) if args.json else f"{taken} imported, {left} left out")
    return 0 if taken or not left else 1


def _read(lines: IO[str]) -> Iterator[Memory]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
            yield PreferenceMemory.model_validate(item) if "preference" in item else FactMemory.model_validate(item)
        except (ValueError, TypeError):
            raise ConfigurationError(f"line {number} is not an exported memory; write the file with `export`") from None


def _restore(client: MemOSClient, user: str, memory: Memory) -> bool:
    """Say the memory as the user would, then set what was made of it to the exact words."""
    if not memory.text.strip():
        return False
    said = {"role": "user", "content": memory.text, "chat_time": memory.create_time}
    task = client.add_message([said], user_id=user, conversation_id=memory.conversation_id, async_mode=False)
    made = client.get_status(task.task_id).memory_views or {}
    views = (
        ("preference", "detail_factual") if isinstance(memory, PreferenceMemory) else ("detail_factual", "preference")
    )
    ids = [one for view in views for one in made.get(view, {}).get("memory_ids", [])]
    if not ids:
        return False
    client.update_memory(ids[0], content=memory.text)
    if ids[1:]:
        client.delete_memory(memory_ids=ids[1:])
    return True


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
    problem = ""
    try:
        with _client(args) as client:
            place = args.path or settings.database() if client.is_embedded else settings.base_url
            checks["memory"] = f"embedded, {place}" if client.is_embedded else str(place)
            checks["outbox"] = str(client.outbox_path)
            client.with_options(timeout_s=5, max_attempts=1).get_memory(user_id="doctor", size=1)
        checks["answer"] = "ok"
    except NotFound:
        checks["answer"] = "ok"
    except MemOSError as error:
        problem = checks["answer"] = f"failed: {error}"
    if settings.embedded or args.path:
        problem = _model_servers(settings, checks) or problem
    if args.json:
        print(json.dumps(checks, ensure_ascii=False))
    else:
        width = max(map(len, checks))
        print(*(f"{name:<{width}}  {value}" for name, value in checks.items()), sep="\n")
    return 2 if problem else 0


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


def _wire(memory: Memory) -> dict[str, Any]:
    return {"kind": "preference" if isinstance(memory, PreferenceMemory) else "fact", **memory.to_wire()}


def _show(args: argparse.Namespace, memories: Sequence[Memory]) -> int:
    if args.json:
        for memory in memories:
            print(json.dumps(_wire(memory), ensure_ascii=False))
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
