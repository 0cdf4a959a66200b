"""What controllers must do, as cases that run on any control plane: ours, and Kubernetes' own.

Each case is given a fresh namespace with one ready node and a kubelet; it holds for the controllers of Kubernetes 1.37 too,
which `tests/controlplane` proves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from haori.cluster import Propagation
from haori.cluster.well_known import (
    CONFIG_MAPS,
    CONTROLLER_REVISIONS,
    DAEMON_SETS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    ENDPOINTS,
    HORIZONTAL_POD_AUTOSCALERS,
    JOBS,
    NAMESPACES,
    NODES,
    POD_DISRUPTION_BUDGETS,
    PODS,
    REPLICA_SETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    STATEFUL_SETS,
)
from tests.sandbox.controllers.bench import Bench, Object, conditions, counts, set_image, template, workload

Case = Callable[[Bench], Awaitable[None]]
CASES: list[Case] = []

REVISION = "deployment.kubernetes.io/revision"
AVAILABLE = ("True", "MinimumReplicasAvailable")
PROGRESSED = ("True", "NewReplicaSetAvailable")
ROLLED_OUT = {"Available": AVAILABLE, "Progressing": PROGRESSED}


def case(run: Case) -> Case:
    """Adds a case."""
    CASES.append(run)
    return run


def rolled_out(replicas: int) -> Callable[[Object], bool]:
    """Whether a Deployment's status says that its rollout is through."""

    def check(status: Object) -> bool:
        wanted = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), replicas)
        found = {name: status.get(name, 0) for name in wanted}
        return found == wanted and conditions(status) == ROLLED_OUT and not status.get("terminatingReplicas")

    return check


async def deploy(bench: Bench, replicas: int = 3, **spec: Any) -> Object:
    """A Deployment that is through."""
    await bench.create(DEPLOYMENTS, "web", spec=workload(replicas, **spec))
    return await bench.until_status(DEPLOYMENTS, "web", rolled_out(replicas))


async def sets_by_image(bench: Bench) -> dict[str, Object]:
    """The ReplicaSets by the image of their template."""
    found = await bench.all(REPLICA_SETS)
    return {each["spec"]["template"]["spec"]["containers"][0]["image"]: each for each in found}


@case
async def deployment_becomes_available(bench: Bench) -> None:
    deployment = await deploy(bench)
    assert deployment["metadata"]["annotations"][REVISION] == "1"
    assert counts(deployment["status"]) == {
        "observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3,
        "terminatingReplicas": 0,
    }  # fmt: skip
    (set_,) = await bench.all(REPLICA_SETS)
    annotations = {key.rpartition("/")[2]: value for key, value in set_["metadata"]["annotations"].items()}
    assert annotations == {"revision": "1", "desired-replicas": "3", "max-replicas": "4"}
    assert counts(set_["status"]) == {
        "observedGeneration": 1, "replicas": 3, "fullyLabeledReplicas": 3, "readyReplicas": 3, "availableReplicas": 3,
        "terminatingReplicas": 0,
    }  # fmt: skip
    hash_ = set_["metadata"]["labels"]["pod-template-hash"]
    assert set_["metadata"]["name"] == f"web-{hash_}"
    assert set_["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": hash_}
    for pod in await bench.until_pods(3):
        assert pod["metadata"]["labels"] == {"app": "web", "pod-template-hash": hash_}
        assert pod["metadata"]["name"].startswith(f"web-{hash_}-")
    said = {each["type"]: each["message"] for each in deployment["status"]["conditions"]}
    assert said["Available"] == "Deployment has minimum availability."
    assert said["Progressing"] == f'ReplicaSet "web-{hash_}" has successfully progressed.'
    event = await bench.until_event("ScalingReplicaSet", "web")
    assert event["message"] == f"Scaled up replica set web-{hash_} from 0 to 3"


