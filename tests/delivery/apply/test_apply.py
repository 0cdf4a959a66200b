from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from haori.cluster import (
    ApiResource,
    Discovery,
    InvalidError,
    KubernetesClient,
    NotFoundError,
    PatchType,
    Propagation,
    UnreachableError,
)
from haori.cluster.client import error_of_status
from haori.cluster.well_known import (
    APPLICATIONS,
    CONFIG_MAPS,
    CUSTOM_RESOURCE_DEFINITIONS,
    DEPLOYMENTS,
    JOBS,
    NAMESPACES,
    PERSISTENT_VOLUME_CLAIMS,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
)
from haori.delivery.apply import Action, Applier, ApplySettings, LostLeadershipError, Task, WriteDoor
from haori.delivery.apply.client_side import LAST_APPLIED, plan_merge, plan_patch, with_last_applied
from haori.delivery.apply.errors import explain
from haori.delivery.apply.migrate import merge_fields, own_string_data, plan_give_up, plan_take_over
from haori.delivery.model import SyncOptions
from haori.delivery.model.options import Propagation as Policy
from haori.errors import format_error
from haori.objects import ResourceKey
from haori.resources.argo import HOOK_FINALIZER, OperationPhase, ResultCode
from haori.schema import Schemas, strategic_merge_patch


class Recorder:
    """A cluster that takes everything but what `refuse` names, and remembers calls in order."""

    cluster = "test"

    def __init__(self, refuse: dict[str, Exception] | None = None) -> None:
        self.refuse = refuse or {}
        self.calls: list[str] = []
        self.arguments: list[dict[str, Any]] = []

    async def discover(self, *, refresh: bool = False) -> Discovery:
        if refresh:
            self.calls.append("discover")
        return Discovery(resources=(CONFIG_MAPS, SECRETS, DEPLOYMENTS, NAMESPACES))

    def _called(self, verb: str, name: str, arguments: dict[str, Any]) -> None:
        self.calls.append(f"{verb} {name}")
        self.arguments.append(arguments)
        if problem := self.refuse.get(f"{verb} {name}"):
            raise problem

    async def get(self, resource: ApiResource, name: str, namespace: str = "") -> dict[str, Any]:
        self._called("get", name, {})
        return manifest(name)

    async def apply(self, resource: ApiResource, body: Any, **arguments: Any) -> dict[str, Any]:
        self._called("apply", body["metadata"]["name"], arguments)
        return dict(body)

    async def create(self, resource: ApiResource, body: Any, **arguments: Any) -> dict[str, Any]:
        self._called("create", body["metadata"]["name"], arguments)
        return dict(body)

    async def replace(self, resource: ApiResource, body: Any, **arguments: Any) -> dict[str, Any]:
        self._called("replace", body["metadata"]["name"], {**arguments, "body": body})
        return dict(body)

    async def patch(self, resource: ApiResource, name: str, namespace: str, body: Any, **kw: Any) -> dict[str, Any]:
        self._called("patch", name, {**kw, "body": body})
        return manifest(name)

    async def delete(self, resource: ApiResource, name: str, namespace: str = "", **arguments: Any) -> None:
        self._called("delete", name, arguments)


