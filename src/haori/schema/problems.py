"""What is wrong with one field, in the words of Kubernetes' API (apimachinery `field.Error`, v0.37)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProblem:
    """One cause of a refusal, as `Status.details.causes` carries it."""

    path: str
    """`spec.template.spec.containers[0].image`; empty for the object as a whole."""
    reason: str
    """`FieldValueRequired`, `FieldValueInvalid`, ... as in `causes[].reason`."""
    message: str
    """`Required value: must be set`, without the path, as in `causes[].message`."""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


def required(path: str, detail: str = "") -> FieldProblem:
    """A value that must be there is not."""
    return FieldProblem(path=path, reason="FieldValueRequired", message=_with("Required value", detail))


def invalid(path: str, value: Any, detail: str) -> FieldProblem:
    """A value that breaks a rule."""
    return FieldProblem(path=path, reason="FieldValueInvalid", message=_with(f"Invalid value: {shown(value)}", detail))


def wrong_type(path: str, value: Any, detail: str) -> FieldProblem:
    """A value of another shape than the field's."""
    return FieldProblem(
        path=path, reason="FieldValueTypeInvalid", message=_with(f"Invalid value: {shown(value)}", detail)
    )


def duplicate(path: str, value: Any) -> FieldProblem:
    """A value that may stand there only once."""
    return FieldProblem(path=path, reason="FieldValueDuplicate", message=f"Duplicate value: {shown(value)}")


def not_found(path: str, value: Any) -> FieldProblem:
    """A value that names something which is not there."""
    return FieldProblem(path=path, reason="FieldValueNotFound", message=f"Not found: {shown(value)}")


def forbidden(path: str, detail: str) -> FieldProblem:
    """A value or a change that is not allowed here."""
    return FieldProblem(path=path, reason="FieldValueForbidden", message=_with("Forbidden", detail))


def unsupported(path: str, value: Any, allowed: Sequence[Any]) -> FieldProblem:
    """A value outside a closed set."""
    return unsupported_in_order(path, value, sorted(allowed, key=str))


def unsupported_in_order(path: str, value: Any, allowed: Sequence[Any]) -> FieldProblem:
    """A value outside a closed set that is shown in its own order."""
    names = ", ".join(json.dumps(str(entry), ensure_ascii=False) for entry in allowed)
    message = f"Unsupported value: {shown(value)}: supported values: {names}"
    return FieldProblem(path=path, reason="FieldValueNotSupported", message=message)


def too_long(path: str, limit: int) -> FieldProblem:
    """A text longer than allowed."""
    return FieldProblem(path=path, reason="FieldValueTooLong", message=f"Too long: may not be more than {limit} bytes")


def too_many(path: str, count: int, limit: int) -> FieldProblem:
    """A list longer than allowed."""
    return FieldProblem(
        path=path,
        reason="FieldValueTooMany",
        message=f"Too many: {count}: must have at most {limit} item{'s' if limit != 1 else ''}",
    )


def shown(value: Any) -> str:
    """A value as Go's field errors print it: quoted text, plain numbers, anything else as JSON; long ones cut."""
    if value is None:
        return "null"
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return text if len(text) <= 1024 else text[:1024] + "..."


def _with(start: str, detail: str) -> str:
    return f"{start}: {detail}" if detail else start
