"""Renders a source from a folder of files.

The tools work on a copy of the repository's files, which is given to an unprivileged user and thrown away, so nothing
that a chart or overlay does can reach the original.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from haori.delivery.model.application import Source
from haori.delivery.model.settings import BuildOptions
from haori.delivery.render.detect import SourceType, detect_source_type
from haori.delivery.render.directory import render_directory
from haori.delivery.render.errors import RenderError, RenderPathError
from haori.delivery.render.helm import helm_command
from haori.delivery.render.kustomize import check_version, kustomize_command
from haori.delivery.render.parsing import Bounds, parse_objects
from haori.delivery.render.paths import existing_inside
from haori.delivery.render.tools import Tool, find_tool
from haori.jail import Isolation, JailLimitError, Limits, run
from haori.words import Sentence

LONGEST_REASON = 2000
QUICK_START = {"GOGC": "400", "LC_ALL": "ko_KR.UTF-8"}
"""Both tools end after a fraction of a second, of which Go's collector takes a sixth unless garbage may come together first
(memory is bounded from outside), and of which kubectl 1.37 takes a third to read the translations of its help: those
of this language are the fewest. Nothing that is rendered and no error of Kustomize is translated."""
WORKSPACE_PREFIX = "haori-render-"
REPOSITORY = "repository"
HOME = ".haori-home"
"""Where helm and kubectl may keep what they like; it goes with the copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderContext:
    """All that a renderer is told beside the files."""

    name: str
    namespace: str = "default"
    kube_version: str = ""
    """As `1.37.0`; empty: the renderer's own default."""
    api_versions: tuple[str, ...] = ()
    build: BuildOptions = field(default_factory=BuildOptions)
    """For Kustomize."""
    limits: Limits = field(default_factory=Limits)
    isolation: Isolation | None = None
    """None: the best that works on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Desired manifests in the order the tool gave them, and the tool."""

    manifests: tuple[dict[str, Any], ...]
    source_type: SourceType
    key: str = ""
    """What `Renderer` knows this result by: equal keys mean equal manifests. Empty outside of it."""
    places: tuple[str, ...] = ()
    """Where remote bases that it reads may change (`Bases.refresh`)."""
    warnings: tuple[Sentence, ...] = ()
    """What was taken otherwise than its author may have meant: keys that stand twice, files passed over."""
    size_bytes: int = 0
    """Of the manifests as JSON; 0 where nobody looked."""


async def render_folder(root: Path, source: Source, context: RenderContext) -> Rendered:
    """The manifests of `source.path` in the files below `root`, which stay as they are.

    Raises RenderError (the repository's author has to act), ToolMissingError, JailError.
    """
    folder, source_type = _locate(root, source)
    if source_type is SourceType.DIRECTORY and not await asyncio.to_thread(lambda: any(folder.rglob("*.jsonnet"))):
        return await _render(root, root, source, context)
    with open_workspace() as work:
        await asyncio.to_thread(
            shutil.copytree, root, work / REPOSITORY, symlinks=True, ignore=shutil.ignore_patterns(".git")
        )
        return await render_workspace(work, source, context)


async def render_workspace(work: Path, source: Source, context: RenderContext) -> Rendered:
    """As `render_folder`, of the files in `work/repository`, which the tool may do with as it likes."""
    return await _render(work, work / REPOSITORY, source, context)


@contextlib.contextmanager
def open_workspace() -> Iterator[Path]:
    """A folder for one render, which the jail's unprivileged user may reach but nobody else; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix=f"{WORKSPACE_PREFIX}{os.getpid()}-") as temporary:
        work = Path(temporary).resolve() / "work"
        (work / HOME).mkdir(parents=True)
        Path(temporary).chmod(0o711)
        work.chmod(0o700)
        yield work


def sweep_workspaces() -> None:
    """Removes what renders of killed processes of this user left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{WORKSPACE_PREFIX}*-*"):
        pid = folder.name.removeprefix(WORKSPACE_PREFIX).partition("-")[0]
        with contextlib.suppress(OSError):
            if pid.isdigit() and not Path(f"/proc/{pid}").exists() and folder.stat().st_uid == os.getuid():
                shutil.rmtree(folder, ignore_errors=True)


def _locate(root: Path, source: Source) -> tuple[Path, SourceType]:
    folder = existing_inside(root, root, source.path or ".")
    if not folder.is_dir():
        raise RenderPathError("render-path-missing", path=source.path)
    source_type = detect_source_type(source, {path.name for path in folder.iterdir()})
    if source_type is SourceType.PLUGIN:
        raise RenderError("render-plugin", path=source.path)
    return folder, source_type


async def _render(work: Path, root: Path, source: Source, context: RenderContext) -> Rendered:
    folder, source_type = _locate(root, source)
    bounds = Bounds(limits=context.limits, isolation=context.isolation)
    warnings: tuple[Sentence, ...] = ()
    if source_type is SourceType.DIRECTORY:
        manifests, warnings = await render_directory(work, root, folder, source, bounds)
    else:
        command, kept = await _command(work, folder, source, context, source_type)
        output = await _run_tool(command, kept, work, context, source_type, source.path)
        manifests = await parse_objects(output, f"{source_type}: {source.path}", bounds)
    return Rendered(manifests=tuple(manifests), source_type=source_type, warnings=warnings)


async def _command(
    work: Path, folder: Path, source: Source, context: RenderContext, source_type: SourceType
) -> tuple[list[str], tuple[Path, ...]]:
    """The command, and the programs that it may start itself."""
    root = work / REPOSITORY
    kube = (context.kube_version, context.api_versions)
    if source_type is SourceType.KUSTOMIZE:
        if version := str((source.kustomize or {}).get("version") or ""):
            await check_version(version, work / HOME, context.limits, context.isolation)
        made = kustomize_command(work, root, folder, source, context.build, kube)
        return made.arguments, made.kept
    helm = find_tool(Tool.HELM)
    command = helm_command(work, root, folder, source, helm, name=context.name, namespace=context.namespace, kube=kube)
    return command, ()


async def _run_tool(
    command: list[str],
    kept: tuple[Path, ...],
    cwd: Path,
    context: RenderContext,
    source_type: SourceType,
    path: str,
) -> bytes:
    home = cwd / HOME
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "HELM_CACHE_HOME": str(home), "HELM_DATA_HOME": str(home)}
    env |= QUICK_START
    try:
        finished = await run(command, cwd=cwd, env=env, limits=context.limits, using=context.isolation, kept=kept)
    except JailLimitError as error:
        stopped = Sentence(code=error.code, parameters={**error.parameters, "command": source_type.value})
        raise RenderError("render-stopped", tool=source_type.value, path=path, reason=stopped) from error
    if finished.exit_code != 0:
        reason = finished.stderr.decode(errors="replace").replace(f"{cwd}/", "").strip()
        raise RenderError("render-failed", tool=source_type.value, path=path, reason=reason[-LONGEST_REASON:])
    return finished.stdout
