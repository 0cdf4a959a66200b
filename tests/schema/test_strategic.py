"""Strategic merge patches and the patches that kubectl makes, on Kubernetes' own types."""

from __future__ import annotations

from typing import Any

import pytest

from haori.schema import Schemas, TypeSchema
from haori.schema.mergepatch import merge_patch
from haori.schema.patch_errors import PatchError
from haori.schema.strategic import strategic_merge_patch
from haori.schema.threeway import three_way_merge

POD = Schemas.builtin().type_for("v1", "Pod")
DEPLOYMENT = Schemas.builtin().type_for("apps/v1", "Deployment")


def pod(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "spec": spec}


def named(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "image": f"{name}:1"} for name in names]


CASES: dict[str, tuple[Any, Any, Any]] = {
    "a list of type merge is matched by its key": (
        pod(containers=named("a", "b")),
        {"spec": {"containers": [{"name": "b", "image": "b:2"}, {"name": "c"}]}},
        pod(containers=[{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:2"}, {"name": "c"}]),
    ),
    "an item is deleted by directive": (
        pod(containers=named("a", "b")),
        {"spec": {"containers": [{"$patch": "delete", "name": "a"}]}},
        pod(containers=named("b")),
    ),
    "a merging list is replaced by directive": (
        pod(containers=named("a", "b")),
        {"spec": {"containers": [{"$patch": "replace"}, {"name": "z"}]}},
        pod(containers=[{"name": "z"}]),
    ),
    "a mapping is replaced by directive": (
        pod(nodeSelector={"a": "1", "b": "2"}),
        {"spec": {"nodeSelector": {"$patch": "replace", "c": "3"}}},
        pod(nodeSelector={"c": "3"}),
    ),
    "a mapping is deleted by directive": (
        pod(nodeSelector={"a": "1"}, hostNetwork=True),
        {"spec": {"nodeSelector": {"$patch": "delete"}}},
        pod(hostNetwork=True),
    ),
    "null deletes a field": (pod(hostNetwork=True, priority=1), {"spec": {"priority": None}}, pod(hostNetwork=True)),
    "other lists are replaced": (
        pod(tolerations=[{"key": "a"}]),
        {"spec": {"tolerations": [{"key": "b"}]}},
        pod(tolerations=[{"key": "b"}]),
    ),
    "retainKeys drops what it does not name": (
        pod(volumes=[{"name": "v", "emptyDir": {}}]),
        {"spec": {"volumes": [{"$retainKeys": ["name", "hostPath"], "name": "v", "hostPath": {"path": "/x"}}]}},
        pod(volumes=[{"name": "v", "hostPath": {"path": "/x"}}]),
    ),
    "finalizers join as a set": (
        {"metadata": {"finalizers": ["a", "b"]}},
        {"metadata": {"finalizers": ["b", "c"]}},
        {"metadata": {"finalizers": ["a", "b", "c"]}},
    ),
    "scalars are deleted from a list": (
        {"metadata": {"finalizers": ["a", "b"]}},
        {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}},
        {"metadata": {"finalizers": ["b"]}},
    ),
    "an order is set and what only the server has keeps its place": (
        pod(containers=named("a", "x", "b")),
        {"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}], "containers": [{"name": "b"}]}},
        pod(containers=named("x", "b", "a")),
    ),
    "new items stand where the order says": (
        pod(containers=named("a", "b")),
        {"spec": {"$setElementOrder/containers": [{"name": "n"}, {"name": "a"}, {"name": "b"}],
                  "containers": [{"name": "n", "image": "n:1"}]}},
        pod(containers=named("n", "a", "b")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_patch_merges(case: str) -> None:
    doc, patch, expected = CASES[case]
    assert POD is not None

    assert strategic_merge_patch(POD, doc, patch) == expected


@pytest.mark.parametrize(
    "patch",
    [
        {"spec": {"$patch": "nonsense"}},
        {"spec": {"containers": [{"image": "x"}]}},
        {"spec": {"containers": ["x"]}},
        {"spec": {"$retainKeys": ["a"], "priority": 1}},
    ],
)
def test_malformed_patch_is_refused(patch: Any) -> None:
    assert POD is not None

    with pytest.raises(PatchError):
        strategic_merge_patch(POD, pod(containers=named("a")), patch)


WANTED: dict[str, tuple[Any, Any, Any]] = {
    "a field is dropped": (pod(priority=1, hostNetwork=True), pod(hostNetwork=True), pod(priority=1, hostNetwork=True)),
    "a container is dropped, the injected one stays": (
        pod(containers=named("a", "b")),
        pod(containers=named("b")),
        pod(containers=[*named("a", "b"), {"name": "sidecar"}]),
    ),
    "containers change places": (
        pod(containers=named("a", "b")),
        pod(containers=named("b", "a")),
        pod(containers=named("a", "b")),
    ),
    "an item changes within": (
        pod(containers=[{"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}]}]),
        pod(containers=[{"name": "a", "image": "2", "env": [{"name": "Y", "value": "1"}]}]),
        pod(containers=[{"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}], "stdin": True}]),
    ),
    "a list of scalars changes": (
        {"metadata": {"finalizers": ["a", "b"]}},
        {"metadata": {"finalizers": ["b", "c"]}},
        {"metadata": {"finalizers": ["a", "b", "z"]}},
    ),
}


def covers(wanted: Any, got: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(name in got and covers(item, got[name]) for name, item in wanted.items())
    if isinstance(wanted, list) and wanted and isinstance(wanted[0], dict) and "name" in wanted[0]:
        there = {item["name"]: item for item in got}
        order = [item["name"] for item in got if item["name"] in {item["name"] for item in wanted}]
        return order == [item["name"] for item in wanted] and all(covers(item, there[item["name"]]) for item in wanted)
    return set(wanted) <= set(got) if isinstance(wanted, list) else bool(wanted == got)


@pytest.mark.parametrize("case", WANTED, ids=str)
@pytest.mark.parametrize("schema", [POD, None], ids=["strategic", "json"])
def test_three_way_patch_gives_what_is_wanted(case: str, schema: TypeSchema | None) -> None:
    original, modified, current = WANTED[case]

    patch = three_way_merge(schema, original, modified, current)
    after = strategic_merge_patch(schema, current, patch) if schema is not None else merge_patch(current, patch)

    assert covers(modified, after)
    assert three_way_merge(schema, modified, modified, after) == {}


def test_three_way_patch_leaves_what_others_set() -> None:
    original, modified, current = WANTED["a container is dropped, the injected one stays"]
    assert POD is not None

    after = strategic_merge_patch(POD, current, three_way_merge(POD, original, modified, current))

    assert after == pod(containers=[*named("b"), {"name": "sidecar"}])


def test_strategy_of_a_deployment_retains_only_its_keys() -> None:
    def deployment(**strategy: Any) -> dict[str, Any]:
        return {"spec": {"strategy": strategy}}

    current = deployment(type="RollingUpdate", rollingUpdate={"maxSurge": 1})
    assert DEPLOYMENT is not None

    patch = three_way_merge(DEPLOYMENT, {}, deployment(type="Recreate"), current)

    assert patch == deployment(type="Recreate", **{"$retainKeys": ["type"]})
    assert strategic_merge_patch(DEPLOYMENT, current, patch) == deployment(type="Recreate")
