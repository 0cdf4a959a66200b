"""What a real API server refused is refused in the same words, and what it took is taken."""

from __future__ import annotations

from typing import Any

import pytest

from haori.schema import Schemas, apply_defaults, object_warnings, validate_object
from tests.schema.refusals import Refusal, Reply, answer_of, refusals, same, with_values

UID = "259568e5-7ca8-4339-b2e5-a15094d18edf"
JUDGED = [case for case in refusals() if case.answer["code"] in (200, 422)]


@pytest.mark.parametrize("case", JUDGED, ids=lambda case: case.id)
def test_objects_are_judged_as_the_server_judges_them(case: Refusal):
    assert same(case.answer, judged(case))


def judged(case: Refusal) -> dict[str, Any]:
    schemas = Schemas.builtin()
    old = None
    new = completed(case.given)
    if case.change is not None:
        old = new | ({"status": dict(case.status)} if case.status is not None else {})
        new = completed(with_values(old, case.change))
    problems = validate_object(schemas, new, old)
    if not problems:
        warnings = object_warnings(schemas, new, old)
        return answer_of(Reply(code=200, body={}, warnings=warnings))
    causes = [{"field": each.path, "reason": each.reason, "message": each.message} for each in problems]
    message = str(problems[0]) if len(problems) == 1 else f"[{', '.join(map(str, problems))}]"
    group = case.given["apiVersion"].rpartition("/")[0]
    subject = f'{new["kind"]}{"." if group else ""}{group} "{new["metadata"]["name"]}" is invalid: '
    body = {"reason": "Invalid", "message": subject + message, "details": {"causes": causes}}
    return answer_of(Reply(code=422, body=body))


def completed(manifest: dict[str, Any]) -> dict[str, Any]:
    """With defaults, and with what the server makes up for some kinds before it judges them."""
    schema = Schemas.builtin().type_for(manifest["apiVersion"], manifest["kind"])
    assert schema is not None
    result = apply_defaults(schema, with_values(manifest, {"metadata.namespace": "default"}))
    metadata = result["metadata"]
    if manifest["kind"] == "Namespace":
        metadata.setdefault("labels", {})["kubernetes.io/metadata.name"] = metadata["name"]
    if manifest["kind"] == "Job" and not result["spec"].get("manualSelector"):
        metadata["uid"] = UID
        chosen = result["spec"].setdefault("selector", {}).setdefault("matchLabels", {})
        chosen["batch.kubernetes.io/controller-uid"] = UID
        labels = result["spec"]["template"].setdefault("metadata", {}).setdefault("labels", {})
        labels |= {"batch.kubernetes.io/controller-uid": UID, "controller-uid": UID}
        labels |= {"batch.kubernetes.io/job-name": metadata["name"], "job-name": metadata["name"]}
    return result
