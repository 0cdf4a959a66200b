"""Quantities (`250m`, `1Gi`, `1e3`) as Kubernetes counts them, and durations (`1h30m`) as Go writes them.

see: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ and Go's time.ParseDuration.
"""

from __future__ import annotations

import re
from fractions import Fraction
from math import ceil

from haori.objects.errors import QuantityError

_QUANTITY = re.compile(
    r"([+-]?)([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:([eE][+-]?[0-9]{1,4})|(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]))?\Z"
)
_SUFFIXES = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    **{name: Fraction(1000**power) for power, name in enumerate(("k", "M", "G", "T", "P", "E"), 1)},
    **{name: Fraction(1024**power) for power, name in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
}
_NANOS = 10**9

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


def parse_quantity(value: str | int | float) -> Fraction:
    """The number a quantity stands for, rounded up to a billionth as Kubernetes does. Raises `quantity-invalid`."""
    if isinstance(value, bool):
        raise QuantityError("quantity-invalid", value=str(value))
    text = str(value)
    match = _QUANTITY.match(text)
    if match is None or len(text) > 64:
        raise QuantityError("quantity-invalid", value=text[:64])
    sign, digits, exponent, suffix = match.groups()
    number = Fraction(digits)
    if exponent:
        number *= Fraction(10) ** int(exponent[1:])
    elif suffix:
        number *= _SUFFIXES[suffix]
    nanos = number * _NANOS
    if nanos.denominator != 1:
        number = Fraction(ceil(nanos), _NANOS)
    return -number if sign == "-" else number


def quantities_equal(first: object, second: object) -> bool:
    """Whether two values are the same quantity; what is no quantity equals only itself."""
    if not isinstance(first, (str, int, float)) or not isinstance(second, (str, int, float)):
        return first == second
    try:
        return parse_quantity(first) == parse_quantity(second)
    except QuantityError:
        return first == second


def parse_duration(text: str) -> float:
    """Seconds of a Go duration: `90s`, `1h30m`, `1.5h`, `-2m`, `0`. Raises `duration-invalid`."""
    body = text[1:] if text[:1] in ("+", "-") else text
    if body == "0":
        return 0.0
    if len(body) > 64:
        raise QuantityError("duration-invalid", value=text[:64])
    nanos, position = Fraction(0), 0
    while match := _DURATION.match(body, position):
        nanos += Fraction(match[1]) * _UNITS[match[2]]
        position = match.end()
    if not body or position != len(body) or nanos >= 1 << 63:  # Go counts in 64 bits.
        raise QuantityError("duration-invalid", value=text[:64])
    seconds = float(nanos / 10**9)
    return -seconds if text.startswith("-") else seconds


def format_duration(seconds: float) -> str:
    """Seconds as Go prints a duration: `1h30m0s`, `2m0s`, `1.5s`, `250ms`, `0s`."""
    nanos = round(abs(seconds) * 10**9)
    sign = "-" if seconds < 0 and nanos else ""
    if nanos == 0:
        return "0s"
    if nanos < 10**9:
        unit = next(unit for unit in ("ms", "µs", "ns") if nanos >= _UNITS[unit])
        return f"{sign}{_decimal(Fraction(nanos, _UNITS[unit]))}{unit}"
    minutes, rest = divmod(nanos, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(Fraction(rest, 10**9))}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{sign}{hours}h{text}" if hours else f"{sign}{text}"


def _decimal(number: Fraction) -> str:
    whole, rest = divmod(number * 10**9, 10**9)
    return f"{whole}.{int(rest):09d}".rstrip("0").rstrip(".")
