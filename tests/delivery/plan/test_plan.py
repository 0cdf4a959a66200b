"""Order, waves, hooks, prune and permission: the plan is the same for the same request."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haori.delivery.compare import Comparison, Strategy
from haori.delivery.model import Operation, ResourceRef, SyncPolicy, parse_project
from haori.delivery.plan import Action, Plan, PlanRequest, SkipReason, hook_info, plan_deletion, plan_sync
from haori.delivery.plan.ordering import KIND_ORDER, kind_rank
from haori.objects import GroupKind, ResourceKey, key_of
from haori.resources import default_project
from haori.resources.argo import HookDeletePolicy, HookType, SyncPhase

NOW = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
_CLUSTER_SCOPED = {"Namespace", "CustomResourceDefinition", "ClusterRole"}
_GROUPS = {
    "Deployment": "apps/v1",
    "Job": "batch/v1",
    "Widget": "x.io/v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
}


def make(kind: str, name: str, wave: int | None = None, **annotations: str) -> dict[str, Any]:
    """A manifest; annotation names are short: hook, policy, options, helm_hook, weight."""
    full = {
        "hook": "argocd.argoproj.io/hook",
        "policy": "argocd.argoproj.io/hook-delete-policy",
        "options": "argocd.argoproj.io/sync-options",
        "helm_hook": "helm.sh/hook",
        "weight": "helm.sh/hook-weight",
        "keep": "helm.sh/resource-policy",
    }
    notes = {full[key]: value for key, value in annotations.items()}
    if wave is not None:
        notes["argocd.argoproj.io/sync-wave"] = str(wave)
    metadata: dict[str, Any] = {"name": name, "annotations": notes}
    if kind not in _CLUSTER_SCOPED:
        metadata["namespace"] = "shop"
    return {"apiVersion": _GROUPS.get(kind, "v1"), "kind": kind, "metadata": metadata}


def namespaced(type_: GroupKind) -> bool | None:
    return None if type_.kind == "Widget" else type_.kind not in _CLUSTER_SCOPED


def request(desired: list[Any], live: list[Any] = [], **changes: Any) -> PlanRequest:  # noqa: B006
    standing = {key_of(item): item for item in live}
    plan_request = PlanRequest(
        desired={key_of(item): item for item in desired},
        live=standing,
        owned=frozenset(standing),
        comparisons={},
        project=parse_project(default_project()),
        policy=SyncPolicy(),
        operation=Operation(prune=True),
        namespaced=namespaced,
        namespace="shop",
        revision="abcdef0123",
        started_at=NOW,
    )
    return replace(plan_request, **changes)


def order(*desired: Any, live: Any = (), **changes: Any) -> list[tuple[str, int, str]]:
    plan = plan_sync(request(list(desired), list(live), **changes))
    return [(step.phase.value, step.wave, step.key.name) for step in plan.steps]


def test_kinds_stand_in_argos_order() -> None:
    assert [kind_rank(kind) for kind in KIND_ORDER] == list(range(len(KIND_ORDER)))
    assert kind_rank("Widget") == len(KIND_ORDER)
    found = order(make("Job", "j"), make("Deployment", "d"), make("Service", "s"), make("ConfigMap", "c"))
    assert [name for _, _, name in found] == ["c", "s", "d", "j"]


def test_phase_beats_wave_beats_kind_beats_name() -> None:
    found = order(
        make("Job", "post", -5, hook="PostSync"),
        make("Job", "pre", 5, hook="PreSync"),
        make("ConfigMap", "b", 1),
        make("Deployment", "a", 0),
        make("ConfigMap", "z", 0),
    )
    assert found == [
        ("PreSync", 5, "pre"),
        ("Sync", 0, "z"),
        ("Sync", 0, "a"),
        ("Sync", 1, "b"),
        ("PostSync", -5, "post"),
    ]


def test_namespace_and_definition_come_before_what_needs_them() -> None:
    definition = make("CustomResourceDefinition", "widgets.x.io", 3)
    definition["spec"] = {"group": "x.io", "names": {"kind": "Widget"}}
    found = order(make("Widget", "w", 0), definition, make("Namespace", "shop", 9), make("Job", "m", hook="PreSync"))
    assert found == [("PreSync", 0, "shop"), ("PreSync", 0, "m"), ("Sync", 0, "widgets.x.io"), ("Sync", 0, "w")]


@pytest.mark.parametrize(
    ("annotations", "types", "policies"),
    [
        pytest.param({"hook": "PreSync"}, ["PreSync"], ["BeforeHookCreation"], id="default policy"),
        pytest.param({"hook": "PreSync, PostSync"}, ["PreSync", "PostSync"], ["BeforeHookCreation"], id="two phases"),
        pytest.param({"hook": "Sync", "policy": "HookSucceeded"}, ["Sync"], ["HookSucceeded"], id="policy"),
        pytest.param({"helm_hook": "pre-install,pre-upgrade"}, ["PreSync"], ["BeforeHookCreation"], id="helm once"),
        pytest.param({"helm_hook": "post-delete"}, ["PostDelete"], ["BeforeHookCreation"], id="helm delete"),
        pytest.param({"helm_hook": "test"}, [], ["BeforeHookCreation"], id="helm test is ignored"),
        pytest.param(
            {"hook": "SyncFail", "helm_hook": "pre-install"}, ["SyncFail"], ["BeforeHookCreation"], id="argo first"
        ),
    ],
)
def test_hooks(annotations: dict[str, str], types: list[str], policies: list[str]) -> None:
    info = hook_info(make("Job", "j", **annotations))  # type: ignore[arg-type]
    assert info is not None
    assert list(info.types) == [HookType(word) for word in types]
    assert list(info.policies) == [HookDeletePolicy(word) for word in policies]


def test_skip_and_deletion_hooks_are_not_applied() -> None:
    skip, deletion = make("Job", "s", hook="Skip"), make("Job", "d", hook="PreDelete")
    plan = plan_sync(request([skip, deletion]))
    assert plan.steps == ()
    assert SkipReason.HOOK_SKIPPED in [item.reason for item in plan.skipped]


def test_sync_fail_hooks_stand_apart() -> None:
    plan = plan_sync(request([make("Job", "f", hook="SyncFail"), make("ConfigMap", "c")]))
    assert [wave.phase for wave in plan.on_failure] == [SyncPhase.SYNC_FAIL]
    assert [step.key.name for step in plan.steps] == ["c"]


def test_generated_hook_has_the_same_name_in_every_pass() -> None:
    hook = make("Job", "", hook="PreSync")
    hook["metadata"] |= {"generateName": "migrate-"}
    del hook["metadata"]["name"]
    plan = plan_sync(request([], generated=[hook]))
    assert [step.key.name for step in plan.steps] == [f"migrate-abcdef0-presync-{int(NOW.timestamp())}"]


@pytest.mark.parametrize(
    "operation",
    [Operation(resources=(ResourceRef(group="", kind="ConfigMap", name="c"),)), Operation(apply_only=True)],
    ids=["selective", "rollback"],
)
def test_partial_and_apply_syncs_run_no_hooks(operation: Operation) -> None:
    assert order(make("Job", "j", hook="PreSync"), make("ConfigMap", "c"), operation=operation) == [("Sync", 0, "c")]


@pytest.mark.parametrize("nonsense", ["soon", "", " 5", "1_000", "5.0", "\u0665", "--5", "9" * 19, "9" * 5000])
def test_weight_stands_in_for_wave_and_nonsense_for_nothing(nonsense: str) -> None:
    """What Go's Atoi does not read is nonsense, whatever Python reads."""
    odd = make("ConfigMap", "odd", weight="7")
    odd["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"] = nonsense
    assert order(odd) == [("Sync", 7, "odd")]


