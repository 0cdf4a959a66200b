"""Kustomize, as `kubectl kustomize` brings it.

What an Application adds (images, name prefix, patches…) is put into the source's own kustomization (`kustomize_edit`), in the
copy that the tool works on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haori.delivery.model.application import Source
from haori.delivery.model.settings import BuildOptions
from haori.delivery.render.base_urls import is_remote
from haori.delivery.render.detect import KUSTOMIZATION_NAMES
from haori.delivery.render.errors import RenderError
from haori.delivery.render.kustomize_edit import edit_kustomization
from haori.delivery.render.paths import existing_inside, resolve_inside
from haori.delivery.render.tools import Tool, find_tool
from haori.jail import Isolation, Limits, kept_path, run
from haori.objects.yaml import dump, load


@dataclass(frozen=True, slots=True, kw_only=True)
class KustomizeCommand:
    """What is run."""

    arguments: list[str]
    kept: tuple[Path, ...] = ()
    """Programs that the command may start itself."""


def kustomize_command(
    work: Path,
    root: Path,
    folder: Path,
    source: Source,
    build: BuildOptions,
    kube: tuple[str, tuple[str, ...]],
) -> KustomizeCommand:
    """The command, run in `work`, which holds `root`; edits the kustomization of `folder`.

    `kube` is the Kubernetes version and the API versions that charts are told.
    """
    refuse_remote_bases(root, folder)
    options = source.kustomize or {}
    path, content = _read(root, folder)

    def exists(component: str) -> bool:
        return resolve_inside(root, folder, component).exists()

    edited = edit_kustomization(content, options, exists=exists)
    if edited is not None:
        path.write_text(dump(edited))
    arguments = [str(find_tool(Tool.KUBECTL)), "kustomize", folder.relative_to(work).as_posix()]
    if build.loads_anywhere:
        arguments += ["--load-restrictor", "LoadRestrictionsNone"]
    if not build.inflates_charts:
        return KustomizeCommand(arguments=arguments)
    arguments += ["--enable-helm", "--helm-command", kept_path(0)]
    if version := str(options.get("kubeVersion") or kube[0]):
        arguments += ["--helm-kube-version", version]
    for api_version in options.get("apiVersions") or kube[1]:
        arguments += ["--helm-api-versions", str(api_version)]
    return KustomizeCommand(arguments=arguments, kept=(find_tool(Tool.HELM),))


async def check_version(wanted: str, work: Path, limits: Limits, using: Isolation | None) -> None:
    """Raises RenderError where `wanted` (`spec.source.kustomize.version`) is not the version that kubectl brings."""
    command = [str(find_tool(Tool.KUBECTL)), "version", "--client", "--output", "json"]
    done = await run(command, cwd=work, env={"HOME": str(work)}, limits=limits, using=using)
    try:
        present = str(json.loads(done.stdout)["kustomizeVersion"])
    except (ValueError, KeyError, TypeError):
        present = ""
    if wanted.removeprefix("v") != present.removeprefix("v"):
        raise RenderError("render-kustomize-version", wanted=wanted[:80], present=present or "?")


def refuse_remote_bases(root: Path, folder: Path) -> None:
    """Raises RenderError for a remote base that the kustomization of `folder`, or one it builds on, names."""
    seen: set[Path] = set()
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        for entry in _referred(root, current):
            if is_remote(entry):
                raise RenderError("render-remote-base", base=entry, path=current.relative_to(root).as_posix())
            found = existing_inside(root, current, entry)
            if found.is_dir():
                waiting.append(found)


def _referred(root: Path, folder: Path) -> Iterator[str]:
    _, content = _read(root, folder)
    for name in ("resources", "components", "bases"):
        yield from (str(entry) for entry in content.get(name) or [])


def _read(root: Path, folder: Path) -> tuple[Path, dict[str, Any]]:
    name = next((name for name in KUSTOMIZATION_NAMES if (folder / name).is_file()), None)
    if name is None:
        raise RenderError("render-no-kustomization", path=folder.name)
    path = existing_inside(root, folder, name)
    content = load(path.read_bytes(), source=path.name) or {}
    if not isinstance(content, dict):
        raise RenderError("render-no-object", source=path.name)
    return path, content
