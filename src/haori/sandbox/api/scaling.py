"""The scale subresource: one shape (`autoscaling/v1` Scale) for whatever has replicas.

see: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/ (Scale) and the `scale` of custom resources.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from haori.cluster import PatchType
from haori.objects import SelectorError, nested, nested_mapping, nested_text
from haori.objects.selectors import label_selector_of
from haori.sandbox.api import checking, errors
from haori.sandbox.api.layer import Api
from haori.sandbox.api.options import WriteOptions
from haori.sandbox.api.registry import ScalePaths, ServedType


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
    """The Scale after setting its replicas; 404, 409, 422."""
    return await _change(api, type_, name, namespace, lambda _: wanted, options)


async def patch_scale(
    api: Api, type_: ServedType, name: str, namespace: str, body: Any, patch_type: PatchType, options: WriteOptions
) -> dict[str, Any]:
    """The Scale after a patch of it; 404, 409, 422."""
    if patch_type is PatchType.STRATEGIC or patch_type is PatchType.APPLY:
        patch_type = PatchType.MERGE
    patched = checking.patch_change(api.schemas, type_, name, body, patch_type)
    return await _change(api, type_, name, namespace, patched, options)


async def _change(
    api: Api,
    type_: ServedType,
    name: str,
    namespace: str,
    change: Callable[[dict[str, Any]], Mapping[str, Any]],
    options: WriteOptions,
) -> dict[str, Any]:
    paths = _paths(type_)

    def scaled(old: dict[str, Any]) -> dict[str, Any]:
        before = scale_of(type_, old)
        after = change(before)
        replicas = nested(after, "spec", "replicas")
        replicas = 0 if replicas is None else replicas
        if not isinstance(replicas, int) or isinstance(replicas, bool) or replicas < 0:
            message = f"Invalid value: {replicas}: must be greater than or equal to 0"
            raise errors.invalid("Scale", "autoscaling", name, [errors.invalid_field("spec.replicas", message)])
        if replicas != before["spec"]["replicas"]:
            place = old
            for step in paths.spec_replicas[:-1]:
                place = place.setdefault(step, {})
            place[paths.spec_replicas[-1]] = replicas
        if revision := nested_text(after, "metadata", "resourceVersion"):
            old["metadata"]["resourceVersion"] = revision
        return old

    written = await api.update(type_, name, namespace, scaled, options, subresource="scale")
    return scale_of(type_, written.stored.decode())


def _paths(type_: ServedType) -> ScalePaths:
    if type_.scale is None or not type_.scale.spec_replicas:
        raise errors.no_such_path()
    return type_.scale
