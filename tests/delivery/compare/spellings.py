"""Manifests spelled as people spell them, as files, beside what a Kubernetes 1.37 API server made of them.

A file holds `desired`, for custom resources their `definition`, `live` (recorded from the server after a create), and
`changes`: merge patches of the live object with the `path` of the difference that each has to show, if any.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "cases" / "spellings"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


@dataclass(frozen=True)
class Spelling:
    """One case."""

    desired: dict[str, Any]
    live: dict[str, Any]
    definition: dict[str, Any] | None
    changes: list[tuple[dict[str, Any], str]]


def load(name: str) -> Spelling:
    """A case by its name."""
    case = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return Spelling(
        desired=case["desired"],
        live=case.get("live", {}),
        definition=case.get("definition"),
        changes=[(change["patch"], change.get("path", "")) for change in case.get("changes", ())],
    )
