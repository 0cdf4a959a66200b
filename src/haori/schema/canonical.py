"""The one way in which the API server writes a quantity (apimachinery `Quantity.CanonicalizeBytes`, v0.37)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from haori.objects.quantities import parse_quantity

_BINARY = ((1024**6, "Ei"), (1024**5, "Pi"), (1024**4, "Ti"), (1024**3, "Gi"), (1024**2, "Mi"), (1024, "Ki"))
_DECIMAL = ((18, "E"), (15, "P"), (12, "T"), (9, "G"), (6, "M"), (3, "k"), (0, ""), (-3, "m"), (-6, "u"), (-9, "n"))


def canonical_quantity(value: Any) -> Any:
    """`1000m` as `1`, `1.5Gi` as `1536Mi`, 0.5 as `500m`, `1e3` as `1e3`. Raises `quantity-invalid`.

    What is neither text nor number is given back as it is.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return value
    return _canonical(value.strip() if isinstance(value, str) else repr(value))


@lru_cache(maxsize=1024)
def _canonical(text: str) -> str:
    number = parse_quantity(text)
    if number == 0:
        return "0"
    sign, size = ("-", -number) if number < 0 else ("", number)
    suffix = text.lstrip("+-0123456789.")
    if suffix.endswith("i") and size >= 1024:
        for factor, name in _BINARY:
            if (size / factor).denominator == 1:
                return f"{sign}{size / factor}{name}"
        if size.denominator == 1:
            return f"{sign}{size}"
    if suffix[:1] in ("e", "E") and suffix[1:]:
        return sign + _exponent(size)
    for power, name in _DECIMAL:
        scaled = size / 10**power if power >= 0 else size * 10**-power
        if scaled.denominator == 1:
            return f"{sign}{scaled}{name}"
    raise AssertionError("parse_quantity rounds to a billionth")


def _exponent(size: Any) -> str:
    for power, _ in _DECIMAL:
        scaled = size / 10**power if power >= 0 else size * 10**-power
        if scaled.denominator == 1:
            return f"{scaled}e{power}" if power else str(scaled)
    raise AssertionError("parse_quantity rounds to a billionth")
