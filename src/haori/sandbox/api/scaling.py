"""The scale subresource: one shape (`autoscaling/v1` Scale) for whatever has replicas.

see: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/ (Scale) and the `scale` of custom resources.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from haori.cluster import PatchType
from haori.objects import SelectorError, copy_manifest, nested, nested_mapping, nested_text
from haori.objects.selectors import label_selector_of
from haori.sandbox.api import checking, errors, preparing
from haori.sandbox.api.layer import Api
from haori.sandbox.api.options import WriteOptions
from haori.sandbox.api.registry import ScalePaths, ServedType

SCALE = ServedType(
    group="autoscaling",
    version="v1",
    kind="Scale",
    plural="scales",
    singular="scale",
    namespaced=True,
    storage="scales.autoscaling",
    storage_api_version="autoscaling/v1",
    list_kind="ScaleList",
)
"""What the bodies are; no objects of it are kept."""


def get_scale(api: Api, type_: ServedType, name: str, namespace: str) -> dict[str, Any]:
    """The Scale of an object; 404."""
    return scale_of(type_, api.get(type_, name, namespace).decode())


def scale_of(type_: ServedType, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The Scale of a manifest. Raises a 404 for types without one."""
    paths = _paths(type_)
    metadata = nested_mapping(manifest, "metadata")
    wanted = nested(manifest, *paths.spec_replicas)
    status: dict[str, Any] = {"replicas": int(nested(manifest, *paths.status_replicas) or 0)}
    if selector := _selector_text(manifest, paths):
        status["selector"] = selector
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in kept if key in metadata},
        "spec": {"replicas": int(wanted or 0)},
        "status": status,
    }


def _selector_text(manifest: Mapping[str, Any], paths: ScalePaths) -> str:
    found = nested(manifest, *paths.selector) if paths.selector else None
    if isinstance(found, str):
        return found
    if not isinstance(found, Mapping):
        return ""
    try:
        # A ReplicationController's selector is the labels themselves.
        whole = found if "matchLabels" in found or "matchExpressions" in found else {"matchLabels": found}
        return label_selector_of(whole).to_text()
    except SelectorError:
        return ""


async def replace_scale(
    api: Api, type_: ServedType, name: str, namespace: str, wanted: Mapping[str, Any], options: WriteOptions
) -> dict[str, Any]:
    """The Scale after setting its replicas; 400, 404, 409, 422."""
    return await _change(api, type_, name, namespace, lambda _: copy_manifest(wanted), options)


async def patch_scale(
    api: Api, type_: ServedType, name: str, namespace: str, body: Any, patch_type: PatchType, options: WriteOptions
) -> dict[str, Any]:
    """The Scale after a patch of it; 400, 404, 409, 422."""
    if patch_type is PatchType.APPLY:
        return await _apply(api, type_, name, namespace, body, options)
    patched = checking.patch_change(api.schemas, SCALE, name, body, patch_type, options)
    return await _change(api, type_, name, namespace, patched, options)


async def _apply(
    api: Api, type_: ServedType, name: str, namespace: str, body: Any, options: WriteOptions
) -> dict[str, Any]:
    """What is applied to a Scale is owned as what it is in the object itself: the path and version of its replicas."""
    paths = _paths(type_)
    scale = checking.read_applied(SCALE, name, namespace, body, options)
    checking.read(api.schemas, SCALE, scale, options)
    applied: dict[str, Any] = {
        "apiVersion": type_.api_version,
        "kind": type_.kind,
        "metadata": {key: scale["metadata"][key] for key in ("name", "namespace") if key in scale["metadata"]},
    }
    if nested(scale, "spec", "replicas") is not None:
        _put(applied, paths.spec_replicas, _replicas(scale, name))
    now = api.now()
    try:
        written = await api.update(
            type_,
            name,
            namespace,
            lambda old: checking.apply(api.schemas, type_, old, applied, options, now, "scale", namespace),
            options,
            subresource="scale",
            expected=nested_text(scale, "metadata", "resourceVersion"),
            is_apply=True,
        )
    except errors.ApiStatusError as error:
        raise _of_scale(error, type_) from error
    return scale_of(type_, written.stored.decode())


def _of_scale(error: errors.ApiStatusError, type_: ServedType) -> errors.ApiStatusError:
    """The conflict as one of Scales: who scaled did so in that type's version."""
    owned, scaled = (
        f'with subresource "scale" using {type_.api_version}',
        'with subresource "scale" using autoscaling/v1',
    )
    details = dict(error.details or {})
    if causes := details.get("causes"):
        details["causes"] = [{**each, "message": each["message"].replace(owned, scaled)} for each in causes]
    message = error.message.replace(owned, scaled)
    return errors.ApiStatusError(error.status, error.reason, message, None if error.details is None else details)


async def _change(
    api: Api,
    type_: ServedType,
    name: str,
    namespace: str,
    change: Callable[[dict[str, Any]], dict[str, Any]],
    options: WriteOptions,
) -> dict[str, Any]:
    paths = _paths(type_)

    def scaled(old: dict[str, Any]) -> dict[str, Any]:
        before = scale_of(type_, old)
        after = change(scale_of(type_, old))
        preparing.check_type(SCALE, after)
        checking.read(api.schemas, SCALE, after, options)
        replicas = _replicas(after, name)
        if replicas != before["spec"]["replicas"]:
            _put(old, paths.spec_replicas, replicas)
        if revision := nested_text(after, "metadata", "resourceVersion"):
            old["metadata"]["resourceVersion"] = revision
        return old

    written = await api.update(type_, name, namespace, scaled, options, subresource="scale")
    return scale_of(type_, written.stored.decode())


def _replicas(scale: Mapping[str, Any], name: str) -> int:
    replicas = int(nested(scale, "spec", "replicas") or 0)
    if replicas < 0:
        message = f"Invalid value: {replicas}: must be greater than or equal to 0"
        raise errors.invalid("Scale", "autoscaling", name, [errors.invalid_field("spec.replicas", message)])
    return replicas


def _put(manifest: dict[str, Any], path: tuple[str, ...], value: int) -> None:
    place = manifest
    for step in path[:-1]:
        place = place.setdefault(step, {})
    place[path[-1]] = value


def _paths(type_: ServedType) -> ScalePaths:
    if type_.scale is None or not type_.scale.spec_replicas:
        raise errors.no_such_path()
    return type_.scale
