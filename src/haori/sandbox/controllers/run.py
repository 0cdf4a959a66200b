"""All controllers over one set of informers."""

from __future__ import annotations

import asyncio

from haori.cluster import KubernetesClient
from haori.sandbox.controllers.settings import ControllerSettings


async def run_controllers(client: KubernetesClient, settings: ControllerSettings) -> None:
    """Keeps the cluster moving until cancelled."""
    await asyncio.get_running_loop().create_future()