class Gathering(Recorder):
    """Counts the writes that are under way at once."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self._inside = 0

    async def discover(self, *, refresh: bool = False) -> Discovery:
        known = (CONFIG_MAPS, SECRETS, DEPLOYMENTS, SERVICES, SERVICE_ACCOUNTS, PERSISTENT_VOLUME_CLAIMS, JOBS)
        return Discovery(resources=known)

    async def apply(self, resource: ApiResource, body: Any, **arguments: Any) -> dict[str, Any]:
        if not self._inside:
            self.sizes.append(0)
        self._inside += 1
        self.sizes[-1] += 1
        for _ in range(10):  # Whoever may come meanwhile comes.
            await asyncio.sleep(0)
        self._inside -= 1
        return dict(body)


def manifest(name: str = "a", kind: str = "ConfigMap", **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "n", **metadata}, "data": {}}


def applier(recorder: Recorder, door: WriteDoor | None = None, **settings: Any) -> Applier:
    return Applier(cast(KubernetesClient, recorder), door or WriteDoor(), ApplySettings(**settings))


async def test_an_object_that_is_not_there_costs_one_request():
    recorder, door = Recorder(), WriteDoor()
    [outcome] = await applier(recorder, door).run_wave([Task(action=Action.APPLY, desired=manifest())])
    assert recorder.calls == ["apply a"]
    assert recorder.arguments[0] == {"field_manager": "haori", "force": True, "dry_run": False}
    assert outcome.result.to_json() == {
        "version": "v1",
        "kind": "ConfigMap",
        "namespace": "n",
        "name": "a",
        "status": "Synced",
        "message": "configmap/a serverside-applied",
        "hookPhase": "Running",
        "syncPhase": "Sync",
    }
    assert door.statistics()["writes"] == 1


async def test_prunes_then_old_hooks_then_kinds_in_the_planned_order():
    recorder = Recorder()
    tasks = [
        Task(action=Action.APPLY, desired=manifest("s", "Secret")),
        Task(action=Action.APPLY, desired=manifest("c")),
        Task(action=Action.DELETE_HOOK, live=manifest("h", uid="v", finalizers=["x", HOOK_FINALIZER])),
        Task(action=Action.PRUNE, live=manifest("p", uid="u")),
    ]
    outcomes = await applier(recorder, parallel=1).run_wave(tasks)
    assert recorder.calls == ["delete p", "patch h", "delete h", "apply s", "apply c"]
    assert recorder.arguments[0]["uid"] == "u"
    assert recorder.arguments[1]["body"] == {"metadata": {"finalizers": ["x"], "uid": "v"}}
    assert [outcome.task for outcome in outcomes] == tasks


@pytest.mark.parametrize(
    ("kinds", "batches"),
    [
        (["ServiceAccount", "Secret", "ConfigMap", "Service", "Deployment"], [4, 1]),
        (["ConfigMap", "PersistentVolumeClaim", "Service"], [1, 1, 1]),
        (["ServiceAccount", "Token", "Token", "ConfigMap"], [1, 2, 1]),
        (["Deployment", "Deployment", "Job"], [2, 1]),
    ],
)
async def test_what_waits_for_nothing_is_written_at_once(kinds: list[str], batches: list[int]):
    gathered = Gathering()
    tasks = []
    for number, kind in enumerate(kinds):
        desired = manifest(f"o{number}", "Secret" if kind == "Token" else kind)
        if kind == "Token":
            desired["type"] = "kubernetes.io/service-account-token"
        desired["apiVersion"] = {"Deployment": "apps/v1", "Job": "batch/v1"}.get(kind, "v1")
        tasks.append(Task(action=Action.APPLY, desired=desired))
    outcomes = await applier(gathered).run_wave(tasks)
    assert (gathered.sizes, [outcome.error for outcome in outcomes]) == (batches, [None] * len(kinds))


async def test_a_kind_that_fails_does_not_keep_later_kinds_back():
    problem = InvalidError("api-invalid", status=422, message="nope")
    recorder = Recorder({"apply s": problem})
    tasks = [Task(action=Action.APPLY, desired=manifest("s", "Secret")), Task(action=Action.APPLY, desired=manifest())]
    failed, done = await applier(recorder).run_wave(tasks)
    assert (failed.result.status, failed.result.hook_phase) == (ResultCode.SYNC_FAILED, OperationPhase.FAILED)
    assert "Secret n/s: the cluster refused it" in failed.result.message
    assert done.result.status is ResultCode.SYNCED


async def test_trouble_with_the_network_stays_transient():
    recorder = Recorder({"apply a": UnreachableError(cluster="c", action="apply", problem="gone")})
    [outcome] = await applier(recorder).run_wave([Task(action=Action.APPLY, desired=manifest())])
    assert outcome.error is not None
    assert outcome.error.transient


async def test_a_shut_door_ends_the_wave_before_the_next_write():
    left = iter([10.0, 1.0])
    door = WriteDoor(term=7, seconds_left=lambda: next(left), margin_seconds=5)
    recorder = Recorder()
    tasks = [Task(action=Action.APPLY, desired=manifest("s", "Secret")), Task(action=Action.APPLY, desired=manifest())]
    with pytest.raises(LostLeadershipError):
        await applier(recorder, door).run_wave(tasks)
    assert recorder.calls == ["apply s"]


async def test_what_is_gone_already_counts_as_pruned():
    recorder = Recorder({"delete a": NotFoundError(status=404)})
    [outcome] = await applier(recorder).run_wave([Task(action=Action.PRUNE, live=manifest())])
    assert (outcome.error, outcome.result.status) == (None, ResultCode.PRUNED)


async def test_a_kind_nobody_serves_is_looked_for_once_more():
    recorder = Recorder()
    [outcome] = await applier(recorder).run_wave([Task(action=Action.APPLY, desired=manifest(kind="Car"))])
    assert recorder.calls == ["discover"]
    assert outcome.error is not None
    assert outcome.error.code == "kind-not-served"
    assert outcome.result.hook_phase is None


@pytest.mark.parametrize(
    ("live", "force", "calls"),
    [(None, False, ["apply a"]), (manifest(resourceVersion="3"), False, ["replace a", "apply a"])],
    ids=["absent", "present"],
)
async def test_replace(live: dict[str, Any] | None, force: bool, calls: list[str]):
    recorder = Recorder()
    task = Task(action=Action.REPLACE, desired=manifest(), live=live, options=SyncOptions(replace=True, force=force))
    await applier(recorder).run_wave([task])
    assert recorder.calls == calls


async def test_nothing_is_changed_in_a_dry_run():
    recorder = Recorder()
    tasks = [Task(action=Action.APPLY, desired=manifest()), Task(action=Action.PRUNE, live=manifest("p"))]
    outcomes = await applier(recorder, dry_run=True).run_wave(tasks)
    assert all(arguments["dry_run"] for arguments in recorder.arguments)
    assert [o.result.message for o in outcomes] == [
        "configmap/a serverside-applied (server dry run)",
        "pruned (dry run)",
    ]


async def test_skipped_and_kept_objects_send_nothing():
    recorder = Recorder()
    tasks = [Task(action=Action.SKIP_PRUNE, live=manifest()), Task(action=Action.KEEP, desired=manifest("k"))]
    skipped, kept = await applier(recorder).run_wave(tasks)
    assert recorder.calls == []
    assert skipped.result.status is ResultCode.PRUNE_SKIPPED
    assert kept.result.message == "configmap/k unchanged"


def entry(manager: str, operation: str, fields: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": fields, "apiVersion": "v1", **more}


def test_taking_over_joins_fields_and_leaves_other_managers_alone():
    kubectl = entry("kubectl-client-side-apply", "Update", {"f:data": {"f:a": {}}})
    status = entry("kubectl-client-side-apply", "Update", {"f:status": {}}, subresource="status")
    other = entry("hpa", "Update", {"f:spec": {"f:replicas": {}}})
    ours = entry("me", "Apply", {"f:data": {"f:b": {}}})
    live = manifest(resourceVersion="5", managedFields=[kubectl, other, ours, status])
    test, replace = plan_take_over(live, "me", {("kubectl-client-side-apply", "Update")})
    assert test == {"op": "test", "path": "/metadata/resourceVersion", "value": "5"}
    assert replace["value"] == [entry("me", "Apply", {"f:data": {"f:a": {}, "f:b": {}}}), other, status]
    done = manifest(resourceVersion="5", managedFields=replace["value"])
    assert plan_take_over(done, "me", {("kubectl-client-side-apply", "Update")}) == []


def test_a_deployment_keeps_what_kubectl_remembers_since_its_generation_counts_annotations():
    last = "f:kubectl.kubernetes.io/last-applied-configuration"
    fields: dict[str, Any] = {"f:metadata": {"f:annotations": {last: {}, "f:note": {}}}, "f:spec": {"f:replicas": {}}}
    argo = entry("argocd-controller", "Update", fields)
    expected: dict[str, Any] = {"Deployment": {"f:note": {}}, "StatefulSet": {last: {}, "f:note": {}}}
    for kind, kept in expected.items():
        live = {**manifest(resourceVersion="5", managedFields=[argo]), "kind": kind}
        _, replace = plan_take_over(live, "me", {("argocd-controller", "Update")})
        assert replace["value"][0]["fieldsV1"]["f:metadata"]["f:annotations"] == kept


def secret(*entries: dict[str, Any]) -> dict[str, Any]:
    made = manifest(resourceVersion="5", managedFields=list(entries))
    return {**made, "kind": "Secret"}


def test_what_was_applied_as_string_data_is_made_ours_in_data():
    texts = entry("me", "Apply", {"f:stringData": {"f:a": {}}, "f:data": {"f:b": {}}, "f:type": {}})
    other = entry("other", "Apply", {"f:stringData": {"f:c": {}}})
    _, replace = plan_take_over(secret(texts, other), "me", ())
    ours = entry("me", "Apply", {"f:data": {"f:a": {}, "f:b": {}}, "f:type": {}})
    assert replace["value"] == [ours, other]
    assert plan_take_over(secret(ours, other), "me", ()) == []


def test_fields_owned_at_string_data_count_in_data():
    texts = entry("me", "Apply", {"f:stringData": {"f:a": {}}})
    (counted,) = own_string_data(secret(texts), "me")["metadata"]["managedFields"]
    assert counted["fieldsV1"] == {"f:stringData": {"f:a": {}}, "f:data": {"f:a": {}}}
    for untouched in (secret(entry("other", "Apply", {"f:stringData": {}})), manifest(managedFields=[texts])):
        assert own_string_data(untouched, "me") is untouched


def test_joining_fields_with_themselves_changes_nothing():
    fields: dict[str, Any] = {"f:a": {".": {}, 'k:{"x":1}': {"f:y": {}}}}
    assert merge_fields(fields, fields) == fields


def test_joining_keeps_a_field_that_is_owned_apart_from_what_is_below_it():
    assert merge_fields({"f:a": {}}, {"f:a": {"f:b": {}}}) == {"f:a": {".": {}, "f:b": {}}}


def test_client_side_apply_removes_what_was_written_and_is_wanted_no_more():
    before = {**manifest(), "data": {"a": "1", "b": "2"}}
    live = with_last_applied(before)
    live["data"]["theirs"] = "kept"
    after = {**manifest(), "data": {"a": "9"}}
    patch = plan_merge(live, after)
    assert patch["data"] == {"b": None, "a": "9"}
    assert set(patch["metadata"]["annotations"]) == {LAST_APPLIED}


def test_client_side_apply_of_the_same_again_finds_nothing():
    assert plan_merge(with_last_applied(manifest()), manifest()) == {}


@pytest.mark.parametrize(
    ("status", "message"),
    [(422, "data.n: Invalid value: CANARY"), (500, "failed to create typed patch object (n/s): got CANARY")],
)
def test_a_refused_secret_is_told_without_what_the_server_quotes(status: int, message: str):
    answer = {"reason": "Invalid", "message": message, "details": {"causes": [{"field": "data.n"}]}}
    told = explain(error_of_status(status, answer), ResourceKey("", "Secret", "n", "s"))
    assert told.code == "apply-refused-secret"
    assert not told.transient
    assert "CANARY" not in f"{told}{told.parameters}{format_error(told)}"


def managed(operation: str, **data: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {"f:data": {f"f:{name}": {} for name in data}}
    return {
        "manager": "haori",
        "operation": operation,
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }


def test_what_was_ours_by_apply_becomes_an_updates_when_the_client_applies():
    other = {**managed("Update", c=1), "manager": "kubectl-edit"}
    live = manifest(resourceVersion="7", managedFields=[managed("Apply", a=1), other, managed("Update", b=1)])

    test, change = plan_give_up(live, "haori")

    assert test == {"op": "test", "path": "/metadata/resourceVersion", "value": "7"}
    assert change["value"] == [other, managed("Update", a=1, b=1)]
    assert plan_give_up(manifest(managedFields=[other]), "haori") == []


@pytest.mark.parametrize("options", [SyncOptions(replace=True, force=True), SyncOptions(force=True)])
async def test_a_namespace_is_never_deleted_to_be_made_anew(options: SyncOptions):
    refused = InvalidError("api-invalid", status=422, message="field is immutable")
    recorder = Recorder({"apply a": refused} if not options.replace else {})
    desired = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}
    live = {**desired, "metadata": {"name": "a", "resourceVersion": "3"}}
    action = Action.REPLACE if options.replace else Action.APPLY
    await applier(recorder).run_wave([Task(action=action, desired=desired, live=live, options=options)])
    assert not [call for call in recorder.calls if call.startswith("delete")]


@pytest.mark.parametrize(
    ("options", "propagation"),
    [
        pytest.param(SyncOptions(), Propagation.FOREGROUND, id="default"),
        pytest.param(SyncOptions(propagation=Policy.BACKGROUND), Propagation.BACKGROUND, id="background"),
        pytest.param(SyncOptions(propagation=Policy.ORPHAN), Propagation.ORPHAN, id="orphan"),
    ],
)
async def test_how_a_prune_spreads_is_the_options_to_say(options: SyncOptions, propagation: Propagation):
    recorder = Recorder()
    await applier(recorder).run_wave([Task(action=Action.PRUNE, live=manifest(uid="u"), options=options)])
    [arguments] = recorder.arguments
    assert (arguments["propagation"], arguments["uid"]) == (propagation, "u")


@pytest.mark.parametrize(
    ("force", "calls"), [(False, ["apply a"]), (True, ["apply a", "delete a", "get a", "apply a"])]
)
async def test_force_makes_anew_what_cannot_be_changed(force: bool, calls: list[str]):
    class Frozen(Recorder):
        async def apply(self, resource: ApiResource, body: Any, **arguments: Any) -> dict[str, Any]:
            self.refuse = {} if "apply a" in self.calls else self.refuse
            return await super().apply(resource, body, **arguments)

        async def delete(self, resource: ApiResource, name: str, namespace: str = "", **arguments: Any) -> None:
            await super().delete(resource, name, namespace, **arguments)
            self.refuse["get a"] = NotFoundError(status=404)

    recorder = Frozen({"apply a": InvalidError("api-invalid", status=422, message="field is immutable")})
    task = Task(action=Action.APPLY, desired=manifest(), options=SyncOptions(force=force))
    [outcome] = await applier(recorder).run_wave([task])
    assert recorder.calls == calls
    assert outcome.result.message.endswith("replaced" if force else "field is immutable")


def deployment(*containers: dict[str, Any]) -> dict[str, Any]:
    spec = {"template": {"spec": {"containers": list(containers)}}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "n"}, "spec": spec}


def test_client_side_apply_merges_the_lists_of_kubernetes_own_types_by_their_keys():
    first = deployment({"name": "web", "image": "web:1"}, {"name": "gone", "image": "g"})
    sidecar = {"name": "injected", "image": "i"}
    live = deployment({"name": "web", "image": "web:1", "env": [{"name": "BY_HAND"}]}, {"name": "gone"}, sidecar)
    live["metadata"]["annotations"] = {LAST_APPLIED: with_last_applied(first)["metadata"]["annotations"][LAST_APPLIED]}

    patch, type_ = plan_patch(live, deployment({"name": "web", "image": "web:2"}))

    schema = Schemas.builtin().type_for("apps/v1", "Deployment")
    assert (schema is not None, type_) == (True, PatchType.STRATEGIC)
    merged = strategic_merge_patch(schema, live, patch) if schema is not None else {}
    assert merged["spec"]["template"]["spec"]["containers"] == [
        {"name": "web", "image": "web:2", "env": [{"name": "BY_HAND"}]},
        sidecar,
    ]


def test_client_side_apply_takes_the_lists_of_custom_types_whole():
    wanted = {"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": {"list": [{"name": "a"}]}}
    patch, type_ = plan_patch({**wanted, "spec": {"list": [{"name": "b"}]}}, wanted)
    assert (patch["spec"], type_) == (wanted["spec"], PatchType.MERGE)


class Defining(Recorder):
    """Establishes a definition at once, and tells of its type at the third look."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    async def discover(self, *, refresh: bool = False) -> Discovery:
        self.looks += refresh
        cars = ApiResource(group="x.example", version="v1", kind="Car", plural="cars", namespaced=True, singular="car")
        known = (CUSTOM_RESOURCE_DEFINITIONS, *((cars,) if self.looks >= 3 else ()))
        return Discovery(resources=known)

    async def apply(self, resource: ApiResource, body: Any, **arguments: Any) -> dict[str, Any]:
        stored = await super().apply(resource, body, **arguments)
        return {**stored, "status": {"conditions": [{"type": "Established", "status": "True"}]}}


