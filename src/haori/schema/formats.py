"""The formats that a custom resource's schema may ask of a value (apiextensions `SupportedFormats`, Kubernetes 1.37)."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from datetime import date
from typing import Any

from haori.objects import QuantityError
from haori.objects.quantities import parse_duration
from haori.objects.times import parse_time

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_HOST = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_UUID = re.compile(r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?([0-9a-fA-F]{4})-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}")
_MAC = re.compile(r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}")
_HEX_COLOR = re.compile(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:\S*|/\S*)")
_DAYS = re.compile(r"(\d+)\s*(ns|us|µs|ms|s|m|h|d|w|minutes?|hours?|days?|weeks?|seconds?)")


def is_checked_format(name: str) -> bool:
    """Whether the API server checks texts of that format."""
    return name in _CHECKS


def fits_format(name: str, value: Any) -> bool:
    """Whether the value has the format; a name that is not checked fits anything."""
    check = _CHECKS.get(name)
    return check is None or not isinstance(value, str) or check(value)


def _full(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


def _is_duration(text: str) -> bool:
    try:
        parse_duration(text)
    except QuantityError:
        return _DAYS.fullmatch(text.strip()) is not None
    return True


def _is_address(version: int) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            return ipaddress.ip_address(text).version == version
        except ValueError:
            return False

    return check


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == 10


_CHECKS: dict[str, Callable[[str], bool]] = {
    "date-time": lambda text: parse_time(text) is not None,
    "date": _is_date,
    "duration": _is_duration,
    "ipv4": _is_address(4),
    "ipv6": _is_address(6),
    "cidr": _is_network,
    "byte": _is_base64,
    "email": _full(_EMAIL),
    "hostname": _full(_HOST),
    "uri": _full(_URI),
    "uuid": _full(_UUID),
    "mac": _full(_MAC),
    "hexcolor": _full(_HEX_COLOR),
}
