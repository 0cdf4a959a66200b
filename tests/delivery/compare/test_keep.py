"""What ignoreDifferences names is applied as it lives: kept where it is ours, left out where it is another's."""

from __future__ import annotations

from typing import Any

import pytest

from haori.delivery.compare.keep import keep_ignored
from haori.delivery.model import IgnoreRule
from haori.objects import copy_manifest
from haori.schema import Schemas

DEPLOYMENT = Schemas.builtin().type_for("apps/v1", "Deployment")
OWNED = {
    "manager": "haori",
    "operation": "Apply",
    "fieldsV1": {
        "f:metadata": {"f:annotations": {"f:mine": {}}},
        "f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"web"}': {".": {}, "f:image": {}}}}}},
    },
}
AUTOSCALER = {
    "manager": "autoscaler",
    "operation": "Update",
    "fieldsV1": {"f:spec": {"f:replicas": {}}},
}


def deployment(*containers: dict[str, Any], replicas: int | None = None, **metadata: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {"template": {"spec": {"containers": list(containers)}}}
    if replicas is not None:
        spec["replicas"] = replicas
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", **metadata},
        "spec": spec,
    }


def web(image: str = "web:2", **fields: Any) -> dict[str, Any]:
    return {"name": "web", "image": image, **fields}


def rule(**fields: Any) -> IgnoreRule:
    return IgnoreRule(group="apps", kind="Deployment", **fields)


def keep(desired: dict[str, Any], live: dict[str, Any], rule: IgnoreRule) -> dict[str, Any]:
    before = copy_manifest(desired), copy_manifest(live)
    found = keep_ignored(desired, live, [rule], manager="haori", schema=DEPLOYMENT)
    assert (desired, live) == before
    return dict(found)


REPLICAS = rule(json_pointers=("/spec/replicas",))
WEB_IMAGE = rule(jq_paths=('.spec.template.spec.containers[] | select(.name == "web") | .image',))
SIDECAR = rule(jq_paths=('.spec.template.spec.containers[] | select(.name == "proxy")',))

CASES = [
    pytest.param(
        deployment(web(), replicas=2), deployment(web("web:1"), managedFields=[OWNED]), REPLICAS,
        deployment(web()), id="another has it: left out",
    ),
    pytest.param(
        deployment(web(), replicas=2), deployment(web("web:1"), replicas=5, managedFields=[OWNED]), REPLICAS,
        deployment(web(), replicas=5), id="ours: as it lives",
    ),
    pytest.param(
        deployment(web()), deployment(web("web:1"), replicas=5, managedFields=[OWNED]), REPLICAS,
        deployment(web(), replicas=5), id="ours and not in Git: kept",
    ),
    pytest.param(
        deployment(web(), replicas=2), deployment(web("web:1"), replicas=7), REPLICAS,
        deployment(web(), replicas=7), id="never applied by us: as it lives",
    ),
    pytest.param(
        deployment({"name": "log", "image": "log:2"}, web(args=["x"])),
        deployment(web("by-hand"), {"name": "log", "image": "log:1"}, managedFields=[OWNED]), WEB_IMAGE,
        deployment({"name": "log", "image": "log:2"}, web("by-hand", args=["x"])), id="items are matched by their keys",
    ),
    pytest.param(
        deployment(web()), deployment(web("web:1"), {"name": "proxy", "image": "p"}, managedFields=[OWNED]), SIDECAR,
        deployment(web(), {"name": "proxy", "image": "p"}), id="a whole item of ours stays",
    ),
    pytest.param(
        deployment(web(), replicas=2), deployment(web("web:1"), managedFields=[OWNED, AUTOSCALER]),
        rule(managers=("autoscaler",)), deployment(web()), id="fields of a manager",
    ),
    pytest.param(
        deployment(web(), annotations={"mine": "2", "argocd.argoproj.io/tracking-id": "t"}),
        deployment(web("web:1"), annotations={"mine": "1", "theirs": "1"}, managedFields=[OWNED]),
        rule(json_pointers=("/metadata/annotations",)),
        deployment(web(), annotations={"mine": "1", "argocd.argoproj.io/tracking-id": "t"}),
        id="others' annotations are not taken over, our marks stay",
    ),
    pytest.param(
        deployment(web(), replicas=2), {**deployment(web("web:1"), replicas=2), "status": {"replicas": 9}},
        rule(json_pointers=("/status",)), deployment(web(), replicas=2), id="status is never applied",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("desired", "live", "named", "kept"), CASES)
def test_kept(desired: dict[str, Any], live: dict[str, Any], named: IgnoreRule, kept: dict[str, Any]):
    assert keep(desired, live, named) == kept


def test_where_no_rule_matches_the_target_itself_is_given_back():
    desired = deployment(web())
    other = IgnoreRule(group="", kind="ConfigMap", json_pointers=("/data",))
    assert keep_ignored(desired, deployment(web("web:1")), [other], manager="haori") is desired
