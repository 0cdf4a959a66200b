"""https and ssh as a Git host offers them: credentials, host keys, what is refused; and the notice after a push."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import pytest_asyncio
import uvicorn

from haori.errors import HaoriError
from haori.git import Author, Credentials, Repositories, RepositoryError, RepositorySettings, push_files
from haori.git.mirror import Refs
from haori.git.server import GitApplication, ServerSettings, prepare_repository
from haori.git.watch import RepositoryWatch
from tests.git.conftest import Origin

PASSWORD = "a-token-of-the-host"
AUTHOR = Author(name="Ana", email="ana@example.test")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    seed = tmp_path / "seed"
    seed.mkdir()
    (seed / "a.yaml").write_text("1")
    prepare_repository(ServerSettings(data_dir=tmp_path / "host", seed=seed), tmp_path / "host/git/platform.git")
    return tmp_path / "host/git/platform.git"


@pytest_asyncio.fixture
async def https(bare: Path, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of the repository on a TLS server with a certificate of its own."""
    key, certificate = tmp_path / "tls.key", tmp_path / "tls.crt"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
               "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
               "-keyout", str(key), "-out", str(certificate)]  # fmt: skip
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    async with served(
        lambda port: GitApplication(bare, token=PASSWORD, port=port, listener=tmp_path / "none"), certificate, key
    ) as port:
        yield f"https://localhost:{port}/platform.git"


