"""The JSON schema rules of custom resources, in the API server's words (kube-openapi `validate`, Kubernetes 1.37)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

from haori.schema.problems import FieldProblem, invalid, required, unsupported

NOWHERE = "<nil>"
"""The path that the API server gives for a rule about the whole of a value."""


def rule_problems(rules: Mapping[str, Any], value: Any, path: str) -> Iterator[FieldProblem]:
    """What the rules beside a type find wrong."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from _number(rules, value, path)
    elif isinstance(value, str):
        yield from _text(rules, value, path)
    elif isinstance(value, list):
        if len(value) < rules.get("minItems", 0):
            yield invalid(path, len(value), f"{path} in body should have at least {rules['minItems']} items")
    elif isinstance(value, Mapping) and len(value) < rules.get("minProperties", 0):
        yield invalid(path, len(value), f"{path} in body should have at least {rules['minProperties']} properties")
    yield from _combined(rules, value, path)


def _number(rules: Mapping[str, Any], value: int | float, path: str) -> Iterator[FieldProblem]:
    factor = rules.get("multipleOf")
    if factor and Fraction(str(value)) % Fraction(str(factor)) != 0:
        yield invalid(path, value, f"{path} in body should be a multiple of {factor}")
    if "minimum" in rules:
        exclusive = rules.get("exclusiveMinimum") is True
        if value < rules["minimum"] or (exclusive and value == rules["minimum"]):
            bound = "greater than" if exclusive else "greater than or equal to"
            yield invalid(path, value, f"{path} in body should be {bound} {rules['minimum']}")
    if "maximum" in rules:
        exclusive = rules.get("exclusiveMaximum") is True
        if value > rules["maximum"] or (exclusive and value == rules["maximum"]):
            bound = "less than" if exclusive else "less than or equal to"
            yield invalid(path, value, f"{path} in body should be {bound} {rules['maximum']}")


def _text(rules: Mapping[str, Any], value: str, path: str) -> Iterator[FieldProblem]:
    if len(value) < rules.get("minLength", 0):
        yield invalid(path, value, f"{path} in body should be at least {rules['minLength']} chars long")
    pattern = rules.get("pattern")
    if pattern and len(value) <= rules.get("maxLength", len(value)):
        compiled = _compiled(pattern)
        if compiled is not None and compiled.search(value) is None:
            yield invalid(path, value, f"{path} in body should match '{pattern}'")


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """A Go pattern as Python reads it; None where it cannot (`\\p{L}`): such a rule is let pass."""
    try:
        return re.compile(pattern.replace(r"\z", r"\Z"), re.ASCII)
    except re.error:
        return None


def _combined(rules: Mapping[str, Any], value: Any, path: str) -> Iterator[FieldProblem]:
    if "oneOf" in rules:
        tries = [list(_inner(option, value, path)) for option in rules["oneOf"]]
        good = sum(1 for found in tries if not found)
        if good != 1:
            counted = "Found none valid" if good == 0 else f"Found {good} valid alternatives"
            yield _about(f'"{path}" must validate one and only one schema (oneOf). {counted}')
            if good == 0:
                yield from min(tries, key=len)
    if "anyOf" in rules:
        tries = [list(_inner(option, value, path)) for option in rules["anyOf"]]
        if all(tries):
            yield _about(f'"{path}" must validate at least one schema (anyOf)')
            yield from min(tries, key=len)
    if "allOf" in rules:
        found = [problem for option in rules["allOf"] for problem in _inner(option, value, path)]
        if found:
            yield from found
            yield _about(f'"{path}" must validate all the schemas (allOf)')
    if "not" in rules and not list(_inner(rules["not"], value, path)):
        yield _about(f'"{path}" must not validate the schema (not)')


def _about(detail: str) -> FieldProblem:
    return invalid(NOWHERE, "", detail)


def _inner(option: Mapping[str, Any], value: Any, path: str) -> Iterator[FieldProblem]:
    """What a schema inside oneOf, anyOf, allOf or not finds: such schemas say no types of their own."""
    if option.get("type") and not _has_type(option["type"], value):
        yield invalid(path, value, f"{path} in body must be of type {option['type']}")
        return
    if "enum" in option and value not in option["enum"]:
        yield unsupported(path, value, option["enum"])
    if isinstance(value, str) and len(value) > option.get("maxLength", len(value)):
        yield invalid(path, value, f"{path} in body should be at most {option['maxLength']} chars long")
    if isinstance(value, Mapping):
        for name in option.get("required", ()):
            if name not in value:
                yield required(f"{path}.{name}" if path else name)
        for name, inner in option.get("properties", {}).items():
            if name in value:
                yield from _inner(inner, value[name], f"{path}.{name}" if path else name)
    if isinstance(value, list) and isinstance(option.get("items"), Mapping):
        for position, entry in enumerate(value):
            yield from _inner(option["items"], entry, f"{path}[{position}]")
    yield from rule_problems(option, value, path)


def _has_type(name: str, value: Any) -> bool:
    match name:
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, Mapping)
        case _:
            return True
