"""Compare by ownership: what we want is there, and we own nothing else."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haori.delivery.compare import CompareOptions, Strategy, clean_targets, compare, compare_all, sync_status, trim
from haori.delivery.compare.ignore import IgnoreRuleError, parse_jq_path
from haori.delivery.model import IgnoreRule, Settings
from haori.objects import GroupKind, copy_manifest, key_of
from haori.objects.masking import LAST_APPLIED, SecretHasher, fold_string_data, mask_manifests
from haori.resources.argo import SyncStatus

OPTIONS = CompareOptions()
HASHER = SecretHasher(b"k" * 32)


def _deployment(**changes: Any) -> dict[str, Any]:
    container = {
        "name": "web",
        "image": "web:1",
        "resources": {"limits": {"cpu": "1000m"}},
        "ports": [{"containerPort": 80}],
        "env": [{"name": "A", "value": "1"}],
        "args": ["a", "b"],
        **changes,
    }
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "annotations": {"haori.dev/a.b": "x"}},
        "spec": {"replicas": 2, "template": template},
    }


def _fields(value: Any, name: str = "") -> dict[str, Any]:
    """The fieldsV1 tree of what was applied, list keys as the API has them."""
    if isinstance(value, dict):
        return {f"f:{key}": _fields(item, key) for key, item in value.items()}
    keys = {"containers": ["name"], "env": ["name"], "ports": ["containerPort", "protocol"]}.get(name)
    if isinstance(value, list) and keys:
        found = {}
        for item in value:
            values = {key: item.get(key, "TCP") for key in keys}
            found["k:" + orjson.dumps(values).decode()] = {".": {}, **_fields(item)}
        return found
    return {}


def _applied(manifest: dict[str, Any], manager: str = "haori") -> dict[str, Any]:
    """What the cluster holds after the manifest was applied: defaults, another manager's status, our managedFields."""
    live: dict[str, Any] = copy_manifest(manifest)
    owned = {name: value for name, value in manifest.items() if name not in ("apiVersion", "kind", "metadata")}
    tree = _fields(owned)
    metadata = {name: value for name, value in manifest["metadata"].items() if name in ("labels", "annotations")}
    if metadata:
        tree["f:metadata"] = _fields(metadata)
    entries = [{"manager": manager, "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": tree}]
    live["metadata"] |= {"uid": "u", "resourceVersion": "5", "managedFields": entries}
    if live["kind"] == "Deployment":
        live["spec"]["strategy"] = {"type": "RollingUpdate"}
        live["spec"]["template"]["spec"]["containers"][0]["ports"][0]["protocol"] = "TCP"
        live["spec"]["template"]["spec"]["restartPolicy"] = "Always"
        live["status"] = {"replicas": 2}
    return live


def _paths(desired: Any, live: Any, options: CompareOptions = OPTIONS) -> list[str]:
    return [difference.path for difference in compare(desired, live, options).differences]


def test_applied_object_is_in_sync_despite_defaults() -> None:
    comparison = compare(_deployment(), _applied(_deployment()), OPTIONS)
    assert (comparison.strategy, comparison.differences) == (Strategy.OWNERSHIP, ())
    assert comparison.is_synced


@pytest.mark.parametrize(
    ("change", "path"),
    [
        pytest.param({"image": "web:2"}, "spec.template.spec.containers[name=web].image", id="image"),
        pytest.param({"args": ["a"]}, "spec.template.spec.containers[name=web].args", id="atomic list"),
        pytest.param(
            {"env": [{"name": "B", "value": "1"}]}, "spec.template.spec.containers[name=web].env[name=B]", id="new item"
        ),
        pytest.param(
            {"resources": {"limits": {"cpu": 2}}},
            "spec.template.spec.containers[name=web].resources.limits.cpu",
            id="quantity",
        ),
    ],
)
def test_difference_names_the_field(change: dict[str, Any], path: str) -> None:
    assert path in _paths(_deployment(**change), _applied(_deployment()))


def test_quantity_written_otherwise_is_the_same() -> None:
    assert not _paths(_deployment(resources={"limits": {"cpu": 1}}), _applied(_deployment()))


