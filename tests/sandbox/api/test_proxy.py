"""What the API hands on: to Services and Pods over HTTP, to kubelets known by their fingerprint."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from haori.cluster import InvalidError, UnreachableError
from haori.cluster.well_known import ENDPOINT_SLICES, NODES, PODS, SERVICE_ACCOUNTS, SERVICES
from haori.sandbox.api.endpoint_proxy import pod_port, service_endpoints, split_name
from haori.sandbox.api.errors import ApiStatusError
from haori.sandbox.api.kubelet_proxy import FINGERPRINT, check_log_options, choose_container, kubelet_query
from haori.sandbox.api.pki import ensure_pki

from .serving import Served, serving


class Backend:
    """A server that remembers what it was asked."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.port = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if request.headers.get("Upgrade"):
            socket = web.WebSocketResponse(protocols=("v5.channel.k8s.io",))
            await socket.prepare(request)
            async for message in socket:
                if message.type is WSMsgType.BINARY:
                    await socket.send_bytes(message.data)
            return socket
        self.bodies.append(await request.read())
        response = web.StreamResponse(headers={"X-From": "backend"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b"one ")
        await response.write(b"two")
        return response


async def run_backend(backend: Backend, context: ssl.SSLContext | None = None) -> web.AppRunner:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", backend.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    backend.port = runner.addresses[0][1]
    return runner


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    made = Backend()
    runner = await run_backend(made)
    yield made
    await runner.cleanup()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data") as each:
        yield each


async def put_service(served: Served, address: str, port: int, *, ready: bool = True) -> None:
    spec = {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]}
    metadata = {"name": "web", "namespace": "default"}
    await served.client.create(SERVICES, {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    slice_ = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**metadata, "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": ready}}],
        "ports": [{"name": "http", "port": port}],
    }
    await served.client.create(ENDPOINT_SLICES, slice_)


PROXY = "/api/v1/namespaces/default/services/web:http/proxy"


async def test_a_request_reaches_a_ready_endpoint_without_the_callers_token(served: Served, backend: Backend) -> None:
    await put_service(served, "127.0.0.1", backend.port)
    answer = await served.client.raw("POST", f"{PROXY}/a%2Fb/c", params={"q": "1 2"}, body=b"hello")

    assert answer == b"one two"
    request = backend.requests[0]
    assert request.raw_path == "/a%2Fb/c?q=1+2"
    assert backend.bodies == [b"hello"]
    assert "Authorization" not in request.headers
    assert request.headers["Host"] == f"127.0.0.1:{backend.port}"


async def test_without_a_ready_endpoint_the_service_is_unavailable(served: Served, backend: Backend) -> None:
    await put_service(served, "127.0.0.1", backend.port, ready=False)
    with pytest.raises(UnreachableError) as raised:
        await served.client.raw("GET", f"{PROXY}/")
    assert 'no endpoints available for service "web:http"' in str(raised.value)


async def test_only_this_machine_is_dialled(served: Served) -> None:
    await put_service(served, "192.0.2.1", 80)
    with pytest.raises(UnreachableError) as raised:
        await served.client.raw("GET", f"{PROXY}/")
    assert "no endpoints available" in str(raised.value)


