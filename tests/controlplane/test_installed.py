"""What `haori install` puts into a cluster, run: its Deployments' own commands as processes, below a real API server.

The node runs `haori run engine` and `haori run server` in each Pod's own root, as an unprivileged user, with its service
account, its Secrets and its addresses. An init container stands for the image: it brings this checkout's source. Namespace
admission enforces `restricted`, so the manifests are what a strict cluster takes.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http.client
import http.server
import io
import json
import re
import subprocess
import sys
import tarfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from haori.cli.deploying import (
    carry_out,
    deploy_folder,
    load_deployment,
    needed_secrets,
    plan_installation,
    with_secrets,
)
from haori.cluster import HttpClient, connect
from haori.cluster.well_known import APPLICATIONS, CONFIG_MAPS, DEPLOYMENTS, LEASES, NAMESPACES, NODES, PODS, SECRETS
from haori.git.server import ServerSettings as GitSettings
from haori.git.server import serve as serve_git
from haori.objects import annotations_of, nested, nested_list
from haori.resources import haori
from haori.sandbox.node import NodeSettings
from haori.store import run_embedded
from tests.controlplane.conftest import ControlPlane, find_assets
from tests.controlplane.test_node import Running, is_ready, until

pytestmark = [pytest.mark.controlplane, pytest.mark.timeout(400)]
NAMESPACE = "argocd"
SOURCE = Path(__file__).parents[2] / "src" / "haori"
UNPACK = "import sys,tarfile,urllib.request as u; tarfile.open(fileobj=u.urlopen(sys.argv[1]),mode='r|').extractall('/image')"
SHOP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: shop}
data: {greeting: hello}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers: [{name: shop, image: registry.example/shop}]
"""

ONE = "resourceName=shop&kind=Deployment&group=apps&version=v1&namespace=shop"
KEY = {
    "serverName": "git.example", "certType": "ssh", "certSubType": "ssh-ed25519",
    "certData": base64.b64encode(b"AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl").decode(),
}  # fmt: skip
CLUSTER = {"server": "https://tokyo.example:6443", "name": "tokyo", "config": {"bearerToken": "t"}}
PROJECT = {"project": {"metadata": {"name": "team"}, "spec": {"description": "a team"}}}
USES: tuple[tuple[str, str, Any], ...] = (
    ("GET", f"/api/v1/applications/shop/resource?{ONE}", None),
    ("GET", "/api/v1/applications/shop/managed-resources", None),
    ("GET", f"/api/v1/applications/shop/resource/actions?{ONE}", None),
    ("POST", f"/api/v1/applications/shop/resource/actions?{ONE}", "restart"),
    ("GET", "/api/v1/applications/shop/events", None),
    ("POST", "/api/v1/applications/shop/sync", {}),
    ("DELETE", "/api/v1/applications/shop/resource?resourceName=shop&kind=ConfigMap&version=v1&namespace=shop", None),
    ("POST", "/api/v1/projects", PROJECT),
    ("PUT", "/api/v1/projects/team", PROJECT),
    ("DELETE", "/api/v1/projects/team", None),
    ("POST", "/api/v1/clusters", CLUSTER),
    ("PUT", "/api/v1/clusters/https%3A%2F%2Ftokyo.example%3A6443", {"name": "osaka"}),
    ("DELETE", "/api/v1/clusters/https%3A%2F%2Ftokyo.example%3A6443", None),
    ("POST", "/api/v1/certificates", {"items": [KEY]}),
    ("DELETE", "/api/v1/certificates?hostNamePattern=git.example", None),
    ("GET", "/api/v1/account", None),
)
"""What the server does with its service account: each of its rights once."""