def test_field_we_no_longer_want_is_a_difference_only_if_we_own_it() -> None:
    desired = _deployment()
    del desired["spec"]["template"]["spec"]["containers"][0]["env"]
    removed = _paths(desired, _applied(_deployment()))
    assert removed == [f"spec.template.spec.containers[name=web].env[name=A].{field}" for field in ("name", "value")]
    live = _applied(desired)
    live["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "INJECTED", "value": "by a webhook"}]
    assert not _paths(desired, live)


def test_annotation_removed_from_git_is_a_difference() -> None:
    desired = _deployment()
    desired["metadata"]["annotations"] = {}
    assert _paths(desired, _applied(_deployment())) == ['metadata.annotations["haori.dev/a.b"]']


def test_difference_names_the_other_manager() -> None:
    live = _applied(_deployment())
    live["spec"]["replicas"] = 5
    edit = {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    live["metadata"]["managedFields"].append({**edit, "time": "2026-01-02T03:04:05Z"})
    (difference,) = compare(_deployment(), live, OPTIONS).differences
    assert (difference.path, difference.desired, difference.live) == ("spec.replicas", 2, 5)
    assert (difference.manager, difference.time) == ("kubectl-edit", "2026-01-02T03:04:05Z")
    assert difference.to_json()["time"] == "2026-01-02T03:04:05Z"


def test_a_field_of_nobody_else_has_neither_manager_nor_time() -> None:
    live = _applied(_deployment())
    live["spec"]["replicas"] = 5
    (difference,) = compare(_deployment(), live, OPTIONS).differences
    assert (difference.manager, difference.time) == ("", "")


SECRETS = [
    pytest.param({"data": {"a": "b25l"}}, {"a": "dHdv"}, {"data.a"}, id="changed"),
    pytest.param({"data": {"a": "b25l"}}, {"a": "b25l", "b": "dHdv"}, {"data.b"}, id="gone"),
    pytest.param({"data": {"a": "b25l", "b": ""}}, {"a": "b25l", "b": "dHdv"}, {"data.b"}, id="empty"),
    pytest.param({"data": {"a": "b25l"}, "stringData": {"a": "two"}}, {"a": "b25l"}, {"data.a"}, id="twice"),
    pytest.param({}, {"a": "b25l", "b": "dHdv"}, {"data.a", "data.b"}, id="all gone"),
]


@pytest.mark.parametrize(("given", "live_data", "paths"), SECRETS)
def test_a_secrets_differences_have_the_masks_of_the_secret(
    given: dict[str, Any], live_data: dict[str, str], paths: set[str]
) -> None:
    named = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}}
    owned: dict[str, Any] = {"f:data": {f"f:{key}": {} for key in live_data}}
    entry = {"manager": "haori", "operation": "Apply", "fieldsV1": owned}
    desired: dict[str, Any] = {**named, **given}
    live = {**named, "data": live_data, "metadata": {**named["metadata"], "managedFields": [entry]}}  # type: ignore[dict-item]
    found = compare(desired, live, OPTIONS).differences
    wanted, there = mask_manifests(desired, live)
    assert {each.path for each in found} == paths
    for each in found:
        key = each.path.removeprefix("data.")
        assert each.is_masked
        assert each.live == there["data"].get(key)
        shown = {**wanted.get("data", {}), **wanted.get("stringData", {})}.get(key)
        assert each.desired == shown


def test_unowned_object_is_compared_by_wanted_fields() -> None:
    live = _applied(_deployment(), manager="someone")
    comparison = compare(_deployment(), live, OPTIONS)
    assert comparison.strategy is Strategy.WANTED_FIELDS
    assert comparison.is_synced
    assert _paths(_deployment(image="web:2"), live) == ["spec.template.spec.containers[name=web].image"]


def test_three_way_sees_what_was_applied_and_is_not_wanted() -> None:
    live = _applied(_deployment(), manager="someone")
    live["metadata"]["annotations"][LAST_APPLIED] = orjson.dumps(_deployment()).decode()
    desired = _deployment(env=[])
    comparison = compare(desired, live, OPTIONS)
    assert comparison.strategy is Strategy.THREE_WAY
    assert [item.path for item in comparison.differences] == ["spec.template.spec.containers[name=web].env[name=A]"]


def test_missing_and_extra() -> None:
    assert compare(_deployment(), None, OPTIONS).is_missing
    extra = compare(None, _applied(_deployment()), OPTIONS)
    assert extra.is_extra
    assert extra.counts
    spared = _applied(_deployment())
    spared["metadata"]["annotations"]["argocd.argoproj.io/compare-options"] = "IgnoreExtraneous"
    assert not compare(None, spared, OPTIONS).counts


