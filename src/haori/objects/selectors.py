"""Label and field selectors: texts as the API takes them, mappings as manifests hold them.

see: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors and field-selectors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from haori.objects.access import nested_list, nested_mapping
from haori.objects.errors import SelectorError


class Operator(StrEnum):
    """What a requirement asks of a label; the first four are spelled as in `matchExpressions`."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    NOT_EXISTS = "DoesNotExist"
    GREATER = "Gt"
    LESS = "Lt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One condition on one label; `values` is sorted, and has exactly one integer text for Gt and Lt."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether `labels` meet it. A missing label meets NotIn."""
        value = labels.get(self.key)
        match self.operator:
            case Operator.IN:
                return value is not None and value in self.values
            case Operator.NOT_IN:
                return value is None or value not in self.values
            case Operator.EXISTS:
                return value is not None
            case Operator.NOT_EXISTS:
                return value is None
            case Operator.GREATER | Operator.LESS:
                if value is None or not _INTEGER.match(value):
                    return False
                wanted, found = int(self.values[0]), int(value)
                return found > wanted if self.operator is Operator.GREATER else found < wanted

    def to_text(self) -> str:
        """As the API's `labelSelector` parameter takes it."""
        match self.operator:
            case Operator.EXISTS:
                return self.key
            case Operator.NOT_EXISTS:
                return f"!{self.key}"
            case Operator.GREATER:
                return f"{self.key}>{self.values[0]}"
            case Operator.LESS:
                return f"{self.key}<{self.values[0]}"
            case Operator.IN | Operator.NOT_IN:
                if len(self.values) == 1:
                    return f"{self.key}{'=' if self.operator is Operator.IN else '!='}{self.values[0]}"
                word = "in" if self.operator is Operator.IN else "notin"
                return f"{self.key} {word} ({','.join(self.values)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSelector:
    """All requirements together; none of them means every object, `nothing` means no object."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with `labels` is selected."""
        return not self.nothing and all(requirement.matches(labels) for requirement in self.requirements)

    def to_text(self) -> str:
        """As the API's `labelSelector` parameter takes it; empty for everything."""
        return ",".join(requirement.to_text() for requirement in self.requirements)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSelector:
    """(path, value, wanted equal) for each term, e.g. ("metadata.name", "web", True)."""

    terms: tuple[tuple[str, str, bool], ...] = ()

    def matches(self, get: Callable[[str], str]) -> bool:
        """Whether an object is selected; `get` gives the text of a field path, empty where it is absent."""
        return all((get(path) == value) is equal for path, value, equal in self.terms)

    def required(self, path: str) -> str | None:
        """The value that `path` must have, None where no term says so: lets a store look up by name."""
        return next((value for name, value, equal in self.terms if name == path and equal), None)

    def to_text(self) -> str:
        """As the API's `fieldSelector` parameter takes it."""
        return ",".join(f"{path}{'=' if equal else '!='}{_escape(value)}" for path, value, equal in self.terms)


_INTEGER = re.compile(r"-?[0-9]{1,18}\Z")
_PREFIX = r"(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?"
_KEY = re.compile(_PREFIX + r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z")
_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?\Z")
_SET = re.compile(r"(\S+)\s+(in|notin)\s*\(([^()]*)\)\Z")
_COMPARED = re.compile(r"([^=!<>\s]+)\s*(==|=|!=|<|>)\s*([^=!<>\s]*)\Z")


def parse_label_selector(text: str) -> LabelSelector:
    """The selector of a `labelSelector` text (`app=web,tier in (a,b),!canary`). Raises `selector-invalid`."""
    parts = [part.strip() for part in re.split(r",(?![^()]*\))", text)] if text.strip() else []
    return LabelSelector(requirements=tuple(_parse_requirement(part, text) for part in parts))


def _parse_requirement(part: str, whole: str) -> Requirement:
    if match := _SET.match(part):
        operator = Operator.IN if match[2] == "in" else Operator.NOT_IN
        values = tuple(sorted({value.strip() for value in match[3].split(",")}))
        return _checked(match[1], operator, values, whole)
    if match := _COMPARED.match(part):
        operators = {"!=": Operator.NOT_IN, ">": Operator.GREATER, "<": Operator.LESS}
        return _checked(match[1], operators.get(match[2], Operator.IN), (match[3],), whole)
    if part.startswith("!"):
        return _checked(part[1:].strip(), Operator.NOT_EXISTS, (), whole)
    return _checked(part, Operator.EXISTS, (), whole)


def _checked(key: str, operator: Operator, values: tuple[str, ...], whole: str) -> Requirement:
    if not _KEY.match(key):
        raise SelectorError("selector-invalid", selector=whole, problem=f"'{key}' is not a label key")
    if operator in (Operator.GREATER, Operator.LESS) and not (len(values) == 1 and _INTEGER.match(values[0])):
        raise SelectorError("selector-invalid", selector=whole, problem=f"'{key}' is compared with no integer")
    if operator in (Operator.IN, Operator.NOT_IN) and not values:
        raise SelectorError("selector-invalid", selector=whole, problem=f"'{key}' has no values")
    if bad := next((value for value in values if not _VALUE.match(value)), None):
        raise SelectorError("selector-invalid", selector=whole, problem=f"'{bad}' is not a label value")
    return Requirement(key=key, operator=operator, values=values)


def label_selector_of(selector: Mapping[str, Any] | None) -> LabelSelector:
    """The selector of a manifest's `matchLabels` and `matchExpressions`; None selects nothing, an empty one everything.

    Raises `selector-invalid` for an unknown operator or a bad key or value.
    """
    if selector is None:
        return LabelSelector(nothing=True)
    found = [
        _checked(key, Operator.IN, (str(value),), f"{key}={value}")
        for key, value in sorted(nested_mapping(selector, "matchLabels").items())
    ]
    for expression in nested_list(selector, "matchExpressions"):
        key, word = str(expression.get("key", "")), str(expression.get("operator", ""))
        if word not in (Operator.IN, Operator.NOT_IN, Operator.EXISTS, Operator.NOT_EXISTS):
            raise SelectorError("selector-invalid", selector=key, problem=f"'{word}' is not an operator")
        values = tuple(sorted({str(value) for value in expression.get("values") or ()}))
        found.append(_checked(key, Operator(word), values, key))
    return LabelSelector(requirements=tuple(found))


def parse_field_selector(text: str) -> FieldSelector:
    r"""The selector of a `fieldSelector` text; `\,` `\=` `\\` stand for themselves. Raises `selector-invalid`."""
    terms = []
    for part in _split_unescaped(text):
        if not part.strip():
            continue
        match = re.match(r"((?:[^=!\\]|\\.)+?)\s*(==|!=|=)((?:[^=\\]|\\.)*)\Z", part.strip())
        if match is None:
            raise SelectorError("selector-invalid", selector=text, problem=f"'{part}' has no = or !=")
        value = re.sub(r"\\(.)", r"\1", match[3].strip())
        terms.append((match[1].strip(), value, match[2] != "!="))
    return FieldSelector(terms=tuple(terms))


def _split_unescaped(text: str) -> list[str]:
    return re.findall(r"(?:[^,\\]|\\.)+", text)


def _escape(value: str) -> str:
    return re.sub(r"([\\,=])", r"\\\1", value)