def definition(*served: str) -> dict[str, Any]:
    versions = [{"name": "v1", "served": True}, {"name": "v0", "served": False}]
    versions += [{"name": name, "served": True} for name in served]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "cars.x.example"},
        "spec": {"group": "x.example", "names": {"kind": "Car"}, "versions": versions},
    }


async def test_what_a_definition_defines_is_awaited():
    defining = Defining()
    car = {"apiVersion": "x.example/v1", "kind": "Car", "metadata": {"name": "c", "namespace": "n"}}
    tasks = [Task(action=Action.APPLY, desired=each) for each in (definition(), car)]
    outcomes = await applier(defining).run_wave(tasks)
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert (defining.calls, defining.looks) == (["apply cars.x.example", "apply c"], 3)


async def test_a_type_that_the_cluster_never_tells_of_is_for_its_objects_to_say():
    [outcome] = await applier(Defining(), establish_seconds=0.2).run_wave(
        [Task(action=Action.APPLY, desired=definition("v9"))]
    )
    assert outcome.error is None


class Undecided(Defining):
    """Never establishes what was applied."""

    async def apply(self, resource: ApiResource, body: Any, **arguments: Any) -> dict[str, Any]:
        return dict(await Recorder.apply(self, resource, body, **arguments))

    async def get(self, resource: ApiResource, name: str, namespace: str = "") -> dict[str, Any]:
        return definition()