def test_status_roll_up() -> None:
    synced = compare(_deployment(), _applied(_deployment()), OPTIONS)
    missing = compare(_deployment(), None, OPTIONS)
    assert sync_status([synced]) is SyncStatus.SYNCED
    assert sync_status([synced, missing]) is SyncStatus.OUT_OF_SYNC
    assert sync_status([synced], namespace_differs=True) is SyncStatus.OUT_OF_SYNC
    assert sync_status(None) is SyncStatus.UNKNOWN


_RULES = [
    pytest.param(IgnoreRule(group="apps", kind="*", json_pointers=("/spec/replicas",)), True, id="pointer"),
    pytest.param(IgnoreRule(group="apps", kind="Deployment", jq_paths=(".spec.replicas",)), True, id="jq"),
    pytest.param(IgnoreRule(group="*", kind="*", managers=("hpa",)), True, id="manager"),
    pytest.param(IgnoreRule(group="", kind="Deployment", jq_paths=(".spec.replicas",)), False, id="other group"),
    pytest.param(IgnoreRule(group="*", kind="*", name="api", jq_paths=(".spec.replicas",)), False, id="other name"),
]


@pytest.mark.parametrize(("rule", "ignored"), _RULES)
def test_ignore_differences(rule: IgnoreRule, ignored: bool) -> None:
    live = _applied(_deployment())
    live["spec"]["replicas"] = 5
    scaled = {"manager": "hpa", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    live["metadata"]["managedFields"].append(scaled)
    assert compare(_deployment(), live, CompareOptions(ignore_rules=(rule,))).is_synced is ignored


@pytest.mark.parametrize(
    "path",
    [
        '.spec.template.spec.containers[] | select(.name == "web") | .image',
        ".spec.template.spec.containers[0].image",
        '.spec["template"].spec.containers[].image',
        '.spec.template.spec.containers[] | select(.name == "web")',
    ],
)
def test_jq_paths_that_are_read(path: str) -> None:
    rule = IgnoreRule(group="apps", kind="Deployment", jq_paths=(path,))
    options = CompareOptions(ignore_rules=(rule,))
    assert compare(_deployment(image="web:2"), _applied(_deployment()), options).is_synced


@pytest.mark.parametrize("path", ["", ".. | .a", ".a | map(.b)", ".a as $x", "del(.a)", ".a[1:2]"])
def test_jq_that_is_not_read_is_refused(path: str) -> None:
    with pytest.raises(IgnoreRuleError):
        parse_jq_path(path)


def _secret(value: str) -> dict[str, Any]:
    metadata = {"name": "s", "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"key": value}}


def _stored(value: str) -> dict[str, Any]:
    return _applied(fold_string_data(_secret(value)))


def test_secret_compares_folded_and_shows_no_value() -> None:
    assert compare(_secret("hunter2"), _stored("hunter2"), OPTIONS).is_synced
    comparison = compare(_secret("hunter3"), _stored("hunter2"), OPTIONS)
    (difference,) = comparison.differences
    assert difference.is_masked
    assert difference.desired != difference.live
    assert set(difference.desired + difference.live) == {"+"}


def test_trimmed_secret_compares_without_the_value() -> None:
    trimmed = trim(_stored("hunter2"), hasher=HASHER)
    assert "aHVudGVyMg" not in str(trimmed)
    options = CompareOptions(hasher=HASHER)
    assert compare(_secret("hunter2"), trimmed, options).is_synced
    assert not compare(_secret("other"), trimmed, options).is_synced


def test_trimmed_secret_applied_as_string_data_compares_too() -> None:
    """The API server (1.37) keeps the ownership of `stringData` and the value in `data`."""
    stored = _stored("hunter2")
    fields = stored["metadata"]["managedFields"][0]["fieldsV1"]
    fields["f:stringData"] = fields.pop("f:data")
    trimmed = trim(stored, hasher=HASHER)
    options = CompareOptions(hasher=HASHER)
    assert compare(_secret("hunter2"), trimmed, options).is_synced
    assert not compare(_secret("other"), trimmed, options).is_synced


def test_secret_value_in_lines_is_the_same() -> None:
    desired = {**_secret("x"), "stringData": None, "data": {"key": "aHVu\ndGVyMg==\n"}}
    assert compare(desired, trim(_stored("hunter2"), hasher=HASHER), CompareOptions(hasher=HASHER)).is_synced


def test_difference_to_another_version_is_in_doubt() -> None:
    live = _applied(_deployment())
    assert not compare(_deployment(image="web:2"), live, OPTIONS).needs_dry_run
    assert compare(_deployment(image="web:2"), {**live, "apiVersion": "apps/v2"}, OPTIONS).needs_dry_run
    assert compare(_deployment(), {**live, "apiVersion": "apps/v2"}, OPTIONS).is_synced


def test_trimmed_object_compares_like_the_whole() -> None:
    live = _applied(_deployment())
    trimmed = trim(live, hasher=HASHER)
    assert "status" not in trimmed
    assert "strategy" not in trimmed["spec"]
    for desired in (_deployment(), _deployment(image="web:2"), _deployment(env=[])):
        assert _paths(desired, trimmed) == _paths(desired, live)


_names = st.text("abc", min_size=1, max_size=3)
_values: st.SearchStrategy[Any] = st.recursive(
    st.integers() | st.booleans() | _names | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(_names, _values, max_size=4))
def test_comparing_with_itself_finds_nothing(spec: dict[str, Any]) -> None:
    manifest = {"apiVersion": "x/v1", "kind": "X", "metadata": {"name": "a"}, "spec": spec}
    for strategy in Strategy:
        assert compare(manifest, manifest, CompareOptions(strategy=strategy)).is_synced
    assert compare(manifest, _applied(manifest), OPTIONS).is_synced


@given(
    st.permutations([_deployment(), _secret("a"), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}])
)
def test_order_of_arrival_plays_no_part(manifests: list[dict[str, Any]]) -> None:
    desired = {key_of(manifest): manifest for manifest in manifests}
    found = compare_all(desired, {}, OPTIONS)
    assert list(found) == sorted(found)


def test_inputs_stay_as_found() -> None:
    desired, live = _secret("a"), _stored("b")
    before = copy_manifest([desired, live])
    compare(desired, live, OPTIONS)
    trim(live, hasher=HASHER)
    assert [desired, live] == before


def test_targets_are_cleaned() -> None:
    def namespaced(type_: GroupKind) -> bool | None:
        return {"Namespace": False, "ConfigMap": True, "Lease": True}.get(type_.kind)

    def make(kind: str, name: str, **metadata: str) -> dict[str, Any]:
        group = "coordination.k8s.io/v1" if kind == "Lease" else "v1"
        return {"apiVersion": group, "kind": kind, "metadata": {"name": name, **metadata}, "data": metadata}

    targets = clean_targets(
        [
            make("Namespace", "n", namespace="wrong"),
            make("ConfigMap", "a"),
            make("ConfigMap", "a", namespace="shop"),
            make("Lease", "l"),
        ],
        application="app",
        namespace="shop",
        namespaced=namespaced,
        settings=Settings(),
    )
    assert [str(key) for key in targets.manifests] == ["ConfigMap shop/a", "Namespace n"]
    assert next(iter(targets.manifests.values()))["data"] == {"namespace": "shop"}
    assert [condition.type.value for condition in targets.conditions] == [
        "RepeatedResourceWarning",
        "ExcludedResourceWarning",
    ]


def test_what_git_says_of_an_applications_status_is_no_target() -> None:
    copied = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "child"},
        "spec": {"project": "default"},
        "status": {"history": [], "sync": {"status": "Synced"}},
    }
    other = {**copied, "apiVersion": "example.org/v1", "metadata": {"name": "other"}}
    targets = clean_targets(
        [copied, other], application="app", namespace="argocd", namespaced=lambda kind: True, settings=Settings()
    )
    by_name = {key.name: set(manifest) for key, manifest in targets.manifests.items()}
    assert by_name["child"] == {"apiVersion", "kind", "metadata", "spec"}
    assert "status" in by_name["other"], "another's Application"


def test_what_argo_cd_applied_on_the_server_counts_as_ours_until_we_apply() -> None:
    desired = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}
    fields: dict[str, Any] = {"f:data": {"f:a": {}, "f:gone": {}}}
    argo = {"manager": "argocd-controller", "operation": "Apply", "fieldsV1": fields}
    other = {"manager": "someone", "operation": "Update", "fieldsV1": {"f:data": {"f:theirs": {}}}}
    live = {
        **desired, "data": {"a": "1", "gone": "x", "theirs": "y"},
        "metadata": {"name": "c", "managedFields": [argo, other]},
    }  # fmt: skip
    ours = {"manager": "haori", "operation": "Apply", "fieldsV1": {"f:data": {"f:a": {}}}}
    after = {**live, "metadata": {"name": "c", "managedFields": [ours, argo]}}

    for seen in (live, trim(live, hasher=None, keep_body=True)):
        found = compare(desired, seen, CompareOptions())
        assert (found.strategy, [each.path for each in found.differences]) == (Strategy.OWNERSHIP, ["data.gone"])
    assert compare(desired, after, CompareOptions()).is_synced
