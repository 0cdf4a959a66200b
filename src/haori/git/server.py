"""The Git server of `up`: one bare repository over smart HTTP on loopback.

Loopback is no boundary (a Pod's process and any web page reach it), so every request needs the token as its basic-auth
password and a Host that is ours. The protocol itself is Git's: requests are streamed to and from `git upload-pack` and
`git receive-pack` with `--stateless-rpc`. After a push the engine is told, best effort: it would find out by itself.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import json
import os
import secrets
import socket
import subprocess
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from haori.children import DEVNULL, Child, start_child
from haori.git.process import end_group, git_environment

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

REPOSITORY = "platform.git"
SERVICES = ("git-upload-pack", "git-receive-pack")
REQUEST_BYTES = 512 << 20
SERVICE_SECONDS = 300.0
NOTIFY_SECONDS = 2.0
CHUNK = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What is served, and where."""

    data_dir: Path
    port: int = 0
    """0: the one of the last run, else a free one."""
    seed: Path | None = None
    """Folder whose files become the first commit where no repository is there yet; None: it begins empty."""
    deny_force: bool = False
    """Whether pushes that drop commits are refused."""
    author: str = "Haori <haori@localhost>"
    """Who the first commit says made it."""


async def serve(settings: ServerSettings, *, ready: Callable[[], None]) -> None:
    """Serves until cancelled; `git/server.json` in the data folder says where, its URL carries the token."""
    import uvicorn

    repository = settings.data_dir / "git" / REPOSITORY
    await asyncio.to_thread(prepare_repository, settings, repository)
    with _listen(settings) as (listening, port, token):
        told = settings.data_dir / "engine" / "listener.json"
        application = GitApplication(repository, token=token, port=port, listener=told)
        config = uvicorn.Config(
            application, log_level="warning", access_log=False, lifespan="off", server_header=False,
            timeout_graceful_shutdown=2,
        )  # fmt: skip
        server = uvicorn.Server(config)
        # The socket listens already: who connects before the loop turns is kept waiting, not refused.
        ready()
        try:
            # `serve` would take over the process's signals, which belong to the caller.
            await server._serve(sockets=[listening])
        finally:
            if server.started:
                await server.shutdown(sockets=[listening])


def prepare_repository(settings: ServerSettings, repository: Path) -> None:
    """Makes the bare repository and its first commit, in one step that a crash leaves undone."""
    repository.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not repository.exists():
        making = repository.with_suffix(".making")
        _git(making.parent, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(making))
        if settings.seed is not None:
            _import(making, settings.seed, settings.author)
        making.rename(repository)
    _git(repository, "config", "receive.denyNonFastForwards", str(settings.deny_force).lower())
    _git(repository, "config", "http.receivepack", "true")


def _import(repository: Path, seed: Path, author: str) -> None:
    name, _, email = author.rstrip(">").partition(" <")
    who = {
        f"GIT_{role}_{key}": text
        for role in ("AUTHOR", "COMMITTER")
        for key, text in (("NAME", name), ("EMAIL", email))
    }
    extra = {"GIT_INDEX_FILE": str(repository / "import.index"), "GIT_WORK_TREE": str(seed), "GIT_DIR": str(repository)}
    _git(seed, "add", "--all", "--force", ".", extra=extra)
    tree = _git(seed, "write-tree", extra=extra)
    commit = _git(seed, "commit-tree", tree, "-m", "Import platform", extra=extra | who)
    _git(repository, "update-ref", "refs/heads/main", commit)
    (repository / "import.index").unlink(missing_ok=True)


def _git(folder: Path, *arguments: str, extra: dict[str, str] | None = None) -> str:
    environment = git_environment() | {"GIT_LITERAL_PATHSPECS": "0"} | (extra or {})
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=environment, check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout.strip()


@contextlib.contextmanager
def _listen(settings: ServerSettings) -> Iterator[tuple[socket.socket, int, str]]:
    """(listening socket, port, token), the last two those of the last run; written for those who look for us."""
    path = settings.data_dir / "git" / "server.json"
    known: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        known = json.loads(path.read_bytes())
    token = str(known.get("token") or secrets.token_urlsafe(24))
    with socket.create_server(("127.0.0.1", settings.port or int(known.get("port", 0)))) as listening:
        port: int = listening.getsockname()[1]
        _write_address(
            path, {"url": f"http://haori:{token}@127.0.0.1:{port}/{REPOSITORY}", "port": port, "token": token}
        )
        yield listening, port, token


def _write_address(path: Path, value: dict[str, Any]) -> None:
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(value, file)
    temporary.replace(path)


