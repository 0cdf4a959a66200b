"""The volumes of one real Pod: made before its containers, followed while they run."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haori.errors import PeerError
from haori.objects import nested_list, nested_text
from haori.sandbox.node.claims import ClaimFolders
from haori.sandbox.node.environment import PodFacts
from haori.sandbox.node.parts import NodeParts
from haori.sandbox.node.pod_files import PodFiles
from haori.sandbox.node.runtime import VOLUME_RETRY_SECONDS
from haori.sandbox.node.tokens import ServiceAccountTokens
from haori.sandbox.node.volumes import (
    VolumeContents,
    VolumeProblem,
    claim_uid,
    is_configuration,
    make_empty,
    write_files,
)

if TYPE_CHECKING:
    from haori.sandbox.node.pod_worker import PodWorker

log = logging.getLogger(__name__)

LONGEST_SECONDS = 600.0
"""Between two looks at the volumes where no change was heard of; a missed one is made good then."""
SETTLE_SECONDS = 0.2


class PodVolumes:
    """See the module."""

    def __init__(
        self, parts: NodeParts, worker: PodWorker, files: PodFiles, facts: PodFacts, folders: ClaimFolders
    ) -> None:
        self._parts = parts
        self._worker = worker
        self._files = files
        self._folders = folders
        self._tokens = ServiceAccountTokens(parts.client, now=parts.now)
        self._contents = VolumeContents(parts.references, self._tokens, facts)
        self._following: asyncio.Task[None] | None = None
        self._claims: dict[str, Path] = {}

    async def prepare(self) -> None:
        """Until all volumes are there; why one is not is told as FailedMount."""
        said: set[str] = set()
        for volume in self._volumes():
            name = str(volume["name"])
            while problem := await self._make(volume):
                text = f'MountVolume.SetUp failed for volume "{name}" : {problem}'
                if text not in said:
                    said.add(text)
                    self._worker.tell("Warning", "FailedMount", text)
                await self._parts.references.wait_changed(self._worker.namespace, seconds=VOLUME_RETRY_SECONDS)
        if self._following is None and any(is_configuration(volume) for volume in self._volumes()):
            self._following = asyncio.create_task(self._follow())

    async def sources(self) -> dict[str, Path]:
        """The folder of each volume by its name."""
        names = [str(volume["name"]) for volume in self._volumes()]
        return {name: self._claims.get(name) or self._files.volume(name) for name in names}

    @property
    def read_only(self) -> frozenset[str]:
        """The volumes that hold configuration: they follow the API, nobody else writes in them."""
        return frozenset(str(volume["name"]) for volume in self._volumes() if is_configuration(volume))

    async def close(self) -> None:
        """Stop following; the claims are used no more."""
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following
            self._following = None
        for folder in self._claims.values():
            self._folders.leave(folder.name)
        self._claims.clear()

    def _volumes(self) -> list[Mapping[str, Any]]:
        return list(nested_list(self._worker.pod, "spec", "volumes"))

    async def _make(self, volume: Mapping[str, Any]) -> str | None:
        """Brings one volume up to date; gives what is wrong."""
        name = str(volume["name"])
        try:
            if is_configuration(volume):
                files = await self._contents.files(self._worker.pod, volume)
                await asyncio.to_thread(write_files, self._files.volume(name), files, uid=self._files.owner)
                return None
            folder = self._files.volume(name)
            if claim := nested_text(volume, "persistentVolumeClaim", "claimName"):
                uid = await claim_uid(self._parts.references, self._worker.namespace, claim)
                if name not in self._claims:
                    self._claims[name] = self._folders.use(uid)
                folder = self._claims[name]
            is_shared = name in self._claims
            # What another Pod that runs has written stays its own.
            takes = not is_shared or self._folders.users(folder.name) == 1
            await asyncio.to_thread(make_empty, folder, uid=self._files.owner, is_shared=is_shared, takes=takes)
        except (VolumeProblem, PeerError, OSError) as problem:
            return str(problem)
        return None

    async def _follow(self) -> None:
        while True:
            renewal = self._tokens.seconds_until_renewal()
            pause = LONGEST_SECONDS if renewal is None else min(LONGEST_SECONDS, renewal)
            await self._parts.references.wait_changed(self._worker.namespace, seconds=pause)
            await asyncio.sleep(SETTLE_SECONDS)
            for volume in self._volumes():
                if is_configuration(volume) and (problem := await self._make(volume)):
                    log.debug("volume not renewed", extra={"pod": self._worker.uid, "problem": problem})
