"""The Node object and its Lease: what they hold, and keeping them fresh."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from haori import __version__
from haori.cluster import AlreadyExistsError, ConflictError, KubernetesClient, NotFoundError, PatchType
from haori.cluster.well_known import LEASES, NODES
from haori.errors import PeerError
from haori.objects import nested, nested_list
from haori.objects.times import format_micro_time, format_time
from haori.sandbox.node.settings import TAINT, NodeSettings

log = logging.getLogger(__name__)

KUBELET_VERSION = "v1.37.2-haori"
LEASE_NAMESPACE = "kube-node-lease"
LEASE_SECONDS = 40
HOST_IP = "127.0.0.1"
FINGERPRINT = "sandbox.haori.dev/serving-cert-sha256"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """What a Node says of itself beyond its settings."""

    kubelet_port: int
    fingerprint: str
    """sha256 of the certificate that the kubelet endpoints show."""
    isolation: str
    """How files of a real process are mounted: `mount-namespace` or `folder`."""
    limits: str
    """What keeps each limit of real processes: `memory=cgroup,pids=rlimit,cpu=none`."""


def node_manifest(settings: NodeSettings, facts: NodeFacts) -> dict[str, Any]:
    """The Node without its status. Capacity is generous on purpose: what is simulated needs none."""
    taints = [{"key": TAINT, "effect": "NoSchedule"}] if settings.taint else []
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": settings.node_name,
            "labels": {
                "kubernetes.io/hostname": settings.node_name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": _ARCHITECTURES.get(platform.machine(), platform.machine()),
                "node.kubernetes.io/instance-type": "sandbox",
                "sandbox.haori.dev/processes": "allowed" if settings.run_processes else "simulated",
            },
            "annotations": {
                FINGERPRINT: facts.fingerprint,
                "sandbox.haori.dev/isolation": facts.isolation,
                "sandbox.haori.dev/limits": facts.limits,
            },
        },
        "spec": {"taints": taints} if taints else {},
    }


def node_status(
    settings: NodeSettings, facts: NodeFacts, *, now: datetime, before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The Node's status; conditions that did not change keep their transition time from `before`."""
    capacity = {
        "cpu": "64",
        "memory": "256Gi",
        "ephemeral-storage": "1Ti",
        "pods": str(settings.largest_pod_count),
    }
    known = {each.get("type"): each for each in nested_list(before, "conditions")}

    def condition(type_: str, status: str, reason: str, message: str) -> dict[str, Any]:
        earlier = known.get(type_, {})
        same = earlier.get("status") == status
        return {
            "type": type_,
            "status": status,
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": format_time(now),
            "lastTransitionTime": (same and earlier.get("lastTransitionTime")) or format_time(now),
        }

    machine = hashlib.sha256(f"{settings.node_name}\n{settings.data_dir}".encode()).hexdigest()[:32]
    return {
        "capacity": capacity,
        "allocatable": capacity,
        "conditions": [
            condition(
                "MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"
            ),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ],
        "addresses": [
            {"type": "InternalIP", "address": HOST_IP},
            {"type": "Hostname", "address": settings.node_name},
        ],
        # Streams come to us as the client sent them; API servers would else speak SPDY. see: KEP-4006.
        "declaredFeatures": ["ExtendWebSocketsToKubelet"],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": facts.kubelet_port}},
        "nodeInfo": {
            "machineID": machine,
            "systemUUID": machine,
            "bootID": _boot_id(),
            "kernelVersion": platform.release(),
            "osImage": "Haori sandbox",
            "containerRuntimeVersion": f"haori://{__version__}",
            "kubeletVersion": KUBELET_VERSION,
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        },
    }


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def lease_manifest(settings: NodeSettings, *, node_uid: str, now: datetime) -> dict[str, Any]:
    """The heartbeat."""
    owner = {"apiVersion": "v1", "kind": "Node", "name": settings.node_name, "uid": node_uid}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": settings.node_name, "namespace": LEASE_NAMESPACE, "ownerReferences": [owner]},
        "spec": {
            "holderIdentity": settings.node_name,
            "leaseDurationSeconds": LEASE_SECONDS,
            "renewTime": format_micro_time(now),
        },
    }


class NodeKeeper:
    """Keeps the Node and its Lease as they should be."""

    def __init__(
        self, client: KubernetesClient, settings: NodeSettings, facts: NodeFacts, *, now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._settings = settings
        self._facts = facts
        self._now = now
        self.node: dict[str, Any] = {}

    async def register(self) -> dict[str, Any]:
        """The Node as stored; made where it is missing, brought up to date where it is not."""
        wanted = node_manifest(self._settings, self._facts)
        try:
            self.node = await self._client.create(NODES, wanted)
        except AlreadyExistsError:
            present = await self._client.get(NODES, self._settings.node_name)
            others = [each for each in nested_list(present, "spec", "taints") if each.get("key") != TAINT]
            patch = {
                "metadata": {key: wanted["metadata"][key] for key in ("labels", "annotations")},
                "spec": {"taints": [*others, *wanted["spec"].get("taints", ())] or None},
            }
            self.node = await self._client.patch(NODES, self._settings.node_name, "", patch, patch_type=PatchType.MERGE)
        await self.write_status()
        await self._drop_startup_taints()
        return self.node

    async def write_status(self) -> None:
        """Post the status."""
        status = node_status(self._settings, self._facts, now=self._now(), before=nested(self.node, "status"))
        self.node = await self._client.patch(
            NODES,
            self._settings.node_name,
            "",
            {"status": status},
            patch_type=PatchType.STRATEGIC,
            subresource="status",
        )

    async def _drop_startup_taints(self) -> None:
        """A new Node is tainted not-ready by admission; the lifecycle controller, where one runs, takes it away."""
        taints = nested_list(self.node, "spec", "taints")
        kept = [each for each in taints if each.get("key") != "node.kubernetes.io/not-ready"]
        if len(kept) != len(taints):
            self.node = await self._client.patch(
                NODES, self._settings.node_name, "", {"spec": {"taints": kept or None}}, patch_type=PatchType.MERGE
            )

    async def renew_lease(self) -> None:
        """One heartbeat."""
        uid = str(nested(self.node, "metadata", "uid") or "")
        wanted = lease_manifest(self._settings, node_uid=uid, now=self._now())
        try:
            await self._client.patch(
                LEASES,
                self._settings.node_name,
                LEASE_NAMESPACE,
                {"spec": wanted["spec"]},
                patch_type=PatchType.MERGE,
            )
        except NotFoundError:
            await self._client.create(LEASES, wanted)

    async def run(self) -> NoReturn:
        """Heartbeats and status, for ever; a Node that somebody deleted is registered again."""
        loop = asyncio.get_running_loop()
        next_status = loop.time() + self._settings.status_seconds
        while True:
            try:
                await self.renew_lease()
                if loop.time() >= next_status:
                    await self.write_status()
                    next_status = loop.time() + self._settings.status_seconds
            except NotFoundError:
                await self._register_again()
            except (ConflictError, AlreadyExistsError):
                log.debug("heartbeat written twice")
            except PeerError as problem:
                log.warning("heartbeat failed", extra={"code": problem.code, "problem": str(problem)})
            await asyncio.sleep(self._settings.heartbeat_seconds)

    async def _register_again(self) -> None:
        try:
            await self.register()
        except PeerError as problem:
            log.warning("node not registered", extra={"code": problem.code, "problem": str(problem)})