@pytest.mark.parametrize(("text", "wave"), [("+5", 5), ("-05", -5), ("9223372036854775807", (1 << 63) - 1)])
def test_a_wave_is_what_go_reads(text: str, wave: int) -> None:
    odd = make("ConfigMap", "odd", weight="7")
    odd["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"] = text
    assert order(odd) == [("Sync", wave, "odd")]


_PRUNES = [
    pytest.param({}, True, None, id="tracked and not wanted"),
    pytest.param({"options": "Prune=false"}, False, SkipReason.PRUNE_FORBIDDEN, id="Prune=false"),
    pytest.param({"hook": "PreSync"}, False, None, id="hooks are not pruned"),
]


@pytest.mark.parametrize(("annotations", "pruned", "reason"), _PRUNES)
def test_prune(annotations: dict[str, str], pruned: bool, reason: SkipReason | None) -> None:
    plan = plan_sync(request([], [make("ConfigMap", "old", **annotations)]))  # type: ignore[arg-type]
    assert [step.action for step in plan.steps] == ([Action.PRUNE] if pruned else [])
    assert [item.reason for item in plan.skipped] == ([reason] if reason else [])


def test_stray_owned_by_others_and_prune_off_stay() -> None:
    old = make("ConfigMap", "old")
    assert plan_sync(request([], [old], owned=frozenset())).steps == ()
    owned = make("ConfigMap", "kid")
    owned["metadata"]["ownerReferences"] = [{"uid": "u"}]
    assert plan_sync(request([], [owned])).steps == ()
    plan = plan_sync(request([], [old], operation=Operation()))
    assert [item.reason for item in plan.skipped] == [SkipReason.PRUNE_OFF]


