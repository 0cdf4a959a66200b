"""The sandbox's node below a real API server, controller manager and scheduler."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from haori.cluster import NotFoundError, PatchType
from haori.cluster.http_client import HttpClient
from haori.cluster.well_known import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    EVENTS,
    JOBS,
    LEASES,
    NAMESPACES,
    NODES,
    PODS,
)
from haori.objects import nested, nested_list
from haori.sandbox.node import NodeSettings, serve
from tests.controlplane.conftest import ControlPlane

pytestmark = pytest.mark.controlplane
NAME = "sandbox-node"
SERVER = """
import http.server, os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = open(os.environ["SANDBOX_ROOT"] + "/etc/app/text", "rb").read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
print("listening as", os.environ["POD_NAME"], flush=True)
http.server.HTTPServer((os.environ["POD_IP"], 8080), Handler).serve_forever()
"""


class Running:
    """A node that can be stopped and started again."""

    def __init__(self, settings: NodeSettings) -> None:
        self.settings = settings
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        ready = asyncio.Event()
        self._task = asyncio.create_task(serve(self.settings, ready=ready.set))
        waiting = asyncio.create_task(ready.wait())
        async with asyncio.timeout(60):
            await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        assert ready.is_set(), self._task

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None


@pytest.fixture
async def node(control_plane: ControlPlane, tmp_path) -> AsyncIterator[Running]:
    running = Running(
        NodeSettings(
            kubeconfig=control_plane.kubeconfig,
            data_dir=tmp_path,
            node_name=NAME,
            run_processes=True,
            first_back_off_seconds=0.5,
            image_rules=tmp_path / "images.yaml",
        )
    )
    (tmp_path / "images.yaml").write_text('rules: [{image: "registry.example/*:9.*", known: false}]')
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def namespace(cluster: HttpClient, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    name = request.node.name.replace("_", "-")[:60].strip("-")
    await cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    await cluster.delete(NAMESPACES, name)


async def until(look: Callable[[], Any], what: str) -> Any:
    """What `look` gives once it is something."""
    try:
        async with asyncio.timeout(60):
            while not (found := await look()):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            return found
    except TimeoutError:
        raise AssertionError(f"not within a minute: {what}") from None


def pod_manifest(
    name: str, namespace: str, *, annotations: dict[str, str] | None = None, **spec: Any
) -> dict[str, Any]:
    containers = spec.pop("containers", [{"name": "c", "image": "nginx"}])
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations or {}},
        "spec": {"terminationGracePeriodSeconds": 2, "containers": containers, **spec},
    }


async def create_pod(cluster: HttpClient, manifest: dict[str, Any]) -> None:
    """Once the namespace has its ServiceAccount."""

    async def attempt():
        try:
            return await cluster.create(PODS, manifest)
        except Exception as error:
            if "serviceaccount" not in str(getattr(error, "message", "")):
                raise
            return None

    await until(attempt, "a Pod that is accepted")


def pod_that(cluster: HttpClient, namespace: str, name: str, holds: Callable[[dict[str, Any]], Any]):
    async def look():
        pod = await cluster.get(PODS, name, namespace)
        return pod if holds(pod) else None

    return look


def waiting(pod: dict[str, Any]) -> str:
    return str(nested((nested_list(pod, "status", "containerStatuses") or [{}])[0], "state", "waiting", "reason") or "")


def is_ready(pod: dict[str, Any]) -> bool:
    return any(
        each["type"] == "Ready" and each["status"] == "True" for each in nested_list(pod, "status", "conditions")
    )


async def reasons(cluster: HttpClient, namespace: str) -> set[str]:
    return {str(each.get("reason")) for each in (await cluster.list(EVENTS, namespace)).items}


async def test_a_node_is_ready_and_renews_its_lease(node: Running, cluster: HttpClient):
    found = await cluster.get(NODES, NAME)
    lease = await until(lambda: get_or_none(cluster, LEASES, NAME, "kube-node-lease"), "a lease")

    ready = {each["type"]: each["status"] for each in found["status"]["conditions"]}
    assert ready["Ready"] == "True"
    assert found["status"]["nodeInfo"]["kubeletVersion"].startswith("v1.37.")
    assert lease["spec"]["holderIdentity"] == NAME


async def get_or_none(cluster: HttpClient, resource: Any, name: str, namespace: str) -> Any:
    try:
        return await cluster.get(resource, name, namespace)
    except NotFoundError:
        return None


async def test_a_deployment_becomes_available_and_goes(node: Running, cluster: HttpClient, namespace: str):
    labels = {"app": "web"}
    await cluster.create(
        DEPLOYMENTS,
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": namespace},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "c", "image": "nginx"}]},
                },
            },
        },
    )

    async def available():
        return (await cluster.get(DEPLOYMENTS, "web", namespace))["status"].get("availableReplicas") == 2

    await until(available, "two available replicas")
    await cluster.delete(DEPLOYMENTS, "web", namespace)

    async def gone():
        return not (await cluster.list(PODS, namespace)).items

    await until(gone, "no Pods")


async def test_a_job_completes(node: Running, cluster: HttpClient, namespace: str):
    await cluster.create(
        JOBS,
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "once", "namespace": namespace},
            "spec": {
                "template": {
                    "spec": {
                        "restartPolicy": "Never",
                        "initContainers": [{"name": "i", "image": "nginx"}],
                        "containers": [{"name": "c", "image": "nginx"}],
                    }
                }
            },
        },
    )

    async def complete():
        job = await cluster.get(JOBS, "once", namespace)
        return any(each["type"] == "Complete" for each in nested_list(job, "status", "conditions"))

    await until(complete, "a complete Job")


async def test_what_fails_says_so_as_a_kubelet_does(node: Running, cluster: HttpClient, namespace: str):
    image = {"name": "c", "image": "registry.example/shop:9.1"}
    absent = {"name": "c", "image": "nginx", "envFrom": [{"configMapRef": {"name": "later"}}]}
    await create_pod(cluster, pod_manifest("unknown-image", namespace, containers=[image]))
    await create_pod(cluster, pod_manifest("no-config", namespace, containers=[absent]))
    crashing = pod_manifest("crash", namespace, annotations={"sandbox.haori.dev/simulate": "crash-loop"})
    await create_pod(cluster, crashing)

    await until(pod_that(cluster, namespace, "unknown-image", lambda p: waiting(p) == "ImagePullBackOff"), "back-off")
    await until(
        pod_that(cluster, namespace, "no-config", lambda p: waiting(p) == "CreateContainerConfigError"), "an error"
    )
    await until(pod_that(cluster, namespace, "crash", lambda p: waiting(p) == "CrashLoopBackOff"), "a crash loop")

    async def told():
        return {"Failed", "BackOff", "Pulled", "Started"} <= await reasons(cluster, namespace)

    await until(told, "events")
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "later", "namespace": namespace}}
    await cluster.create(CONFIG_MAPS, settings)
    await until(pod_that(cluster, namespace, "no-config", is_ready), "a Pod that found its ConfigMap")


def server_pod(namespace: str) -> dict[str, Any]:
    command = json.dumps(["python3", "$(SANDBOX_ROOT)/app/server.py"])
    container = {
        "name": "web",
        "image": "registry.example/web:1.0",
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1},
        "volumeMounts": [{"name": "code", "mountPath": "/app"}, {"name": "settings", "mountPath": "/etc/app"}],
    }
    volumes = [{"name": name, "configMap": {"name": name}} for name in ("code", "settings")]
    annotations = {"sandbox.haori.dev/command.web": command}
    return pod_manifest("server", namespace, annotations=annotations, containers=[container], volumes=volumes)


async def config_map(cluster: HttpClient, namespace: str, name: str, **data: str) -> None:
    metadata = {"name": name, "namespace": namespace}
    await cluster.create(CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})


async def fetch(address: str) -> bytes:
    reader, writer = await asyncio.open_connection(address, 8080)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.partition(b"\r\n\r\n")[2]


async def bound_address(cluster: HttpClient, namespace: str) -> str:
    """On this control plane Pods are announced with private addresses; the process binds the loopback twin."""
    announced = (await cluster.get(PODS, "server", namespace))["status"]["podIP"]
    return str(announced).replace("10.", "127.", 1)


async def test_a_real_server_is_run_followed_restarted_and_ended(node: Running, cluster: HttpClient, namespace: str):
    await create_pod(cluster, server_pod(namespace))

    async def mount_failed():
        return "FailedMount" in await reasons(cluster, namespace)

    await until(mount_failed, "an event about the missing volume")
    await config_map(cluster, namespace, "code", **{"server.py": SERVER})
    await config_map(cluster, namespace, "settings", text="first")
    pod = await until(pod_that(cluster, namespace, "server", is_ready), "a ready server")
    address = await bound_address(cluster, namespace)
    folder = node.settings.pods_folder / pod["metadata"]["uid"]

    assert await fetch(address) == b"first"
    log = b"".join([chunk async for chunk in cluster.logs("server", namespace)])
    assert log == b"listening as server\n"

    patch = {"data": {"text": "second"}}
    await cluster.patch(CONFIG_MAPS, "settings", namespace, patch, patch_type=PatchType.MERGE)

    async def changed():
        return await fetch(address) == b"second"

    await until(changed, "the new text")

    await node.stop()
    with pytest.raises(OSError, match=r".*"):
        await fetch(address)
    await node.start()

    def restarted(pod: dict[str, Any]) -> bool:
        return is_ready(pod) and pod["status"]["containerStatuses"][0]["restartCount"] == 1

    await until(pod_that(cluster, namespace, "server", restarted), "the server again")
    assert await fetch(address) == b"second"

    await cluster.delete(PODS, "server", namespace)

    async def gone():
        return await get_or_none(cluster, PODS, "server", namespace) is None and not folder.exists()

    await until(gone, "nothing left of the Pod")
    with pytest.raises(OSError, match=r".*"):
        await fetch(address)


async def test_a_simulated_container_says_so_in_its_log(node: Running, cluster: HttpClient, namespace: str):
    await create_pod(cluster, pod_manifest("quiet", namespace))
    await until(pod_that(cluster, namespace, "quiet", is_ready), "a ready Pod")

    log = b"".join([chunk async for chunk in cluster.logs("quiet", namespace)])
    assert b"simulated by the sandbox" in log
