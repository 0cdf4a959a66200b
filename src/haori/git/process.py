"""The one door through which git runs: a clean environment, hooks and prompts off, a deadline, bounded output, and the
whole process group gone when the command is over, failed, late or cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from haori.children import DEVNULL, PIPE, Child, start_child
from haori.git.errors import RepositoryError, RepositoryUnreachableError

_PASSED_ON = ("PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "HTTPS_PROXY", "https_proxy", "NO_PROXY")
_SETTINGS = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.askPass", ""),
    ("credential.helper", ""),
    ("fetch.recurseSubmodules", "false"),
    # One file for each transfer, so that a bound on files bounds the transfer.
    ("fetch.unpackLimit", "1"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("safe.directory", "*"),
)
LONGEST_REASON = 600
OUTPUT_BYTES = 64 << 20


def git_environment(protocol: str = "none", settings: Sequence[tuple[str, str]] = ()) -> dict[str, str]:
    """An environment in which git reads nobody's configuration, asks nobody, and speaks only `protocol`."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {
        "HOME": "/nonexistent", "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": protocol, "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_LITERAL_PATHSPECS": "1", "GIT_NO_REPLACE_OBJECTS": "1",
    }  # fmt: skip
    together = (*_SETTINGS, *settings)
    environment["GIT_CONFIG_COUNT"] = str(len(together))
    for number, (name, value) in enumerate(together):
        environment[f"GIT_CONFIG_KEY_{number}"], environment[f"GIT_CONFIG_VALUE_{number}"] = name, value
    return environment


async def run_git(
    arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str], stdin: bytes = b"",
    timeout_seconds: float = 60.0, output_bytes: int = OUTPUT_BYTES, secrets: Sequence[str] = (), url: str = "",
    file_bytes: int | None = None,
) -> bytes:  # fmt: skip
    """What `git -C folder arguments` printed. `file_bytes` is the largest file that it may write, kept by the kernel.

    Raises RepositoryUnreachableError when it is late, RepositoryError when it fails (reason scrubbed of `secrets` and
    cut) or prints more than `output_bytes`.
    """
    process = await start_child(
        ["git", "-C", str(folder), *arguments], env=environment, stdin=PIPE if stdin else DEVNULL,
        # Python ignores SIGXFSZ; a child that does too says what happened instead of dying without a word.
        restore_signals=file_bytes is None,
    )  # fmt: skip
    if file_bytes is not None:
        # It has not read a byte of the server yet, and all that it starts inherits the limit.
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    try:
        async with asyncio.timeout(timeout_seconds), asyncio.TaskGroup() as group:
            group.create_task(_feed(process, stdin))
            output = group.create_task(_read(process.stdout, output_bytes))
            complaint = group.create_task(_read_tail(process.stderr))
            code = await process.wait()
    except TimeoutError as error:
        raise RepositoryUnreachableError("git-timeout", url=url or str(folder), seconds=timeout_seconds) from error
    except ExceptionGroup as errors:
        if errors.subgroup(_OutputError) is None:
            raise
        raise RepositoryError("git-output-too-large", url=url or str(folder), size=output_bytes) from None
    finally:
        end_group(process)
    if code != 0:
        raise failure(complaint.result().decode(errors="replace"), url or str(folder), secrets)
    return output.result()


class _OutputError(Exception):
    """More came than we take."""


async def _feed(process: Child, data: bytes) -> None:
    if process.stdin is None:
        return
    # A process that ended before it read everything: uvloop says so by a RuntimeError of the closed pipe.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, RuntimeError):
        process.stdin.write(data)
        await process.stdin.drain()
    process.stdin.close()


async def _read(stream: asyncio.StreamReader | None, limit: int) -> bytes:
    collected = bytearray()
    while stream is not None and (chunk := await stream.read(1 << 16)):
        collected += chunk
        if len(collected) > limit:
            raise _OutputError
    return bytes(collected)


async def _read_tail(stream: asyncio.StreamReader | None) -> bytes:
    tail = b""
    while stream is not None and (chunk := await stream.read(1 << 16)):
        tail = (tail + chunk)[-8192:]
    return tail


def end_group(process: Child) -> None:
    """Kills what is left of a command and its children (git leaves helpers for ssh and https)."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.close_pipes()


_UNREACHABLE = (
    "could not resolve host",
    "connection refused",
    "timed out",
    "failed to connect",
    "network is unreachable",
)
TOO_LARGE = "git-repository-too-large"
_CODES = (
    ("no space left on device", "git-disk-full"),
    ("file too large", TOO_LARGE),
    ("host key verification failed", "git-host-key-unknown"),
    ("authentication failed", "git-authentication-failed"),
    ("could not read username", "git-authentication-failed"),
    ("permission denied (publickey", "git-authentication-failed"),
)


def failure(complaint: str, url: str, secrets: Sequence[str] = ()) -> RepositoryError | RepositoryUnreachableError:
    """The error for what git said; whether trying again may help is read from its words (LC_ALL=C)."""
    for secret in secrets:
        complaint = complaint.replace(secret, "***")
    lines = [line for line in complaint.strip().splitlines() if line.strip()]
    reason = "; ".join(lines)[-LONGEST_REASON:]
    lowered = complaint.lower()
    if any(words in lowered for words in _UNREACHABLE):
        return RepositoryUnreachableError("git-unreachable", url=url, reason=reason)
    code = next((code for words, code in _CODES if words in lowered), "git-failed")
    return RepositoryError(code, url=url, reason=reason)
