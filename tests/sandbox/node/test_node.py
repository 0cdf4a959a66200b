"""A whole node below the sandbox's own API server: killed, started again, and what it leaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from haori.cluster import NotFoundError, PatchType
from haori.cluster.http_client import HttpClient
from haori.cluster.well_known import EVENTS, INGRESSES, PERSISTENT_VOLUME_CLAIMS, PODS, SERVICES
from haori.objects import nested, nested_list
from haori.sandbox.node import guard, remains
from haori.sandbox.node.remains import node_mark
from haori.sandbox.node.settings import NodeSettings
from tests.sandbox.api.serving import Served, serving

NODE = """
import asyncio, sys
from pathlib import Path
from haori.sandbox.node import NodeSettings, serve
folder = Path(sys.argv[1])
settings = NodeSettings(kubeconfig=folder / "sandbox/pki/node.kubeconfig", data_dir=folder, run_processes=True,
                        first_back_off_seconds=float(sys.argv[2]))
asyncio.run(serve(settings, ready=lambda: print("ready", flush=True)))
"""


class Node:
    """A node in a process of its own."""

    def __init__(self, folder: Path, back_off_seconds: float = 10.0) -> None:
        self.settings = NodeSettings(
            kubeconfig=folder / "sandbox/pki/node.kubeconfig", data_dir=folder, run_processes=True
        )
        self.process: asyncio.subprocess.Process | None = None
        self._back_off = str(back_off_seconds)

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", NODE, str(self.settings.data_dir), self._back_off), stdout=asyncio.subprocess.PIPE
        )
        assert self.process.stdout is not None
        async with asyncio.timeout(60):
            assert await self.process.stdout.readline() == b"ready\n"

    async def end(self, number: signal.Signals) -> None:
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        async with asyncio.timeout(60):
            await self.process.wait()

    def marked(self) -> list[int]:
        return guard.find(node_mark(self.settings).encode())


@pytest.fixture
async def api(tmp_path) -> AsyncIterator[Served]:
    async with serving(tmp_path, controllers=True) as served:
        yield served


@pytest.fixture
async def node(api) -> AsyncIterator[Node]:
    made = Node(api.data_dir)
    await made.start()
    yield made
    await made.end(signal.SIGTERM)
    async with asyncio.timeout(20):
        await until(lambda: not made.marked())


async def until(holds):
    """Looks until it holds; what it gives then."""
    try:
        async with asyncio.timeout(60):
            while True:
                found = holds()
                if asyncio.iscoroutine(found):
                    found = await found
                if found:
                    return found
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"never held; seen at last: {getattr(holds, 'saw', None)}")


def pod(name, *command, restart="Always", annotations=None, volumes=(), **container):
    written = {"sandbox.haori.dev/command.main": json.dumps(command)} if command else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "default",
            "labels": {"app": name},
            "annotations": written | (annotations or {}),
        },
        "spec": {
            "nodeName": "sandbox-node",
            "restartPolicy": restart,
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "main", "image": "i", **container}],
            "volumes": list(volumes),
        },
    }


def main_status(manifest):
    return next(iter(nested_list(manifest, "status", "containerStatuses")), {})


def state(client: HttpClient, name: str, holds):
    """Looks at the Pod's container status: the status where `holds` does."""

    async def look() -> Any:
        setattr(look, "saw", None)  # noqa: B010 - what a failure tells of
        with contextlib.suppress(NotFoundError):
            found = main_status(await client.get(PODS, name, "default"))
            setattr(look, "saw", found)  # noqa: B010
            return found if found and holds(found) else None
        return None

    return look


def is_running(status):
    return nested(status, "state", "running") is not None