def test_prune_waves_run_in_reverse_and_prune_last_behind_all() -> None:
    live = [make("ConfigMap", "p0", 0), make("ConfigMap", "p1", 1), make("ConfigMap", "p5", 5)]
    last = make("ConfigMap", "last", 0, options="PruneLast=true")
    found = order(make("ConfigMap", "new", 2), live=[*live, last])
    assert found == [("Sync", 0, "p5"), ("Sync", 1, "p1"), ("Sync", 2, "new"), ("Sync", 5, "p0"), ("Sync", 6, "last")]


@pytest.mark.parametrize(
    ("approved", "needs"),
    [(None, True), (NOW - timedelta(minutes=1), True), (NOW, False)],
    ids=["none", "older than the operation", "in time"],
)
def test_prune_confirm_waits_for_an_approval(approved: datetime | None, needs: bool) -> None:
    live = make("ConfigMap", "old", options="Prune=confirm")
    (step,) = plan_sync(request([], [live], approved_at=approved)).steps
    assert step.needs_approval is needs


_PLAIN = make("ConfigMap", "a")


@pytest.mark.parametrize(
    ("plan", "is_repeatable"),
    [
        pytest.param(plan_sync(request([_PLAIN, make("Secret", "b")], [_PLAIN])), True, id="plain objects"),
        pytest.param(plan_sync(request([_PLAIN], [_PLAIN, make("ConfigMap", "old")])), False, id="pruning"),
        pytest.param(
            plan_sync(request([_PLAIN], [_PLAIN, make("ConfigMap", "old")], operation=Operation(prune=False))),
            False,
            id="something that stays though Git has dropped it",
        ),
        pytest.param(plan_sync(request([_PLAIN, make("ConfigMap", "b", 1)])), False, id="two waves"),
        pytest.param(plan_sync(request([_PLAIN, make("Job", "m", hook="PreSync")])), False, id="a hook"),
        pytest.param(plan_sync(request([_PLAIN, make("Job", "m", hook="SyncFail")])), False, id="a hook on failure"),
        pytest.param(plan_sync(request([make("Job", "m", hook="Sync")])), False, id="a hook alone"),
        pytest.param(
            plan_sync(request([make("ConfigMap", "a", options="Replace=true")], [_PLAIN])), False, id="replaced"
        ),
        pytest.param(
            plan_sync(request([make("ConfigMap", "a", options="Force=true")], [_PLAIN])), False, id="made anew by force"
        ),
        pytest.param(plan_sync(request([_PLAIN], default_timeout=60.0)), False, id="a time-out"),
        pytest.param(plan_sync(request([_PLAIN], waits_for_last=True)), False, id="it waits for health"),
        pytest.param(
            plan_sync(request([_PLAIN], operation=Operation(dry_run=True))), False, id="a dry run, which is told"
        ),
        pytest.param(
            plan_sync(
                request([_PLAIN], policy=SyncPolicy(option_texts=("CreateNamespace=true",)), namespace_exists=False)
            ),
            False,
            id="a namespace first",
        ),
    ],
)
def test_one_wave_of_plain_applies_may_run_again(plan: Plan, is_repeatable: bool) -> None:
    assert plan.is_repeatable is is_repeatable


def _synced(manifest: Any) -> Comparison:
    return Comparison(key=key_of(manifest), strategy=Strategy.OWNERSHIP)


def test_plan_after_apply_is_empty() -> None:
    one = make("ConfigMap", "a")
    plan = plan_sync(request([one], [one], comparisons={key_of(one): _synced(one)}))
    assert plan.is_empty
    assert [step.action for step in plan.steps] == [Action.KEEP]


def test_apply_out_of_sync_only_leaves_the_synced_out() -> None:
    one, two = make("ConfigMap", "a"), make("ConfigMap", "b")
    policy = SyncPolicy(option_texts=("ApplyOutOfSyncOnly=true",))
    plan = plan_sync(request([one, two], [one], policy=policy, comparisons={key_of(one): _synced(one)}))
    assert [step.key.name for step in plan.steps] == ["b"]


def test_namespace_is_made_only_where_wanted_and_missing() -> None:
    policy = SyncPolicy(option_texts=("CreateNamespace=true",), namespace_labels={"team": "a"})
    plan = plan_sync(request([], policy=policy, namespace_exists=False))
    assert plan.namespace is not None
    assert plan.namespace.manifest["metadata"] == {"name": "shop", "labels": {"team": "a"}}
    assert plan_sync(request([], policy=policy)).namespace is None
    assert plan_sync(request([make("Namespace", "shop")], policy=policy, namespace_exists=False)).namespace is None


