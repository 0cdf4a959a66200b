"""YAML in and out, with the meaning kubectl gives it.

PyYAML's own loaders read other things than Kubernetes does (dates, sexagesimal numbers, `1e3`, `0o14`), so this loader
takes only libyaml's events and resolves scalars itself. Sources are not trusted: depth, aliases (an alias bomb is small
on disk and huge when expanded), size and the number of documents are bounded. A key that stands twice keeps its last
value, as in kubectl; who wants to know passes a list for warnings. An aliased value is the same Python object wherever
it appears: manifests are read, copied, never changed in place.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson
import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from haori.objects.errors import YamlError
from haori.objects.scalars import format_key, json_number, needs_quotes, resolve_plain

_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlLimits:
    """Bounds on one file; what goes beyond raises `yaml-too-large`."""

    size_bytes: int = 32 * 1024 * 1024
    """Of the file as it is."""
    documents: int = 50_000
    """In one file; empty ones count."""
    depth: int = 100
    """Of mappings and lists inside each other; Kubernetes' own types need about 20."""
    expanded_bytes: int = 32 * 1024 * 1024
    """Added by aliases, where each scalar weighs its length and 16 more."""


DEFAULT_LIMITS = YamlLimits()


def load_documents(
    data: bytes | str,
    *,
    source: str = "",
    limits: YamlLimits = DEFAULT_LIMITS,
    warnings: list[tuple[int, str]] | None = None,
) -> list[Any]:
    """The documents of a file that are not empty (comments, `null`), in order.

    `source` names the file in errors. `warnings`, where given, gets (line, key) for each key that stands twice in a mapping.
    Raises `YamlError`.
    """
    if len(data) > limits.size_bytes:
        raise YamlError("yaml-too-large", source=source, what="size", limit=f"{limits.size_bytes} bytes")
    head = data[:1]
    if head in (b"{", b"[", "{", "[") and (document := _load_json(data, limits)) is not None:
        return [document]
    return _Loader(data, source, limits, warnings).load()


def load(data: bytes | str, *, source: str = "", limits: YamlLimits = DEFAULT_LIMITS) -> Any:
    """The first document of a file, None where there is none."""
    documents = load_documents(data, source=source, limits=limits)
    return documents[0] if documents else None


