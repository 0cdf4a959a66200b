"""Sequences of writes to one object, as files: each step with what a Kubernetes 1.37 API server made of it.

A file holds `steps` (do, manager, body, force, subresource, expect) and, for custom resources, the `definition`. `expect`
is the object without what differs by run, or {"error": message}.
"""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from haori.schema import Schemas, TypeSchema, apply_defaults, validate
from haori.schema.jsonpatch import json_patch
from haori.schema.managed import reset_fields, server_side_apply, track_update
from haori.schema.mergepatch import merge_patch
from haori.schema.patch_errors import ApplyConflictError, PatchError, TypedValueError
from haori.schema.strategic import strategic_merge_patch

FOLDER = Path(__file__).parent / "cases" / "ownership"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
_VARYING = ("namespace", "uid", "resourceVersion", "creationTimestamp", "generation", "selfLink")
_START = datetime(2026, 11, 24, 5, tzinfo=UTC)


def load(name: str) -> dict[str, Any]:
    """One case."""
    case: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_bytes())
    return case


def normalise(manifest: dict[str, Any]) -> dict[str, Any]:
    """The object without what differs by run; managers without times, in one order."""
    result = copy.deepcopy(manifest)
    metadata = result["metadata"]
    for field in _VARYING:
        metadata.pop(field, None)
    managers = metadata.pop("managedFields", [])
    for entry in managers:
        entry.pop("time", None)
    metadata["managedFields"] = sorted(managers, key=lambda entry: json.dumps(entry, sort_keys=True))
    return result


def same(got: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Whether a step ended as recorded; the causes of a refusal come in no certain order."""
    if "error" in got and "error" in expected:
        return sorted(str(got["error"]).split("\n")) == sorted(str(expected["error"]).split("\n"))
    return got == expected


class Playback:
    """Plays steps on our own functions."""

    def __init__(self, definition: dict[str, Any] | None) -> None:
        self.schemas = Schemas.builtin()
        self.is_custom = definition is not None
        if definition is not None:
            self.schemas = self.schemas.with_crds([definition])
        self.live: dict[str, Any] | None = None
        self.now = _START

    def play(self, step: dict[str, Any]) -> dict[str, Any]:
        """What became of the object, or the error."""
        self.now += timedelta(minutes=1)
        try:
            after = self._write(step)
        except (ApplyConflictError, TypedValueError) as error:
            return {"error": error.message}
        except PatchError as error:
            return {"error": error.problem}
        problems = self._problems(after)
        if problems:
            return {"error": problems}
        self.live = after
        return normalise(after)

    def _write(self, step: dict[str, Any]) -> dict[str, Any]:
        body, subresource = step["body"], step.get("subresource", "")
        kind = self.live or body
        schema = self.schemas.type_for(kind["apiVersion"], kind["kind"])
        assert schema is not None
        reset = reset_fields(subresource, is_custom=self.is_custom)
        who = {"manager": step["manager"], "now": self.now, "subresource": subresource, "reset": reset}
        if step["do"] == "apply":
            after = server_side_apply(schema, self.live, body, force=step.get("force", False), **who)
            return self._kept(apply_defaults(schema, after), subresource)
        after = apply_defaults(schema, self._patched(schema, step["do"], body))
        return self._kept(track_update(schema, self.live, after, **who), subresource)

    def _patched(self, schema: TypeSchema, how: str, body: Any) -> dict[str, Any]:
        live = self.live or {}
        match how:
            case "merge-patch":
                result = merge_patch(live, body)
            case "json-patch":
                result = json_patch(live, body)
            case "strategic-patch":
                result = strategic_merge_patch(schema, live, body)
            case _:
                result = body
        return dict(result)

    def _problems(self, after: dict[str, Any]) -> str:
        schema = self.schemas.type_for(after["apiVersion"], after["kind"])
        assert schema is not None
        return ", ".join(map(str, validate(schema, after))) if self.is_custom else ""

    def _kept(self, after: dict[str, Any], subresource: str) -> dict[str, Any]:
        """What a write through one door leaves alone of the other's."""
        before = self.live or {}
        if not self.is_custom:
            return after
        other = "spec" if subresource == "status" else "status"
        result = {name: value for name, value in after.items() if name != other}
        if other in before:
            result[other] = before[other]
        return result