async def put_pod(served: Served, port: int, fingerprint: str) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "default"}}
    await served.client.create(SERVICE_ACCOUNTS, account)
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "one", "annotations": {FINGERPRINT: fingerprint}},
    }
    made = await served.client.create(NODES, node)
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
    }
    await served.client.replace(NODES, {**made, "status": status}, subresource="status")
    spec = {"nodeName": "one", "containers": [{"name": "web", "image": "web:1"}]}
    metadata = {"name": "web", "namespace": "default"}
    await served.client.create(PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


@pytest.fixture
async def kubelet(tmp_path: Path) -> AsyncIterator[tuple[Backend, str]]:
    """A kubelet and the fingerprint of its certificate."""
    other = ensure_pki(tmp_path / "node", now=datetime.now(UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(other.serving)
    made = Backend()
    runner = await run_backend(made, context)
    pem = other.serving.read_text().partition("-----BEGIN PRIVATE")[0]
    yield made, hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.strip())).hexdigest()
    await runner.cleanup()


async def test_logs_are_asked_of_the_node(served: Served, kubelet: tuple[Backend, str]) -> None:
    backend, fingerprint = kubelet
    await put_pod(served, backend.port, fingerprint)
    chunks = [chunk async for chunk in served.client.logs("web", "default", tail_lines=5, timestamps=True)]

    assert b"".join(chunks) == b"one two"
    assert backend.requests[0].path == "/containerLogs/default/web/web"
    assert dict(backend.requests[0].query) == {"tailLines": "5", "timestamps": "true"}


async def test_a_node_that_shows_another_certificate_is_asked_nothing(
    served: Served, kubelet: tuple[Backend, str]
) -> None:
    backend, _ = kubelet
    await put_pod(served, backend.port, "0" * 64)
    with pytest.raises(UnreachableError) as raised:
        await served.client.raw("GET", "/api/v1/namespaces/default/pods/web/log")
    assert "certificate is not the one its node names" in str(raised.value)
    assert backend.requests == []


async def test_exec_joins_two_websockets(served: Served, kubelet: tuple[Backend, str]) -> None:
    from websockets.asyncio.client import connect
    from websockets.typing import Subprotocol

    backend, fingerprint = kubelet
    await put_pod(served, backend.port, fingerprint)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(served.data_dir / "sandbox/pki/ca.crt")
    path = "/api/v1/namespaces/default/pods/web/exec?command=sh&command=-c&stdout=true&stdin=true"
    async with (
        asyncio.timeout(20),
        connect(
            f"wss://127.0.0.1:{served.port}{path}",
            ssl=context,
            proxy=None,
            subprotocols=[Subprotocol("v5.channel.k8s.io"), Subprotocol("v4.channel.k8s.io")],
            additional_headers={"Authorization": f"Bearer {served.client.settings.token}"},
        ) as caller,
    ):
        assert caller.subprotocol == "v5.channel.k8s.io"
        await caller.send(b"\x00hello")
        assert await caller.recv() == b"\x00hello"
    assert backend.requests[0].path == "/exec/default/web/web"
    assert list(backend.requests[0].query.items()) == [
        ("command", "sh"),
        ("command", "-c"),
        ("output", "1"),
        ("input", "1"),
    ]


async def test_port_forward_joins_two_websockets(served: Served, kubelet: tuple[Backend, str]) -> None:
    from websockets.asyncio.client import connect
    from websockets.typing import Subprotocol

    backend, fingerprint = kubelet
    await put_pod(served, backend.port, fingerprint)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(served.data_dir / "sandbox/pki/ca.crt")
    path = "/api/v1/namespaces/default/pods/web/portforward?ports=80,81"
    async with (
        asyncio.timeout(20),
        connect(
            f"wss://127.0.0.1:{served.port}{path}",
            ssl=context,
            proxy=None,
            subprotocols=[Subprotocol("v5.channel.k8s.io")],
            additional_headers={"Authorization": f"Bearer {served.client.settings.token}"},
        ) as caller,
    ):
        await caller.send(b"\x00ping")
        assert await caller.recv() == b"\x00ping"
    assert backend.requests[0].path == "/portForward/default/web"
    assert backend.requests[0].query.getall("port") == ["80", "81"]


async def test_logs_of_a_pod_without_a_node_are_refused(served: Served) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "default"}}
    await served.client.create(SERVICE_ACCOUNTS, account)
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
    }
    await served.client.create(PODS, pod)
    with pytest.raises(InvalidError) as raised:
        await served.client.raw("GET", "/api/v1/namespaces/default/pods/web/log")
    assert raised.value.message == "pod web does not have a host assigned"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("web", ("", "web", "")),
        ("web:80", ("", "web", "80")),
        ("https:web:metrics", ("https", "web", "metrics")),
        (":web:80", ("", "web", "80")),
        ("http:web:", ("http", "web", "")),
    ],
)
def test_a_name_may_carry_scheme_and_port(text: str, found: tuple[str, str, str]) -> None:
    assert split_name(text) == found


@pytest.mark.parametrize("text", ["", ":80", "ftp:web:80", "a:b:c:d"])
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(ApiStatusError):
        split_name(text)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("", []), ("http", [8080]), ("80", [8080]), ("admin", [9090]), ("81", [9090]), ("8080", [])],
)
def test_a_services_port_leads_to_its_endpoints_port(wanted: str, found: list[int]) -> None:
    ports = [{"name": "http", "port": 80}, {"name": "admin", "port": 81}]
    slices = [
        {
            "ports": [{"name": "admin", "port": 9090}, {"name": "http", "port": 8080}],
            "endpoints": [{"addresses": ["127.80.0.1"]}, {"addresses": ["127.80.0.2"], "conditions": {"ready": False}}],
        }
    ]
    assert list(service_endpoints({"spec": {"ports": ports}}, slices, wanted)) == [("127.80.0.1", p) for p in found]


POD = {
    "metadata": {"name": "p"},
    "spec": {"containers": [{"name": "a", "ports": [{"name": "http", "containerPort": 8}]}]},
}


@pytest.mark.parametrize(("wanted", "found"), [("", 8), ("http", 8), ("9", 9)])
def test_a_pods_port_is_a_number_a_name_or_its_first(wanted: str, found: int) -> None:
    assert pod_port(POD, wanted) == found


TWO: dict[str, Any] = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a"}, {"name": "b"}]}}
DEFAULT = {**TWO, "metadata": {"annotations": {"kubectl.kubernetes.io/default-container": "b"}}}


@pytest.mark.parametrize(("pod", "wanted", "found"), [(POD, "", "a"), (TWO, "b", "b"), (DEFAULT, "", "b")])
def test_the_container_that_is_meant(pod: dict[str, Any], wanted: str, found: str) -> None:
    assert choose_container(pod, wanted) == found


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("", "a container name must be specified for pod p, choose one of: [a b]"),
        ("c", "container c is not valid for pod p"),
    ],
)
def test_a_container_that_is_not_clear_is_asked_for(wanted: str, message: str) -> None:
    with pytest.raises(ApiStatusError) as raised:
        choose_container(TWO, wanted)
    assert raised.value.message == message


@pytest.mark.parametrize(
    "query",
    [{"tailLines": "-1"}, {"sinceSeconds": "0"}, {"limitBytes": "x"}, {"sinceSeconds": "1", "sinceTime": "now"}],
)
def test_log_options_are_checked(query: dict[str, str]) -> None:
    with pytest.raises(ApiStatusError):
        check_log_options(query)


def test_streams_are_named_as_the_kubelet_names_them() -> None:
    pairs = [("command", "ls"), ("stdin", "true"), ("stderr", "false"), ("tty", "1"), ("container", "a")]
    assert kubelet_query(pairs) == "command=ls&input=1&tty=1"