async def test_a_definition_that_is_never_established_is_named():
    [outcome] = await applier(Undecided(), establish_seconds=0.2).run_wave(
        [Task(action=Action.APPLY, desired=definition())]
    )
    assert outcome.error is not None
    assert outcome.error.code == "crd-not-established"


def child(**records: Any) -> dict[str, Any]:
    metadata = {"name": "child", "namespace": "argocd", "resourceVersion": "7"}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": {}, **records}


class Children(Recorder):
    """Holds one Application, with what an engine wrote of it and what was asked of it."""

    async def discover(self, *, refresh: bool = False) -> Discovery:
        return Discovery(resources=(APPLICATIONS,))

    async def get(self, resource: ApiResource, name: str, namespace: str = "") -> dict[str, Any]:
        return child(status={"history": [{"id": 1}]}, operation={"sync": {}})


async def test_a_replaced_application_keeps_what_an_engine_wrote_of_it():
    cluster = Children()
    task = Task(action=Action.REPLACE, desired=child(), live=child(status={}), options=SyncOptions(replace=True))
    [outcome] = await applier(cluster).run_wave([task])
    assert outcome.error is None
    body = next(each["body"] for each in cluster.arguments if "body" in each)
    assert (body["status"], body["operation"]) == ({"history": [{"id": 1}]}, {"sync": {}})


def test_an_application_is_taken_over_without_what_an_engine_wrote_of_it():
    fields: dict[str, Any] = {"f:spec": {"f:project": {}}, "f:status": {}, "f:operation": {"f:sync": {}}}
    entry = {"manager": "me", "operation": "Update", "apiVersion": "argoproj.io/v1alpha1", "fieldsV1": fields}
    live = child()
    live["metadata"]["managedFields"] = [entry]
    _, replace = plan_take_over(live, "me", {("me", "Update")})
    assert replace["value"][0]["fieldsV1"] == {"f:spec": {"f:project": {}}}


def test_client_side_apply_forgets_no_status_of_an_application_that_was_once_applied():
    before = with_last_applied(child(status={"sync": {}}))
    before["status"] = {"history": [{"id": 1}]}
    patch, _ = plan_patch(before, child())
    assert "status" not in patch
