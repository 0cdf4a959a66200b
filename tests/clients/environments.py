"""Environments of clients that others wrote, each with its own dependencies, apart from ours and from each other's.

An environment is a folder here with a lock file. It is installed once, by the client's own package manager, into the
user's cache, under a name made of what the folder holds: another lock is another installation.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
INSTALL_SECONDS = 300
INPUTS = ("package.json", "package-lock.json", ".npmrc", "left-out/package.json", "requirements.lock")


def node_modules(name: str) -> Path:
    """The `node_modules` of the environment. Skips, or fails where clients are required, naming what is missing."""
    for command in ("node", "npm"):
        if shutil.which(command) is None:
            give_up(f"{command} is missing")
    return _installed(name, ["npm", "ci", "--silent", "--no-progress"]) / "node_modules"


def interpreter(name: str) -> Path:
    """The Python of the environment; skips or fails as `node_modules` does."""
    python = "venv/bin/python"
    create = f'"{sys.executable}" -m venv venv'
    install = f"{python} -m pip -q --disable-pip-version-check install --require-hashes -r requirements.lock"
    return _installed(name, ["sh", "-c", f"{create} && {install}"]) / python


def give_up(reason: str) -> None:
    """Ends the test: as skipped, or as failed where CI_REQUIRE_CLIENTS=1."""
    if os.environ.get("CI_REQUIRE_CLIENTS") == "1":
        pytest.fail(f"clients: {reason}")
    pytest.skip(f"clients: {reason}")


def _installed(name: str, command: list[str]) -> Path:
    """The folder where `command` installed what the lock names; made whole elsewhere, then moved, so never half there."""
    inputs = [each for each in INPUTS if (HERE / name / each).exists()]
    digest = hashlib.sha256()
    for each in inputs:
        digest.update(each.encode() + b"\0" + (HERE / name / each).read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "haori-clients"
    folder = cache / f"{name}-{digest.hexdigest()[:16]}"
    if folder.exists():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as made:
        for each in inputs:
            (Path(made) / each).parent.mkdir(exist_ok=True)
            shutil.copy(HERE / name / each, Path(made) / each)
        _install(name, command, made)
        if not folder.exists():
            shutil.copytree(made, folder, symlinks=True)
    return folder


def _install(name: str, command: list[str], folder: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if done.returncode != 0:
        give_up(f"{name} could not be installed: {(done.stderr or done.stdout)[-500:]}")
