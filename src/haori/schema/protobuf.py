"""Kubernetes' protobuf bodies as the mappings that the same objects are in JSON.

kubectl and Helm send built-in types as `application/vnd.kubernetes.protobuf`: the bytes `k8s\\0`, then a
`runtime.Unknown` with apiVersion, kind and the object. Numbers and types come from data/protobuf.bin (`generated.proto`
and the struct tags of the Go modules, v0.37). Go writes every field that is no pointer even when it holds nothing, so
such zeros are dropped; `apply_defaults` puts back those that JSON shows.

see: https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import orjson

from haori.errors import UserError
from haori.objects import parse_api_version
from haori.objects.quantities import format_duration
from haori.objects.times import format_micro_time, format_time
from haori.schema.archive import open_archive
from haori.schema.builtin import META, definition_name

MAGIC = b"k8s\x00"
_UNKNOWN = "io.k8s.apimachinery.pkg.runtime.Unknown"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DEEPEST = 64
"""Messages inside messages; JSON schemas in a CustomResourceDefinition go deepest."""


class ProtobufError(UserError):
    """A body that is no object Kubernetes could have written: `protobuf-invalid`, `protobuf-kind-unknown`."""


class _Field(NamedTuple):
    name: str
    kind: str
    flags: str


def decode_protobuf(body: bytes) -> dict[str, Any]:
    """The object in a protobuf body, with its apiVersion and kind. Raises ProtobufError."""
    if not body.startswith(MAGIC):
        raise ProtobufError("protobuf-invalid", reason="it does not start with k8s\\0")
    try:
        envelope = _message(_UNKNOWN, memoryview(body)[len(MAGIC) :], 0)
        raw = base64.b64decode(envelope.get("raw", ""))
        meta = envelope.get("typeMeta", {})
        api_version, kind = meta.get("apiVersion", ""), meta.get("kind", "")
        if envelope.get("contentType") == "application/json":
            decoded: dict[str, Any] = orjson.loads(raw)
            return decoded
        content = _message(message_name(api_version, kind), memoryview(raw), 0)
    except (IndexError, struct.error, UnicodeDecodeError, ValueError, OverflowError, RecursionError) as error:
        raise ProtobufError("protobuf-invalid", reason=str(error) or type(error).__name__) from error
    return {"apiVersion": api_version, "kind": kind, **content}


def message_name(api_version: str, kind: str) -> str:
    """The message that carries a kind; options and reviews of any group share those of meta/v1. Raises ProtobufError."""
    group, version = parse_api_version(api_version)
    archive = open_archive("protobuf")
    for name in (definition_name(group, version, kind), META + kind):
        if name is not None and name in archive:
            return name
    raise ProtobufError("protobuf-kind-unknown", kind=f"{kind} {api_version}".strip())


@cache
def _fields(name: str) -> dict[int, _Field]:
    return {number: _Field(field, kind, flags) for number, field, kind, flags in open_archive("protobuf").read(name)}


def _message(name: str, data: memoryview, depth: int) -> dict[str, Any]:
    if depth > _DEEPEST:
        raise ValueError("too deeply nested")
    known = _fields(name)
    result: dict[str, Any] = {}
    for number, wire, raw in _parts(data):
        field = known.get(number)
        if field is None:
            continue
        if field.kind.startswith("map:"):
            key, value = _entry(field.kind[4:], raw, depth)
            result.setdefault(field.name, {})[key] = value
        elif "r" in field.flags:
            result.setdefault(field.name, []).extend(_repeated(field.kind, wire, raw, depth))
        elif "i" in field.flags:
            result.update(_message(field.kind, _bytes(raw), depth + 1))
        else:
            value = _value(field.kind, raw, depth)
            if value is None or ("p" not in field.flags and value in ("", 0, {}, [])):
                result.pop(field.name, None)
            else:
                result[field.name] = value
    return result


def _parts(data: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """(field number, wire type, value) of each part of a message, in order."""
    position, end = 0, len(data)
    while position < end:
        tag, position = _varint(data, position)
        wire = tag & 7
        value: int | memoryview
        if wire == 0:
            value, position = _varint(data, position)
        elif wire in (1, 2, 5):
            size = 8 if wire == 1 else 4
            if wire == 2:
                size, position = _varint(data, position)
            if position + size > end:
                raise ValueError("it ends in the middle of a field")
            value = data[position : position + size]
            position += size
        else:
            raise ValueError(f"wire type {wire}")
        yield tag >> 3, wire, value


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result & 0xFFFF_FFFF_FFFF_FFFF, position
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")


def _bytes(raw: int | memoryview) -> memoryview:
    if isinstance(raw, int):
        raise ValueError("a number stands where a message belongs")
    return raw


def _entry(kind: str, raw: int | memoryview, depth: int) -> tuple[str, Any]:
    key, value = "", _EMPTY.get(kind, {})
    for number, _, part in _parts(_bytes(raw)):
        if number == 1:
            key = str(_bytes(part), "utf-8")
        elif number == 2:
            value = _value(kind, part, depth)
    return key, value


def _repeated(kind: str, wire: int, raw: int | memoryview, depth: int) -> list[Any]:
    if wire == 2 and kind in ("bool", "int32", "int64", "uint32"):
        values, position, data = [], 0, _bytes(raw)
        while position < len(data):
            number, position = _varint(data, position)
            values.append(_value(kind, number, depth))
        return values
    return [_value(kind, raw, depth)]


_EMPTY: dict[str, Any] = {"string": "", "bytes": "", "bool": False, "int32": 0, "int64": 0, "uint32": 0, "double": 0.0}


def _value(kind: str, raw: int | memoryview, depth: int) -> Any:
    match kind:
        case "string":
            return str(_bytes(raw), "utf-8")
        case "bytes":
            return base64.b64encode(_bytes(raw)).decode()
        case "bool":
            return bool(_number(raw))
        case "int32" | "int64" | "uint32":
            number = _number(raw)
            return number - (1 << 64) if number >= 1 << 63 else number
        case "double":
            return struct.unpack("<d", _bytes(raw))[0]
    by_hand = _BY_HAND.get(kind.rpartition(".")[2])
    if by_hand is not None:
        return by_hand(kind, _bytes(raw), depth + 1)
    fields = _fields(kind)
    content = _message(kind, _bytes(raw), depth + 1)
    return content.get("", []) if [field.name for field in fields.values()] == [""] else content


def _number(raw: int | memoryview) -> int:
    if not isinstance(raw, int):
        raise ValueError("bytes stand where a number belongs")
    return raw


# ---- messages that JSON writes in another form ----


def _numbers(data: memoryview) -> dict[int, int | memoryview]:
    return {number: value for number, _, value in _parts(data)}


def _signed(value: int | memoryview | None) -> int:
    number = _number(value) if value is not None else 0
    return number - (1 << 64) if number >= 1 << 63 else number


def _text_of(data: memoryview, number: int) -> str:
    value = _numbers(data).get(number)
    return str(_bytes(value), "utf-8") if value is not None else ""


def _quantity(kind: str, data: memoryview, depth: int) -> Any:
    return _text_of(data, 1) or None


def _int_or_string(kind: str, data: memoryview, depth: int) -> Any:
    parts = _numbers(data)
    return _text_of(data, 3) if _signed(parts.get(1)) == 1 else _signed(parts.get(2))


def _moment(data: memoryview) -> datetime | None:
    if not len(data):
        return None
    parts = _numbers(data)
    return _EPOCH + timedelta(seconds=_signed(parts.get(1)), microseconds=_signed(parts.get(2)) // 1000)


def _time(kind: str, data: memoryview, depth: int) -> Any:
    moment = _moment(data)
    return format_time(moment) if moment is not None else None


def _micro_time(kind: str, data: memoryview, depth: int) -> Any:
    moment = _moment(data)
    return format_micro_time(moment) if moment is not None else None


def _duration(kind: str, data: memoryview, depth: int) -> Any:
    return format_duration(_signed(_numbers(data).get(1)) / 10**9)


def _json(kind: str, data: memoryview, depth: int) -> Any:
    raw = _numbers(data).get(1)
    return orjson.loads(_bytes(raw)) if raw is not None and len(_bytes(raw)) else None


def _schema_or(kind: str, data: memoryview, depth: int) -> Any:
    """A schema, or what may stand in its place: schemas, names, or whether anything goes."""
    props = kind.rpartition(".")[0] + ".JSONSchemaProps"
    others: list[Any] = []
    allows = False
    for number, _, value in _parts(data):
        if number == 1 and kind.endswith("OrBool"):
            allows = bool(_number(value))
        elif number == 1 or kind.endswith("OrBool"):
            return _message(props, _bytes(value), depth)
        elif kind.endswith("OrStringArray"):
            others.append(str(_bytes(value), "utf-8"))
        else:
            others.append(_message(props, _bytes(value), depth))
    return allows if kind.endswith("OrBool") else others


_BY_HAND: dict[str, Callable[[str, memoryview, int], Any]] = {
    "Quantity": _quantity,
    "IntOrString": _int_or_string,
    "Time": _time,
    "MicroTime": _micro_time,
    "Duration": _duration,
    "RawExtension": _json,
    "FieldsV1": _json,
    "JSON": _json,
    "JSONSchemaPropsOrArray": _schema_or,
    "JSONSchemaPropsOrBool": _schema_or,
    "JSONSchemaPropsOrStringArray": _schema_or,
}
