"""Puts the node together and runs it."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from haori.cluster import HttpClient, connect
from haori.cluster.well_known import SERVICES
from haori.errors import PeerError, TransientError
from haori.objects import nested_text
from haori.sandbox.node.addresses import Addresses, is_loopback
from haori.sandbox.node.cgroups import Cgroups
from haori.sandbox.node.claims import ClaimFolders
from haori.sandbox.node.events import EventRecorder
from haori.sandbox.node.images import ImageRuleFile
from haori.sandbox.node.ingress_proxy import IngressProxy
from haori.sandbox.node.isolation import Isolation, find_isolation
from haori.sandbox.node.kubelet_server import KubeletServer, choose_port
from haori.sandbox.node.limits import kept_limits
from haori.sandbox.node.node_object import HOST_IP, NodeFacts, NodeKeeper
from haori.sandbox.node.parts import NodeParts, Processes
from haori.sandbox.node.pod_worker import PodWorker
from haori.sandbox.node.pods import Pods
from haori.sandbox.node.process_run import Guard
from haori.sandbox.node.references import References
from haori.sandbox.node.remains import clear_remains, exclusive, node_mark, sweep_folders, write_record
from haori.sandbox.node.service_proxy import ServiceProxy
from haori.sandbox.node.serving_certificate import ensure_certificate
from haori.sandbox.node.settings import NodeSettings

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
KUBERNETES_SERVICE_TRIES = 5


async def run_node(settings: NodeSettings, *, ready: Callable[[], None]) -> None:
    """See `haori.sandbox.node.serve`."""
    settings.pods_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with exclusive(settings.folder / "lock"):
        cgroups = await asyncio.to_thread(clear_remains, settings)
        isolation = await find_isolation(settings.folder) if settings.run_processes else None
        guard = Guard(f"SANDBOX_NODE_RUN={secrets.token_hex(12)}", cgroups.bases)
        try:
            await _run_with(settings, isolation, guard, cgroups, ready)
        finally:
            await asyncio.shield(asyncio.to_thread(guard.close))
            await asyncio.shield(asyncio.to_thread(cgroups.clear))


async def _run_with(
    settings: NodeSettings,
    isolation: Isolation | None,
    guard: Guard,
    cgroups: Cgroups,
    ready: Callable[[], None],
) -> None:
    async with connect(settings.kubeconfig, settings.context, user_agent="haori-node") as client:
        pods: Pods | None = None
        proxy = ServiceProxy(client, resolve=lambda target: pods.resolve(target) if pods else target)
        processes = None
        if isolation is not None:
            processes = Processes(
                isolation=isolation,
                guard=guard,
                cgroups=cgroups,
                claims=ClaimFolders(client, isolation.files / "volumes"),
                mark=node_mark(settings),
                api_variables=api_variables(client.settings.server),
                reachable_services=proxy.reachable,
            )
        loopback = await _services_are_loopback(client)
        parts = NodeParts(
            settings=settings,
            client=client,
            events=EventRecorder(client, host=settings.node_name, now=_now),
            images=ImageRuleFile(settings.image_rules_file),
            addresses=Addresses(loopback=loopback),
            references=References(client),
            now=_now,
            host_ip=HOST_IP,
            processes=processes,
        )

        def make_worker(pod: Mapping[str, Any]) -> PodWorker:
            return PodWorker(parts, pod)

        pods = Pods(parts, make_worker)
        certificate = settings.folder / "serving.pem"
        fingerprint = await asyncio.to_thread(ensure_certificate, certificate, name=settings.node_name, address=HOST_IP)
        authority = client_authority(settings, client)
        server = KubeletServer(pods, certificate=certificate, client_authority=authority)
        bound = choose_port(settings, HOST_IP)
        limits = limits_here(isolation, cgroups)
        facts = NodeFacts(
            kubelet_port=bound.getsockname()[1],
            fingerprint=fingerprint,
            isolation=isolation.label if isolation else "none",
            limits=",".join(f"{name}={keeper}" for name, keeper in limits.items()) or "none",
        )
        await asyncio.to_thread(write_record, settings, isolation=facts.isolation, limits=limits)
        keeper = NodeKeeper(client, settings, facts, now=_now)
        await _register(keeper)
        async with asyncio.TaskGroup() as group:
            for part in (keeper.run(), parts.events.run(), parts.references.run(), pods.run(), server.run(bound)):
                group.create_task(part)
            if processes is not None:
                group.create_task(proxy.run())
                group.create_task(processes.claims.run())
                if loopback:
                    group.create_task(IngressProxy(client, proxy.endpoints).run())
            await pods.reflector.wait_synced()
            group.create_task(asyncio.to_thread(sweep_folders, settings, isolation, pods.uids))
            log.info("node ready", extra={"node": settings.node_name})
            ready()


def limits_here(isolation: Isolation | None, cgroups: Cgroups) -> dict[str, str]:
    """What keeps which limit; empty where no process is ever run."""
    if isolation is None:
        return {}
    return kept_limits(by_groups=frozenset(cgroups.hierarchies), own_users=isolation.drops_privileges)


def client_authority(settings: NodeSettings, client: HttpClient) -> bytes | None:
    """Who signs the certificate by which the API server is known."""
    if settings.client_authority is not None:
        return settings.client_authority.read_bytes()
    return client.settings.certificate_authority


def api_variables(server: str) -> dict[str, str]:
    """Where a process finds the API: at the address that we use, since it runs on the same machine."""
    url = urlsplit(server)
    host, port = url.hostname or "127.0.0.1", str(url.port or (443 if url.scheme == "https" else 80))
    return {
        "KUBERNETES_SERVICE_HOST": host,
        "KUBERNETES_SERVICE_PORT": port,
        "KUBERNETES_SERVICE_PORT_HTTPS": port,
        "KUBERNETES_PORT": f"tcp://{host}:{port}",
    }


async def _services_are_loopback(client: HttpClient) -> bool:
    """Whether this cluster gives Services loopback addresses, as the sandbox's API does."""
    tries = 0
    while True:
        try:
            service = await client.get(SERVICES, "kubernetes", "default")
            return is_loopback(nested_text(service, "spec", "clusterIP"))
        except TransientError as problem:
            log.debug("API not there yet", extra={"code": problem.code})
        except PeerError:
            tries += 1
            if tries >= KUBERNETES_SERVICE_TRIES:
                return False
        await asyncio.sleep(RETRY_SECONDS)


async def _register(keeper: NodeKeeper) -> None:
    while True:
        try:
            await keeper.register()
        except TransientError as problem:
            log.debug("API not there yet", extra={"code": problem.code})
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return


def _now() -> datetime:
    return datetime.now(UTC)
