"""The sandbox's API as a process: HTTPS on loopback, its store, its controllers.

The port is chosen free once and then kept, like keys and tokens, so that a kubeconfig works for as long as the data
folder lives. One process serves a folder: a second one is refused before it touches anything. Ending is bounded: watches
are closed at once, whatever else is under way gets two seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haori.errors import UserError
from haori.sandbox.api.endpoint_proxy import proxy_pod, proxy_service
from haori.sandbox.api.gate import Gate
from haori.sandbox.api.kubelet_proxy import KubeletProxy, Kubelets
from haori.sandbox.api.options import MASTERS, User, WriteOptions
from haori.sandbox.api.pki import SERVING_ADDRESSES, SERVING_NAMES, Pki, ensure_pki, write_kubeconfig, write_private
from haori.sandbox.api.settings import ApiSettings
from haori.sandbox.api.token_requests import TokenRequests
from haori.sandbox.api.tokens import ADMIN, Authenticator, TokenIssuer, node_user

if TYPE_CHECKING:
    import uvicorn

    from haori.sandbox.api.app import Handler
    from haori.sandbox.api.layer import Api

HOST = "127.0.0.1"
NODE_NAME = "sandbox-node"
CONTROLLER_MANAGER = User(name="system:kube-controller-manager", groups=(MASTERS, "system:authenticated"))
RENEW_SECONDS = 24 * 3600.0
HOST_NAMES = (*SERVING_NAMES, *(f"[{each}]" if ":" in each else each for each in SERVING_ADDRESSES))

_log = logging.getLogger(__name__)


class ApiStartError(UserError):
    """`sandbox-port-taken`, `sandbox-already-serving`, `sandbox-folder-unusable`."""


@contextlib.contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """The right to serve this folder; raises ApiStartError where another process has it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / "api.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ApiStartError("sandbox-folder-unusable", path=str(folder), reason=error.strerror) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ApiStartError("sandbox-already-serving", path=str(folder)) from None
    finally:
        os.close(descriptor)


def kept_port(folder: Path) -> int:
    """The port of the last run, or 0."""
    try:
        return int(json.loads((folder / "server.json").read_bytes())["port"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


@contextlib.contextmanager
def listen(port: int) -> Iterator[socket.socket]:
    """A socket that listens on loopback (0: any free port); raises ApiStartError where another program has the port."""
    try:
        listening = socket.create_server((HOST, port), backlog=512)
    except OSError as error:
        raise ApiStartError("sandbox-port-taken", port=port, reason=error.strerror) from error
    with listening:
        yield listening


def describe(settings: ApiSettings, pki: Pki, port: int) -> str:
    """Writes `sandbox/server.json` and the kubeconfigs of the node and of the admin; gives the URL."""
    url = f"https://{HOST}:{port}"
    write_private(settings.data_dir / "sandbox" / "server.json", json.dumps({"url": url, "port": port}).encode())
    kubeconfig = settings.data_dir / "kubeconfig"
    node_kubeconfig = settings.data_dir / "sandbox" / "pki" / "node.kubeconfig"
    write_kubeconfig(node_kubeconfig, server=url, authority=pki.authority, token=pki.node_token, user="sandbox-node")
    write_kubeconfig(kubeconfig, server=url, authority=pki.authority, token=pki.admin_token, user="sandbox-admin")
    return url


def serve_https(gate: Gate, pki: Pki, listening: socket.socket) -> AbstractAsyncContextManager[uvicorn.Server]:
    """Serves what is behind the gate on the socket until left."""
    from haori.inbound.serving import serve_bounded

    return serve_bounded(
        gate, listening, stop=gate.stop, ssl_certfile=pki.serving, ws="websockets-sansio", ws_max_size=16 << 20
    )


async def keep_certificates(settings: ApiSettings, server: uvicorn.Server) -> None:
    """Renews what is about to expire while the server runs; connections made from then on are given the new one."""
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        pki = ensure_pki(settings.data_dir / "sandbox" / "pki", now=datetime.now(UTC))
        if server.config.ssl is not None:
            server.config.ssl.load_cert_chain(pki.serving)


async def serve(settings: ApiSettings, *, ready: Callable[[], None]) -> None:
    """Serves until cancelled; `ready` is called once requests are answered. Raises ApiStartError."""
    from haori.sandbox.api.app import build_app
    from haori.sandbox.api.bootstrap import open_api
    from haori.sandbox.api.store import open_store

    folder = settings.data_dir / "sandbox"
    with hold_folder(folder), listen(settings.port or kept_port(folder)) as listening:
        pki = ensure_pki(folder / "pki", now=datetime.now(UTC))
        port: int = listening.getsockname()[1]
        async with open_store(folder / "state.db") as store:
            api = await open_api(store)
            await publish_endpoint(api, port)
            issuer = TokenIssuer(pki.signing_key)
            authenticator = make_authenticator(api, pki, issuer)
            gate = Gate(
                build_app(api, make_handlers(pki, issuer), user_of_token=authenticator.user_for),
                authenticate=lambda headers: authenticator.user_of_header(headers.get("authorization", "")),
                names=HOST_NAMES,
                port=port,
            )
            async with serve_https(gate, pki, listening) as server, asyncio.TaskGroup() as tasks:
                url = describe(settings, pki, port)
                tasks.create_task(keep_certificates(settings, server), name="certificates")
                if settings.controllers:
                    tasks.create_task(_run_controllers(api, pki), name="controllers")
                _log.info("sandbox api ready", extra={"facts": {"url": url}})
                ready()


def make_handlers(pki: Pki, issuer: TokenIssuer) -> dict[str, Handler]:
    """What the API answers by more than its objects."""
    kubelet = KubeletProxy(Kubelets(pki.kubelet_client))
    return {
        "serviceaccounts/token": TokenRequests(issuer),
        "pods/log": kubelet.logs,
        "pods/exec": kubelet.exec,
        "pods/attach": kubelet.attach,
        "pods/portforward": kubelet.port_forward,
        "pods/proxy": proxy_pod,
        "services/proxy": proxy_service,
    }


async def _run_controllers(api: Api, pki: Pki) -> None:
    from haori.sandbox.api.local import LocalClient
    from haori.sandbox.controllers.run import run_controllers
    from haori.sandbox.controllers.settings import ControllerSettings

    client = LocalClient(api, user=CONTROLLER_MANAGER)
    await run_controllers(client, ControllerSettings(ca_certificate=pki.authority.decode()))


def make_authenticator(api: Api, pki: Pki, issuer: TokenIssuer) -> Authenticator:
    """Who is known here: the admin, the node, and the service accounts that live in the API."""
    fixed = {pki.admin_token: ADMIN, pki.node_token: node_user(NODE_NAME)}
    return Authenticator(
        fixed,
        issuer,
        lookup=lambda plural, namespace, name: api.find(plural, name, namespace),
        now=api.now,
    )


async def publish_endpoint(api: Api, port: int) -> None:
    """Writes where the API's own Service leads: this process."""
    slices = api.served("discovery.k8s.io", "v1", "endpointslices")
    manifest = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": "kubernetes"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [HOST], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
    }
    options = WriteOptions(field_manager="kube-apiserver")
    if api.find(slices.storage, "kubernetes", "default") is None:
        await api.create(slices, manifest, "default", options)
    else:
        await api.update(
            slices, "kubernetes", "default", lambda found: {**found, **_without_metadata(manifest)}, options
        )


def _without_metadata(manifest: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in manifest.items() if name != "metadata"}
