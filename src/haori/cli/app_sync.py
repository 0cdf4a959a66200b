"""`haori app sync`, `app refresh` and `app terminate-op`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from haori.cli.app_store import ApplicationError, Applications, is_operating, operation_phase, username
from haori.cli.options import output_option
from haori.cli.output import format_table, print_value
from haori.cli.target import Target, application_argument, target_options
from haori.objects import Manifest, annotations_of, nested_list, nested_mapping, nested_mappings, nested_text
from haori.resources import argo
from haori.words import text


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOptions:
    """What one `app sync` asks for, the same of each application."""

    revision: str = ""
    prune: bool = False
    dry_run: bool = False
    force: bool = False
    strategy: str = "hook"
    resources: tuple[str, ...] = ()
    apply_out_of_sync_only: bool = False
    replace: bool = False
    server_side: bool = False
    retry_limit: int | None = None
    info: tuple[str, ...] = ()


@click.command(help=text("cli.app.sync.help"), epilog=text("cli.app.sync.epilog"))
@application_argument(many=True, required=False)
@click.option("-l", "--selector", metavar="SELECTOR", default="", help=text("cli.app.selector"))
@click.option("--revision", metavar="REVISION", default="", help=text("cli.app.sync.revision"))
@click.option("--prune", is_flag=True, help=text("cli.app.sync.prune"))
@click.option("--dry-run", is_flag=True, help=text("cli.app.sync.dry-run"))
@click.option("--force", is_flag=True, help=text("cli.app.sync.force"))
@click.option("--strategy", type=click.Choice(["hook", "apply"]), default="hook", help=text("cli.app.sync.strategy"))
@click.option("--resource", "resources", multiple=True, metavar="GROUP:KIND:[NAMESPACE/]NAME",
              help=text("cli.app.sync.resource"))  # fmt: skip
@click.option("--apply-out-of-sync-only", is_flag=True, help=text("cli.app.sync.apply-out-of-sync-only"))
@click.option("--replace", is_flag=True, help=text("cli.app.sync.replace"))
@click.option("--server-side", is_flag=True, help=text("cli.app.sync.server-side"))
@click.option("--retry-limit", type=int, metavar="N", help=text("cli.app.sync.retry-limit"))
@click.option("--info", multiple=True, metavar="NAME=VALUE", help=text("cli.app.sync.info"))
@click.option("--async", "is_async", is_flag=True, help=text("cli.app.sync.async"))
@click.option("--timeout", type=float, default=0.0, metavar="SECONDS", help=text("cli.app.timeout"))
@output_option("json", "yaml", "wide", "name")
@target_options
def sync(
    target: Target, names: tuple[str, ...], selector: str, is_async: bool, timeout: float, output: str | None,
    **flags: Any,
) -> int:  # fmt: skip
    """Sync applications."""
    if not names and not selector:
        raise click.UsageError(text("cli.app.name-or-selector"))
    options = SyncOptions(**flags)
    done = asyncio.run(sync_applications(target, names, selector, options, seconds=None if is_async else timeout))
    return print_synced(done, output, is_async=is_async)


def build_operation(application: Manifest, options: SyncOptions, *, who: str) -> dict[str, Any]:
    """The `operation` that asks for a sync. Raises FlagError."""
    from haori.cli.app_source import pair

    sync_: dict[str, Any] = {"prune": options.prune, "dryRun": options.dry_run}
    strategy: dict[str, Any] = {"force": True} if options.force else {}
    if strategy or options.strategy == "apply":
        sync_["syncStrategy"] = {options.strategy: strategy}
    if options.revision:
        sync_["revision"] = options.revision
    if options.resources:
        sync_["resources"] = [parse_resource(each) for each in options.resources]
    extras = [("ApplyOutOfSyncOnly", options.apply_out_of_sync_only), ("Replace", options.replace),
              ("ServerSideApply", options.server_side)]  # fmt: skip
    if asked := [f"{name}=true" for name, given in extras if given]:
        known = nested_list(application, "spec", "syncPolicy", "syncOptions")
        sync_["syncOptions"] = [*known, *(option for option in asked if option not in known)]
    operation: dict[str, Any] = {"sync": sync_, "initiatedBy": {"username": who}}
    if options.retry_limit is not None:
        operation["retry"] = {"limit": options.retry_limit}
    elif retry := nested_mapping(application, "spec", "syncPolicy", "retry"):
        operation["retry"] = dict(retry)
    if options.info:
        operation["info"] = [dict(zip(("name", "value"), pair("--info", each), strict=True)) for each in options.info]
    return operation


def parse_resource(written: str) -> dict[str, str]:
    """GROUP:KIND:[NAMESPACE/]NAME as `sync.resources` holds it. Raises FlagError."""
    from haori.cli.app_source import FlagError

    group, _, rest = written.partition(":")
    kind, colon, place = rest.partition(":")
    namespace, _, name = place.rpartition("/")
    if not colon or not kind or not name:
        raise FlagError("flag-not-a-resource", value=written)
    found = {"group": group, "kind": kind, "name": name, "namespace": namespace}
    return {field: value for field, value in found.items() if value or field != "namespace"}


async def sync_applications(
    target: Target, names: Sequence[str], selector: str, options: SyncOptions, *, seconds: float | None
) -> list[tuple[bool, dict[str, Any]]]:
    """(whether the operation ended in time, the application then) of each; `seconds` None: nothing is waited for.

    Raises ApplicationError where one is unknown or already in an operation: then none was begun.
    """
    async with target.connect() as client:
        applications = Applications(client)
        found = [await applications.get(*target.split(name)) for name in names]
        found += await applications.find(target.namespace, selector) if selector else []
        for each in found:
            if is_operating(each):
                raise ApplicationError("operation-in-progress", application=nested_text(each, "metadata", "name"))
        who = username()
        operations = [build_operation(each, options, who=who) for each in found]
        return list(
            await asyncio.gather(
                *(
                    run_operation(applications, each, {"operation": operation}, seconds=seconds)
                    for each, operation in zip(found, operations, strict=True)
                )
            )
        )


async def run_operation(
    applications: Applications, application: Manifest, patch: Mapping[str, Any], *, seconds: float | None
) -> tuple[bool, dict[str, Any]]:
    """(whether it ended in time, the application then) of the operation that `patch` asks for."""
    before = nested_mapping(application, "status", "operationState").get("startedAt")
    metadata = {"resourceVersion": nested_text(application, "metadata", "resourceVersion")}
    asked = await applications.patch(application, {"metadata": metadata, **patch})
    if seconds is None:
        return True, asked
    known = nested_mapping(application, "status", "operationState")

    def has_ended(seen: dict[str, Any] | None) -> bool:
        if seen is None:
            return True
        state = nested_mapping(seen, "status", "operationState")
        is_new = state.get("startedAt") != before or state.get("finishedAt") != known.get("finishedAt")
        return not is_operating(seen) and is_new

    namespace, name = nested_text(application, "metadata", "namespace"), nested_text(application, "metadata", "name")
    ended, seen = await applications.wait(namespace, name, has_ended, seconds=seconds)
    return ended, seen or asked


def print_synced(done: Sequence[tuple[bool, Manifest]], output: str | None, *, is_async: bool) -> int:
    """What came of each; 0 where all succeeded (or were merely asked for)."""
    if output in ("json", "yaml"):
        print_value([dict(application) for _, application in done], output)
    failed = False
    for ended, application in done:
        name, phase = nested_text(application, "metadata", "name"), operation_phase(application)
        state = nested_mapping(application, "status", "operationState")
        facts = {"application": name, "phase": phase, "message": state.get("message") or ""}
        code = "cli.app.sync.asked" if is_async else "cli.app.sync.ended" if ended else "cli.app.sync.late"
        failed |= not is_async and (not ended or phase != "Succeeded")
        if output == "name":
            click.echo(f"{nested_text(application, 'metadata', 'namespace')}/{name}")
        elif output is None or output == "wide":
            rows = [_result_row(row) for row in nested_mappings(state, "syncResult", "resources")]
            if rows and not is_async:
                for line in format_table(["KIND", "NAMESPACE", "NAME", "RESULT", "HOOK", "MESSAGE"], rows):
                    click.echo(line)
        click.echo(text(code, facts), err=True)
    if not done:
        click.echo(text("cli.app.none"), err=True)
    return int(failed)


def _result_row(row: Mapping[str, Any]) -> list[str]:
    kind = ".".join(str(row.get(name)) for name in ("kind", "group") if row.get(name))
    result = row.get("status") or row.get("hookPhase")
    return [kind, *(str(each or "") for each in (row.get("namespace"), row.get("name"), result, row.get("hookType"),
                                                 row.get("message")))]  # fmt: skip


@click.command(help=text("cli.app.refresh.help"), epilog=text("cli.app.refresh.epilog"))
@application_argument(many=True)
@click.option("--hard", is_flag=True, help=text("cli.app.refresh.hard"))
@click.option("--timeout", type=float, default=60.0, metavar="SECONDS", help=text("cli.app.timeout"))
@target_options
def refresh(target: Target, names: tuple[str, ...], hard: bool, timeout: float) -> int:
    """Look at applications again."""
    from haori.cli.app_store import health_word, sync_word

    late = False
    for application in asyncio.run(refresh_applications(target, names, "hard" if hard else "normal", seconds=timeout)):
        name, is_late = nested_text(application, "metadata", "name"), argo.REFRESH in annotations_of(application)
        late |= is_late
        facts = {"application": name, "sync": sync_word(application), "health": health_word(application)}
        click.echo(text("cli.app.refresh.late" if is_late else "cli.app.refresh.done", facts), err=True)
    return int(late)


async def refresh_applications(
    target: Target, names: Sequence[str], kind: str, *, seconds: float
) -> list[dict[str, Any]]:
    """Each application once its refresh was answered, or as it is when the time is over."""
    async with target.connect() as client:
        applications = Applications(client)
        found = [await applications.get(*target.split(name)) for name in names]
        return [await refresh_application(applications, each, kind, seconds=seconds) for each in found]


async def refresh_application(
    applications: Applications, application: Manifest, kind: str, *, seconds: float
) -> dict[str, Any]:
    """The application once the annotation that asks for a refresh is gone again."""
    asked = await applications.patch(application, {"metadata": {"annotations": {argo.REFRESH: kind}}})
    namespace, name = nested_text(application, "metadata", "namespace"), nested_text(application, "metadata", "name")
    _, seen = await applications.wait(
        namespace, name, lambda each: each is None or argo.REFRESH not in annotations_of(each), seconds=seconds
    )
    return seen or asked


@click.command(name="terminate-op", help=text("cli.app.terminate-op.help"), epilog=text("cli.app.terminate-op.epilog"))
@application_argument()
@target_options
def terminate_op(target: Target, name: str) -> None:
    """End a running operation."""
    asyncio.run(terminate_operation(target, name))
    click.echo(text("cli.app.terminate-op.asked", {"application": name}), err=True)


async def terminate_operation(target: Target, name: str) -> None:
    """Asks the engine to end what runs. Raises ApplicationError where nothing does."""
    async with target.connect() as client:
        applications = Applications(client)
        known = await applications.get(*target.split(name))
        version = {"resourceVersion": nested_text(known, "metadata", "resourceVersion")}
        if nested_mapping(known, "status", "operationState").get("phase") == "Running":
            await applications.patch(
                known, {"metadata": version, "status": {"operationState": {"phase": "Terminating"}}}
            )
        elif known.get("operation") is not None:
            # Not begun yet: taking the request away is all there is to end.
            await applications.patch(known, {"metadata": version, "operation": None})
        else:
            raise ApplicationError("operation-none", application=name)
