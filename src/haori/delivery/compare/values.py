"""Whether two scalars are one value although they are written differently.

By type where it is known. Else quantities and durations are told by the name of their field, which is the same wherever
it appears; durations of custom resources too, whose types say only "string".
"""

from __future__ import annotations

from typing import Any

from haori.errors import UserError
from haori.objects.quantities import parse_duration, quantities_equal
from haori.schema import Kind, TypeSchema, values_equal

_QUANTITY_MAPS = frozenset({"limits", "requests", "capacity", "allocatable", "hard", "overhead", "default",
                            "defaultRequest", "max", "min", "maxLimitRequestRatio", "podFixed"})  # fmt: skip
_QUANTITIES = frozenset({"sizeLimit", "divisor", "averageValue", "value", "storage", "containerLogMaxSize"})
_DURATIONS = frozenset({"duration", "renewBefore", "interval", "timeout", "retryInterval", "refreshInterval",
                        "evaluationInterval", "scrapeInterval", "scrapeTimeout"})  # fmt: skip


def leaves_alike(schema: TypeSchema | None, path: tuple[str, ...], first: Any, second: Any) -> bool:
    """Whether `first` and `second` at `path` mean the same for a field of that type."""
    if schema is None or schema.kind is Kind.ANY:
        return values_alike(path, first, second)
    if values_equal(schema, first, second) or (schema.omits_zero and not first and not second):
        return True
    return schema.kind is Kind.STRING and _durations_alike(path, first, second)


def values_alike(path: tuple[str, ...], first: Any, second: Any) -> bool:
    """Whether `first` and `second` at `path` mean the same, as far as names tell."""
    if first == second and isinstance(first, bool) == isinstance(second, bool):
        return True
    if isinstance(first, (dict, list)) or isinstance(second, (dict, list)):
        return False
    last, parent = (path[-1] if path else ""), (path[-2] if len(path) > 1 else "")
    if parent in _QUANTITY_MAPS or (last in _QUANTITIES and "env" not in path and "data" not in path):
        return not isinstance(first, bool) and not isinstance(second, bool) and quantities_equal(first, second)
    return _durations_alike(path, first, second)


def _durations_alike(path: tuple[str, ...], first: Any, second: Any) -> bool:
    if not path or path[-1] not in _DURATIONS or not isinstance(first, str) or not isinstance(second, str):
        return False
    try:
        return parse_duration(first) == parse_duration(second)
    except UserError:
        return False