class Sampler(threading.Thread):
    """Counts, again and again, the processes that are a container of a Pod's main process at one moment."""

    def __init__(self, code: str) -> None:
        super().__init__(daemon=True)
        self._code = code.encode()
        self._ended = threading.Event()
        self.most = 0
        self.pids: set[int] = set()

    def run(self) -> None:
        while not self._ended.is_set():
            found = self.look()
            self.most = max(self.most, len(found))
            self.pids |= found
            time.sleep(0.005)

    def look(self) -> set[int]:
        found = set()
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError):
                    # The launcher has the command in its own arguments, as a part of a longer one.
                    if self._code in Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0"):
                        found.add(int(name))
        return found

    def end(self) -> None:
        self._ended.set()
        self.join()


async def test_a_node_that_is_killed_again_and_again_never_runs_a_container_twice(api, node):
    """Ten kills; at no moment two processes of the one container, its log goes on, and nothing stays in the end."""
    # No shell: what it forks would look like it for a moment.
    code = f"import time; n = {os.getpid()}\nwhile True: print('alive', flush=True); time.sleep(0.05)"
    await api.client.create(PODS, pod("steady", "python3", "-I", "-S", "-c", code))
    await until(state(api.client, "steady", is_running))
    sampler = Sampler(code)
    sampler.start()
    try:
        await until(lambda: sampler.pids)
        for number in range(1, 11):
            await node.end(signal.SIGKILL)
            await node.start()
            again = state(api.client, "steady", lambda s, number=number: is_running(s) and s["restartCount"] == number)
            await until(again)
            await until(lambda number=number: len(sampler.pids) > number)

            async def says():
                return b"alive" in b"".join([piece async for piece in api.client.logs("steady", "default")])

            await until(says)
    finally:
        sampler.end()

    assert sampler.most == 1
    assert len(sampler.pids) == 11
    await api.client.delete(PODS, "steady", "default")
    await until(lambda: not sampler.look() and not list(node.settings.pods_folder.iterdir()))


async def test_a_second_node_of_a_folder_waits_for_the_first(tmp_path, monkeypatch):
    monkeypatch.setattr(remains, "LOCK_SECONDS", 0.001)
    seen = []

    async def be_second():
        async with remains.exclusive(tmp_path / "lock"):
            seen.append("second")

    async with remains.exclusive(tmp_path / "lock"):
        waiting = asyncio.create_task(be_second())
        await asyncio.sleep(0.01)
        seen.append("first ends")
    await waiting

    assert seen == ["first ends", "second"]


async def test_a_container_in_back_off_is_not_started_earlier_by_a_new_node(api, node):
    await api.client.create(PODS, pod("failing", "sh", "-c", "exit 3"))
    waiting = state(api.client, "failing", lambda s: nested(s, "state", "waiting", "reason") == "CrashLoopBackOff")
    before = await until(waiting)
    await node.end(signal.SIGKILL)
    await node.start()
    after = await until(waiting)

    assert before["restartCount"] == after["restartCount"] == 1
    assert after["state"]["waiting"]["message"].startswith("back-off 10s")
    await until(state(api.client, "failing", lambda s: s["restartCount"] == 2))


async def test_what_a_container_says_at_its_end_is_in_its_status(api, node):
    script = "printf 'no disk left' > $SANDBOX_ROOT/dev/termination-log; echo logged; exit 4"
    await api.client.create(PODS, pod("said", "sh", "-c", script, restart="Never"))
    log_only = pod("logged", "sh", "-c", "echo the end; exit 1", restart="Never")
    log_only["spec"]["containers"][0]["terminationMessagePolicy"] = "FallbackToLogsOnError"
    await api.client.create(PODS, log_only)

    said = await until(state(api.client, "said", lambda s: nested(s, "state", "terminated")))
    logged = await until(state(api.client, "logged", lambda s: nested(s, "state", "terminated")))
    assert (said["state"]["terminated"]["message"], said["state"]["terminated"]["exitCode"]) == ("no disk left", 4)
    assert logged["state"]["terminated"]["message"].strip() == "the end"


