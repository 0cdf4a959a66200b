"""A PostgreSQL server of the instance's own, below its data folder.

    FOLDER/  data/  password  log  lock  socket/

It listens on a Unix socket in a folder of mode 0700 and nowhere else, and wants a password besides. Whoever holds the lock
runs it and stops it; others that open the same folder meanwhile use it. Killed, it recovers by itself at the next start.
PostgreSQL refuses to run as root: then it runs in a user namespace in which root is somebody else, with no user made.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import stat
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from haori.children import DEVNULL, PIPE, Child, start_child
from haori.store.binaries import Binaries, find_binaries
from haori.store.errors import StoreDataError, StoreMissingError, StoreUnavailableError

USER = DATABASE = "haori"
START_SECONDS = 60.0
"""Until it answers; recovery after a kill takes most of it."""
STOP_SECONDS = 15.0
ASK_SECONDS = 0.05
LOG_BYTES = 16 << 20
"""A longer log of earlier runs is begun anew."""
REASON = 600
"""Characters of what a program said that an error shows."""
SOCKET_PATH = 90
"""Bytes: the kernel takes 107, and the socket's own name is 14 of them."""
_SETTINGS = {
    "listen_addresses": "", "shared_buffers": "32MB", "max_connections": "50", "jit": "off", "wal_level": "minimal",
    "max_wal_senders": "0", "max_logical_replication_workers": "0", "max_wal_size": "256MB", "log_checkpoints": "off",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """A running server."""

    url: str = field(repr=False)
    """How to connect, password included."""
    child: Child | None = field(default=None, repr=False)
    """The process, None where another process runs it."""

    @property
    def pid(self) -> int | None:
        """Of the process, None where another process runs it."""
        return self.child.pid if self.child is not None else None


@contextlib.asynccontextmanager
async def run_embedded(folder: Path, binaries: Binaries | None = None) -> AsyncIterator[Embedded]:
    """The server of `folder`, made at the first time, started unless it runs; stopped at the end by who started it.

    Raises StoreMissingError, StoreDataError, StoreUnavailableError (it does not come up in time).
    """
    place = _Place(folder)
    with place.owned() as is_ours:
        if not is_ours:
            await _join(place, START_SECONDS)
            yield Embedded(url=place.url())
            return
        if binaries is None:
            binaries = await asyncio.to_thread(find_binaries, place.data)
        if not (place.data / "PG_VERSION").exists():
            await _initialise(place, binaries)
        child = await _start(place, binaries)
        try:
            yield Embedded(url=place.url(), child=child)
        finally:
            await _stop(child)


async def serve_embedded(folder: Path, *, ready: Callable[[], None]) -> None:
    """Runs the server of `folder` until cancelled; `ready` is called once it answers.

    Raises as `run_embedded` does, StoreUnavailableError also when the server ends by itself, and StoreDataError where
    another process runs it already.
    """
    async with run_embedded(folder) as running:
        if running.child is None:
            raise StoreDataError("store-run-elsewhere", path=str(folder))
        ready()
        code = await running.child.wait()
        raise StoreUnavailableError("store-ended", code=code, log=str(folder / "log"))


async def join_embedded(folder: Path, seconds: float = START_SECONDS) -> str:
    """The URL of the server of `folder` that another process runs, once it answers.

    Raises StoreUnavailableError where none does within `seconds`.
    """
    place = _Place(folder)
    await _join(place, seconds)
    return place.url()


class _Place:
    """The folder and what is in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "log"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
            self.socket = _socket_folder(folder)
        except OSError as error:
            raise StoreDataError("store-data-unusable", path=str(folder), reason=str(error)) from error

    def url(self) -> str:
        password = (self.folder / "password").read_text()
        return make_conninfo(host=str(self.socket), user=USER, dbname=DATABASE, password=password)

    def new_password(self) -> Path:
        path = self.folder / "password"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        return path

    @contextlib.contextmanager
    def owned(self) -> Iterator[bool]:
        """Holds the lock of the folder; false where another process has it. The kernel lets go of a dead one's."""
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True
        finally:
            os.close(descriptor)


def _socket_folder(folder: Path) -> Path:
    """Below the folder, or a short one of ours where that path is too long for a socket."""
    path = folder.resolve() / "socket"
    if len(os.fsencode(path)) > SOCKET_PATH:
        name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        path = Path(tempfile.gettempdir()) / f"haori-{os.geteuid()}-{name}"
    if len(os.fsencode(path)) > SOCKET_PATH:
        raise OSError(f"{path} is too long for a socket")
    path.mkdir(mode=0o700, exist_ok=True)
    state = path.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.geteuid() or state.st_mode & 0o077:
        raise PermissionError(f"{path} is not a folder of mode 0700 of this user")
    return path


async def _join(place: _Place, seconds: float) -> None:
    """Waits for the server that another process runs."""
    try:
        async with asyncio.timeout(seconds):
            # Its own database is made a moment after the server answers.
            await _wait_answering(place, None, DATABASE)
    except TimeoutError as error:
        raise StoreUnavailableError("store-unreachable", where=str(place.folder), reason=_last_words(place)) from error


async def _initialise(place: _Place, binaries: Binaries) -> None:
    """A new cluster; one that was interrupted while it was made is made anew."""
    shutil.rmtree(place.data, ignore_errors=True)
    made = place.folder / "data.new"
    shutil.rmtree(made, ignore_errors=True)
    command = _command(
        binaries, "initdb", "-D", made, "-U", USER, "-A", "scram-sha-256", f"--pwfile={place.new_password()}",
        "-E", "UTF8", "--no-locale",
    )  # fmt: skip
    child = await start_child(command, env=_environment(), stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, cwd=place.folder)
    try:
        async with asyncio.timeout(START_SECONDS):
            said = await child.stderr.read(1 << 20) if child.stderr is not None else b""
            code = await child.wait()
    finally:
        _kill(child)
        child.close_pipes()
    if code != 0:
        raise _refusal(place, said.decode(errors="replace"))
    made.rename(place.data)


def _refusal(place: _Place, said: str) -> Exception:
    if "unshare" in said:
        return StoreMissingError("store-root-refused", reason=said.strip()[-REASON:])
    return StoreDataError("store-data-unusable", path=str(place.folder), reason=said.strip()[-REASON:])


async def _start(place: _Place, binaries: Binaries) -> Child:
    settings = {**_SETTINGS, "unix_socket_directories": str(place.socket), "unix_socket_permissions": "0700"}
    options = [item for name, value in settings.items() for item in ("-c", f"{name}={value}")]
    command = _command(binaries, "postgres", "-D", place.data, *options)
    try:
        async with asyncio.timeout(START_SECONDS):
            while True:
                child = await _spawn(place, command)
                try:
                    if await _wait_answering(place, child):
                        await _create_database(place)
                        return child
                except BaseException:
                    await _stop(child)
                    raise
                # One that a dead process of ours left is still going down: its memory and its socket are not free yet.
                await asyncio.sleep(ASK_SECONDS * 10)
    except TimeoutError as error:
        raise StoreUnavailableError("store-unreachable", where=str(place.folder), reason=_last_words(place)) from error


async def _spawn(place: _Place, command: Sequence[str | Path]) -> Child:
    with contextlib.suppress(FileNotFoundError):
        if place.log.stat().st_size > LOG_BYTES:
            place.log.unlink()
    descriptor = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return await start_child(
            command, env=_environment(), stdin=DEVNULL, stdout=descriptor, stderr=descriptor, cwd=place.folder
        )
    finally:
        os.close(descriptor)


async def _wait_answering(place: _Place, child: Child | None, database: str = "postgres") -> bool:
    """True once the server takes connections to `database`, false when `child` ended instead."""
    while child is None or child.returncode is None:
        try:
            url = make_conninfo(place.url(), dbname=database, connect_timeout=2)
            connection = await psycopg.AsyncConnection.connect(url)
        except (psycopg.OperationalError, FileNotFoundError):
            await asyncio.sleep(ASK_SECONDS)
        else:
            await connection.close()
            return True
    return False


async def _create_database(place: _Place) -> None:
    """The database, where it is not there; the first start may have ended between the two."""
    url = make_conninfo(place.url(), dbname="postgres")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        found = await connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if await found.fetchone() is None:
            await connection.execute(f"CREATE DATABASE {DATABASE}")


async def _stop(child: Child) -> None:
    """Ends open transactions and stops in good order; what does not stop in time is killed."""
    for signal_number in (signal.SIGINT, signal.SIGQUIT):
        if child.returncode is None:
            os.kill(child.pid, signal_number)
            # One that stands still (SIGSTOP) hears it only once it goes on.
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGCONT)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await child.wait()
    _kill(child)
    child.close_pipes()


def _kill(child: Child) -> None:
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


def _command(binaries: Binaries, program: str, *arguments: str | Path) -> list[str | Path]:
    """The program, ended by the kernel in good order when this process dies, and not as root."""
    command = [binaries.program(program), *arguments]
    if (setpriv := shutil.which("setpriv")) is not None:
        command = [setpriv, "--pdeathsig", "INT", "--", *command]
    if os.geteuid() == 0:
        unshare = shutil.which("unshare")
        if unshare is None:
            raise StoreMissingError("store-root-refused", reason="unshare: not found")
        command = [unshare, "-U", "--map-user=1000", "--map-group=1000", "--", *command]
    return command


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _last_words(place: _Place) -> str:
    try:
        return place.log.read_text(errors="replace").strip()[-REASON:]
    except OSError:
        return ""
