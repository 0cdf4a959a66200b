"""Volumes as folders: what each holds (decided from the Pod), and writing it so that readers see old or new, never half.

Configuration volumes are written as a kubelet writes them: files in a folder named by the moment, `..data` a link to it,
each name a link through `..data`; a change makes the next folder and renames one link over the other.
see: kubernetes pkg/volume/util/atomic_writer.go.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from haori.cluster import ApiResource
from haori.cluster.well_known import CONFIG_MAPS, PERSISTENT_VOLUME_CLAIMS, SECRETS
from haori.objects import nested_list, nested_mapping, nested_text
from haori.sandbox.node.environment import PodFacts, field_value, resource_value
from haori.sandbox.node.references import ConfigProblem, References
from haori.sandbox.node.tokens import ServiceAccountTokens

DEFAULT_MODE = 0o644
SECRET_MODE = 0o600
CONFIGURATION = ("configMap", "secret", "downwardAPI", "projected")


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeFile:
    """One file of a configuration volume."""

    content: bytes
    mode: int


class VolumeProblem(Exception):
    """A volume that cannot be made now; the text as a kubelet words it."""


def is_configuration(volume: Mapping[str, Any]) -> bool:
    """Whether the volume's files come from the API and follow it."""
    return any(field in volume for field in CONFIGURATION)


class VolumeContents:
    """Reads what the configuration volumes of one Pod hold now."""

    def __init__(self, references: References, tokens: ServiceAccountTokens, facts: PodFacts) -> None:
        self._references = references
        self._tokens = tokens
        self._facts = facts

    async def files(self, pod: Mapping[str, Any], volume: Mapping[str, Any]) -> dict[str, VolumeFile]:
        """The files by path; VolumeProblem where something that is not optional is missing."""
        try:
            if "projected" in volume:
                projected = nested_mapping(volume, "projected")
                found: dict[str, VolumeFile] = {}
                for source in nested_list(projected, "sources"):
                    found |= await self._source(pod, source, "name", projected.get("defaultMode"))
                return found
            return await self._source(pod, volume, "secretName", None)
        except ConfigProblem as problem:
            raise VolumeProblem(str(problem)) from problem

    async def _source(
        self, pod: Mapping[str, Any], source: Mapping[str, Any], secret_name: str, default_mode: Any
    ) -> dict[str, VolumeFile]:
        for field, name_field, resource in (("configMap", "name", CONFIG_MAPS), ("secret", secret_name, SECRETS)):
            if reference := nested_mapping(source, field):
                name = nested_text(reference, name_field)
                return await self._entries(pod, resource, name, reference, default_mode)
        if field_items := nested_mapping(source, "downwardAPI"):
            mode = _mode(field_items.get("defaultMode", default_mode), DEFAULT_MODE)
            return {
                str(item["path"]): VolumeFile(
                    content=self._downward(pod, item).encode(), mode=_mode(item.get("mode"), mode)
                )
                for item in nested_list(field_items, "items")
            }
        if token := nested_mapping(source, "serviceAccountToken"):
            content = await self._tokens.token(
                pod, audience=nested_text(token, "audience"), seconds=int(token.get("expirationSeconds") or 3600)
            )
            return {nested_text(token, "path"): VolumeFile(content=content.encode(), mode=SECRET_MODE)}
        return {}

    async def _entries(
        self, pod: Mapping[str, Any], resource: ApiResource, name: str, reference: Mapping[str, Any], default_mode: Any
    ) -> dict[str, VolumeFile]:
        entries = await self._references.data(resource, nested_text(pod, "metadata", "namespace"), name)
        optional = bool(reference.get("optional"))
        if entries is None:
            if optional:
                return {}
            raise VolumeProblem(f'{resource.singular} "{name}" not found')
        asked = reference.get("defaultMode", default_mode)
        # The API defaults defaultMode to 0644; for Secrets that says nobody chose, and the owner is enough.
        unasked = resource is SECRETS and asked in (None, DEFAULT_MODE)
        mode = SECRET_MODE if unasked else _mode(asked, DEFAULT_MODE)
        items = nested_list(reference, "items")
        if not items:
            return {key: VolumeFile(content=value, mode=mode) for key, value in entries.items()}
        files = {}
        for item in items:
            key = str(item.get("key"))
            if key in entries:
                files[str(item.get("path"))] = VolumeFile(content=entries[key], mode=_mode(item.get("mode"), mode))
            elif not optional:
                raise VolumeProblem(f"references non-existent {resource.singular} key: {key}")
        return files

    def _downward(self, pod: Mapping[str, Any], item: Mapping[str, Any]) -> str:
        if reference := nested_mapping(item, "fieldRef"):
            return field_value(pod, nested_text(reference, "fieldPath"), self._facts)
        return resource_value(pod, {}, nested_mapping(item, "resourceFieldRef"))


