"""Volumes of Pods: one name and one source each.

see: Kubernetes `pkg/apis/core/validation/validation.go`, ValidateVolumes (1.37). Sources of a single vendor's storage
are not looked into.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from haori.objects.quantities import parse_quantity
from haori.schema.checks import words
from haori.schema.checks.common import Problems, entries, part, said
from haori.schema.checks.environment import field_reference, resource_reference
from haori.schema.checks.paths import no_way_up, relative_path
from haori.schema.problems import duplicate, forbidden, invalid, required, unsupported

_HOST_PATH_TYPES = (
    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
)  # fmt: skip
_DOWNWARD = frozenset({
    "metadata.name", "metadata.namespace", "metadata.uid", "metadata.annotations", "metadata.labels",
})  # fmt: skip
_SHORTEST_TOKEN_SECONDS = 600


def volume_names(spec: Mapping[str, Any]) -> frozenset[str]:
    """The names that mounts may use."""
    return frozenset(str(volume.get("name")) for _, volume in entries(spec, "volumes"))


def check_volumes(spec: Mapping[str, Any], path: str) -> Problems:
    """The volumes of a Pod's spec."""
    names: set[str] = set()
    for position, volume in entries(spec, "volumes"):
        place, name = f"{path}[{position}]", volume.get("name") or ""
        yield from _sources(volume, place)
        if not name:
            yield required(f"{place}.name")
            continue
        complaints = words.label(name)
        yield from said(f"{place}.name", name, complaints)
        if name in names:
            yield duplicate(f"{place}.name", name)
        if not complaints:
            names.add(name)


def _sources(volume: Mapping[str, Any], path: str) -> Problems:
    given = [name for name in _ORDER if volume.get(name) is not None]
    given += sorted(name for name in volume if name not in (*_ORDER, "name") and volume[name] is not None)
    if not given:
        yield required(path, "must specify a volume type")
    for number, name in enumerate(given):
        if number:
            yield forbidden(f"{path}.{name}", "may not specify more than 1 volume type")
        elif name in _CHECKS:
            yield from _CHECKS[name](part(volume, name), f"{path}.{name}")


def _empty_dir(source: Mapping[str, Any], path: str) -> Problems:
    size = source.get("sizeLimit")
    if size is not None and parse_quantity(size) < 0:
        yield forbidden(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity")


def _host_path(source: Mapping[str, Any], path: str) -> Problems:
    target = source.get("path") or ""
    if not target:
        yield required(f"{path}.path")
        return
    yield from no_way_up(target, f"{path}.path")
    if (kind := source.get("type") or "") not in _HOST_PATH_TYPES:
        yield unsupported(f"{path}.type", kind, _HOST_PATH_TYPES)


def _nfs(source: Mapping[str, Any], path: str) -> Problems:
    for field in ("server", "path"):
        if not source.get(field):
            yield required(f"{path}.{field}")
    if (target := source.get("path") or "/") and not target.startswith("/"):
        yield invalid(f"{path}.path", target, "must be an absolute path")


def _claim(source: Mapping[str, Any], path: str) -> Problems:
    if not source.get("claimName"):
        yield required(f"{path}.claimName")


def _named(field: str) -> Callable[[Mapping[str, Any], str], Problems]:
    def check(source: Mapping[str, Any], path: str) -> Problems:
        if not source.get(field):
            yield required(f"{path}.{field}")
        yield from _mode(source, path, "defaultMode")
        yield from _items(source, path)

    return check


def _mode(source: Mapping[str, Any], path: str, field: str) -> Problems:
    mode = source.get(field)
    if mode is not None and not 0 <= mode <= 0o777:
        yield invalid(f"{path}.{field}", mode, "must be a number between 0 and 0777 (octal), both inclusive")


def _items(source: Mapping[str, Any], path: str) -> Problems:
    for position, item in entries(source, "items"):
        place = f"{path}.items[{position}]"
        if not item.get("key"):
            yield required(f"{place}.key")
        yield from _file_path(item, place)
        yield from _mode(item, place, "mode")


def _file_path(item: Mapping[str, Any], path: str) -> Problems:
    target = item.get("path") or ""
    if not target:
        yield required(f"{path}.path")
        return
    yield from relative_path(target, f"{path}.path")
    if target.startswith("..") and ".." not in target.split("/"):
        yield invalid(f"{path}.path", target, "must not start with '..'")


def _downward(source: Mapping[str, Any], path: str) -> Problems:
    yield from _mode(source, path, "defaultMode")
    for _, item in entries(source, "items"):
        # The server's own path is the source's, for each of its items.
        if not item.get("path"):
            yield required(f"{path}.path")
        else:
            yield from relative_path(item["path"], f"{path}.path")
        if item.get("fieldRef") is not None:
            yield from field_reference(part(item, "fieldRef"), f"{path}.fieldRef", allowed=_DOWNWARD)
            if item.get("resourceFieldRef") is not None:
                yield invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
        elif item.get("resourceFieldRef") is not None:
            place = f"{path}.resourceFieldRef"
            yield from resource_reference(part(item, "resourceFieldRef"), place, needs_container=True)
        else:
            yield required(path, "one of fieldRef and resourceFieldRef is required")
        yield from _mode(item, path, "mode")


def _projected(source: Mapping[str, Any], path: str) -> Problems:
    yield from _mode(source, path, "defaultMode")
    for position, entry in entries(source, "sources"):
        place = f"{path}.sources[{position}]"
        for name in ("secret", "configMap"):
            if entry.get(name) is not None:
                inner = part(entry, name)
                if not inner.get("name"):
                    yield required(f"{place}.{name}.name")
                yield from _items(inner, f"{place}.{name}")
        if entry.get("downwardAPI") is not None:
            yield from _downward(part(entry, "downwardAPI"), f"{place}.downwardAPI")
        if entry.get("serviceAccountToken") is not None:
            yield from _token(part(entry, "serviceAccountToken"), f"{place}.serviceAccountToken", path)


def _token(source: Mapping[str, Any], path: str, volume: str) -> Problems:
    seconds = source.get("expirationSeconds")
    if seconds is not None and seconds < _SHORTEST_TOKEN_SECONDS:
        yield invalid(f"{path}.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
    if not source.get("path"):
        # The server's own path is the volume's.
        yield required(f"{volume}.path")
    else:
        yield from _file_path(source, path)


_CHECKS: Mapping[str, Callable[[Mapping[str, Any], str], Problems]] = {
    "emptyDir": _empty_dir,
    "hostPath": _host_path,
    "secret": _named("secretName"),
    "nfs": _nfs,
    "persistentVolumeClaim": _claim,
    "downwardAPI": _downward,
    "configMap": _named("name"),
    "projected": _projected,
}
_ORDER = tuple(_CHECKS)
"""As the server goes through them; the first is the one that may stay."""
