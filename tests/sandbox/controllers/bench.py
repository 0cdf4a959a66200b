"""A namespace to try controllers in: short manifests, writes, and waiting for what should come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from haori.cluster import (
    AlreadyExistsError,
    ApiResource,
    ConflictError,
    KubernetesClient,
    NotFoundError,
    PatchType,
    Propagation,
)
from haori.cluster.well_known import EVENTS, NAMESPACES, NODES, PODS
from haori.sandbox.controllers import ControllerSettings, run_controllers
from tests.sandbox.controllers.kubelet import Kubelet

Object = dict[str, Any]
Found = TypeVar("Found")

WAIT_SECONDS = 15.0
STEP_SECONDS = 0.01


@dataclass(frozen=True, kw_only=True)
class Bench:
    """One namespace of a cluster whose controllers run."""

    client: KubernetesClient
    namespace: str

    async def create(self, resource: ApiResource, name: str, **fields: Any) -> Object:
        """A new object of that name with those top-level fields; `labels` and `annotations` go to its metadata."""
        metadata = {"name": name, "namespace": self.namespace} if resource.namespaced else {"name": name}
        for field in ("labels", "annotations", "ownerReferences"):
            if field in fields:
                metadata[field] = fields.pop(field)
        body = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, **fields}
        return await self.client.create(resource, body)

    async def get(self, resource: ApiResource, name: str) -> Object | None:
        """The object, None where there is none."""
        with suppress(NotFoundError):
            return await self.client.get(resource, name, self.namespace if resource.namespaced else "")
        return None

    async def all(self, resource: ApiResource, selector: str = "") -> list[Object]:
        """The objects of the namespace by name."""
        found = await self.client.list(resource, self.namespace, label_selector=selector)
        return sorted(found.items, key=lambda item: item["metadata"]["name"])

    async def change(self, resource: ApiResource, name: str, change: Callable[[Object], None]) -> Object:
        """The object after `change` was made to its newest state."""
        while True:
            item = await self.client.get(resource, name, self.namespace if resource.namespaced else "")
            change(item)
            try:
                return await self.client.replace(resource, item)
            except ConflictError:
                continue

    async def merge(self, resource: ApiResource, name: str, patch: Any) -> Object:
        """The object after a merge patch."""
        namespace = self.namespace if resource.namespaced else ""
        return await self.client.patch(resource, name, namespace, patch, patch_type=PatchType.MERGE)

    async def delete(self, resource: ApiResource, name: str, propagation: Propagation | None = None) -> None:
        """Asks for the end of the object."""
        namespace = self.namespace if resource.namespaced else ""
        await self.client.delete(resource, name, namespace, propagation=propagation)

    async def until(self, find: Callable[[], Awaitable[Found | None]], what: str = "") -> Found:
        """What `find` gives once it gives something; fails saying what was seen last."""
        seen: Found | None = None
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                while not (seen := await find()):  # noqa: ASYNC110  # what is waited for lives in a cluster
                    await asyncio.sleep(STEP_SECONDS)
        assert seen, f"not within {WAIT_SECONDS} s: {what or find}"
        return seen

    async def until_status(self, resource: ApiResource, name: str, check: Callable[[Object], Any]) -> Object:
        """The object once `check` of its status holds and its newest generation was observed."""
        last: Object = {}

        async def find() -> Object | None:
            nonlocal last
            item = await self.get(resource, name)
            last = item or last
            status = (item or {}).get("status") or {}
            generation = (item or {"metadata": {}})["metadata"].get("generation", 0)
            seen = "observedGeneration" not in status or status["observedGeneration"] >= generation
            return item if item is not None and seen and check(status) else None

        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                while True:
                    if found := await find():
                        return found
                    await asyncio.sleep(STEP_SECONDS)
        raise AssertionError(f"{resource.kind} {name} stays {last.get('status')}")

    async def until_pods(self, count: int, selector: str = "") -> list[Object]:
        """The Pods of the namespace once there are so many, none of them ending."""

        async def find() -> list[Object] | None:
            pods = await self.all(PODS, selector)
            right = len(pods) == count and not any(pod["metadata"].get("deletionTimestamp") for pod in pods)
            return pods or [{}] if right else None

        found = await self.until(find, f"{count} Pods")
        return [pod for pod in found if pod]

    async def until_gone(self, resource: ApiResource, name: str) -> None:
        """Until the object is not there any more."""

        async def find() -> bool:
            return await self.get(resource, name) is None

        await self.until(find, f"{resource.kind} {name} gone")

    async def until_event(self, reason: str, about: str) -> Object:
        """The event with that reason about the object of that name."""

        async def find() -> Object | None:
            events = await self.all(EVENTS)
            fitting = (e for e in events if e["reason"] == reason and e["involvedObject"]["name"] == about)
            return next(fitting, None)

        return await self.until(find, f"event {reason} about {about}")


def template(image: str = "app:1", labels: dict[str, str] | None = None, **spec: Any) -> Object:
    """A Pod template of one container."""
    container = {"name": "app", "image": image, "ports": [{"name": "http", "containerPort": 8080}]}
    return {"metadata": {"labels": labels or {"app": "web"}}, "spec": {"containers": [container], **spec}}


def workload(replicas: int = 3, image: str = "app:1", name: str = "web", **spec: Any) -> Object:
    """The spec of a Deployment, ReplicaSet or StatefulSet."""
    labels = {"app": name}
    return {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template(image, labels), **spec}


def set_image(image: str) -> Callable[[Object], None]:
    """A change of the template's image."""

    def change(item: Object) -> None:
        item["spec"]["template"]["spec"]["containers"][0]["image"] = image

    return change


def conditions(status: Object) -> dict[str, tuple[str, str]]:
    """Status and reason by type."""
    return {each["type"]: (each["status"], each.get("reason", "")) for each in status.get("conditions") or ()}


def counts(status: Object) -> Object:
    """The numbers of a status."""
    return {name: value for name, value in status.items() if isinstance(value, int)}


async def add_node(client: KubernetesClient, name: str = "node-1", **capacity: str) -> None:
    """A ready node that nobody keeps."""
    offered = {"cpu": "64", "memory": "256Gi", "pods": "1000", **capacity}
    body = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "spec": {},
    }
    with suppress(AlreadyExistsError):
        await client.create(NODES, body)
    node = await client.get(NODES, name)
    if node["spec"].get("taints"):
        await client.patch(NODES, name, "", {"spec": {"taints": None}}, patch_type=PatchType.MERGE)
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": node["metadata"]["creationTimestamp"]}
    status = {"status": {"capacity": offered, "allocatable": offered, "conditions": [ready]}}
    await client.patch(NODES, name, "", status, patch_type=PatchType.MERGE, subresource="status")


@asynccontextmanager
async def benched(
    client: KubernetesClient, namespace: str, settings: ControllerSettings | None = None
) -> AsyncIterator[Bench]:
    """A bench in a new namespace; a kubelet runs, and so do our controllers where settings are given."""
    async with asyncio.TaskGroup() as group:
        tasks: list[asyncio.Task[Any]] = [group.create_task(_keep_pods(client))]
        if settings is not None:
            tasks.append(group.create_task(run_controllers(client, settings)))
        try:
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
            await client.create(NAMESPACES, body)
            yield Bench(client=client, namespace=namespace)
        finally:
            for task in tasks:
                task.cancel()


async def _keep_pods(client: KubernetesClient) -> None:
    await Kubelet(client).run()