def _mode(value: Any, default: int) -> int:
    return value & 0o777 if isinstance(value, int) else default


def write_files(folder: Path, files: Mapping[str, VolumeFile], *, uid: int | None) -> bool:
    """Makes the folder hold exactly `files`; whether anything changed. Blocking.

    Paths that would leave the folder raise VolumeProblem. `uid` is who shall own the files (None: the caller); folders
    and links stay ours, so that nobody else says where the next change is written or what is removed then.
    """
    for path in files:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or not pure.parts or pure.parts[0].startswith(".."):
            raise VolumeProblem(f"invalid path: {path}")
    folder.mkdir(parents=True, exist_ok=True)
    _own(folder, None, 0o755)
    data = folder / "..data"
    if data.is_symlink() and _holds(folder / os.readlink(data), files):
        return False
    before = data.resolve() if data.is_symlink() else None
    fresh = Path(tempfile.mkdtemp(prefix="..", dir=folder))
    _own(fresh, None, 0o755)
    for path, file in files.items():
        target = fresh / path
        for parent in reversed([each for each in target.parents if each != fresh and fresh in each.parents]):
            parent.mkdir(exist_ok=True)
            _own(parent, None, 0o755)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(file.content)
        _own(target, uid, file.mode)
    _point(data, fresh.name)
    names = {PurePosixPath(path).parts[0] for path in files}
    for name in names:
        if not (folder / name).is_symlink():
            os.symlink(f"..data/{name}", folder / name)
    for entry in folder.iterdir():
        if entry.is_symlink() and entry.name not in names and entry.name != "..data":
            entry.unlink()
    if before is not None and before.parent == folder.resolve():
        shutil.rmtree(before, ignore_errors=True)
    return True


def _holds(folder: Path, files: Mapping[str, VolumeFile]) -> bool:
    present = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return present == set(files) and all((folder / path).read_bytes() == file.content for path, file in files.items())


def _point(link: Path, target: str) -> None:
    temporary = link.with_name("..data_new")
    temporary.unlink(missing_ok=True)
    os.symlink(target, temporary)
    os.rename(temporary, link)


def _own(path: Path, uid: int | None, mode: int) -> None:
    os.chmod(path, mode)
    if uid is not None:
        os.chown(path, uid, uid)


def make_empty(folder: Path, *, uid: int | None, is_shared: bool = False, takes: bool = True) -> None:
    """A folder that everything of the Pod may write in, and with `is_shared` other Pods too. Blocking.

    What is there stays; with `takes` it comes to belong to `uid`. No link is followed, whoever puts one there meanwhile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _own(folder, uid if takes else None, 0o777 if is_shared or uid is None else 0o770)
    if uid is None or not takes:
        return
    for _, folders, files, place in os.fwalk(folder, follow_symlinks=False):
        for name in (*folders, *files):
            with contextlib.suppress(FileNotFoundError):
                os.chown(name, uid, uid, dir_fd=place, follow_symlinks=False)


async def claim_uid(references: References, namespace: str, name: str) -> str:
    """The uid of a PersistentVolumeClaim. VolumeProblem where there is no such claim."""
    claim = await references.get(PERSISTENT_VOLUME_CLAIMS, namespace, name)
    if claim is None:
        raise VolumeProblem(f'persistentvolumeclaim "{name}" not found')
    return nested_text(claim, "metadata", "uid")
