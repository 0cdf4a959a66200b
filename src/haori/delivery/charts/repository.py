"""Chart repositories over HTTP: their index, and where the archive of a version is.

An index is asked for with the mark of the last one (`If-None-Match`), and read again only when it changed.
see: Helm `pkg/repo`, https://helm.sh/docs/topics/chart_repository/.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin

import orjson

from haori.delivery.charts.access import FOUND, MISSING, UNCHANGED, Access, Door, refusal
from haori.delivery.charts.errors import ChartError, Subject
from haori.delivery.charts.index import LARGE_BYTES, Index, IndexUnreadableError, read_index
from haori.delivery.charts.semver import parse_range
from haori.delivery.charts.store import KnownIndex
from haori.jail import JailError, Limits, run_program
from haori.outbound import Fetched

INDEX_BYTES = 64 << 20
LIMITS = Limits(seconds=120)


async def fetch_index(url: str, known: KnownIndex | None, access: Access, door: Door, subject: Subject) -> KnownIndex:
    """The repository's index as of now; `known` itself where it has not changed."""
    headers = {"Authorization": access.basic} if access.basic else {}
    if known is not None and known.etag:
        headers["If-None-Match"] = known.etag
    elif known is not None and known.modified:
        headers["If-Modified-Since"] = known.modified
    where = urljoin(f"{url.rstrip('/')}/", "index.yaml")
    answer = await door.get(where, subject, tls=access.tls, headers=headers, limit_bytes=INDEX_BYTES)
    if answer.status == UNCHANGED and known is not None:
        return known
    if answer.status == MISSING:
        raise ChartError("chart-no-index", **subject.facts())
    if answer.status != FOUND:
        raise refusal(subject, answer.status)
    return await _read(answer, known, subject)


async def _read(answer: Fetched, known: KnownIndex | None, subject: Subject) -> KnownIndex:
    digest = hashlib.sha256(answer.body).hexdigest()
    etag, modified = answer.headers.get("etag", ""), answer.headers.get("last-modified", "")
    if known is not None and known.digest == digest:
        return replace(known, etag=etag, modified=modified)
    try:
        charts = await (_read_apart(answer.body) if len(answer.body) > LARGE_BYTES else _read_here(answer.body))
    except IndexUnreadableError as error:
        raise ChartError("chart-index-unreadable", **subject.facts(), reason=str(error)) from error
    return KnownIndex(charts=charts, digest=digest, etag=etag, modified=modified)


async def _read_here(body: bytes) -> Index:
    return await asyncio.to_thread(read_index, io.BytesIO(body))


async def _read_apart(body: bytes) -> Index:
    """In the jail: the many small steps of a large file would hold up all others of this process."""
    program = Path(__file__).with_name("index.py")
    try:
        finished = await run_program(program, stdin=body, limits=LIMITS)
    except JailError as error:
        raise IndexUnreadableError(str(error)) from error
    if finished.exit_code != 0:
        raise IndexUnreadableError(finished.stderr.decode(errors="replace")[-300:])
    charts: Index = orjson.loads(finished.stdout)
    return charts


def locate(index: Index, subject: Subject) -> tuple[str, str, str]:
    """(version, URL, sha256 or empty) of the chart's version: the very one, else the newest within the range it is.

    Raises ChartError `chart-unknown` or `chart-version-missing`.
    """
    rows = index.get(subject.chart)
    if rows is None:
        raise ChartError("chart-unknown", **subject.facts())
    exact = next((row for row in rows if row[0] == subject.version), None)
    if exact is not None:
        return exact[0], exact[1], exact[2]
    newest = newest_of([row[0] for row in rows], subject)
    row = next(row for row in rows if row[0] == newest)
    return row[0], row[1], row[2]


def newest_of(versions: list[str], subject: Subject) -> str:
    """The newest of `versions` within the range that the subject's version is. Raises ChartError."""
    wanted = parse_range(subject.version)
    if wanted is None:
        raise ChartError("chart-range-unreadable", **subject.facts())
    found = wanted.newest(versions)
    if found is None:
        everything = parse_range(">=0-0")
        newest = everything.newest(versions) if everything is not None else None
        if newest is None:
            raise ChartError("chart-version-absent", **subject.facts())
        raise ChartError("chart-version-missing", **subject.facts(), newest=newest)
    return found
