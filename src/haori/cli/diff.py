"""`haori diff PATH`: a folder compared with what the cluster holds, without an Application."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from haori.cli.app_engine import print_items
from haori.cli.options import output_option
from haori.cli.target import Target, target_options
from haori.words import text

if TYPE_CHECKING:
    from haori.cluster import HttpClient
    from haori.delivery.compare import Targets


@click.command(help=text("cli.diff.help"), epilog=text("cli.diff.epilog"))
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", default="", help=text("cli.render.name"))
@click.option("-n", "--namespace", metavar="NAMESPACE", default="default", show_default=True,
              help=text("cli.diff.namespace"))  # fmt: skip
@output_option("json", "yaml", "name")
@target_options
def diff(target: Target, path: Path, name: str, namespace: str, output: str | None) -> int:
    """Compare a folder with the cluster."""
    items = asyncio.run(compare_folder(target, path, name=name, namespace=namespace))
    print_items(items, output)
    return int(bool(items))


async def compare_folder(target: Target, path: Path, *, name: str, namespace: str) -> list[dict[str, Any]]:
    """The objects of the folder that the cluster lacks or holds otherwise. Raises RenderError and what clusters raise."""
    from haori.cli.render import render_path
    from haori.delivery.compare import clean_targets
    from haori.delivery.model import Settings

    async with target.connect() as client:
        version = str((await client.version()).get("gitVersion") or "").removeprefix("v").partition("+")[0]
        rendered = await render_path(path, name=name, namespace=namespace, kube_version=version)
        discovery = await client.discover()

        def is_namespaced(kind: Any) -> bool | None:
            found = discovery.resource(kind)
            return None if found is None else found.namespaced

        targets = clean_targets(
            rendered.manifests, application="", namespace=namespace, namespaced=is_namespaced, settings=Settings()
        )
        return await _compare(client, targets)


async def _compare(client: HttpClient, targets: Targets) -> list[dict[str, Any]]:
    from haori.cluster import NotFoundError
    from haori.delivery.compare import CompareOptions, compare
    from haori.delivery.controller.types_in_use import TypesInUse
    from haori.delivery.plan import is_hook
    from haori.objects import gvk_of
    from haori.objects.masking import mask_manifests

    discovery = await client.discover()
    schemas = await TypesInUse(client, lambda definition: definition).look(targets.manifests.values())
    items = []
    for key, target in targets.manifests.items():
        if is_hook(target):
            continue
        desired = without_mark(target)
        resource = discovery.resource(gvk_of(target)) or discovery.resource(key.group_kind)
        live: Mapping[str, Any] | None = None
        if resource is not None:
            try:
                live = without_mark(await client.get(resource, key.name, key.namespace))
            except NotFoundError:
                live = None
        comparison = compare(desired, live, CompareOptions(type_of=schemas.type_for))
        if comparison.is_synced:
            continue
        shown = mask_manifests(*(each for each in (desired, live) if each is not None))
        items.append({
            "group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name,
            "desired": shown[0], "live": shown[1] if live is not None else None,
            "differences": [each.to_json() for each in comparison.differences],
            "missing": comparison.is_missing, "extra": False, "hook": False,
        })  # fmt: skip
    return items


def without_mark(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest without the mark of the application it belongs to: no application is meant here."""
    from haori.objects import copy_manifest
    from haori.resources import argo

    copied: dict[str, Any] = copy_manifest(manifest)
    annotations = copied["metadata"].get("annotations") or {}
    annotations.pop(argo.TRACKING_ID, None)
    if not annotations:
        copied["metadata"].pop("annotations", None)
    return copied
