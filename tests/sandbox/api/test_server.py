"""What surrounds the API: who gets in, what is kept over a restart, how it ends."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import stat
from pathlib import Path

import pytest

from haori.cluster import ForbiddenError
from haori.cluster.http_client import connect, connect_to
from haori.cluster.well_known import CONFIG_MAPS, NODES, SERVICE_ACCOUNTS
from haori.sandbox.api.server import ApiStartError

from .serving import Served, serving


def config_map(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}}


async def connected(served: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that trusts the sandbox's authority alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(served.data_dir / "sandbox" / "pki" / "ca.crt")
    return await asyncio.open_connection("127.0.0.1", served.port, ssl=context)


def modes(folder: Path) -> set[int]:
    """What others may do with the files below a folder."""
    return {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in folder.rglob("*") if path.is_file()}


async def ask(served: Served, head: str) -> tuple[int, bytes]:
    """(status, body) of a request sent as it is written."""
    reader, writer = await connected(served)
    try:
        writer.write(f"{head}\r\nConnection: close\r\n\r\n".replace("PORT", str(served.port)).encode())
        answer = await reader.read()
    finally:
        writer.close()
    top, _, body = answer.partition(b"\r\n\r\n")
    return int(top.split()[1]), body


@pytest.mark.parametrize(
    ("head", "status", "body"),
    [
        ("GET /api HTTP/1.1\r\nHost: 127.0.0.1:PORT", 401, b"Unauthorized"),
        ("GET /apis HTTP/1.1\r\nHost: localhost:PORT\r\nAuthorization: Bearer wrong", 401, b"Unauthorized"),
        ("GET /api/v1/secrets HTTP/1.1\r\nHost: 127.0.0.1:PORT", 401, b"Unauthorized"),
        ("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:PORT", 401, b"Unauthorized"),
        ("GET /livez HTTP/1.1\r\nHost: 127.0.0.1:PORT", 200, b"ok"),
        ("GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:PORT", 200, b"ok"),
        ("GET /version HTTP/1.1\r\nHost: kubernetes.default.svc", 200, b"gitVersion"),
        ("GET /livez HTTP/1.1\r\nHost: evil.example", 421, b""),
        ("GET /livez HTTP/1.1\r\nHost: evil.example:PORT", 421, b""),
        ("GET /livez HTTP/1.1\r\nHost: 127.0.0.1:1", 421, b""),
        ("GET /livez HTTP/1.1\r\nHost: evil.example\r\nHost: 127.0.0.1:PORT", 421, b""),
        ("GET http://evil.example/livez HTTP/1.1\r\nHost: evil.example", 421, b""),
        ("GET /livez HTTP/1.0", 421, b""),
    ],
)
async def test_without_token_or_with_a_foreign_host_there_is_nothing(
    tmp_path: Path, head: str, status: int, body: bytes
) -> None:
    async with serving(tmp_path) as served:
        found, content = await ask(served, head)
    assert found == status
    assert body in content
    assert body or not content


async def test_a_foreign_host_gets_nothing_even_with_the_token(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        token = (tmp_path / "sandbox/pki/admin.token").read_text()
        head = f"GET /api HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Bearer {token}"
        assert await ask(served, head) == (421, b"")


async def test_port_token_and_objects_are_kept_over_a_restart(tmp_path: Path) -> None:
    async with serving(tmp_path) as first:
        await first.client.create(CONFIG_MAPS, config_map("kept"))
        kubeconfig = first.kubeconfig.read_bytes()
    async with serving(tmp_path) as second:
        assert second.port == first.port
        assert second.kubeconfig.read_bytes() == kubeconfig
        found = await second.client.get(CONFIG_MAPS, "kept", "default")
    assert found["metadata"]["name"] == "kept"


async def test_what_is_written_is_private(tmp_path: Path) -> None:
    async with serving(tmp_path):
        assert modes(tmp_path) == {0}
        assert stat.S_IMODE((tmp_path / "sandbox").stat().st_mode) == 0o700


async def test_one_folder_is_served_once(tmp_path: Path) -> None:
    async with serving(tmp_path):
        with pytest.raises(ApiStartError) as raised:
            async with serving(tmp_path):
                pass
    assert raised.value.code == "sandbox-already-serving"


async def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ApiStartError) as raised:
            async with serving(tmp_path, port=port):
                pass
    assert raised.value.code == "sandbox-port-taken"
    assert raised.value.parameters["port"] == port


async def test_ending_closes_watches_in_good_order(tmp_path: Path) -> None:
    """A client sees a watch that ended, not a connection that broke."""
    async with serving(tmp_path) as served:
        token = (tmp_path / "sandbox/pki/admin.token").read_text()
        reader, writer = await connected(served)
        writer.write(
            f"GET /api/v1/namespaces?watch=true HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        await reader.readuntil(b"ADDED")
    async with asyncio.timeout(20):
        rest = await reader.read()
    writer.close()
    assert rest.endswith(b"\r\n0\r\n\r\n")


async def test_a_service_account_has_what_roles_give_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "app", "namespace": "default"}}
        await served.client.create(SERVICE_ACCOUNTS, account)
        path = "/api/v1/namespaces/default/serviceaccounts/app/token"
        answer = json.loads(await served.client.raw("POST", path, body=b'{"spec": {"expirationSeconds": 600}}'))
        settings = served.client.settings
        token = answer["status"]["token"]
        mine = type(settings)(
            name="app", server=settings.server, certificate_authority=settings.certificate_authority, token=token
        )
        async with connect_to(mine) as client:
            with pytest.raises(ForbiddenError) as refused:
                await client.list(CONFIG_MAPS, "default")
            assert refused.value.status == 403
            await served.client.raw(
                "POST",
                "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
                body=json.dumps(
                    {
                        "metadata": {"name": "app"},
                        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
                        "subjects": [{"kind": "ServiceAccount", "name": "app", "namespace": "default"}],
                    }
                ).encode(),
            )
            await client.list(CONFIG_MAPS, "default")
            await served.client.delete(SERVICE_ACCOUNTS, "app", "default")
            with pytest.raises(ForbiddenError) as ended:
                await client.list(CONFIG_MAPS, "default")
            assert ended.value.status == 401


@pytest.mark.parametrize(
    ("spec", "status"),
    [
        ({"expirationSeconds": 599}, 422),
        ({"boundObjectRef": {"kind": "Pod", "name": "absent"}}, 404),
        ({"boundObjectRef": {"kind": "Deployment", "name": "absent"}}, 400),
        ({}, 201),
    ],
)
async def test_token_requests_are_checked(tmp_path: Path, spec: dict[str, object], status: int) -> None:
    async with serving(tmp_path) as served:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "app", "namespace": "default"}}
        await served.client.create(SERVICE_ACCOUNTS, account)
        token = (tmp_path / "sandbox/pki/admin.token").read_text()
        body = json.dumps({"spec": spec})
        found, _ = await ask(
            served,
            "POST /api/v1/namespaces/default/serviceaccounts/app/token HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
            f"\r\nConnection: close\r\n\r\n{body}",
        )
    assert found == status


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("Impersonate-User: someone", 403),
        ("Impersonate-User: someone\r\nImpersonate-Group: other\r\nImpersonate-Group: system:masters", 200),
        ("X-Nothing: 1", 200),
    ],
)
async def test_the_admin_may_act_as_somebody_else(tmp_path: Path, who: str, status: int) -> None:
    async with serving(tmp_path) as served:
        token = (tmp_path / "sandbox/pki/admin.token").read_text()
        head = f"GET /api/v1/secrets HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{who}"
        assert (await ask(served, head))[0] == status


async def test_a_node_may_not_act_as_somebody_else(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        token = (tmp_path / "sandbox/pki/node.token").read_text()
        head = f"GET /api/v1/services HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}"
        assert (await ask(served, head))[0] == 200
        assert (await ask(served, f"{head}\r\nImpersonate-User: admin"))[0] == 403


async def test_the_node_has_a_kubeconfig_of_its_own(tmp_path: Path) -> None:
    async with serving(tmp_path), connect(tmp_path / "sandbox/pki/node.kubeconfig") as node:
        made = await node.create(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "sandbox-node"}})
        assert made["metadata"]["name"] == "sandbox-node"
        with pytest.raises(ForbiddenError):
            await node.get(CONFIG_MAPS, "kube-root-ca.crt", "default")


async def test_a_token_review_knows_the_admin(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        for token, is_known in (((tmp_path / "sandbox/pki/admin.token").read_text(), True), ("other", False)):
            body = json.dumps({"spec": {"token": token}}).encode()
            answer = json.loads(
                await served.client.raw("POST", "/apis/authentication.k8s.io/v1/tokenreviews", body=body)
            )
            assert bool(answer["status"].get("authenticated")) is is_known
