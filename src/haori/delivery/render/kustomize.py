"""Kustomize, as `kubectl kustomize` brings it.

What an Application adds (images, name prefix, patches…) becomes a kustomization of its own that has the source as its
only resource: the repository's files stay as they are, and the result is what `kustomize edit` and a build give.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from haori.delivery.model.application import Source
from haori.delivery.render.detect import KUSTOMIZATION_NAMES
from haori.delivery.render.errors import RenderError
from haori.delivery.render.kustomization import is_remote
from haori.delivery.render.paths import existing_inside
from haori.objects.yaml import dump, load

OVERLAY = ".haori-overlay"


def kustomize_command(work: Path, root: Path, folder: Path, source: Source, kubectl: Path) -> list[str]:
    """The command line, run in `work`, which holds `root`; writes an overlay beside `root` where one is needed."""
    refuse_remote_bases(root, folder)
    relative = folder.relative_to(work).as_posix()
    overlay = overlay_kustomization(_with_inline_patches(root, folder, source.kustomize or {}), relative)
    if overlay is not None:
        (work / OVERLAY).mkdir()
        (work / OVERLAY / "kustomization.yaml").write_text(dump(overlay))
        relative = OVERLAY
    return [str(kubectl), "kustomize", relative]


def _with_inline_patches(root: Path, folder: Path, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options with patches that are files put in as text: Kustomize opens no file beside the overlay's folder."""
    patches = [
        {**{name: value for name, value in patch.items() if name != "path"},
         "patch": existing_inside(root, folder, str(patch["path"])).read_text()}
        if patch.get("path") else patch
        for patch in options.get("patches") or []
    ]  # fmt: skip
    return {**options, "patches": patches} if patches else options


def overlay_kustomization(options: Mapping[str, Any], relative: str) -> dict[str, Any] | None:
    """The kustomization for the changes that `spec.source.kustomize` asks for, or None where it asks for none."""
    changes: dict[str, Any] = {
        name: options[name]
        for name in ("namePrefix", "nameSuffix", "namespace", "patches", "commonAnnotations")
        if options.get(name)
    }
    if labels := options.get("commonLabels"):
        includes = not options.get("labelWithoutSelector")
        templates = bool(options.get("labelIncludeTemplates"))
        changes["labels"] = [{"pairs": labels, "includeSelectors": includes, "includeTemplates": templates or includes}]
    if images := options.get("images"):
        changes["images"] = [parse_image(str(image)) for image in images]
    if replicas := options.get("replicas"):
        changes["replicas"] = [{"name": item["name"], "count": int(item["count"])} for item in replicas]
    if components := options.get("components"):
        changes["components"] = [f"../{relative}/{component}" for component in components]
    if not changes:
        return None
    kind = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    return {**kind, "resources": [f"../{relative}"], **changes}


def parse_image(text: str) -> dict[str, str]:
    """An image override, `[NAME=]IMAGE[:TAG|@DIGEST]`, as an entry of a kustomization's `images`."""
    name, _, image = text.rpartition("=")
    image, _, digest = image.partition("@")
    repository, colon, tag = image.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = image, ""
    entry = {"name": name or repository}
    if name and repository != name:
        entry["newName"] = repository
    if digest:
        entry["digest"] = digest
    elif tag:
        entry["newTag"] = tag
    return entry


def refuse_remote_bases(root: Path, folder: Path) -> None:
    """Raises RenderError for a remote base that the kustomization of `folder`, or one it builds on, names."""
    seen: set[Path] = set()
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        for entry in _referred(current):
            if is_remote(entry):
                raise RenderError("render-remote-base", base=entry, path=current.relative_to(root).as_posix())
            found = existing_inside(root, current, entry)
            if found.is_dir():
                waiting.append(found)


def _referred(folder: Path) -> Iterator[str]:
    path = next((folder / name for name in KUSTOMIZATION_NAMES if (folder / name).is_file()), None)
    if path is None:
        raise RenderError("render-no-kustomization", path=folder.name)
    content = load(path.read_bytes(), source=path.name) or {}
    if not isinstance(content, dict):
        raise RenderError("render-no-object", source=path.name)
    for name in ("resources", "components", "bases"):
        yield from (str(entry) for entry in content.get(name) or [])
