"""All controllers over one set of informers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Hashable
from typing import Any, Protocol

from haori.cluster import KubernetesClient
from haori.errors import TransientError
from haori.sandbox.controllers.autoscaler import AutoscalerController
from haori.sandbox.controllers.cron_job import CronJobController
from haori.sandbox.controllers.daemon_set import DaemonSetController
from haori.sandbox.controllers.deployment import DeploymentController
from haori.sandbox.controllers.disruption import DisruptionController
from haori.sandbox.controllers.endpoints import EndpointsController
from haori.sandbox.controllers.expiry import ExpiryController
from haori.sandbox.controllers.garbage import GarbageCollector, TypesController
from haori.sandbox.controllers.job import JobController
from haori.sandbox.controllers.load_balancers import LoadBalancerController
from haori.sandbox.controllers.namespaces import NamespaceController
from haori.sandbox.controllers.nodes import NodeController
from haori.sandbox.controllers.queue import KeyedQueue
from haori.sandbox.controllers.replica_set import ReplicaSetController
from haori.sandbox.controllers.scheduler import Scheduler
from haori.sandbox.controllers.service_accounts import NamespaceDefaultsController
from haori.sandbox.controllers.settings import ControllerSettings
from haori.sandbox.controllers.stateful_set import StatefulSetController
from haori.sandbox.controllers.volumes import VolumesController
from haori.sandbox.controllers.world import World

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5


class Controller(Protocol):
    """What runs here: `start` subscribes to informers, the queue works."""

    queue: KeyedQueue[Any]

    def start(self) -> None:
        """Listens to what concerns it."""
        ...


CONTROLLERS: tuple[Any, ...] = (
    NamespaceDefaultsController,
    NamespaceController,
    Scheduler,
    DeploymentController,
    ReplicaSetController,
    EndpointsController,
    JobController,
    CronJobController,
    StatefulSetController,
    DaemonSetController,
    VolumesController,
    LoadBalancerController,
    DisruptionController,
    AutoscalerController,
    NodeController,
    ExpiryController,
    GarbageCollector,
    TypesController,
)


async def run_controllers(client: KubernetesClient, settings: ControllerSettings) -> None:
    """Keeps the cluster moving until cancelled.

    Trouble with one object is tried again with growing pauses and never ends the others' work; an API that is away is
    waited for.
    """
    await _wait_for_api(client)
    world = World(client, settings)
    controllers: list[Controller] = [make(world) for make in CONTROLLERS]
    synced = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(world.informers.run(synced.set), name="informers")
        await synced.wait()
        for controller in controllers:
            controller.start()
        group.create_task(world.events.run(), name="events")
        for controller in controllers:
            group.create_task(_run(controller.queue), name=controller.queue.name)
        log.info("controllers running", extra={"controllers": len(controllers)})


async def _run(queue: KeyedQueue[Hashable]) -> None:
    await queue.run()


async def _wait_for_api(client: KubernetesClient) -> None:
    while True:
        try:
            await client.discover(refresh=True)
            return
        except TransientError as error:
            log.debug("api not there yet", extra={"code": error.code})
            await asyncio.sleep(RETRY_SECONDS)
