"""Whether two scalars are one value although they are written differently: quantities and durations.

By the name of the field, since it is the same wherever it appears; a schema that knows better stands in through
`CompareOptions.alike`.
"""

from __future__ import annotations

from typing import Any

from haori.errors import UserError
from haori.objects.quantities import parse_duration, quantities_equal

_QUANTITY_MAPS = frozenset({"limits", "requests", "capacity", "allocatable", "hard", "overhead", "default",
                            "defaultRequest", "max", "min", "maxLimitRequestRatio", "podFixed"})  # fmt: skip
_QUANTITIES = frozenset({"sizeLimit", "divisor", "averageValue", "value", "storage", "containerLogMaxSize"})
_DURATIONS = frozenset({"duration", "renewBefore", "interval", "timeout", "retryInterval", "refreshInterval",
                        "evaluationInterval", "scrapeInterval", "scrapeTimeout"})  # fmt: skip


def values_alike(path: tuple[str, ...], first: Any, second: Any) -> bool:
    """Whether `first` and `second` at `path` mean the same."""
    if first == second and isinstance(first, bool) == isinstance(second, bool):
        return True
    if isinstance(first, (dict, list)) or isinstance(second, (dict, list)):
        return False
    last, parent = (path[-1] if path else ""), (path[-2] if len(path) > 1 else "")
    if parent in _QUANTITY_MAPS or (last in _QUANTITIES and "env" not in path and "data" not in path):
        return not isinstance(first, bool) and not isinstance(second, bool) and quantities_equal(first, second)
    if last in _DURATIONS and isinstance(first, str) and isinstance(second, str):
        try:
            return parse_duration(first) == parse_duration(second)
        except UserError:
            return False
    return False