def test_refusal_and_unknown_kind_stop_the_plan() -> None:
    project = parse_project({"metadata": {"name": "p"}, "spec": {"destinations": [{"server": "*", "namespace": "x"}]}})
    assert len(plan_sync(request([make("ConfigMap", "a")], project=project)).refusals) == 1
    plan = plan_sync(request([make("Widget", "w")]))
    assert not plan.is_permitted
    assert plan_sync(request([make("Widget", "w", options="SkipDryRunOnMissingResource=true")])).is_permitted


_OBJECTS = [
    make("Namespace", "shop"),
    make("ConfigMap", "a", 1),
    make("ConfigMap", "b", 1),
    make("Deployment", "a"),
    make("Job", "m", hook="PreSync,PostSync"),
    make("Secret", "a", -1),
]


@given(st.permutations(_OBJECTS), st.permutations([make("Service", "x", 2), make("Service", "y", 3)]))
def test_shuffled_input_gives_the_same_plan(desired: list[Any], live: list[Any]) -> None:
    assert plan_sync(request(desired, live)) == plan_sync(request(_OBJECTS, live[::-1]))
    assert plan_sync(request(desired, live)).to_json()["waves"]


def test_deletion_goes_wave_by_wave_and_spares() -> None:
    itself = ResourceKey("argoproj.io", "Application", "argocd", "app")
    objects = [
        make("ConfigMap", "low", 0),
        make("ConfigMap", "high", 2),
        make("CustomResourceDefinition", "crd"),
        make("ConfigMap", "kept", keep="keep"),
        make("ConfigMap", "stays", options="Delete=false"),
    ]
    application = make("Application", "app", 9)
    application["apiVersion"], application["metadata"]["namespace"] = "argoproj.io/v1alpha1", "argocd"
    live = {key_of(item): item for item in (*objects, application)}
    plan = plan_deletion(live, itself=itself)
    assert [key.name for key in plan.next_wave] == ["high"]
    assert sorted(key.name for key in plan.spared) == ["crd", "kept", "stays"]
    objects[1]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert plan_deletion(live, itself=itself).next_wave == ()
    assert plan_deletion({itself: application}, itself=itself).is_done


def test_deletion_waits_for_confirmation() -> None:
    one = make("ConfigMap", "a", options="Delete=confirm")
    itself = ResourceKey("argoproj.io", "Application", "argocd", "app")
    plan = plan_deletion({key_of(one): one}, itself=itself, deleted_at=NOW)
    assert [key.name for key in plan.awaiting_approval] == ["a"]
    assert plan_deletion({key_of(one): one}, itself=itself, deleted_at=NOW, approved_at=NOW).next_wave


def test_a_version_that_the_cluster_does_not_serve_is_named_with_the_one_it_does() -> None:
    old = {**make("Deployment", "web"), "apiVersion": "apps/v1beta1"}
    plan = plan_sync(request([old], served_version=lambda gvk: "v1"))
    [(key, sentence)] = plan.invalid
    assert (key.name, sentence.code) == ("web", "version-unknown")
    assert sentence.parameters["served"] == "v1"
    assert not plan.is_permitted


def test_a_live_object_may_ask_for_replace_and_force() -> None:
    """So that one stuck object can be freed by hand; what it says else is Git's to say."""
    wanted = make("ConfigMap", "a")
    live = make("ConfigMap", "a", options="Replace=true,Force=true,ServerSideApply=false")
    [step] = plan_sync(request([wanted], [live])).steps
    assert step.action is Action.REPLACE
    assert (step.options.force, step.options.server_side_apply) == (True, None)


@pytest.mark.parametrize(
    ("named", "selected"),
    [
        pytest.param(ResourceRef(group="", kind="ConfigMap", name="a"), True, id="any namespace"),
        pytest.param(ResourceRef(group="", kind="ConfigMap", name="a", namespace="shop"), True, id="its namespace"),
        pytest.param(
            ResourceRef(group="", kind="ConfigMap", name="a", namespace="other"), False, id="another namespace"
        ),
        pytest.param(ResourceRef(group="x.io", kind="ConfigMap", name="a"), False, id="another group"),
        pytest.param(ResourceRef(group="", kind="ConfigMap", name="b"), False, id="another name"),
    ],
)
def test_what_a_selective_sync_names(named: ResourceRef, selected: bool) -> None:
    operation = Operation(prune=True, resources=(named,))
    created = plan_sync(request([make("ConfigMap", "a")], operation=operation))
    pruned = plan_sync(request([], [make("ConfigMap", "a")], operation=operation))
    for plan in (created, pruned):
        assert [step.key.name for step in plan.steps] == (["a"] if selected else [])
