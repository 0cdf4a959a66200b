"""YAML and JSON to objects without holding up the event loop.

A small file is read at once: that takes less than handing it on. A larger one is read in a thread, and a large one in a
process of its own, since YAML is read in Python, which one thread at a time does: the loop would wait for it. The process
is confined and bounded like every other that sees what others wrote.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from haori.delivery.render import documents
from haori.delivery.render.documents import Documents, is_object, read_documents
from haori.delivery.render.errors import RenderError
from haori.jail import Isolation, JailError, Limits, run_program
from haori.objects.errors import YamlError
from haori.words import Sentence

PROGRAM = Path(documents.__file__).with_name("parse_program.py")
INLINE_BYTES = 16 << 10
"""About five milliseconds of reading."""
THREAD_BYTES = 128 << 10
"""About fifty milliseconds of reading: as long as a process takes to start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a reading process may take."""

    limits: Limits
    isolation: Isolation | None = None


async def parse_files(files: Sequence[tuple[str, bytes]], bounds: Bounds) -> list[Documents]:
    """The documents of each (name, content), in that order. Raises YamlError, RenderError where a bound is reached."""
    size = sum(len(content) for _, content in files)
    if size <= INLINE_BYTES:
        return [read_documents(content, name) for name, content in files]
    if size <= THREAD_BYTES:
        return await asyncio.to_thread(lambda: [read_documents(content, name) for name, content in files])
    return await _parse_apart(files, bounds)


async def parse_objects(content: bytes, name: str, bounds: Bounds) -> list[dict[str, Any]]:
    """The objects that a tool printed, Lists opened. Raises also RenderError for a document that is none."""
    (found,) = await parse_files([(name, content)], bounds)
    return list(open_lists(found.documents, name))


def open_lists(found: Iterable[Any], source: str) -> Iterator[dict[str, Any]]:
    """The objects among documents, those of Lists one by one: what has a list of `items` is one, whatever its kind.

    see: apimachinery `unstructured.IsList`; a list of null without spec and status is empty, as Argo CD has it.
    """
    for document in found:
        if document is None:
            continue
        if not is_object(document) or not all(isinstance(document[name], str) for name in ("apiVersion", "kind")):
            raise RenderError("render-no-object", source=source)
        _check_metadata(document, source)
        items = document.get("items", ())
        if isinstance(items, list):
            yield from open_lists(items, source)
        elif items is not None or "spec" in document or "status" in document:
            yield document


def _check_metadata(document: dict[str, Any], source: str) -> None:
    """Everybody reads and marks an object by its metadata, so this much of its shape has to hold. Raises RenderError.

    That labels are texts the cluster says itself; what an annotation is here asks for has to be known before.
    """
    metadata = document.get("metadata") or {}
    shapes = {"metadata": metadata}
    if isinstance(metadata, dict):
        shapes |= {f"metadata.{name}": metadata.get(name) or {} for name in ("annotations", "labels")}
    for field, value in shapes.items():
        if not isinstance(value, dict):
            raise RenderError("render-bad-metadata", source=source, kind=document["kind"], field=field)
    for key, value in (metadata.get("annotations") or {}).items():
        if not isinstance(value, str | None):
            raise RenderError("render-bad-annotation", source=source, kind=document["kind"], annotation=str(key))


async def _parse_apart(files: Sequence[tuple[str, bytes]], bounds: Bounds) -> list[Documents]:
    head = orjson.dumps([[name, len(content)] for name, content in files])
    question = b"".join([head, b"\n", *(content for _, content in files)])
    name = files[0][0] if len(files) == 1 else f"{files[0][0]} …"
    try:
        done = await run_program(PROGRAM, stdin=question, limits=bounds.limits, using=bounds.isolation)
    except JailError as error:
        stopped = Sentence(code=error.code, parameters={**error.parameters, "command": "YAML"})
        raise RenderError("render-stopped", tool="YAML", path=name, reason=stopped) from error
    if done.exit_code != 0:
        reason = done.stderr.decode(errors="replace").strip()[-500:]
        raise RenderError("render-failed", tool="YAML", path=name, reason=reason)
    return await asyncio.to_thread(_read_answer, done.stdout)


def _read_answer(answer: bytes) -> list[Documents]:
    lines = iter(answer.split(b"\n"))
    head = orjson.loads(next(lines))
    if "error" in head:
        code, parameters = head["error"]
        raise YamlError(code, **parameters)
    return [
        Documents(documents=[_document(next(lines)) for _ in range(count)], warnings=warnings)
        for count, warnings in zip(head["documents"], head["warnings"], strict=True)
    ]


def _document(line: bytes) -> Any:
    return orjson.loads(line[1:]) if line[:1] == b"o" else json.loads(line[1:])