def dump(value: Any) -> str:
    """One document in block style, keys in the order they have, unicode as it is, nothing folded, no aliases."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**20))


def dump_documents(values: Iterable[Any]) -> str:
    """Documents, separated by `---`."""
    return "---\n".join(dump(value) for value in values)


def _load_json(data: bytes | str, limits: YamlLimits) -> Any:
    """The value of a file that is one JSON document, None where it is not (YAML's flow style looks alike)."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return document if _is_within(document, limits.depth) else None


def _is_within(value: Any, depth: int) -> bool:
    level = [value]
    while level and depth >= 0:
        inner = [v for v in level if isinstance(v, (dict, list))]
        level = [item for v in inner for item in (v.values() if isinstance(v, dict) else v)]
        depth -= 1
    return not level


class _Loader:
    """One pass over the events of a file."""

    def __init__(
        self, data: bytes | str, source: str, limits: YamlLimits, warnings: list[tuple[int, str]] | None
    ) -> None:
        self._source = source
        self._limits = limits
        self._warnings = warnings
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._weight = 0
        self._expanded = 0
        try:
            # A text with a lone surrogate cannot be encoded; libyaml would raise from inside C.
            raw = data.encode() if isinstance(data, str) else data
            self._next: Callable[[], Any] = yaml.CSafeLoader(raw).get_event
        except (yaml.YAMLError, UnicodeError) as error:
            raise self._invalid(str(error), None) from error

    def load(self) -> list[Any]:
        documents: list[Any] = []
        count = 0
        try:
            while (event := self._next()).__class__ is not StreamEndEvent:
                if not isinstance(event, DocumentStartEvent):
                    continue
                count += 1
                if count > self._limits.documents:
                    raise self._too_large("documents", self._limits.documents)
                self._anchors.clear()
                if (document := self._node(self._next(), 0)) is not None:
                    documents.append(document)
        except yaml.MarkedYAMLError as error:
            problem = ", ".join(part for part in (error.context, error.problem) if part)
            raise self._invalid(problem, error.problem_mark) from error
        except (yaml.YAMLError, UnicodeError) as error:
            raise self._invalid(str(error).splitlines()[0], None) from error
        return documents

    def _node(self, event: Any, depth: int) -> Any:
        kind = event.__class__
        if kind is ScalarEvent:
            value = self._scalar(event)
            self._weight += 16 + len(event.value)
            if event.anchor:
                self._anchors[event.anchor] = (value, 16 + len(event.value))
            return value
        if kind is AliasEvent:
            return self._alias(event)
        if depth >= self._limits.depth:
            raise self._too_large("depth", self._limits.depth)
        before = self._weight
        if event.anchor:
            self._anchors[event.anchor] = (_OPEN, 0)
        if kind is MappingStartEvent:
            built: Any = self._mapping(depth + 1)
        elif kind is SequenceStartEvent:
            built = self._sequence(depth + 1)
        else:
            raise self._invalid("unexpected event", event.start_mark)
        self._weight += 16
        if event.anchor:
            self._anchors[event.anchor] = (built, self._weight - before)
        return built

    def _sequence(self, depth: int) -> list[Any]:
        items: list[Any] = []
        get: Callable[[], Any] = self._next
        while (event := get()).__class__ is not SequenceEndEvent:
            items.append(self._node(event, depth))
        return items

    def _mapping(self, depth: int) -> dict[str, Any]:
        built: dict[str, Any] = {}
        get: Callable[[], Any] = self._next
        while (event := get()).__class__ is not MappingEndEvent:
            if _is_merge(event):
                # In place, so a merge that stands behind a key overrides it: kubectl's YAML 1.1 library does the same.
                self._merge(built, self._node(get(), depth), event.start_mark)
                continue
            key = self._key(event)
            if self._warnings is not None and key in built:
                self._warnings.append((event.start_mark.line + 1, key))
            built[key] = self._node(get(), depth)
        return built

    def _merge(self, into: dict[str, Any], value: Any, mark: Any) -> None:
        maps = reversed(value) if isinstance(value, list) else [value]
        for item in maps:
            if not isinstance(item, dict):
                raise self._invalid("map merge requires map or sequence of maps as the value", mark)
            into.update(item)

    def _key(self, event: Any) -> str:
        if event.__class__ is ScalarEvent:
            self._weight += 16 + len(event.value)
            value = self._raw_scalar(event)
            if event.anchor:
                self._anchors[event.anchor] = (value, 16 + len(event.value))
        elif event.__class__ is AliasEvent:
            value = self._alias(event)
        else:
            raise self._invalid("a mapping or list cannot be a key", event.start_mark)
        key = format_key(value) if not isinstance(value, (dict, list)) else None
        if key is None:
            raise self._invalid("this value cannot be a key", event.start_mark)
        return key

    def _alias(self, event: Any) -> Any:
        value, weight = self._anchors.get(event.anchor, (_UNKNOWN, 0))
        if value is _UNKNOWN:
            raise self._invalid(f"unknown anchor '{event.anchor}' referenced", event.start_mark)
        if value is _OPEN:
            raise self._invalid(f"anchor '{event.anchor}' value contains itself", event.start_mark)
        self._expanded += weight
        self._weight += weight
        if self._expanded > self._limits.expanded_bytes:
            raise self._too_large("aliases", self._limits.expanded_bytes)
        return value

    def _scalar(self, event: Any) -> Any:
        value = self._raw_scalar(event)
        kind = value.__class__
        if kind is str or kind is bool or value is None:
            return value
        if kind is float and not math.isfinite(value):
            raise self._invalid(f"{event.value} has no place in JSON", event.start_mark)
        return json_number(value)

    def _raw_scalar(self, event: Any) -> Any:
        if event.tag is None:
            return resolve_plain(event.value) if event.implicit[0] else event.value
        tag = event.tag.removeprefix(_TAG)
        if tag == "binary":
            try:
                return base64.b64decode(event.value, validate=False).decode("utf-8", "replace")
            except (binascii.Error, ValueError) as error:
                raise self._invalid("!!binary value contains invalid base64 data", event.start_mark) from error
        if tag not in ("null", "bool", "int", "float") or tag == event.tag:
            return event.value
        return self._tagged(tag, event)

    def _tagged(self, tag: str, event: Any) -> Any:
        value = resolve_plain(event.value)
        if tag == "float" and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        wanted = {"null": type(None), "bool": bool, "int": int, "float": float}[tag]
        if type(value) is not wanted:
            raise self._invalid(f"cannot decode {event.value!r} as a !!{tag}", event.start_mark)
        return value

    def _invalid(self, problem: str, mark: Any) -> YamlError:
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
        return YamlError("yaml-invalid", source=self._source, line=line, column=column, problem=problem)

    def _too_large(self, what: str, limit: int) -> YamlError:
        return YamlError("yaml-too-large", source=self._source, what=what, limit=str(limit))


_OPEN = object()
_UNKNOWN = object()


def _is_merge(event: Any) -> bool:
    return (
        event.__class__ is ScalarEvent
        and event.value == "<<"
        and ((event.tag is None and event.implicit[0]) or event.tag == f"{_TAG}merge")
    )


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    style = None
    if "\n" in text and not text.isspace() and not any(line.endswith((" ", "\t")) for line in text.split("\n")):
        style = "|"
    elif needs_quotes(text):
        style = '"'
    return dumper.represent_scalar(f"{_TAG}str", text, style)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_multi_representer(str, _represent_text)
