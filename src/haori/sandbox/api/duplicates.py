"""Keys that a JSON object has twice: a parser keeps the last, a server says so.

Finding them means reading the body again, slowly. So the keys of what was read are counted first: a body with no more colons
than that (those in texts count too) has none.
"""

from __future__ import annotations

import json
from typing import Any


def duplicate_fields(body: bytes, value: Any) -> tuple[str, ...]:
    """The paths of keys that a JSON object has twice. Reads the body again only where it has more keys than `value`."""
    if body.count(b":") <= _keys_of(value):
        return ()
    found: list[str] = []
    _collect_duplicates(json.loads(body, object_pairs_hook=_Pairs), "", found)
    return tuple(found)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it was written."""


def _collect_duplicates(value: Any, path: str, found: list[str]) -> None:
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for key, inner in value:
            place = f"{path}.{key}" if path else key
            if key in seen:
                found.append(place)
            seen.add(key)
            _collect_duplicates(inner, place, found)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _collect_duplicates(inner, f"{path}[{index}]", found)


def _keys_of(value: Any) -> int:
    """How many keys all objects in the value have."""
    count, left = 0, [value]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            count += len(each)
            left += each.values()
        elif isinstance(each, list):
            left += each
    return count