async def test_what_a_security_context_asks_for_in_vain_is_said_once(api, node):
    manifest = pod("user", "sleep", "1000", securityContext={"runAsUser": 1000, "capabilities": {"drop": ["ALL"]}})
    await api.client.create(PODS, manifest)
    await until(state(api.client, "user", is_running))

    async def told():
        events = (await api.client.list(EVENTS, "default")).items
        return [each for each in events if each["reason"] == "SecurityContextIgnored"]

    (event,) = await until(told)
    assert event["message"].startswith("securityContext.runAsUser not applied")


async def test_a_claims_folder_lives_as_long_as_the_claim(api, node):
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    for name in ("kept", "gone"):
        metadata = {"name": name, "namespace": "default"}
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}
        await api.client.create(PERSISTENT_VOLUME_CLAIMS, claim)
        mounts = [{"name": "data", "mountPath": "/data"}]
        volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": name}}]
        command = ("sh", "-c", "echo x > $SANDBOX_ROOT/data/file; exec sleep 1000")
        await api.client.create(PODS, pod(name, *command, volumes=volumes, volumeMounts=mounts))
        await until(state(api.client, name, is_running))
    folders = {
        name: next(node.settings.data_dir.rglob(f"volumes/{claim['metadata']['uid']}"))
        for name in ("kept", "gone")
        if (claim := await api.client.get(PERSISTENT_VOLUME_CLAIMS, name, "default"))
    }
    await until(lambda: all((folder / "file").exists() for folder in folders.values()))

    for name in ("kept", "gone"):
        await api.client.delete(PODS, name, "default")
    await api.client.delete(PERSISTENT_VOLUME_CLAIMS, "gone", "default")

    await until(lambda: not folders["gone"].exists())
    assert (folders["kept"] / "file").read_text() == "x\n"


SERVER = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"{self.headers['Host']} {self.path}".encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer((os.environ["POD_IP"], 8080), Handler).serve_forever()
"""


async def test_an_ingress_leads_to_the_endpoints_of_its_service(api, node):
    address = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    ports = [{"name": "http", "containerPort": 8080}]
    probe = {"tcpSocket": {"port": "http"}, "periodSeconds": 1}
    server = pod("web", "python3", "-c", SERVER, env=[address], ports=ports, readinessProbe=probe)
    await api.client.create(PODS, server)
    metadata = {"name": "web", "namespace": "default"}
    spec = {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
    await api.client.create(SERVICES, {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    backend = {"service": {"name": "web", "port": {"name": "http"}}}
    rule = {"host": "web.example", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    ingress = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": {"rules": [rule]}}
    await api.client.create(INGRESSES, ingress)

    async def entry():
        found = await api.client.get(INGRESSES, "web", "default")
        return next(iter(nested_list(found, "status", "loadBalancer", "ingress")), None)

    given = await until(entry)
    place = given["ip"], next((each["port"] for each in given.get("ports", ())), 80)

    async def answer():
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(*place)
            writer.write(b"GET /x?y=1 HTTP/1.1\r\nHost: web.example\r\nConnection: close\r\n\r\n")
            said = await reader.read()
            writer.close()
            return said if said.startswith(b"HTTP/1.1 200") else b""
        return b""

    assert (await until(answer)).endswith(b"web.example /x?y=1")
    other = {"spec": {"rules": [{**rule, "host": "other.example"}]}}
    await api.client.patch(INGRESSES, "web", "default", other, patch_type=PatchType.MERGE)

    async def is_refused():
        return not await answer()

    await until(is_refused)


async def test_the_node_says_what_keeps_its_limits(node):
    written = json.loads((node.settings.folder / "node.json").read_text())

    assert written["isolation"] in ("mount-namespace", "folder")
    assert set(written["limits"]) == {"memory", "pids", "cpu"}
    assert set(written["limits"].values()) <= {"cgroup", "watch", "rlimit", "none"}
