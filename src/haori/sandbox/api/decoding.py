"""Whether a body can be read as its built-in type at all, before any rule is asked: a number where a text belongs.

A Kubernetes API server decodes JSON into Go structs, and what does not fit is answered 400 with the decoder's own words;
clients and people know them, so they are said here alike. Custom resources are not decoded: their schema judges them.
see: Go `encoding/json` (UnmarshalTypeError), Kubernetes `pkg/api/resource/quantity.go`; 1.37.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from haori.objects import Manifest, QuantityError
from haori.objects.quantities import parse_quantity
from haori.objects.times import parse_time
from haori.schema import Kind, TypeSchema

_QUANTITY = re.compile(r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$")
_SIZES = {"int32": 2**31}
_NAMED = {
    "Container.imagePullPolicy": "v1.PullPolicy",
    "ContainerPort.protocol": "v1.Protocol",
    "DeploymentStrategy.type": "v1.DeploymentStrategyType",
    "PersistentVolumeClaimSpec.accessModes": "[]v1.PersistentVolumeAccessMode",
    "PodSpec.dnsPolicy": "v1.DNSPolicy",
    "PodSpec.restartPolicy": "v1.RestartPolicy",
    "ResourceRequirements.limits": "v1.ResourceList",
    "ResourceRequirements.requests": "v1.ResourceList",
    "Secret.type": "v1.SecretType",
    "ServicePort.protocol": "v1.Protocol",
    "ServiceSpec.type": "v1.ServiceType",
    "VolumeResourceRequirements.limits": "v1.ResourceList",
    "VolumeResourceRequirements.requests": "v1.ResourceList",
}
"""Go types that have a name of their own, which the published schema does not tell; the others are told by their kind."""


def decoding_problem(schema: TypeSchema, manifest: Manifest) -> str:
    """The first thing in the manifest that its type cannot hold, as Go says it; empty where all fits."""
    return _Reader(owner="", path="").problem(schema, manifest)


class _Reader:
    """Where reading has come to: the struct it is in, and the fields that led there."""

    __slots__ = ("_owner", "_path")

    def __init__(self, *, owner: str, path: str) -> None:
        self._owner, self._path = owner, path

    def problem(self, schema: TypeSchema, value: Any) -> str:
        if value is None:
            return ""
        match schema.kind:
            case Kind.OBJECT:
                return self._object(schema, value)
            case Kind.MAP if isinstance(value, Mapping):
                return self._first(schema, value.values())
            case Kind.LIST if isinstance(value, (list, tuple)):
                return self._first(schema, value)
            case Kind.STRING if isinstance(value, str):
                if schema.format == "date-time":
                    return _time_problem(value, self._path.rpartition(".")[2])
                return base64_problem(value) if schema.format == "byte" else ""
            case Kind.INTEGER if isinstance(value, int) and not isinstance(value, bool):
                limit = _SIZES.get(schema.format, 2**63)
                return "" if -limit <= value < limit else self._unfit(schema, value, f"number {value}")
            case Kind.NUMBER if isinstance(value, (int, float)) and not isinstance(value, bool):
                return ""
            case Kind.BOOLEAN if isinstance(value, bool):
                return ""
            case Kind.INT_OR_STRING:
                return _int_or_string_problem(value)
            case Kind.QUANTITY:
                return quantity_problem(value)
            case Kind.ANY:
                return ""
            case _:
                return self._unfit(schema, value)

    def _object(self, schema: TypeSchema, value: Any) -> str:
        if not isinstance(value, Mapping):
            return self._unfit(schema, value)
        if schema.keeps_unknown and not schema.fields:
            return ""
        owner = schema.name.rpartition(".")[2] or self._owner
        for name, inner in value.items():
            field = schema.fields.get(name)
            if field is not None and inner is not None:
                below = _Reader(owner=owner, path=f"{self._path}.{name}")
                if problem := below.problem(field, inner):
                    return problem
        return ""

    def _first(self, schema: TypeSchema, values: Any) -> str:
        if schema.items is None:
            return ""
        return next((problem for each in values if (problem := self.problem(schema.items, each))), "")

    def _unfit(self, schema: TypeSchema, value: Any, found: str = "") -> str:
        shown = found or _json_type(value)
        named = _NAMED.get(f"{self._owner}.{self._path.rpartition('.')[2]}", "")
        type_ = named or _go_type(schema)
        if not self._path:
            return f"json: cannot unmarshal {shown} into Go value of type {type_}"
        return f"json: cannot unmarshal {shown} into Go struct field {self._owner}{self._path} of type {type_}"


_MICRO = frozenset({"acquireTime", "renewTime", "eventTime", "lastObservedTime"})


def _time_problem(text: str, field: str) -> str:
    """The commonest of Go's complaints about a time: it does not begin with a year."""
    if parse_time(text) is not None:
        return ""
    layout = "2006-01-02T15:04:05.000000Z07:00" if field in _MICRO else "2006-01-02T15:04:05Z07:00"
    return f'parsing time "{text}" as "{layout}": cannot parse "{text}" as "2006"'


def _json_type(value: Any) -> str:
    match value:
        case bool():
            return "bool"
        case int():
            return "number"
        case float():
            return f"number {value}"
        case str():
            return "string"
        case Mapping():
            return "object"
        case _:
            return "array"


def _go_type(schema: TypeSchema) -> str:
    match schema.kind:
        case Kind.OBJECT:
            package, _, name = schema.name.rpartition(".")
            return f"{package.rpartition('.')[2]}.{name}"
        case Kind.MAP:
            return f"map[string]{_go_type(schema.items) if schema.items else 'interface {}'}"
        case Kind.LIST:
            return f"[]{_go_type(schema.items) if schema.items else 'interface {}'}"
        case Kind.STRING:
            return "[]uint8" if schema.format == "byte" else "string"
        case Kind.INTEGER:
            return schema.format or "int"
        case Kind.NUMBER:
            return "float64"
        case Kind.BOOLEAN:
            return "bool"
        case Kind.QUANTITY:
            return "resource.Quantity"
        case _:
            return "interface {}"


def _int_or_string_problem(value: Any) -> str:
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return ""
    return f"json: cannot unmarshal {_json_type(value)} into Go value of type int32"


def quantity_problem(value: Any) -> str:
    """What is wrong with a quantity; empty where it is one."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return ""
    if not isinstance(value, str) or not _QUANTITY.match(value.strip()):
        return f"quantities must match the regular expression '{_QUANTITY.pattern}'"
    try:
        parse_quantity(value)
    except QuantityError:
        return "unable to parse quantity's suffix"
    return ""


_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


def base64_problem(text: str) -> str:
    """What is wrong with base64 text, at the byte that Go names; empty where nothing is."""
    offset = _corrupt_at(text)
    return "" if offset is None else f"illegal base64 data at input byte {offset}"


def _corrupt_at(text: str) -> int | None:
    """The place of the first mistake as Go's `base64.StdEncoding` counts it. Line ends are no part of the data."""
    places = [(offset, letter) for offset, letter in enumerate(text) if letter not in "\r\n"]
    for position, (offset, letter) in enumerate(places):
        if letter in _LETTERS:
            continue
        place, rest = position % 4, places[position + 1 :]
        if letter != "=" or place < 2:
            return offset
        if place == 2:
            if not rest:
                return len(text)
            if rest[0][1] != "=":
                return offset
            rest = rest[1:]
        return rest[0][0] if rest else None
    return places[len(places) - len(places) % 4][0] if len(places) % 4 else None
