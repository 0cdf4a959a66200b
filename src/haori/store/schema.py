"""The schema brought up to what this program knows.

Everything happens in one transaction under one advisory lock: of several that open at once, one applies, the others wait and
find it done; one that dies leaves nothing half. The checksum of each applied file is kept: a file that was changed afterwards
is refused, and so is a database that a newer program has been at.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import psycopg
from psycopg import sql

from haori.store.errors import StoreSchemaError

SCHEMA = "haori"
_LOCK = 0x68616F7269
"""The advisory lock's key: 'haori' in ASCII."""
_NAME = re.compile(r"(\d{4})_[a-z_]+\.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Of the file's text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def known_migrations() -> tuple[Migration, ...]:
    """All files of this program, in order."""
    files = resources.files("haori.store.migrations").iterdir()
    found = [(match, file) for file in files if (match := _NAME.fullmatch(file.name))]
    return tuple(
        Migration(number=int(match[1]), name=file.name, text=file.read_text(encoding="utf-8"))
        for match, file in sorted(found, key=lambda pair: pair[1].name)
    )


async def migrate(
    connection: psycopg.AsyncConnection[Any], where: str, migrations: Sequence[Migration] | None = None
) -> list[str]:
    """Names of the migrations that were applied now. Raises StoreSchemaError, and changes nothing then."""
    known = known_migrations() if migrations is None else migrations
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        await _prepare(connection)
        rows = await connection.execute("SELECT number, name, checksum FROM migration ORDER BY number")
        applied = {number: (name, checksum) for number, name, checksum in await rows.fetchall()}
        _check(applied, known, where)
        new = [migration for migration in known if migration.number not in applied]
        for migration in new:
            await connection.execute(sql.SQL(migration.text))
            await connection.execute(
                "INSERT INTO migration (number, name, checksum) VALUES (%s, %s, %s)",
                [migration.number, migration.name, migration.checksum],
            )
    return [migration.name for migration in new]


async def _prepare(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    await connection.execute(f"SET LOCAL search_path = {SCHEMA}")
    await connection.execute(
        """CREATE TABLE IF NOT EXISTS migration (
            number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now())"""
    )


def _check(applied: dict[int, tuple[str, str]], known: Sequence[Migration], where: str) -> None:
    by_number = {migration.number: migration for migration in known}
    for number, (name, checksum) in applied.items():
        if number not in by_number:
            raise StoreSchemaError("store-schema-newer", where=where, migration=name)
        if by_number[number].checksum != checksum:
            raise StoreSchemaError("store-schema-changed", where=where, migration=name)