@contextlib.asynccontextmanager
async def served(
    make: Callable[[int], Callable[..., Any]], certificate: Path | None = None, key: Path | None = None
) -> AsyncIterator[int]:
    """The port on which an ASGI application is served while the block runs."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        config = uvicorn.Config(
            make(port), log_level="error", lifespan="off", ssl_certfile=certificate, ssl_keyfile=key, timeout_graceful_shutdown=1
        )  # fmt: skip
        server = uvicorn.Server(config)
        running = asyncio.create_task(server._serve(sockets=[listening]))
        try:
            yield port
        finally:
            server.should_exit = True
            await running


def opened_with(tmp_path: Path, given: Credentials | None, known_hosts: str | None = None) -> Repositories:
    settings = RepositorySettings(
        folder=tmp_path / "mirrors", credentials=lambda url: given, known_hosts=lambda: known_hosts
    )
    return Repositories(settings)


@contextlib.asynccontextmanager
async def closing(repositories: Repositories) -> AsyncIterator[Repositories]:
    try:
        yield repositories
    finally:
        await repositories.aclose()


async def test_https_is_read_and_pushed_with_the_credentials_of_a_secret(https, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "tls.crt"))
    monkeypatch.setenv("GIT_SSL_CAINFO", str(tmp_path / "tls.crt"))
    async with closing(opened_with(tmp_path, Credentials(username="deploy", password=PASSWORD))) as repositories:
        await repositories.refresh(https)
        pushed = await push_files(repositories, https, "main", {"a.yaml": b"2"}, author=AUTHOR, message="Two")
        assert (await repositories.refresh(https)).commits["refs/heads/main"] == pushed


@pytest.mark.parametrize("password", ["", "another"])
async def test_https_with_wrong_credentials_says_so_without_them(https, tmp_path, monkeypatch, password):
    monkeypatch.setenv("GIT_SSL_CAINFO", str(tmp_path / "tls.crt"))
    given = Credentials(username="deploy", password=password) if password else None
    async with closing(opened_with(tmp_path, given)) as repositories:
        with pytest.raises(RepositoryError) as caught:
            await repositories.refresh(https)
    assert caught.value.code == "git-authentication-failed"
    assert not password or password not in str(caught.value)


async def test_a_certificate_nobody_vouches_for_is_refused(https, tmp_path, monkeypatch):
    monkeypatch.delenv("GIT_SSL_CAINFO", raising=False)
    async with closing(opened_with(tmp_path, Credentials(username="deploy", password=PASSWORD))) as repositories:
        with pytest.raises(RepositoryError, match="certificate"):
            await repositories.refresh(https)


async def test_insecure_is_the_only_way_around_the_certificate(https, tmp_path, monkeypatch):
    monkeypatch.delenv("GIT_SSL_CAINFO", raising=False)
    given = Credentials(username="deploy", password=PASSWORD, insecure=True)
    async with closing(opened_with(tmp_path, given)) as repositories:
        assert "refs/heads/main" in (await repositories.refresh(https)).commits


needs_ssh = pytest.mark.skipif(shutil.which("ssh") is None, reason="needs ssh")


@pytest.fixture
def client_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


@pytest_asyncio.fixture
async def ssh(bare: Path, client_key: asyncssh.SSHKey) -> AsyncIterator[tuple[str, asyncssh.SSHKey]]:
    """(URL, host key) of an ssh server that runs git for whoever holds the client key."""
    host_key = asyncssh.generate_private_key("ssh-ed25519")

    async def run(process: asyncssh.SSHServerProcess[bytes]) -> None:
        name = (process.command or "").split()[0]
        if name not in ("git-upload-pack", "git-receive-pack"):
            return process.exit(1)
        child = await asyncio.create_subprocess_exec(
            name,
            str(bare),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        feeding = asyncio.create_task(feed(process, child))
        while child.stdout is not None and (chunk := await child.stdout.read(1 << 16)):
            process.stdout.write(chunk)
        feeding.cancel()
        process.exit(await child.wait())

    async def feed(process: asyncssh.SSHServerProcess[bytes], child: asyncio.subprocess.Process) -> None:
        while child.stdin is not None and (chunk := await process.stdin.read(1 << 16)):
            child.stdin.write(chunk)

    keys = asyncssh.import_authorized_keys(client_key.export_public_key().decode())
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_host_keys=[host_key], authorized_client_keys=keys, process_factory=run, encoding=None
    )
    async with server:
        yield f"ssh://git@127.0.0.1:{server.get_port()}/platform.git", host_key


def known(url: str, key: asyncssh.SSHKey) -> str:
    port = url.rsplit(":", 1)[1].split("/")[0]
    return f"[127.0.0.1]:{port} {key.export_public_key().decode()}"


@needs_ssh
async def test_ssh_is_read_with_the_key_of_a_secret_from_a_known_host(ssh, client_key, tmp_path):
    url, host_key = ssh
    given = Credentials(ssh_private_key=client_key.export_private_key().decode())
    async with closing(opened_with(tmp_path, given, known(url, host_key))) as repositories:
        assert "refs/heads/main" in (await repositories.refresh(url)).commits


@needs_ssh
@pytest.mark.parametrize("hosts", ["nothing known", "another key"])
async def test_ssh_to_a_host_whose_key_is_not_the_known_one_is_refused(ssh, client_key, tmp_path, hosts):
    url, _ = ssh
    other = asyncssh.generate_private_key("ssh-ed25519")
    given = Credentials(ssh_private_key=client_key.export_private_key().decode())
    async with closing(
        opened_with(tmp_path, given, known(url, other) if hosts == "another key" else "")
    ) as repositories:
        with pytest.raises(RepositoryError) as caught:
            await repositories.refresh(url)
    assert caught.value.code == "git-host-key-unknown"


@needs_ssh
async def test_ssh_with_a_key_nobody_knows_is_refused_and_the_key_not_told(ssh, tmp_path):
    url, host_key = ssh
    stranger = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    async with closing(
        opened_with(tmp_path, Credentials(ssh_private_key=stranger), known(url, host_key))
    ) as repositories:
        with pytest.raises(RepositoryError) as caught:
            await repositories.refresh(url)
    assert caught.value.code == "git-authentication-failed"
    assert stranger.splitlines()[1] not in str(caught.value)
    left = [
        path for path in tmp_path.rglob("*") if path.is_file() and stranger.splitlines()[1] in path.read_text("latin-1")
    ]
    assert left == []


async def test_after_a_push_the_engines_listener_is_told(bare, tmp_path):
    heard: asyncio.Queue[tuple[dict[bytes, bytes], bytes]] = asyncio.Queue()

    async def listen(scope, receive: Callable[[], Awaitable[dict[str, bytes]]], send) -> None:
        body = (await receive())["body"]
        await heard.put((dict(scope["headers"]) | {b"path": scope["path"].encode()}, body))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    listener = tmp_path / "listener.json"
    async with (
        served(lambda port: listen) as engine,
        served(lambda port: GitApplication(bare, token=PASSWORD, port=port, listener=listener)) as port,
        closing(opened_with(tmp_path, None)) as repositories,
    ):
        listener.write_text(json.dumps({"url": f"http://127.0.0.1:{engine}", "token": "engine-token"}))
        url = f"http://haori:{PASSWORD}@127.0.0.1:{port}/platform.git"
        await repositories.refresh(url)
        await push_files(repositories, url, "main", {"a.yaml": b"3"}, author=AUTHOR, message="Three")
        async with asyncio.timeout(20):
            headers, body = await heard.get()
    assert headers[b"path"] == b"/internal/v1/repositories/changed"
    assert headers[b"authorization"] == b"Bearer engine-token"
    assert json.loads(body) == {"url": f"http://127.0.0.1:{port}/platform.git"}


async def test_a_watch_looks_when_told_and_calls_only_on_change(origin: Origin, repositories: Repositories):
    origin.commit({"a": "1"})
    calls: asyncio.Queue[Refs | HaoriError] = asyncio.Queue()
    watch = RepositoryWatch(
        repositories, origin.url, changed=lambda url, refs: calls.put_nowait(refs), interval_seconds=3600,
        failed=lambda url, error: calls.put_nowait(error),
    )  # fmt: skip
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        running = group.create_task(watch.run())
        first = await calls.get()
        watch.notify()
        second = origin.commit({"a": "2"})
        watch.notify()
        changed = await calls.get()
        shutil.move(origin.folder, f"{origin.folder}.away")
        watch.notify()
        failed = await calls.get()
        running.cancel()
    assert isinstance(first, Refs)
    assert isinstance(changed, Refs)
    assert changed.commits["refs/heads/main"] == second
    assert isinstance(failed, HaoriError)
    assert calls.empty()
