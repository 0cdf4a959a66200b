"""What whole objects are refused for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from haori.objects import copy_manifest
from haori.schema import Schemas, validate_object

CASES = Path(__file__).parent / "cases" / "defaults"


def served(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CASES / f"{name}.yaml").read_text(encoding="utf-8"))["expected"]
    return found


@pytest.mark.parametrize("path", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_what_the_api_server_took_is_taken(path: Path):
    manifest = served(path.stem)
    assert validate_object(Schemas.builtin(), manifest, manifest) == ()


@pytest.mark.parametrize(
    ("name", "path", "value", "said"),
    [
        ("deployment-minimal", "metadata.name", "A_b", "metadata.name: Invalid value: \"A_b\": a lowercase RFC 1123 subdomain"),
        ("deployment-minimal", "metadata.labels", {"a b": "c"}, "metadata.labels: Invalid value: \"a b\": name part"),
        ("deployment-minimal", "spec.selector.matchLabels", {"x": "y"}, "`selector` does not match template `labels`"),
        ("deployment-minimal", "spec.template.spec.containers.0.image", "",
         "spec.template.spec.containers[0].image: Required value"),
        ("deployment-minimal", "spec.template.spec.containers", [], "spec.template.spec.containers: Required value"),
        ("deployment-minimal", "spec.replicas", "x", "spec.replicas: Invalid value: \"string\""),
        ("deployment-minimal", "spec.template.spec.restartPolicy", "Sometimes", "Unsupported value: \"Sometimes\""),
        ("pod-rich", "spec.containers.0.volumeMounts.0.name", "q",
         "spec.containers[0].volumeMounts[0].name: Not found: \"q\""),
        ("pod-rich", "spec.containers.1.name", "a", "spec.containers[1].name: Duplicate value: \"a\""),
        ("persistentvolumeclaim", "spec.resources.requests.storage", "1 apple", "quantities must match"),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_their_path(name: str, path: str, value: Any, said: str):
    manifest = copy_manifest(served(name))
    place: Any = manifest
    *steps, last = path.split(".")
    for step in steps:
        place = place[int(step)] if isinstance(place, list) else place[step]
    place[last] = value
    assert any(said in str(problem) for problem in validate_object(Schemas.builtin(), manifest))


@pytest.mark.parametrize(
    ("name", "field", "value", "said"),
    [
        ("deployment-minimal", "selector", {}, "spec.selector: Invalid value: {}: field is immutable"),
        ("statefulset", "serviceName", "b", "spec.serviceName: Invalid value: \"b\": field is immutable"),
        ("job", "completionMode", "Indexed", "spec.completionMode: Invalid value: \"Indexed\": field is immutable"),
    ],
)  # fmt: skip
def test_what_may_not_change_is_refused(name: str, field: str, value: Any, said: str):
    old = served(name)
    new = {**old, "spec": {**old["spec"], field: value}}
    assert any(str(problem).startswith(said) for problem in validate_object(Schemas.builtin(), new, old))
