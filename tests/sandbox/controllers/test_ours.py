"""What our controllers do beyond the shared cases: what needs their settings, or what Kubernetes leaves to others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from haori.cluster import ApiResource
from haori.cluster.well_known import (
    CRON_JOBS,
    CUSTOM_RESOURCE_DEFINITIONS,
    DEPLOYMENTS,
    EVENTS,
    HORIZONTAL_POD_AUTOSCALERS,
    INGRESSES,
    JOBS,
    LEASES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    SERVICES,
    STATEFUL_SETS,
)
from haori.objects.times import format_micro_time
from haori.sandbox.api.bootstrap import open_api
from haori.sandbox.api.local import LocalClient
from haori.sandbox.api.store import open_store
from haori.sandbox.controllers import ControllerSettings
from tests.sandbox.controllers.bench import Bench, add_node, benched, conditions, template, workload
from tests.sandbox.controllers.cases import job, rolled_out

CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


async def test_a_claim_is_bound_to_a_volume_made_for_it_and_takes_it_along(bench: Bench):
    await bench.create(PERSISTENT_VOLUME_CLAIMS, "data", spec=CLAIM)
    claim = await bench.until_status(PERSISTENT_VOLUME_CLAIMS, "data", lambda status: status.get("phase") == "Bound")
    assert claim["spec"]["storageClassName"] == "standard"
    assert claim["status"]["capacity"] == {"storage": "1Gi"}
    volume = await bench.until_status(
        PERSISTENT_VOLUMES, claim["spec"]["volumeName"], lambda status: status.get("phase") == "Bound"
    )
    assert volume["spec"]["claimRef"]["name"] == "data"
    await bench.delete(PERSISTENT_VOLUME_CLAIMS, "data")
    await bench.until_gone(PERSISTENT_VOLUME_CLAIMS, "data")
    await bench.until_gone(PERSISTENT_VOLUMES, volume["metadata"]["name"])


async def test_a_pod_waits_for_its_claim(bench: Bench):
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    await bench.create(PODS, "one", spec={**template()["spec"], "volumes": [volume]})
    await bench.until_status(PODS, "one", lambda status: conditions(status).get("PodScheduled", ("",))[0] == "False")
    await bench.create(PERSISTENT_VOLUME_CLAIMS, "data", spec=CLAIM)
    await bench.until_status(PODS, "one", lambda status: status.get("phase") == "Running")


async def test_a_stateful_set_makes_claims_and_keeps_or_deletes_them(bench: Bench):
    claims = [{"metadata": {"name": "data"}, "spec": CLAIM}]
    policy = {"whenDeleted": "Delete", "whenScaled": "Delete"}
    spec = workload(2, name="db", serviceName="db", volumeClaimTemplates=claims)
    await bench.create(STATEFUL_SETS, "db", spec={**spec, "persistentVolumeClaimRetentionPolicy": policy})
    await bench.until_status(STATEFUL_SETS, "db", lambda status: status.get("availableReplicas") == 2)
    names = [each["metadata"]["name"] for each in await bench.all(PERSISTENT_VOLUME_CLAIMS)]
    assert names == ["data-db-0", "data-db-1"]
    await bench.merge(STATEFUL_SETS, "db", {"spec": {"replicas": 1}})
    await bench.until_gone(PERSISTENT_VOLUME_CLAIMS, "data-db-1")
    await bench.delete(STATEFUL_SETS, "db")
    await bench.until_gone(PERSISTENT_VOLUME_CLAIMS, "data-db-0")


async def test_load_balancers_and_ingresses_get_an_address(bench: Bench):
    await bench.create(SERVICES, "web", spec={"type": "LoadBalancer", "ports": [{"port": 80}]})
    await bench.create(INGRESSES, "web", spec={"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}})
    given = {}
    for resource in (SERVICES, INGRESSES):
        found = await bench.until_status(resource, "web", lambda s: (s.get("loadBalancer") or {}).get("ingress"))
        given[resource.kind] = found["status"]["loadBalancer"]["ingress"][0]["ip"], found["spec"].get("clusterIP")
    assert given["Ingress"][0].startswith("127.")
    assert given["Service"][0] in (given["Service"][1], "127.0.0.1")


async def test_an_autoscaler_keeps_its_bounds(bench: Bench):
    await bench.create(DEPLOYMENTS, "web", spec=workload(1))
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 3}
    await bench.create(HORIZONTAL_POD_AUTOSCALERS, "web", spec=spec)
    await bench.until_status(DEPLOYMENTS, "web", rolled_out(2))
    await bench.merge(DEPLOYMENTS, "web", {"spec": {"replicas": 9}})
    await bench.until_status(DEPLOYMENTS, "web", rolled_out(3))


async def test_a_pod_that_was_refused_goes_where_room_comes_up(bench: Bench):
    await bench.create(PODS, "choosy", spec={**template()["spec"], "nodeSelector": {"wanted": "yes"}})
    await bench.until_event("FailedScheduling", "choosy")
    await bench.merge(NODES, "node-1", {"metadata": {"labels": {"wanted": "yes"}}})
    await bench.until_status(PODS, "choosy", lambda status: status.get("phase") == "Running")


async def test_pods_of_a_node_that_is_gone_are_removed_and_come_again_elsewhere(bench: Bench):
    await bench.create(DEPLOYMENTS, "web", spec=workload(2))
    await bench.until_status(DEPLOYMENTS, "web", rolled_out(2))
    await add_node(bench.client, "node-2")
    await bench.delete(NODES, "node-1")

    async def moved() -> bool:
        pods = await bench.until_pods(2)
        return {pod["spec"].get("nodeName") for pod in pods} == {"node-2"}

    await bench.until(moved, "Pods on node-2")


async def test_a_silent_node_is_marked_and_heals_when_it_speaks_again(tmp_path: Path):
    async with open_store(tmp_path / "state.db") as store:
        client = LocalClient(await open_api(store))
        await add_node(client)
        settings = ControllerSettings(node_stale_seconds=0.3)
        async with benched(client, "kube-node-lease-test", settings) as bench:
            lease = {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": "node-1", "namespace": "kube-node-lease"},
                "spec": {"holderIdentity": "node-1", "renewTime": format_micro_time(datetime.now(UTC))},
            }
            await client.create(LEASES, lease)
            node = await bench.until_status(NODES, "node-1", lambda s: conditions(s)["Ready"][0] == "Unknown")
            assert conditions(node["status"])["Ready"] == ("Unknown", "NodeStatusUnknown")

            async def tainted() -> bool:
                found = await client.get(NODES, "node-1")
                keys = {(taint["key"], taint["effect"]) for taint in found["spec"].get("taints") or ()}
                unreachable = "node.kubernetes.io/unreachable"
                return keys == {(unreachable, "NoSchedule"), (unreachable, "NoExecute")}

            await bench.until(tainted, "taints")
            await add_node(client)

            async def healed() -> bool:
                return not (await client.get(NODES, "node-1"))["spec"].get("taints")

            await bench.until(healed, "no taints")


async def test_dependents_of_custom_resources_are_collected(bench: Bench):
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    names = {"plural": "looms", "singular": "loom", "kind": "Loom", "listKind": "LoomList"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]}
    await bench.create(CUSTOM_RESOURCE_DEFINITIONS, "looms.example.com", spec=spec)
    await bench.until_status(
        CUSTOM_RESOURCE_DEFINITIONS, "looms.example.com", lambda s: conditions(s).get("Established", ("",))[0] == "True"
    )
    looms = ApiResource(group="example.com", version="v1", kind="Loom", plural="looms", namespaced=True)
    loom = await bench.create(looms, "one")
    owner = {"apiVersion": "example.com/v1", "kind": "Loom", "name": "one", "uid": loom["metadata"]["uid"]}
    await bench.create(PODS, "thread", spec=template()["spec"], ownerReferences=[owner])
    await bench.create(looms, "two", ownerReferences=[owner])
    await bench.delete(looms, "one")
    await bench.until_gone(PODS, "thread")
    await bench.until_gone(looms, "two")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.moment


async def test_a_cron_job_starts_one_job_for_a_time_and_keeps_its_history_short(tmp_path: Path):
    clock = Clock()
    async with open_store(tmp_path / "state.db") as store:
        client = LocalClient(await open_api(store))
        await add_node(client)
        async with benched(client, "case", ControllerSettings(now=clock)) as bench:
            spec = {"schedule": "* * * * *", "jobTemplate": {"spec": job("succeed:1")}, "successfulJobsHistoryLimit": 2}
            await bench.create(CRON_JOBS, "tick", spec=spec)
            seen: set[str] = set()
            for number in range(1, 5):
                clock.moment += timedelta(minutes=1)
                # Any change makes the controller look; else its timer would, up to a minute from now.
                await bench.merge(CRON_JOBS, "tick", {"metadata": {"labels": {"number": str(number)}}})

                async def made(number: int = number) -> bool:
                    seen.update(each["metadata"]["name"] for each in await bench.all(JOBS))
                    found = await bench.get(CRON_JOBS, "tick")
                    status = (found or {}).get("status") or {}
                    return len(seen) == number and not status.get("active") and "lastSuccessfulTime" in status

                await bench.until(made, f"{number} Jobs")

            async def kept() -> bool:
                return len(await bench.all(JOBS)) == 2

            await bench.until(kept, "two Jobs kept")


async def test_a_cron_job_that_forbids_company_waits_for_the_one_that_runs(tmp_path: Path):
    clock = Clock()
    async with open_store(tmp_path / "state.db") as store:
        client = LocalClient(await open_api(store))
        await add_node(client)
        async with benched(client, "case", ControllerSettings(now=clock)) as bench:
            spec = {"schedule": "* * * * *", "concurrencyPolicy": "Forbid", "jobTemplate": {"spec": job("run:1")}}
            await bench.create(CRON_JOBS, "tick", spec=spec)
            clock.moment += timedelta(minutes=1)
            await bench.merge(CRON_JOBS, "tick", {"metadata": {"labels": {"number": "1"}}})
            await bench.until_status(CRON_JOBS, "tick", lambda status: status.get("active"))
            clock.moment += timedelta(minutes=1)
            await bench.merge(CRON_JOBS, "tick", {"metadata": {"labels": {"number": "2"}}})
            await bench.until_event("JobAlreadyActive", "tick")
            assert len(await bench.all(JOBS)) == 1


async def test_events_go_after_their_time(tmp_path: Path):
    async with open_store(tmp_path / "state.db") as store:
        client = LocalClient(await open_api(store))
        await add_node(client)
        async with benched(client, "case", ControllerSettings(event_seconds=0.5)) as bench:
            await bench.create(PODS, "one", spec=template()["spec"])
            await bench.until_event("Scheduled", "one")

            async def none() -> bool:
                return not await bench.all(EVENTS)

            await bench.until(none, "no Events")