@case
async def deployment_updates_and_goes_back(bench: Bench) -> None:
    await deploy(bench)
    await bench.change(DEPLOYMENTS, "web", set_image("app:2"))
    deployment = await bench.until_status(DEPLOYMENTS, "web", rolled_out(3))
    assert deployment["metadata"]["annotations"][REVISION] == "2"
    assert deployment["status"]["observedGeneration"] == 2
    sets = await sets_by_image(bench)
    assert {image: each["spec"]["replicas"] for image, each in sets.items()} == {"app:1": 0, "app:2": 3}
    assert {pod["spec"]["containers"][0]["image"] for pod in await bench.until_pods(3)} == {"app:2"}
    await bench.change(DEPLOYMENTS, "web", set_image("app:1"))
    deployment = await bench.until_status(DEPLOYMENTS, "web", rolled_out(3))
    assert deployment["metadata"]["annotations"][REVISION] == "3"
    again = (await sets_by_image(bench))["app:1"]
    assert again["metadata"]["uid"] == sets["app:1"]["metadata"]["uid"]
    assert again["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] == "1"


@case
async def deployment_scales(bench: Bench) -> None:
    await deploy(bench, 2)
    for size in (5, 1, 0, 2):
        await bench.merge(DEPLOYMENTS, "web", {"spec": {"replicas": size}})
        deployment = await bench.until_status(DEPLOYMENTS, "web", rolled_out(size))
        assert deployment["metadata"]["annotations"][REVISION] == "1"
        await bench.until_pods(size)
    assert len(await bench.all(REPLICA_SETS)) == 1


@case
async def deployment_with_a_bad_image_misses_its_deadline(bench: Bench) -> None:
    await deploy(bench, progressDeadlineSeconds=2)
    await bench.change(DEPLOYMENTS, "web", set_image("missing:1"))

    def is_late(status: Object) -> bool:
        return conditions(status).get("Progressing") == ("False", "ProgressDeadlineExceeded")

    deployment = await bench.until_status(DEPLOYMENTS, "web", is_late)
    assert conditions(deployment["status"])["Available"] == AVAILABLE
    assert counts(deployment["status"]) == {
        "observedGeneration": 2, "replicas": 4, "updatedReplicas": 1, "readyReplicas": 3, "availableReplicas": 3,
        "unavailableReplicas": 1, "terminatingReplicas": 0,
    }  # fmt: skip
    sets = await sets_by_image(bench)
    name = sets["missing:1"]["metadata"]["name"]
    late = next(each for each in deployment["status"]["conditions"] if each["type"] == "Progressing")
    assert late["message"] == f'ReplicaSet "{name}" has timed out progressing.'
    await bench.change(DEPLOYMENTS, "web", set_image("app:1"))
    await bench.until_status(DEPLOYMENTS, "web", rolled_out(3))
    await bench.until_pods(3)


@case
async def deployment_below_availability_says_so(bench: Bench) -> None:
    await bench.create(DEPLOYMENTS, "web", spec=workload(2, "unready:1"))

    def is_waiting(status: Object) -> bool:
        return status.get("updatedReplicas") == 2 and conditions(status) == {
            "Available": ("False", "MinimumReplicasUnavailable"),
            "Progressing": ("True", "ReplicaSetUpdated"),
        }

    deployment = await bench.until_status(DEPLOYMENTS, "web", is_waiting)
    assert deployment["status"]["unavailableReplicas"] == 2


@case
async def deployment_recreates(bench: Bench) -> None:
    await deploy(bench, strategy={"type": "Recreate"})
    await bench.change(DEPLOYMENTS, "web", set_image("app:2"))
    await bench.until_status(DEPLOYMENTS, "web", rolled_out(3))
    assert {pod["spec"]["containers"][0]["image"] for pod in await bench.until_pods(3)} == {"app:2"}


@case
async def deployment_that_is_paused_waits(bench: Bench) -> None:
    await deploy(bench)
    await bench.merge(DEPLOYMENTS, "web", {"spec": {"paused": True}})
    await bench.until_status(
        DEPLOYMENTS, "web", lambda status: conditions(status).get("Progressing") == ("Unknown", "DeploymentPaused")
    )
    await bench.change(DEPLOYMENTS, "web", set_image("app:2"))
    await bench.merge(DEPLOYMENTS, "web", {"spec": {"replicas": 4}})
    await bench.until_status(DEPLOYMENTS, "web", lambda status: status.get("availableReplicas") == 4)
    assert list(await sets_by_image(bench)) == ["app:1"]
    await bench.merge(DEPLOYMENTS, "web", {"spec": {"paused": False}})
    await bench.until_status(DEPLOYMENTS, "web", rolled_out(4))
    assert set(await sets_by_image(bench)) == {"app:1", "app:2"}


@case
async def deployment_forgets_old_revisions(bench: Bench) -> None:
    await deploy(bench, 1, revisionHistoryLimit=1)
    for image in ("app:2", "app:3", "app:4"):
        await bench.change(DEPLOYMENTS, "web", set_image(image))
        await bench.until_status(DEPLOYMENTS, "web", rolled_out(1))

    async def find() -> bool:
        return set(await sets_by_image(bench)) == {"app:3", "app:4"}

    await bench.until(find, "one old ReplicaSet")


@case
async def replica_set_adopts_and_releases(bench: Bench) -> None:
    pod = template()
    await bench.create(PODS, "lone", labels=pod["metadata"]["labels"], spec=pod["spec"])
    await bench.until_status(PODS, "lone", lambda status: conditions(status).get("Ready", ("",))[0] == "True")
    await bench.create(REPLICA_SETS, "web", spec=workload(2))
    await bench.until_status(REPLICA_SETS, "web", lambda status: status.get("availableReplicas") == 2)
    pods = await bench.until_pods(2)
    lone = next(each for each in pods if each["metadata"]["name"] == "lone")

    async def adopted() -> list[Object] | None:
        found = await bench.get(PODS, "lone")
        return list((found or lone)["metadata"].get("ownerReferences") or ())

    (reference,) = await bench.until(adopted, "adopted")
    assert (reference["kind"], reference["name"], reference["controller"]) == ("ReplicaSet", "web", True)
    await bench.merge(PODS, "lone", {"metadata": {"labels": {"app": "other"}}})
    await bench.until_pods(3)

    async def released() -> bool:
        found = await bench.get(PODS, "lone")
        return found is not None and not found["metadata"].get("ownerReferences")

    await bench.until(released, "released")


@case
async def stateful_set_starts_in_order_and_updates_backwards(bench: Bench) -> None:
    await bench.create(STATEFUL_SETS, "db", spec=workload(3, name="db", serviceName="db"))
    set_ = await bench.until_status(STATEFUL_SETS, "db", lambda status: status.get("availableReplicas") == 3)
    pods = await bench.until_pods(3)
    assert [pod["metadata"]["name"] for pod in pods] == ["db-0", "db-1", "db-2"]
    assert (pods[1]["spec"]["hostname"], pods[1]["spec"]["subdomain"]) == ("db-1", "db")
    assert pods[1]["metadata"]["labels"]["apps.kubernetes.io/pod-index"] == "1"
    status = set_["status"]
    assert status["currentRevision"] == status["updateRevision"]
    assert counts(status) == {
        "observedGeneration": 1, "replicas": 3, "readyReplicas": 3, "currentReplicas": 3, "updatedReplicas": 3,
        "availableReplicas": 3, "collisionCount": 0,
    }  # fmt: skip
    partition = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    await bench.merge(STATEFUL_SETS, "db", {"spec": {"updateStrategy": partition}})
    await bench.change(STATEFUL_SETS, "db", set_image("app:2"))
    await bench.until_status(
        STATEFUL_SETS, "db", lambda status: status.get("updatedReplicas") == 1 and status.get("readyReplicas") == 3
    )
    images = {pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"] for pod in await bench.until_pods(3)}
    assert images == {"db-0": "app:1", "db-1": "app:1", "db-2": "app:2"}
    await bench.merge(STATEFUL_SETS, "db", {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}})
    await bench.until_status(
        STATEFUL_SETS,
        "db",
        lambda status: (
            status.get("updatedReplicas") == status.get("readyReplicas") == status.get("currentReplicas") == 3
            and status["currentRevision"] == status["updateRevision"]
        ),
    )
    assert len(await bench.all(CONTROLLER_REVISIONS)) == 2
    await bench.merge(STATEFUL_SETS, "db", {"spec": {"replicas": 1}})
    (pod,) = await bench.until_pods(1)
    assert pod["metadata"]["name"] == "db-0"


@case
async def stateful_set_waits_for_an_unready_pod(bench: Bench) -> None:
    await bench.create(STATEFUL_SETS, "db", spec=workload(3, "unready:1", name="db", serviceName="db"))
    await bench.until_status(STATEFUL_SETS, "db", lambda status: status.get("replicas") == 1)
    spec = workload(3, "unready:1", name="par", serviceName="par", podManagementPolicy="Parallel")
    await bench.create(STATEFUL_SETS, "par", spec=spec)
    await bench.until_status(STATEFUL_SETS, "par", lambda status: status.get("replicas") == 3)
    assert len(await bench.all(PODS, "app=db")) == 1


@case
async def daemon_set_covers_the_nodes(bench: Bench) -> None:
    labels = {"app": "agent"}
    spec = {"selector": {"matchLabels": labels}, "template": template("app:1", labels)}
    await bench.create(DAEMON_SETS, "agent", spec=spec)
    nodes = len((await bench.client.list(NODES)).items)
    set_ = await bench.until_status(DAEMON_SETS, "agent", lambda status: status.get("numberAvailable") == nodes)
    assert counts(set_["status"]) == {
        "observedGeneration": 1, "currentNumberScheduled": nodes, "desiredNumberScheduled": nodes, "numberReady": nodes,
        "numberAvailable": nodes, "updatedNumberScheduled": nodes, "numberMisscheduled": 0,
    }  # fmt: skip
    await bench.change(DAEMON_SETS, "agent", set_image("app:2"))
    await bench.until_status(
        DAEMON_SETS, "agent", lambda s: s.get("updatedNumberScheduled") == nodes and s.get("numberAvailable") == nodes
    )
    assert {pod["spec"]["containers"][0]["image"] for pod in await bench.until_pods(nodes)} == {"app:2"}


def job(image: str, **spec: Any) -> Object:
    """The spec of a Job."""
    body = template(image, {"app": "job"}, restartPolicy="Never")
    return {"template": body, **spec}


@case
async def job_completes(bench: Bench) -> None:
    await bench.create(JOBS, "sum", spec=job("succeed:1", completions=3, parallelism=2))
    found = await bench.until_status(JOBS, "sum", lambda status: "Complete" in conditions(status))
    status = found["status"]
    reached = ("True", "CompletionsReached")
    assert conditions(status) == {"SuccessCriteriaMet": reached, "Complete": reached}
    assert counts(status) == {"succeeded": 3, "ready": 0, "terminating": 0}
    assert status["startTime"]
    assert status["completionTime"]
    await bench.until_event("Completed", "sum")


@case
async def job_fails(bench: Bench) -> None:
    await bench.create(JOBS, "sum", spec=job("fail:1", backoffLimit=0))
    found = await bench.until_status(JOBS, "sum", lambda status: "Failed" in conditions(status))
    exceeded = ("True", "BackoffLimitExceeded")
    assert conditions(found["status"]) == {"FailureTarget": exceeded, "Failed": exceeded}
    assert counts(found["status"]) == {"failed": 1, "ready": 0, "terminating": 0}
    event = await bench.until_event("BackoffLimitExceeded", "sum")
    assert event["message"] == "Job has reached the specified backoff limit"


@case
async def job_counts_indexes(bench: Bench) -> None:
    await bench.create(JOBS, "sum", spec=job("succeed:1", completions=4, parallelism=4, completionMode="Indexed"))
    found = await bench.until_status(JOBS, "sum", lambda status: "Complete" in conditions(status))
    assert found["status"]["completedIndexes"] == "0-3"
    pods = await bench.all(PODS)
    index = "batch.kubernetes.io/job-completion-index"
    assert sorted(pod["metadata"]["annotations"][index] for pod in pods) == ["0", "1", "2", "3"]
    assert sorted(pod["spec"]["hostname"] for pod in pods) == ["sum-0", "sum-1", "sum-2", "sum-3"]


@case
async def job_is_suspended_and_resumed(bench: Bench) -> None:
    await bench.create(JOBS, "sum", spec=job("run:1", suspend=True))
    await bench.until_status(
        JOBS, "sum", lambda status: conditions(status).get("Suspended") == ("True", "JobSuspended")
    )
    assert await bench.all(PODS) == []
    await bench.merge(JOBS, "sum", {"spec": {"suspend": False}})
    await bench.until_status(JOBS, "sum", lambda status: status.get("ready") == 1)
    await bench.merge(JOBS, "sum", {"spec": {"suspend": True}})
    await bench.until_status(
        JOBS,
        "sum",
        lambda status: not status.get("active") and conditions(status).get("Suspended") == ("True", "JobSuspended"),
    )


@case
async def job_meets_its_deadline(bench: Bench) -> None:
    await bench.create(JOBS, "sum", spec=job("run:1", activeDeadlineSeconds=1))
    found = await bench.until_status(JOBS, "sum", lambda status: "Failed" in conditions(status))
    assert conditions(found["status"])["Failed"] == ("True", "DeadlineExceeded")


@case
async def job_is_removed_after_its_time(bench: Bench) -> None:
    await bench.create(JOBS, "sum", spec=job("succeed:1", ttlSecondsAfterFinished=0))
    await bench.until_gone(JOBS, "sum")
    await bench.until_pods(0)


@case
async def owners_take_their_dependents_with_them(bench: Bench) -> None:
    for propagation in (Propagation.BACKGROUND, Propagation.FOREGROUND):
        await deploy(bench)
        await bench.delete(DEPLOYMENTS, "web", propagation)
        await bench.until_gone(DEPLOYMENTS, "web")
        await bench.until_pods(0)

        async def no_sets() -> bool:
            return not await bench.all(REPLICA_SETS)

        await bench.until(no_sets, "no ReplicaSets")


@case
async def orphans_stay(bench: Bench) -> None:
    await deploy(bench)
    await bench.delete(DEPLOYMENTS, "web", Propagation.ORPHAN)
    await bench.until_gone(DEPLOYMENTS, "web")
    (set_,) = await bench.all(REPLICA_SETS)
    assert not set_["metadata"].get("ownerReferences")
    assert len(await bench.until_pods(3)) == 3
    await deploy(bench)
    assert [each["metadata"]["uid"] for each in await bench.all(REPLICA_SETS)] == [set_["metadata"]["uid"]]


@case
async def an_owner_that_never_was_takes_its_dependent(bench: Bench) -> None:
    ghost = {"apiVersion": "v1", "kind": "ConfigMap", "name": "ghost", "uid": "00000000-0000-0000-0000-000000000001"}
    await bench.create(CONFIG_MAPS, "haunted", ownerReferences=[ghost])
    await bench.until_gone(CONFIG_MAPS, "haunted")


@case
async def services_know_their_endpoints(bench: Bench) -> None:
    ports = [{"name": "web", "port": 80, "targetPort": "http"}]
    await bench.create(SERVICES, "web", spec={"selector": {"app": "web"}, "ports": ports})
    await bench.create(DEPLOYMENTS, "web", spec=workload(2))
    await bench.create(DEPLOYMENTS, "late", spec={**workload(1, "unready:1"), "selector": {"matchLabels": {"app": "web", "x": "y"}}, "template": template("unready:1", {"app": "web", "x": "y"})})  # fmt: skip  # noqa: E501

    async def find() -> Object | None:
        slices = await bench.all(ENDPOINT_SLICES, "kubernetes.io/service-name=web")
        return next((each for each in slices if len(each.get("endpoints") or ()) == 3), None)

    slice_ = await bench.until(find, "three endpoints")
    assert [(port["name"], port["port"], port["protocol"]) for port in slice_["ports"]] == [("web", 8080, "TCP")]

    async def settled() -> list[bool] | None:
        found = await find()
        ready = sorted(each["conditions"]["ready"] for each in (found or {"endpoints": []})["endpoints"])
        return ready if ready == [False, True, True] else None

    await bench.until(settled, "two ready")
    assert slice_["addressType"] == "IPv4"
    labels = slice_["metadata"]["labels"]
    assert labels["endpointslice.kubernetes.io/managed-by"] == "endpointslice-controller.k8s.io"
    assert slice_["metadata"]["ownerReferences"][0]["kind"] == "Service"

    async def legacy() -> bool:
        (subset,) = ((await bench.get(ENDPOINTS, "web")) or {}).get("subsets") or [{}]
        return len(subset.get("addresses") or ()) == 2 and len(subset.get("notReadyAddresses") or ()) == 1

    await bench.until(legacy, "Endpoints")
    await bench.delete(SERVICES, "web")
    await bench.until_gone(ENDPOINT_SLICES, slice_["metadata"]["name"])


@case
async def pods_that_fit_nowhere_say_so(bench: Bench) -> None:
    spec = {**template()["spec"], "nodeSelector": {"wanted": "yes"}}
    await bench.create(PODS, "choosy", spec=spec)

    def is_refused(status: Object) -> bool:
        return conditions(status).get("PodScheduled") == ("False", "Unschedulable")

    await bench.until_status(PODS, "choosy", is_refused)
    await bench.until_event("FailedScheduling", "choosy")


@case
async def a_disruption_budget_counts(bench: Bench) -> None:
    await deploy(bench)
    spec = {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}
    await bench.create(POD_DISRUPTION_BUDGETS, "web", spec=spec)
    budget = await bench.until_status(
        POD_DISRUPTION_BUDGETS, "web", lambda status: status.get("disruptionsAllowed") == 1
    )
    assert counts(budget["status"]) == {
        "observedGeneration": 1, "disruptionsAllowed": 1, "currentHealthy": 3, "desiredHealthy": 2, "expectedPods": 3
    }  # fmt: skip
    assert conditions(budget["status"]) == {"DisruptionAllowed": ("True", "SufficientPods")}


@case
async def an_autoscaler_without_metrics_says_so(bench: Bench) -> None:
    await deploy(bench, 1)
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
    }
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 5, "metrics": [metric]}
    await bench.create(HORIZONTAL_POD_AUTOSCALERS, "web", spec=spec)
    wanted = {"AbleToScale": ("True", "SucceededGetScale"), "ScalingActive": ("False", "FailedGetResourceMetric")}
    await bench.until_status(HORIZONTAL_POD_AUTOSCALERS, "web", lambda status: conditions(status) == wanted)


@case
async def namespaces_have_their_account_and_end_empty(bench: Bench) -> None:
    async def account() -> Object | None:
        return await bench.get(SERVICE_ACCOUNTS, "default")

    async def authority() -> Object | None:
        return await bench.get(CONFIG_MAPS, "kube-root-ca.crt")

    await bench.until(account, "account")
    assert (await bench.until(authority, "CA"))["data"]["ca.crt"]
    await bench.delete(CONFIG_MAPS, "kube-root-ca.crt")
    await bench.delete(SERVICE_ACCOUNTS, "default")
    await bench.until(account, "account again")
    await bench.until(authority, "CA again")
    await deploy(bench)
    await bench.delete(NAMESPACES, bench.namespace)
    await bench.until_gone(NAMESPACES, bench.namespace)