@contextlib.contextmanager
def image_server() -> Iterator[str]:
    """The URL of this checkout's source as an archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(SOURCE, "haori", filter=lambda each: None if "__pycache__" in each.name else each)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(buffer.getvalue())

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/image.tar"
        finally:
            server.shutdown()
            thread.join()


@contextlib.asynccontextmanager
async def store_url(folder: Path) -> AsyncIterator[str]:
    """A PostgreSQL that Pods reach: ours listens on a socket of its own folder, this lets connections through to it."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while content := await reader.read(1 << 16):
                writer.write(content)
                await writer.drain()
        writer.close()

    async with run_embedded(folder) as running:
        parts = conninfo_to_dict(running.url)

        async def through(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await asyncio.open_unix_connection(f"{parts['host']}/.s.PGSQL.5432")
            await asyncio.gather(carry(reader, back), carry(there, writer))

        server = await asyncio.start_server(through, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        yield f"postgresql://{parts['user']}:{parts['password']}@127.0.0.1:{port}/{parts['dbname']}"
        server.close()


@contextlib.asynccontextmanager
async def repository(folder: Path) -> AsyncIterator[dict[str, Any]]:
    """Where the repository with the application is served: {"port", "token"}."""
    (folder / "seed" / "shop").mkdir(parents=True)
    (folder / "seed" / "shop" / "shop.yaml").write_text(SHOP)
    ready = asyncio.Event()
    serving = asyncio.create_task(serve_git(GitSettings(data_dir=folder, seed=folder / "seed"), ready=ready.set))
    async with asyncio.timeout(30):
        await ready.wait()
    yield json.loads((folder / "git" / "server.json").read_bytes())
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """One for this module alone: cluster roles are the whole cluster's."""
    made = ControlPlane(folder=tmp_path_factory.mktemp("installed"), assets=find_assets())
    try:
        made.start()
        yield made
    finally:
        made.stop()


def as_processes(manifests: list[dict[str, Any]], image: str, api: ControlPlane) -> list[dict[str, Any]]:
    """The Deployments with what stands for their image; nothing of what they say of themselves is changed."""
    for manifest in manifests:
        if manifest["kind"] != "Deployment":
            continue
        template = manifest["spec"]["template"]
        (container,) = template["spec"]["containers"]
        mount = {"name": "image", "mountPath": "/image"}
        template["spec"]["volumes"].append({"name": "image", "emptyDir": {}})
        template["spec"]["initContainers"] = [
            {
                "name": "unpack", "image": "python", "securityContext": container["securityContext"],
                "volumeMounts": [mount],
            }
        ]  # fmt: skip
        container["volumeMounts"].append(mount)
        container["env"] += [
            {"name": "PYTHONPATH", "value": "/image"},
            # The address of the API server within a cluster is routed by its network, of which there is none here; and
            # all Pods are on one machine, so each listens on its own address alone.
            {"name": "KUBERNETES_SERVICE_HOST", "value": "127.0.0.1"},
            {"name": "KUBERNETES_SERVICE_PORT", "value": str(api.port)},
            {"name": "HAORI_LISTEN_HOST", "value": "$(HAORI_POD_IP)"},
        ]
        template["metadata"]["annotations"] = {
            "sandbox.haori.dev/command.unpack": json.dumps(["python3", "-c", UNPACK, image]),
            f"sandbox.haori.dev/command.{container['name']}": json.dumps(
                ["python3", "-m", "haori", *container["args"]]
            ),
        }
    return manifests


class Installed:
    """A cluster with Haori in it, as its administrator and a browser see it."""

    def __init__(self, client: HttpClient, plane: ControlPlane, folder: Path) -> None:
        self.client, self._plane, self._folder = client, plane, folder
        self.cookie = ""

    async def pods(self, part: str) -> list[dict[str, Any]]:
        found = await self.client.list(PODS, NAMESPACE, label_selector=f"app.kubernetes.io/component={part}")
        return [pod for pod in found.items if "deletionTimestamp" not in pod["metadata"]]

    async def are_ready(self, part: str) -> bool:
        deployment = await self.client.get(DEPLOYMENTS, f"haori-{part}", NAMESPACE)
        status = deployment.get("status") or {}
        return status.get("readyReplicas") == 2 and status.get("updatedReplicas") == status.get("replicas") == 2

    def kubectl(self, *arguments: str) -> str:
        command = [
            str(Path(sys.executable).parent / "kubectl"),
            "--kubeconfig",
            str(self._plane.kubeconfig),
            "-n",
            NAMESPACE,
        ]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def logs(self) -> str:
        """Everything the processes said."""
        files = sorted(self._folder.glob("node/pods/*/logs/*/*.log"))
        return "\n".join(f"== {path.parent.name}\n{path.read_text(errors='replace')}" for path in files)

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """A request to the first of the servers, as the page in a browser sends it."""
        pod, *_ = await self.pods("server")
        return await asyncio.to_thread(self._ask, address_of(pod), method, path, body)

    def _ask(self, address: str, method: str, path: str, body: Any) -> tuple[int, Any]:
        headers = {"Host": "haori.localhost:8080", "Origin": "http://haori.localhost:8080", "Cookie": self.cookie}
        connection = http.client.HTTPConnection(address, 8080, timeout=60)
        with contextlib.closing(connection):
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, {**headers, "Content-Type": "application/json"})
            answer = connection.getresponse()
            if cookie := answer.headers.get("set-cookie"):
                self.cookie = cookie.partition(";")[0]
            return answer.status, json.loads(answer.read())


def address_of(pod: dict[str, Any]) -> str:
    """Where a process of the Pod listens: the loopback address of the same number as the one announced."""
    return re.sub(r"^10\.", "127.", pod["status"]["podIP"])


@pytest.fixture
async def installed(plane: ControlPlane, tmp_path: Path) -> AsyncIterator[Installed]:
    """Installed, with a node that runs its Pods."""
    node = Running(NodeSettings(kubeconfig=plane.kubeconfig, data_dir=tmp_path, run_processes=True))
    async with connect(plane.kubeconfig, "envtest") as client, store_url(tmp_path / "store") as url:
        with image_server() as image:
            labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
            await client.create(NAMESPACES, namespace)
            await node.start()
            told = annotations_of(await client.get(NODES, node.settings.node_name))
            if told["sandbox.haori.dev/isolation"] != "mount-namespace":
                await node.stop()
                pytest.skip("mounts do not stand at their true paths here: no mount namespaces")
            manifests = as_processes(load_deployment(deploy_folder()), image, plane)
            wanted = with_secrets(manifests, needed_secrets(NAMESPACE, url))
            await carry_out(client, await plan_installation(client, wanted, NAMESPACE))
            try:
                yield Installed(client, plane, tmp_path)
            finally:
                await node.stop()


async def test_an_installation_becomes_ready_signs_in_and_delivers_with_no_other_rights(
    installed: Installed, tmp_path: Path
):
    client = installed.client
    try:
        for part in ("engine", "server"):
            async with asyncio.timeout(150):
                while not await installed.are_ready(part):  # noqa: ASYNC110
                    await asyncio.sleep(0.5)
    except TimeoutError:
        pods = [(each["metadata"]["name"], each.get("status")) for each in (await client.list(PODS, NAMESPACE)).items]
        raise AssertionError(f"not ready: {json.dumps(pods)[:4000]}\n{installed.logs()[-8000:]}") from None

    link = await asyncio.to_thread(
        installed.kubectl, "exec", "deployment/haori-server", "--", "python3", "-m", "haori", "open", "--no-browser"
    )
    assert link.startswith("http://haori.localhost:8080/sign-in#code=")
    status, told = await installed.ask("POST", "/api/haori/v1/session/link", {"code": link.strip().partition("=")[2]})
    assert (status, told) == (200, {"username": "owner"})

    async with repository(tmp_path / "repository") as served:
        await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        url = f"http://127.0.0.1:{served['port']}/platform.git"
        status, told = await installed.ask(
            "POST", "/api/v1/repositories", {"repo": url, "username": "haori", "password": served["token"]}
        )
        assert status == 200, told
        status, told = await installed.ask("POST", "/api/v1/applications", shop_at(url))
        assert status == 200, told

        async def delivered() -> Any:
            found = await client.get(APPLICATIONS, "shop", NAMESPACE)
            words = nested(found, "status", "sync", "status"), nested(found, "status", "health", "status")
            return found if words == ("Synced", "Healthy") else None

        try:
            await until(delivered, "the application Synced and Healthy")
        except AssertionError:
            found = await client.get(APPLICATIONS, "shop", NAMESPACE)
            raise AssertionError(f"{json.dumps(found.get('status'))[:3000]}\n{installed.logs()[-6000:]}") from None
        assert (await client.get(CONFIG_MAPS, "shop", "shop"))["data"] == {"greeting": "hello"}

        assert await kinds_of_tree(installed) >= {"ConfigMap", "Deployment", "ReplicaSet", "Pod"}
        for method, path, body in USES:
            status, told = await installed.ask(method, path, body)
            assert status == 200, (method, path, told)
        await the_other_engine_is_found(installed)
    assert '"leading"' in installed.logs()
    forbidden = [
        line for line in installed.logs().splitlines() if re.search(r"forbidden|cluster-forbidden", line, re.I)
    ]
    assert forbidden == []
    token = await client.get(SECRETS, "haori-engine-token", NAMESPACE)
    assert token["data"]["token"] not in installed.logs()


def shop_at(url: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "shop"},
        "spec": {
            "project": "default",
            "source": {"repoURL": url, "path": "shop", "targetRevision": "HEAD"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
        },
    }


async def kinds_of_tree(installed: Installed) -> set[str]:
    """Of what the server learnt from the active engine."""
    status, tree = await installed.ask("GET", "/api/v1/applications/shop/resource-tree")
    return {node["kind"] for node in nested_list(tree, "nodes")} if status == 200 else set()


async def the_other_engine_is_found(installed: Installed) -> None:
    """The active engine's Pod goes; servers find the one that stood by, where its Lease says."""
    lease = await installed.client.get(LEASES, haori.LEASE, NAMESPACE)
    before = lease["metadata"]["annotations"][haori.LISTENER]
    pods = await installed.pods("engine")
    assert len(pods) == 2
    assert all(map(is_ready, pods)), "one that stands by is ready"
    (leader,) = [pod for pod in pods if f"http://{address_of(pod)}:8083" == before]
    await installed.client.delete(PODS, leader["metadata"]["name"], NAMESPACE)

    async def moved() -> bool:
        found = await installed.client.get(LEASES, haori.LEASE, NAMESPACE)
        return bool(found["metadata"]["annotations"].get(haori.LISTENER) not in (None, before))

    await until(moved, "another holder of the Lease")

    async def answers() -> bool:
        return "Pod" in await kinds_of_tree(installed)

    await until(answers, "a tree from the other engine")