class GitApplication:
    """The ASGI application: info/refs, upload-pack, receive-pack of one repository."""

    def __init__(self, repository: Path, *, token: str, port: int, listener: Path) -> None:
        self._repository = repository
        self._token = token.encode()
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._port = port
        self._listener = listener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if headers.get("host", "") not in self._hosts:
            return await _answer(send, 421, b"unknown host\n")
        if not self._is_allowed(headers.get("authorization", "")):
            return await _answer(send, 401, b"token needed\n", (b"www-authenticate", b'Basic realm="haori"'))
        path = scope["path"].removeprefix(f"/{REPOSITORY}/")
        if scope["method"] == "GET" and path == "info/refs":
            service = parse_qs(scope["query_string"].decode("latin-1")).get("service", [""])[0]
            if service in SERVICES:
                return await self._advertise(service, headers, send)
        if scope["method"] == "POST" and path in SERVICES:
            return await self._serve(path, headers, receive, send)
        await _answer(send, 404, b"not found\n")

    def _is_allowed(self, authorization: str) -> bool:
        scheme, _, value = authorization.partition(" ")
        with contextlib.suppress(ValueError):
            if scheme.lower() == "basic":
                password = base64.b64decode(value).partition(b":")[2]
                return hmac.compare_digest(password, self._token)
        return False

    async def _advertise(self, service: str, headers: dict[str, str], send: Send) -> None:
        line = f"# service={service}\n".encode()
        prefix = b"" if "version=2" in headers.get("git-protocol", "") else b"%04x%b0000" % (len(line) + 4, line)
        async with self._process(service, headers, "--advertise-refs") as process:
            await _start(send, f"application/x-{service}-advertisement")
            await send({"type": "http.response.body", "body": prefix, "more_body": True})
            await _pump(process, send)

    async def _serve(self, service: str, headers: dict[str, str], receive: Receive, send: Send) -> None:
        before = self._refs() if service == "git-receive-pack" else None
        async with self._process(service, headers) as process, asyncio.TaskGroup() as group:
            feeder = group.create_task(_feed(process, receive, gzipped=headers.get("content-encoding") == "gzip"))
            await _start(send, f"application/x-{service}-result")
            await _pump(process, send)
            feeder.cancel()
        if before is not None and self._refs() != before:
            await self._tell()

    @contextlib.asynccontextmanager
    async def _process(self, service: str, headers: dict[str, str], *more: str) -> AsyncIterator[Child]:
        environment = git_environment() | {"GIT_PROTOCOL": headers.get("git-protocol", "")[:64]}
        command = ["git", service.removeprefix("git-"), "--stateless-rpc", *more, str(self._repository)]
        process = await start_child(command, env=environment, stderr=DEVNULL)
        try:
            async with asyncio.timeout(SERVICE_SECONDS):
                yield process
                await process.wait()
        finally:
            end_group(process)

    def _refs(self) -> frozenset[tuple[str, int]]:
        """What changes whenever a ref does: the ref files and their times."""
        found: Iterable[Path] = [self._repository / "packed-refs", *(self._repository / "refs").rglob("*")]
        stats = [(str(path), path.stat().st_mtime_ns) for path in found if path.is_file()]
        return frozenset(stats)

    async def _tell(self) -> None:
        """Says to the engine's listener that the repository changed; an engine that is away polls later."""
        with contextlib.suppress(OSError, ValueError, KeyError, TimeoutError):
            where = json.loads(self._listener.read_bytes())
            address, _, _ = str(where["url"]).removeprefix("http://").partition("/")
            host, _, port = address.rpartition(":")
            body = json.dumps({"url": f"http://127.0.0.1:{self._port}/{REPOSITORY}"})
            head = (
                f"POST /internal/v1/repositories/changed HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n"
                f"Authorization: Bearer {where['token']}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            )
            async with asyncio.timeout(NOTIFY_SECONDS):
                reader, writer = await asyncio.open_connection(host, int(port))
                try:
                    writer.write(f"{head}{body}".encode())
                    await writer.drain()
                    await reader.readline()
                finally:
                    writer.close()


async def _feed(process: Child, receive: Receive, *, gzipped: bool) -> None:
    """Hands the request's body to git, unpacked where it is gzip, at most REQUEST_BYTES of it."""
    unpack = zlib.decompressobj(31) if gzipped else None
    total, more = 0, True
    stdin = process.stdin
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, zlib.error):
        while stdin is not None and more and total <= REQUEST_BYTES:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            data, more = message.get("body", b""), message.get("more_body", False)
            while data:
                piece = unpack.decompress(data, CHUNK) if unpack else data
                data = unpack.unconsumed_tail if unpack else b""
                total += len(piece)
                stdin.write(piece)
                await stdin.drain()
    if stdin is not None:
        stdin.close()


async def _pump(process: Child, send: Send) -> None:
    while process.stdout is not None and (chunk := await process.stdout.read(CHUNK)):
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _start(send: Send, content_type: str) -> None:
    headers = [(b"content-type", content_type.encode()), (b"cache-control", b"no-cache")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _answer(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    head = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})
