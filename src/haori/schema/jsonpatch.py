"""JSON patch (RFC 6902): operations on a document, all or none.

The document handed in stays as found; what an operation does not touch is shared with the result. As the API server
(evanphx/json-patch) does, `remove` and `replace` of what is absent fail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from haori.objects import copy_manifest
from haori.schema.patch_errors import JsonPatchError

_NEEDS_VALUE = frozenset({"add", "replace", "test"})
_NEEDS_FROM = frozenset({"move", "copy"})


class _Failure(Exception):
    """Why one operation cannot be done."""


def json_patch(doc: Any, operations: Sequence[Any]) -> Any:
    """A copy of `doc` after all `operations`.

    Raises JsonPatchError naming the operation's index and path, `is_test` set where a test did not hold.
    """
    result = copy_manifest(doc)
    for index, operation in enumerate(operations):
        name = operation.get("op") if isinstance(operation, Mapping) else None
        path = operation.get("path") if isinstance(operation, Mapping) else None
        try:
            result = _apply(result, operation)
        except _Failure as failure:
            raise JsonPatchError(
                index=index, operation=str(name), path=str(path), problem=str(failure), is_test=name == "test"
            ) from None
    return result


def parse_pointer(text: Any) -> tuple[str, ...]:
    """The steps of a JSON pointer (RFC 6901). Raises ValueError for what is none."""
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise ValueError("not a JSON pointer")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:])


def format_pointer(steps: Sequence[str]) -> str:
    """The JSON pointer of these steps."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def _apply(doc: Any, operation: Any) -> Any:
    if not isinstance(operation, Mapping):
        raise _Failure("an operation must be an object")
    name = operation.get("op")
    if name not in _NEEDS_VALUE and name not in _NEEDS_FROM and name != "remove":
        raise _Failure("unknown operation")
    path = _steps(operation, "path")
    if name in _NEEDS_VALUE:
        if "value" not in operation:
            raise _Failure("value is missing")
        value = copy_manifest(operation["value"])
        if name == "add":
            return _add(doc, path, value)
        if name == "replace":
            return _replace(doc, path, value)
        if not json_equal(_get(doc, path), value):
            raise _Failure("test failed")
        return doc
    if name == "remove":
        return _remove(doc, path)
    source = _steps(operation, "from")
    found = _get(doc, source)
    if name == "copy":
        return _add(doc, path, copy_manifest(found))
    if path[: len(source)] == source and path != source:
        raise _Failure("cannot move a value into itself")
    return doc if path == source else _add(_remove(doc, source), path, found)


def _steps(operation: Mapping[str, Any], field: str) -> tuple[str, ...]:
    if field not in operation:
        raise _Failure(f"{field} is missing")
    try:
        return parse_pointer(operation[field])
    except ValueError as error:
        raise _Failure(f"{field}: {error}") from None


def _get(doc: Any, path: Sequence[str]) -> Any:
    for step in path:
        if isinstance(doc, dict):
            if step not in doc:
                raise _Failure(f"there is no {step!r}")
            doc = doc[step]
        elif isinstance(doc, list):
            doc = doc[_index(step, len(doc))]
        else:
            raise _Failure(f"there is nothing below {step!r}")
    return doc


def _index(step: str, length: int) -> int:
    if not (step.isascii() and step.isdigit()) or (step[0] == "0" and step != "0"):
        raise _Failure(f"{step!r} is no index")
    if len(step) > 9 or int(step) >= length:
        raise _Failure(f"index {step} is out of range")
    return int(step)


def _add(doc: Any, path: tuple[str, ...], value: Any) -> Any:
    if not path:
        return value
    parent, step = _get(doc, path[:-1]), path[-1]
    if isinstance(parent, dict):
        parent[step] = value
    elif isinstance(parent, list):
        parent.insert(len(parent) if step == "-" else _index(step, len(parent) + 1), value)
    else:
        raise _Failure("the parent is no object or list")
    return doc


def _replace(doc: Any, path: tuple[str, ...], value: Any) -> Any:
    if not path:
        return value
    _get(doc, path)
    parent, step = _get(doc, path[:-1]), path[-1]
    parent[_index(step, len(parent)) if isinstance(parent, list) else step] = value
    return doc


def _remove(doc: Any, path: tuple[str, ...]) -> Any:
    if not path:
        raise _Failure("cannot remove the whole document")
    _get(doc, path)
    parent, step = _get(doc, path[:-1]), path[-1]
    del parent[_index(step, len(parent)) if isinstance(parent, list) else step]
    return doc


def json_equal(first: Any, second: Any) -> bool:
    """Whether two JSON values are the same: numbers by value, booleans never numbers, objects in any order."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return first.keys() == second.keys() and all(json_equal(value, second[name]) for name, value in first.items())
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        return len(first) == len(second) and all(map(json_equal, first, second))
    return bool(first == second)
