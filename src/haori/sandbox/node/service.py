"""Puts the node together and runs it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from haori.cluster import HttpClient, connect
from haori.cluster.well_known import SERVICES
from haori.errors import PeerError, TransientError
from haori.objects import nested_text
from haori.sandbox.node.addresses import Addresses, is_loopback
from haori.sandbox.node.events import EventRecorder
from haori.sandbox.node.images import ImageRuleFile
from haori.sandbox.node.node_object import HOST_IP, NodeFacts, NodeKeeper
from haori.sandbox.node.parts import NodeParts
from haori.sandbox.node.pod_worker import PodWorker
from haori.sandbox.node.pods import Pods
from haori.sandbox.node.references import References
from haori.sandbox.node.settings import NodeSettings

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
KUBERNETES_SERVICE_TRIES = 5


async def run_node(settings: NodeSettings, *, ready: Callable[[], None]) -> None:
    """See `haori.sandbox.node.serve`."""
    settings.pods_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with connect(settings.kubeconfig, settings.context, user_agent="haori-node") as client:
        parts = NodeParts(
            settings=settings,
            client=client,
            events=EventRecorder(client, host=settings.node_name, now=_now),
            images=ImageRuleFile(settings.image_rules_file),
            addresses=Addresses(loopback=await _services_are_loopback(client)),
            references=References(client),
            now=_now,
            host_ip=HOST_IP,
        )

        def make_worker(pod: Mapping[str, Any]) -> PodWorker:
            return PodWorker(parts, pod)

        pods = Pods(parts, make_worker)
        facts = NodeFacts(kubelet_port=0, fingerprint="", isolation="folder", limits="watch")
        keeper = NodeKeeper(client, settings, facts, now=_now)
        await _register(keeper)
        async with asyncio.TaskGroup() as group:
            for part in (keeper.run(), parts.events.run(), parts.references.run(), pods.run()):
                group.create_task(part)
            await pods.reflector.wait_synced()
            log.info("node ready", extra={"node": settings.node_name})
            ready()


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
