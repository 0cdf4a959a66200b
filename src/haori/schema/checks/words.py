"""What texts may look like, as the API server says it: every function gives the complaints about one value.

see: apimachinery `pkg/util/validation` and `pkg/api/validate/content` (v0.37).
"""

from __future__ import annotations

import ipaddress
import re

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_OLD_LABEL = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_CHARACTERS = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_QUALIFIED_EXAMPLES = f"(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_QUALIFIED}')"
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    f"an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
_OLD_LABEL_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    f"'{_OLD_LABEL}')"
)
_WILDCARD_RULE = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower "
    "case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used "
    rf"for validation is '\*\.{_SUBDOMAIN}')"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    f"'({_QUALIFIED})?')"
)
_KEY_RULE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
_HEADER_RULE = (
    "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for "
    "validation is '[-A-Za-z0-9]+')"
)
_VARIABLE_RULE = "a valid environment variable name must consist only of printable ASCII characters other than '='"
_PERCENT_RULE = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
    "validation is '[0-9]+%')"
)
_RANGE = "must be between 1 and 65535, inclusive"
_ADDRESS_RULE = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
_NETWORK_RULE = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


def _fits(pattern: str, value: str) -> bool:
    return re.fullmatch(pattern, value) is not None


def _at_most(limit: int, value: str) -> list[str]:
    return [f"must be no more than {limit} characters"] if len(value) > limit else []


def subdomain(value: str) -> list[str]:
    """`example.com`: the name of most objects."""
    return _at_most(253, value) + ([] if _fits(_SUBDOMAIN, value) else [_SUBDOMAIN_RULE])


def label(value: str) -> list[str]:
    """`my-name`: the name of a Namespace, a container, a volume."""
    if _fits(_LABEL, value):
        return _at_most(63, value)
    return [*_at_most(63, value), "must not contain dots" if _fits(_SUBDOMAIN, value) else _LABEL_RULE]


def old_label(value: str) -> list[str]:
    """A label that begins with a letter (RFC 1035)."""
    return _at_most(63, value) + ([] if _fits(_OLD_LABEL, value) else [_OLD_LABEL_RULE])


def wildcard_subdomain(value: str) -> list[str]:
    """`*.example.com`."""
    return _at_most(253, value) + ([] if _fits(rf"\*\.{_SUBDOMAIN}", value) else [_WILDCARD_RULE])


def qualified_name(value: str) -> list[str]:
    """`example.com/name` or `name`: the key of a label."""
    parts = value.split("/")
    if len(parts) > 2:
        article = "a valid label key"
        return [
            f"{article} {_CHARACTERS} {_QUALIFIED_EXAMPLES} with an optional DNS subdomain prefix and '/' "
            "(e.g. 'example.com/MyName')"
        ]
    found = []
    if len(parts) == 2:
        found += (
            ["prefix part must be non-empty"] if not parts[0] else [f"prefix part {m}" for m in subdomain(parts[0])]
        )
    name = parts[-1]
    if not name:
        found.append("name part must be non-empty")
    if len(name) > 63:
        found.append("name part must be no more than 63 bytes")
    if not _fits(_QUALIFIED, name):
        found.append(f"name part {_CHARACTERS} {_QUALIFIED_EXAMPLES}")
    return found


def label_value(value: str) -> list[str]:
    """What a label may be set to."""
    long = ["must be no more than 63 bytes"] if len(value) > 63 else []
    return long + ([] if _fits(f"({_QUALIFIED})?", value) else [_VALUE_RULE])


def config_key(value: str) -> list[str]:
    """The key of a ConfigMap's or Secret's entry."""
    if value == ".":
        return ["must not be '.'"]
    if value == "..":
        return ["must not be '..'"]
    if value.startswith(".."):
        return ["must not start with '..'"]
    return _at_most(253, value) + ([] if _fits(r"[-._a-zA-Z0-9]+", value) else [_KEY_RULE])


def header_name(value: str) -> list[str]:
    """The name of an HTTP header."""
    return [] if _fits(r"[-A-Za-z0-9]+", value) else [_HEADER_RULE]


def variable_name(value: str) -> list[str]:
    """The name of an environment variable."""
    return [] if _fits(r"[ -<>-~]+", value) else [_VARIABLE_RULE]


def percent(value: str) -> list[str]:
    """`25%`."""
    return [] if _fits(r"[0-9]+%", value) else [_PERCENT_RULE]


def port_number(value: int) -> list[str]:
    """1 to 65535."""
    return [] if 1 <= value <= 65535 else [_RANGE]


def port_name(value: str) -> list[str]:
    """`http`: the name of a container's port."""
    found = [] if len(value) <= 15 else ["must be no more than 15 characters"]
    if not _fits(r"[-a-z0-9]+", value):
        found.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search(r"[a-z]", value):
        found.append("must contain at least one letter (a-z)")
    if "--" in value:
        found.append("must not contain consecutive hyphens")
    if value and (value.startswith("-") or value.endswith("-")):
        found.append("must not begin or end with a hyphen")
    return found


def port(value: int | str) -> list[str]:
    """A port by number or by name."""
    return port_name(value) if isinstance(value, str) else port_number(int(value))


def address(value: str) -> list[str]:
    """An IP address of either family."""
    return [] if is_address(value) else [_ADDRESS_RULE]


def is_address(value: str) -> bool:
    """Whether the text is an IP address."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def network(value: str) -> list[str]:
    """A CIDR block of either family."""
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return [_NETWORK_RULE]
    return [] if "/" in value else [_NETWORK_RULE]


def path_segment(value: str) -> list[str]:
    """What may stand between two slashes of a URL: the name of a Role."""
    if value in (".", ".."):
        return [f"may not be '{value}'"]
    return [f"may not contain '{mark}'" for mark in ("/", "%") if mark in value]
