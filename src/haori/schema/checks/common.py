"""Small rules that many kinds share: numbers, closed sets, labels and selectors, and reading parts of an object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from haori.objects import Manifest, SelectorError
from haori.objects.selectors import label_selector_of
from haori.schema.checks import words
from haori.schema.problems import FieldProblem, forbidden, invalid, required, too_long, unsupported_in_order

Problems = Iterator[FieldProblem]
Rule = Callable[[Manifest, "Manifest | None"], Problems]
"""What is wrong with an object (and, with the state before, with its change)."""
_ANNOTATIONS_LIMIT = 256 * 1024
IMMUTABLE = "field is immutable"


def part(value: Any, *names: str) -> Mapping[str, Any]:
    """The object at that place, an empty one where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def entries(value: Mapping[str, Any], name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The numbered objects of a list; other entries are passed over."""
    for position, entry in enumerate(value.get(name) or ()):
        if isinstance(entry, Mapping):
            yield position, entry


def said(path: str, value: Any, complaints: Iterable[str]) -> Problems:
    """Each complaint about the value."""
    for complaint in complaints:
        yield invalid(path, value, complaint)


def not_negative(value: Mapping[str, Any], path: str, *names: str) -> Problems:
    """Numbers that must not be below zero."""
    for name in names:
        number = value.get(name)
        if isinstance(number, (int, float)) and number < 0:
            yield invalid(f"{path}.{name}", number, "must be greater than or equal to 0")


def one_of(path: str, value: Any, allowed: Sequence[Any]) -> Problems:
    """A value of a closed set, the set shown in that order."""
    if value not in allowed:
        yield unsupported_in_order(path, value, allowed)


def unchanged(path: str, new: Any, old: Any) -> Problems:
    """A field that keeps its value for good."""
    if new != old:
        yield invalid(path, new, IMMUTABLE)


def in_code(value: Mapping[str, Any]) -> dict[str, Any]:
    """A structure that the server prints by the names of its own code: their first letters are capitals."""
    return {name[0].upper() + name[1:]: inner for name, inner in value.items()}


def label_map(labels: Mapping[str, Any], path: str) -> Problems:
    """Keys and values of labels."""
    for key, value in labels.items():
        yield from said(path, key, words.qualified_name(key))
        yield from said(path, value, words.label_value(str(value)))


def annotation_map(annotations: Mapping[str, Any], path: str) -> Problems:
    """Keys of annotations, read without regard to case, and their whole size."""
    for key in annotations:
        yield from said(path, key, words.qualified_name(key.lower()))
    size = sum(len(str(key).encode()) + len(str(value).encode()) for key, value in annotations.items())
    if size > _ANNOTATIONS_LIMIT:
        yield too_long(path, _ANNOTATIONS_LIMIT)


def selector(value: Mapping[str, Any] | None, path: str) -> Problems:
    """A label selector's labels and expressions."""
    if value is None:
        return
    yield from label_map(part(value, "matchLabels"), f"{path}.matchLabels")
    for position, expression in entries(value, "matchExpressions"):
        place = f"{path}.matchExpressions[{position}]"
        operator, values = expression.get("operator"), expression.get("values")
        if operator in ("In", "NotIn"):
            if not values:
                yield required(f"{place}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                yield forbidden(f"{place}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
        else:
            yield invalid(f"{place}.operator", operator, "not a valid selector operator")
        key = expression.get("key") or ""
        yield from said(f"{place}.key", key, words.qualified_name(key))
        for index, text in enumerate(values or ()):
            yield from said(f"{place}.values[{index}]", text, words.label_value(str(text)))


def is_empty_selector(value: Mapping[str, Any]) -> bool:
    """Whether it selects everything."""
    return not value.get("matchLabels") and not value.get("matchExpressions")


def does_select(value: Mapping[str, Any] | None, labels: Mapping[str, Any]) -> bool | None:
    """Whether the selector takes these labels; nothing is taken by none; None where it cannot be read."""
    if value is None:
        return False
    if any(selector(value, "")):
        return None
    try:
        return label_selector_of(value).matches(dict(labels))
    except SelectorError:
        return None


def amount_or_percent(value: Any, path: str) -> Problems:
    """A number or a share that is not negative."""
    if isinstance(value, str):
        yield from said(path, value, words.percent(value))
    elif value is not None and value < 0:
        yield invalid(path, value, "must be greater than or equal to 0")


def not_above_all(value: Any, path: str) -> Problems:
    """A share of at most 100 %."""
    if isinstance(value, str) and not words.percent(value) and int(value[:-1]) > 100:
        yield invalid(path, value, "must not be greater than 100%")


def is_zero_amount(value: Any) -> bool:
    """Whether a number or a share is nothing at all."""
    return value in (0, None) or (isinstance(value, str) and not words.percent(value) and int(value[:-1]) == 0)
