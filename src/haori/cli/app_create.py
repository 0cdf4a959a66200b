"""`haori app create` and `haori app set`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from haori.cli.app_source import FlagError, application_options, change_spec, pair
from haori.cli.app_store import ApplicationError, Applications
from haori.cli.options import output_option
from haori.cli.output import print_value
from haori.cli.target import Target, application_argument, target_options
from haori.objects import Manifest, nested_mapping, nested_text
from haori.objects.yaml import load
from haori.resources import argo
from haori.words import text

MAPPINGS = ("metadata", "metadata.labels", "metadata.annotations", "spec", "spec.destination")
"""What of an Application's file is read before the whole is checked."""


@click.command(help=text("cli.app.create.help"), epilog=text("cli.app.create.epilog"))
@click.argument("name", metavar="[APPLICATION]", required=False)
@application_options
@click.option("-f", "--file", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
              help=text("cli.app.create.file"))  # fmt: skip
@click.option("-l", "--label", multiple=True, metavar="NAME=VALUE", help=text("cli.app.create.label"))
@click.option("--annotations", multiple=True, metavar="NAME=VALUE", help=text("cli.app.create.annotations"))
@click.option("--set-finalizer", is_flag=True, help=text("cli.app.create.set-finalizer"))
@click.option("--upsert", is_flag=True, help=text("cli.app.create.upsert"))
@output_option("json", "yaml", "name")
@target_options
def create(target: Target, name: str | None, upsert: bool, output: str | None, **flags: Any) -> None:
    """Create an application."""
    manifest = build_application(target, name, flags)
    created, done = asyncio.run(store_application(target, manifest, upsert=upsert))
    print_changed(created, done, output)


def build_application(target: Target, name: str | None, flags: Mapping[str, Any]) -> dict[str, Any]:
    """The Application that the flags describe, on top of the file where one is given. Raises FlagError."""
    file = flags.get("file")
    manifest = read_application(file) if file else {}
    namespace, plain = target.split(name) if name else (target.namespace, "")
    metadata = {"namespace": namespace, **nested_mapping(manifest, "metadata")} | ({"name": plain} if plain else {})
    if not metadata.get("name"):
        raise FlagError("application-name-missing")
    for field, flag in (("labels", "label"), ("annotations", "annotations")):
        if flags.get(flag):
            metadata[field] = {**(metadata.get(field) or {}), **dict(pair(f"--{flag}", text) for text in flags[flag])}
    if flags.get("set_finalizer"):
        metadata["finalizers"] = sorted({*(metadata.get("finalizers") or []), argo.RESOURCES_FINALIZER})
    spec = change_spec(nested_mapping(manifest, "spec"), flags)
    spec.setdefault("project", argo.DEFAULT_PROJECT)
    destination = dict(nested_mapping(spec, "destination"))
    spec["destination"] = destination
    if not destination.get("server") and not destination.get("name"):
        destination["server"] = argo.IN_CLUSTER_SERVER
    return {"apiVersion": argo.API_VERSION, "kind": argo.APPLICATION, "metadata": metadata, "spec": spec}


def read_application(file: Path) -> dict[str, Any]:
    """The Application of a file. Raises FlagError where a part that has to be a mapping is none."""
    given = load(file.read_bytes(), source=str(file))
    if not isinstance(given, dict):
        raise FlagError("application-file-shape", file=str(file), field=".")
    for field in MAPPINGS:
        part: Any = given
        for name in field.split("."):
            part = {} if part is None else part.get(name)
        if part is not None and not isinstance(part, dict):
            raise FlagError("application-file-shape", file=str(file), field=field)
    return given


async def store_application(target: Target, manifest: Manifest, *, upsert: bool) -> tuple[dict[str, Any], str]:
    """(as stored, "created" or "changed" or "unchanged"). Raises ApplicationError, FlagError for what cannot be."""
    check_spec(manifest)
    async with target.connect() as client:
        applications = Applications(client)
        try:
            return await applications.create(_asking_refresh(manifest)), "created"
        except ApplicationError:
            if not upsert:
                raise
        metadata = nested_mapping(manifest, "metadata")
        known = await applications.get(metadata["namespace"], metadata["name"])
        return await change_application(applications, known, manifest["spec"], metadata)


def _asking_refresh(manifest: Manifest) -> dict[str, Any]:
    """The Application asking for a refresh: its repository may be known from before its last push."""
    metadata = nested_mapping(manifest, "metadata")
    annotations = {**(metadata.get("annotations") or {}), argo.REFRESH: argo.RefreshKind.NORMAL.value}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


async def change_application(
    applications: Applications, known: Manifest, spec: Mapping[str, Any], metadata: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], str]:
    """(as stored, "changed" or "unchanged") after the spec became `spec`."""
    from haori.delivery.controller.status import merge_difference

    patch: dict[str, Any] = {"spec": merge_difference(nested_mapping(known, "spec"), spec)}
    before = nested_mapping(known, "metadata")
    marks = {
        field: merge_difference(before.get(field) or {}, {**(before.get(field) or {}), **metadata[field]})
        for field in ("labels", "annotations")
        if metadata and metadata.get(field)
    }
    if not patch["spec"] and not any(marks.values()):
        return dict(known), "unchanged"
    patch["metadata"] = {**marks, "resourceVersion": before.get("resourceVersion")}
    return await applications.patch(known, patch), "changed"


def check_spec(manifest: Manifest) -> None:
    """Raises FlagError naming everything that is wrong with an application."""
    from haori.delivery.model import parse_application

    problems = parse_application(manifest).problems
    if problems:
        found = "; ".join(problem.sentence.text() for problem in problems)
        raise FlagError("application-invalid", application=nested_text(manifest, "metadata", "name"), problems=found)


@click.command(name="set", help=text("cli.app.set.help"), epilog=text("cli.app.set.epilog"))
@application_argument()
@application_options
@output_option("json", "yaml", "name")
@target_options
def set_(target: Target, name: str, output: str | None, **flags: Any) -> None:
    """Change an application."""
    stored, done = asyncio.run(set_application(target, name, flags))
    print_changed(stored, done, output)


async def set_application(target: Target, name: str, flags: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """(as stored, "changed" or "unchanged"). Raises ApplicationError, FlagError."""
    async with target.connect() as client:
        applications = Applications(client)
        known = await applications.get(*target.split(name))
        spec = change_spec(nested_mapping(known, "spec"), flags)
        check_spec({**known, "spec": spec})
        return await change_application(applications, known, spec)


def print_changed(application: Manifest, done: str, output: str | None) -> None:
    """What became of an application."""
    metadata = nested_mapping(application, "metadata")
    if output == "name":
        click.echo(f"{metadata['namespace']}/{metadata['name']}")
    elif output is not None:
        print_value(dict(application), output)
    else:
        click.echo(text(f"cli.app.{done}", {"application": metadata["name"]}), err=True)
