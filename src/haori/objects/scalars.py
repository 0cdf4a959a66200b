"""Which value a plain YAML scalar has, as kubectl 1.37 (sigs.k8s.io/yaml, YAML 1.1) reads it.

The loader asks `resolve_plain` what a text means; the dumper asks the same function whether a text must be quoted.
Numbers go through JSON on their way into Kubernetes, so `1.0` and `1e3` become the integers 1 and 1000, and an integer
beyond 64 bits becomes a float: `json_number` does that step. The cases are held by tests/objects/scalars.yaml.
"""

from __future__ import annotations

import math
import re
import struct

_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_NUMBER_STARTS = frozenset("0123456789+-.")
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_PREFIXED = re.compile(r"([-+]?)0(?:[xX]([0-9a-fA-F]+)|[bB]([01]+)|[oO]?([0-7]+))\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")

Scalar = str | int | float | bool | None


def resolve_plain(text: str) -> Scalar:
    """The value of an unquoted scalar; floats stay floats (see `json_number`), what is no number or word stays text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    plain = text.replace("_", "")
    if _DECIMAL.match(plain):
        return int(plain) if len(plain) < 400 else text
    if match := _PREFIXED.match(plain):
        sign, hexadecimal, binary, octal = match.groups()
        digits, base = (hexadecimal, 16) if hexadecimal else (binary, 2) if binary else (octal, 8)
        return int(sign + digits, base) if len(digits) < 400 else text
    if _FLOAT.match(plain):
        value = float(plain)
        return text if math.isinf(value) else value
    return text


def json_number(value: int | float) -> int | float:
    """A number as it comes out of Kubernetes' JSON: integral floats as int, integers beyond 64 bits as float."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and -(2**63) <= value < 2**63 else value
    return value if -(2**63) <= value < 2**63 else float(value)


def format_key(value: Scalar) -> str | None:
    """A scalar as the text of a mapping key; None where Kubernetes refuses such a key (null, infinities)."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return _format_float32(value) if isinstance(value, float) and math.isfinite(value) else None


def needs_quotes(text: str) -> bool:
    """Whether `text`, written plainly, would be read as something other than itself."""
    return not isinstance(resolve_plain(text), str) or text == "<<"


def _format_float32(value: float) -> str:
    """The shortest text that reads back as the same 32-bit float, with an exponent from 1e+06 on as Go's 'g' has."""
    try:
        wanted = struct.pack("f", value)
    except OverflowError:
        return f"{value:.9g}"
    digits = next(n for n in range(1, 10) if struct.pack("f", float(f"{value:.{n}e}")) == wanted or n == 9)
    mantissa, _, exponent = f"{value:.{digits}e}".partition("e")
    if -4 <= int(exponent) < 6:
        return f"{float(f'{mantissa}e{exponent}'):.{max(0, digits - int(exponent))}f}".rstrip("0").rstrip(".") or "0"
    return f"{mantissa.rstrip('0').rstrip('.')}e{exponent}"
