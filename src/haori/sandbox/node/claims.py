"""The folders of PersistentVolumeClaims: kept as long as their claim, removed with it.

A folder is named by its claim's uid. It goes once the API has no such claim and no Pod here uses it. Which cluster the
folders belong to stands beside them, so that a node that is shown another cluster removes nothing of the first.
The claims are watched (metadata only) from the first use on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from haori.cluster import EventType, Reflector, WatchEvent
from haori.cluster.well_known import NAMESPACES, PERSISTENT_VOLUME_CLAIMS
from haori.errors import PeerError
from haori.objects import nested_text

if TYPE_CHECKING:
    from haori.cluster import HttpClient

log = logging.getLogger(__name__)

CLUSTER_FILE = ".cluster"
RETRY_SECONDS = 5.0
SETTLE_SECONDS = 1.0


class ClaimFolders:
    """Removes what is no claim's any more. `run` until cancelled; `base` is where the folders lie."""

    def __init__(self, client: HttpClient, base: Path) -> None:
        self.base = base
        self._client = client
        self._known: dict[tuple[str, str], str] = {}
        self._used: Counter[str] = Counter()
        self._needed = asyncio.Event()
        self._dirty = asyncio.Event()

    def use(self, uid: str) -> Path:
        """The folder of a claim, which a Pod uses from now on; say `leave` when it does so no more."""
        self._used[uid] += 1
        self._needed.set()
        return self.base / uid

    def users(self, uid: str) -> int:
        """How many uses of a claim's folder there are now."""
        return self._used[uid]

    def leave(self, uid: str) -> None:
        """The counterpart of `use`."""
        self._used[uid] -= 1
        self._dirty.set()

    async def run(self) -> None:
        """Watch, once there is a folder, and remove."""
        if not await asyncio.to_thread(folders_in, self.base):
            await self._needed.wait()
        cluster = await self._cluster()
        if not await asyncio.to_thread(belongs_to, self.base, cluster):
            log.warning("volumes of another cluster are left alone", extra={"folder": str(self.base)})
            return
        reflector = Reflector(self._client.metadata_only(), PERSISTENT_VOLUME_CLAIMS, self._heard)
        async with asyncio.TaskGroup() as group:
            group.create_task(reflector.run())
            await reflector.wait_synced()
            self._dirty.set()
            while True:
                await self._dirty.wait()
                await asyncio.sleep(SETTLE_SECONDS)
                self._dirty.clear()
                for name in await asyncio.to_thread(folders_in, self.base):
                    if name not in self._known.values() and not self._used[name]:
                        log.info("volume removed", extra={"claim": name})
                        await asyncio.to_thread(shutil.rmtree, self.base / name, ignore_errors=True)

    def _heard(self, event: WatchEvent) -> None:
        claim = event.object
        place = (nested_text(claim, "metadata", "namespace"), nested_text(claim, "metadata", "name"))
        if event.type is EventType.DELETED:
            self._known.pop(place, None)
        else:
            self._known[place] = nested_text(claim, "metadata", "uid")
        self._dirty.set()

    async def _cluster(self) -> str:
        while True:
            with contextlib.suppress(PeerError):
                return nested_text(await self._client.get(NAMESPACES, "kube-system"), "metadata", "uid")
            await asyncio.sleep(RETRY_SECONDS)


def folders_in(base: Path) -> list[str]:
    """The names of the claims' folders. Blocking."""
    if not base.is_dir():
        return []
    return sorted(each.name for each in base.iterdir() if each.is_dir() and not each.is_symlink())


def belongs_to(base: Path, cluster: str) -> bool:
    """Whether the folders are this cluster's; the first to ask has them. Blocking."""
    base.mkdir(mode=0o711, parents=True, exist_ok=True)
    file = base / CLUSTER_FILE
    try:
        return file.read_text() == cluster
    except FileNotFoundError:
        file.write_text(cluster)
        return True
