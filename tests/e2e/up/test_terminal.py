"""A terminal into a real process, as Argo CD's page opens one."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlencode

import aiohttp
import pytest

from tests.e2e.up.instance import Running

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("up"), pytest.mark.timeout(400)]

APPLICATION, NAMESPACE = "coordinate-api", "wear-api"


async def type_into(url: str, token: str, query: dict[str, str], line: str, wanted: str) -> str:
    """What the terminal shows until `wanted` does."""
    shown = ""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        asyncio.timeout(30),
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{url}/terminal?{urlencode(query)}", headers=headers) as socket,
    ):
        await socket.send_json({"operation": "resize", "cols": 100, "rows": 30})
        await socket.send_json({"operation": "stdin", "data": line})
        async for message in socket:
            told = json.loads(message.data)
            assert told["operation"] == "stdout"
            shown += str(told["data"])
            if wanted in shown:
                return shown
    raise AssertionError(f"the terminal ended with {shown!r}")


def test_a_shell_runs_in_the_container_of_a_real_process(running: Running):
    place = json.loads((running.data_dir / "server" / "server.json").read_bytes())
    running.kubectl("-n", NAMESPACE, "rollout", "status", f"deployment/{APPLICATION}", "--timeout=60s")
    pods = running.kubectl("-n", NAMESPACE, "get", "pods", "-o", "jsonpath={.items[*].metadata.name}").split()
    pod = next(each for each in pods if each.startswith(f"{APPLICATION}-"))
    container = running.kubectl("-n", NAMESPACE, "get", "pod", pod, "-o", "jsonpath={.spec.containers[0].name}")
    row = running.applications()[APPLICATION]
    query = {
        "pod": pod, "container": container, "namespace": NAMESPACE, "appName": APPLICATION, "appNamespace": row["namespace"],
        "projectName": row["project"], "shell": "sh",
    }  # fmt: skip
    running.kubectl("-n", "argocd", "create", "configmap", "argocd-cm", "--from-literal=exec.enabled=true")

    def opened() -> tuple[bool, str]:
        try:
            return True, asyncio.run(type_into(place["url"], place["token"], query, "echo $((6*7))\r", "42\r\n"))
        except aiohttp.WSServerHandshakeError as error:
            return False, str(error)

    try:
        shown: str = running.expect("the terminal", opened)
    finally:
        running.kubectl("-n", "argocd", "delete", "configmap", "argocd-cm")
    assert shown.startswith("echo $((6*7))\r\n")
