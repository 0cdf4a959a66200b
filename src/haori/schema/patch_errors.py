"""What can go wrong when objects are patched or applied.

UserError
├── PatchError              patch-invalid: the patch is malformed or does not fit the object
│   └── JsonPatchError      json-patch-failed: names the operation's index and path
└── TypedValueError         typed-value-invalid: an applied object breaks its type's structure (duplicate keys)
PeerError
└── ApplyConflictError      apply-conflict: fields belong to other managers
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from haori.errors import PeerError, UserError


class PatchError(UserError):
    """`patch-invalid` (problem)."""

    problem = ""
    """What is wrong, in English as the API says it."""


def patch_invalid(problem: str) -> PatchError:
    """The error for a patch that is malformed."""
    error = PatchError("patch-invalid", problem=problem)
    error.problem = problem
    return error


class JsonPatchError(PatchError):
    """`json-patch-failed` (index, operation, path, problem); `is_test` where a `test` did not hold."""

    def __init__(self, *, index: int, operation: str, path: str, problem: str, is_test: bool = False) -> None:
        super().__init__("json-patch-failed", index=index, operation=operation, path=path, problem=problem)
        self.index, self.operation, self.path, self.problem = index, operation, path, problem
        self.is_test = is_test


class TypedValueError(UserError):
    """`typed-value-invalid` (path, problem: the first); `problems` are all, as (path, problem)."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        path, problem = problems[0]
        super().__init__("typed-value-invalid", path=path, problem=problem)
        self.problems = tuple(problems)

    @property
    def message(self) -> str:
        """`.spec.ports: duplicate entries for key [port=80,protocol="TCP"]`, as the API server words it."""
        lines = [f"{path}: {problem}" if path else problem for path, problem in self.problems]
        return lines[0] if len(lines) == 1 else "\n".join(["errors:", *(f"  {line}" for line in lines)])


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Conflict:
    """One field that another manager owns with another value."""

    manager: str
    path: str
    """As people read it: `.spec.replicas`."""
    operation: str
    api_version: str
    subresource: str = ""

    @property
    def holder(self) -> str:
        """`"kubectl-edit" using apps/v1`, as the API server names a manager."""
        text = orjson.dumps(self.manager).decode()
        if self.subresource:
            text += f" with subresource {orjson.dumps(self.subresource).decode()}"
        return f"{text} using {self.api_version}" if self.operation == "Update" else text


class ApplyConflictError(PeerError):
    """`apply-conflict` (count, message): `conflicts` says with whom and where, `message` in Kubernetes' own words."""

    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        self.conflicts = tuple(conflicts)
        self.message = conflict_message(self.conflicts)
        super().__init__("apply-conflict", count=len(self.conflicts), message=self.message)


def conflict_message(conflicts: Sequence[Conflict]) -> str:
    """As the API server words it. see: kubernetes/apimachinery `managedfields/internal/conflict.go` (1.37)."""
    if len(conflicts) == 1:
        return f"Apply failed with 1 conflict: conflict with {conflicts[0].holder}: {conflicts[0].path}"
    lines: dict[str, list[str]] = {}
    for conflict in conflicts:
        lines.setdefault(conflict.holder, []).append(f"- {conflict.path}")
    parts = [line for holder, paths in lines.items() for line in (f"conflicts with {holder}:", *paths)]
    return f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(parts)
