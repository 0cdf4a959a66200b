"""kubectl and Helm, as people use them, against the API with its controllers and a node."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from haori.delivery.render.tools import Tool, ToolMissingError, find_tool
from haori.sandbox.api.server import serve
from haori.sandbox.api.settings import ApiSettings
from haori.sandbox.node import NodeSettings
from haori.sandbox.node import serve as serve_node

pytestmark = [pytest.mark.tools, pytest.mark.timeout(180)]

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: web, image: "registry.example/web:1", ports: [{containerPort: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


class Tools:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {name: os.environ[name] for name in ("PATH", "HAORI_TOOLS") if name in os.environ}
        self.environment = kept | {"KUBECONFIG": str(folder / "kubeconfig"), "HOME": str(folder)}

    async def attempt(self, tool: str, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            tool,
            *arguments,
            env=self.environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            out, err = await process.communicate(stdin.encode())
        return process.returncode or 0, out.decode(), err.decode()

    async def kubectl(self, *arguments: str, stdin: str = "") -> str:
        code, out, err = await self.attempt(_tool("kubectl"), *arguments, stdin=stdin)
        assert code == 0, err
        return out

    async def helm(self, *arguments: str) -> str:
        code, out, err = await self.attempt(_tool("helm"), *arguments)
        assert code == 0, err
        return out


def _tool(name: str) -> str:
    try:
        return str(find_tool(Tool(name)))
    except ToolMissingError:
        pytest.skip(f"no {name} on this machine")


@pytest.fixture
async def tools(tmp_path: Path) -> AsyncIterator[Tools]:
    ready = asyncio.Event()
    node_ready = asyncio.Event()
    api = asyncio.create_task(serve(ApiSettings(data_dir=tmp_path), ready=ready.set))
    async with asyncio.timeout(20):
        await ready.wait()
    settings = NodeSettings(kubeconfig=tmp_path / "sandbox/pki/node.kubeconfig", data_dir=tmp_path)
    node = asyncio.create_task(serve_node(settings, ready=node_ready.set))
    async with asyncio.timeout(20):
        await node_ready.wait()
    try:
        yield Tools(tmp_path)
    finally:
        for task in (node, api):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_kubectl_takes_a_deployment_through_its_life(tools: Tools) -> None:
    await tools.kubectl("create", "namespace", "shop")
    assert "deployment.apps/web created" in await tools.kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    await tools.kubectl("-n", "shop", "rollout", "status", "deployment/web", "--timeout=30s")
    assert "unchanged" in await tools.kubectl("apply", "-f", "-", stdin=DEPLOYMENT)

    changed = DEPLOYMENT.replace("web:1", "web:2")
    assert "deployment.apps/web configured" in await tools.kubectl("apply", "-f", "-", stdin=changed)
    await tools.kubectl("-n", "shop", "rollout", "status", "deployment/web", "--timeout=30s")
    await tools.kubectl("-n", "shop", "scale", "deployment/web", "--replicas=3")
    await tools.kubectl("-n", "shop", "label", "deployment/web", "team=wear")
    await tools.kubectl("-n", "shop", "annotate", "deployment/web", "note=by hand")
    await tools.kubectl("-n", "shop", "set", "image", "deployment/web", "web=registry.example/web:3")
    await tools.kubectl("-n", "shop", "rollout", "undo", "deployment/web")
    await tools.kubectl("-n", "shop", "rollout", "status", "deployment/web", "--timeout=30s")

    web = orjson.loads(await tools.kubectl("-n", "shop", "get", "deployment", "web", "-o", "json"))
    assert web["spec"]["replicas"] == 3
    assert web["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example/web:2"
    assert web["metadata"]["labels"] == {"team": "wear"}
    wide = await tools.kubectl("-n", "shop", "get", "deployment,pods,services", "-o", "wide")
    assert "CLUSTER-IP" in wide
    assert "3/3" in wide
    assert "NewReplicaSet" in await tools.kubectl("-n", "shop", "describe", "deployment", "web")
    await tools.kubectl("-n", "shop", "delete", "deployment", "web", "--wait", "--timeout=30s", "--cascade=foreground")
    await tools.kubectl("delete", "namespace", "shop", "--wait", "--timeout=30s")
    assert "shop" not in await tools.kubectl("get", "namespaces", "-o", "name")


async def test_kubectl_applies_a_list_and_validates_what_is_in_it(tools: Tools) -> None:
    good = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}}
    listed = {"apiVersion": "v1", "kind": "List", "items": [good, good | {"metadata": {"name": "b"}, "dota": {}}]}

    code, out, err = await tools.attempt(_tool("kubectl"), "apply", "-f", "-", stdin=orjson.dumps(listed).decode())

    assert code == 1
    assert "configmap/a created" in out
    assert 'unknown field "dota"' in err


async def test_kubectl_applies_on_the_servers_side(tools: Tools) -> None:
    await tools.kubectl("create", "namespace", "shop")
    await tools.kubectl("apply", "--server-side", "-f", "-", stdin=DEPLOYMENT)
    await tools.kubectl("-n", "shop", "scale", "deployment/web", "--replicas=5")

    again = DEPLOYMENT.replace("web:1", "web:2")
    code, _, problem = await tools.attempt(_tool("kubectl"), "apply", "--server-side", "-f", "-", stdin=again)
    await tools.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=again)

    assert code == 1
    assert "conflict with" in problem
    assert ".spec.replicas" in problem
    assert (await tools.kubectl("-n", "shop", "get", "deploy", "web", "-o", "jsonpath={.spec.replicas}")) == "2"


async def test_kubectl_is_told_of_mistakes(tools: Tools) -> None:
    await tools.kubectl("create", "namespace", "shop")
    wrong = DEPLOYMENT.replace("replicas: 2", "replica: 2")

    code, _, problem = await tools.attempt(_tool("kubectl"), "apply", "-f", "-", stdin=wrong)

    assert code == 1
    assert 'unknown field "spec.replica"' in problem


async def test_kubectl_explains_and_creates(tools: Tools) -> None:
    assert "Number of desired pods" in await tools.kubectl("explain", "deployment.spec.replicas")
    await tools.kubectl("create", "configmap", "settings", "--from-literal=color=red")
    await tools.kubectl("create", "secret", "generic", "key", "--from-literal=token=abc")
    await tools.kubectl("create", "deployment", "made", "--image=registry.example/made:1")
    await tools.kubectl("expose", "deployment", "made", "--port=80")
    await tools.kubectl("patch", "configmap", "settings", "-p", '{"data":{"size":"3"}}')

    assert "yes" in await tools.kubectl("auth", "can-i", "create", "pods")
    assert "sandbox-admin" in await tools.kubectl("auth", "whoami")
    found = orjson.loads(await tools.kubectl("get", "configmap", "settings", "-o", "json"))
    assert found["data"] == {"color": "red", "size": "3"}
    assert "Dry run" not in await tools.kubectl("delete", "configmap", "settings", "--dry-run=server")
    assert "settings" in await tools.kubectl("get", "configmaps")


async def test_helm_installs_upgrades_rolls_back_and_uninstalls(tools: Tools, tmp_path: Path) -> None:
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 1.0.0\n")
    (chart / "values.yaml").write_text("color: red\n")
    (chart / "templates" / "settings.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {color: {{ .Values.color }}}\n"
    )
    (chart / "templates" / "web.yaml").write_text(
        DEPLOYMENT.replace(", namespace: shop", "").replace("registry.example/web:1", "registry.example/web:1")
    )

    await tools.helm("install", "web", str(chart), "-n", "shop", "--create-namespace", "--wait", "--timeout", "40s")
    await tools.helm("upgrade", "web", str(chart), "-n", "shop", "--set", "color=blue")
    blue = await tools.kubectl("-n", "shop", "get", "configmap", "settings", "-o", "jsonpath={.data.color}")
    await tools.helm("rollback", "web", "1", "-n", "shop")
    red = await tools.kubectl("-n", "shop", "get", "configmap", "settings", "-o", "jsonpath={.data.color}")
    await tools.helm("uninstall", "web", "-n", "shop", "--wait")

    assert (blue, red) == ("blue", "red")
    assert "web" not in await tools.kubectl("-n", "shop", "get", "deployments,services,configmaps", "-o", "name")


async def test_kubectl_is_told_why_nothing_is_executed(tools: Tools) -> None:
    await tools.kubectl("create", "namespace", "shop")
    await tools.kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    await tools.kubectl("-n", "shop", "rollout", "status", "deployment/web", "--timeout=30s")

    code, _, simulated = await tools.attempt(_tool("kubectl"), "-n", "shop", "exec", "deploy/web", "--", "true")
    assert code == 1
    assert "this container is simulated by the sandbox" in simulated

    _, _, absent = await tools.attempt(_tool("kubectl"), "-n", "shop", "exec", "absent", "--", "true")
    assert 'pods "absent" not found' in absent
