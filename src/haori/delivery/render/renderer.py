"""Renders each content once.

The key of a render is made of everything that may change its result: the hashes of the Git trees and files that the
source reads (`inputs`), its options, the tool's binary, and what the tool is told of application and cluster. A commit
in a repository of a thousand applications therefore costs only those it touches, whoever asks, before or after a restart.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from haori.delivery.render.folder import Rendered
from haori.delivery.render.request import Inputs, RenderRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class RendererSettings:
    """How a renderer keeps and bounds its work."""

    folder: Path
    """Where sealed results are kept; made private to its owner."""
    key: bytes
    """The instance key (`load_instance_key`): results may hold Secrets, so what lies on disk is sealed under it."""
    disk_bytes: int = 256 << 20
    """The most that `folder` holds; what was longest unused goes first."""
    memory_bytes: int = 8 << 20
    """The most that is kept unsealed in memory."""
    at_once: int = 0
    """Renders at the same time; 0: as many as there are processors."""


class Renderer:
    """Gives manifests, from memory, from disk or by rendering. `aclose` ends what still runs."""

    def __init__(self, settings: RendererSettings) -> None:
        raise NotImplementedError

    async def render(self, request: RenderRequest, *, again: bool = False) -> Rendered:
        """The manifests of a source, to be read and not changed; `again` renders even what is known (a hard refresh).

        Raises RenderError (the repository's author has to act), ToolMissingError, JailError, and what reading the
        repository raises. An error is remembered for a short while under the same key.
        """
        raise NotImplementedError

    async def inputs(self, request: RenderRequest) -> Inputs:
        """What the source reads of its repository. Raises RenderError."""
        raise NotImplementedError

    def statistics(self) -> dict[str, int | float]:
        """hits (memory_hits, disk_hits), misses, renders, render_seconds, errors, evictions, entries, bytes."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Ends running renders."""
        raise NotImplementedError
