"""`haori app get`, `app list` and `app history`: what the cluster says of applications, read without an engine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import click

from haori.cli.app_store import Applications, health_word, is_operating, operation_phase, sync_word, why_text
from haori.cli.options import output_option
from haori.cli.output import print_table, print_value
from haori.cli.target import Target, application_argument, target_options
from haori.cluster.well_known import APPLICATIONS
from haori.objects import (
    Manifest,
    annotations_of,
    nested_list,
    nested_mapping,
    nested_mappings,
    nested_text,
    nested_texts,
)
from haori.resources import argo, haori
from haori.words import Language, Sentence, text

SHORT = 8


@click.command(name="list", help=text("cli.app.list.help"), epilog=text("cli.app.list.epilog"))
@click.option("-l", "--selector", metavar="SELECTOR", default="", help=text("cli.app.selector"))
@click.option("-p", "--project", multiple=True, metavar="NAME", help=text("cli.app.list.project"))
@click.option("-r", "--repo", metavar="URL", default="", help=text("cli.app.list.repo"))
@click.option("--observed", is_flag=True, help=text("cli.app.list.observed"))
@output_option("json", "yaml", "wide", "name")
@target_options
def list_(
    target: Target, selector: str, project: tuple[str, ...], repo: str, observed: bool, output: str | None
) -> None:
    """List applications."""
    if observed:
        _list_observed(target, selector, project, repo, output)
        return
    found = read_applications(target, selector)
    print_applications([item for item in found if is_chosen(item, project, repo)], output)


def _list_observed(target: Target, selector: str, project: tuple[str, ...], repo: str, output: str | None) -> None:
    from haori.cli.app_observed import print_observed

    answer = target.engine().get("observed")
    items = answer["items"]
    if selector or project or repo:
        chosen = {qualified(item) for item in read_applications(target, selector) if is_chosen(item, project, repo)}
        items = [item for item in items if qualified({"metadata": item}) in chosen]
    print_observed(answer, items, output)


def read_applications(target: Target, selector: str) -> list[dict[str, Any]]:
    """As `find_applications`, by the quickest way that answers: this is asked often, by scripts and prompts."""
    from haori.cluster.kubeconfig import load_settings
    from haori.cluster.quick import list_quickly

    settings = load_settings(*target.cluster())
    found = list_quickly(settings, APPLICATIONS, target.namespace, label_selector=selector)
    if found is None:
        return asyncio.run(find_applications(target, selector))
    return sorted(found, key=lambda item: str(item["metadata"]["name"]))


async def find_applications(target: Target, selector: str) -> list[dict[str, Any]]:
    """The applications of the target's namespace that match."""
    async with target.connect() as client:
        return await Applications(client).find(target.namespace, selector)


def is_chosen(application: Manifest, projects: Sequence[str], repository: str) -> bool:
    """Whether it is of one of the projects (none: any) and of the repository ("": any)."""
    from haori.git.urls import normalize_url

    spec = nested_mapping(application, "spec")
    in_project = not projects or (spec.get("project") or "default") in projects
    urls = [normalize_url(str(source.get("repoURL") or "")) for source in sources_of(application)]
    return in_project and (not repository or normalize_url(repository) in urls)


def print_applications(found: Sequence[Manifest], output: str | None) -> None:
    """A table, or names, or the whole objects."""
    if output in ("json", "yaml"):
        print_value([dict(item) for item in found], output)
    elif output == "name":
        for item in found:
            click.echo(qualified(item))
    elif not found:
        click.echo(text("cli.app.none"), err=True)
    elif output == "wide":
        header = ["NAME", "CLUSTER", "NAMESPACE", "PROJECT", "STATUS", "HEALTH", "SYNCPOLICY", "CONDITIONS", "REPO",
                  "PATH", "TARGET"]  # fmt: skip
        print_table(header, [_wide(item) for item in found])
    else:
        rows = [
            [qualified(item), _project(item), sync_word(item), health_word(item), revision_of(item), why_text(item)]
            for item in found
        ]
        print_table(["NAME", "PROJECT", "SYNC", "HEALTH", "REVISION", "WHY"], rows)


def _wide(application: Manifest) -> list[str]:
    destination = nested_mapping(application, "spec", "destination")
    source = next(iter(sources_of(application)), {})
    conditions = [nested_text(item, "type") for item in nested_list(application, "status", "conditions")]
    return [
        qualified(application), str(destination.get("server") or destination.get("name") or ""),
        str(destination.get("namespace") or ""), _project(application), sync_word(application),
        health_word(application), policy_of(application), ",".join(conditions) or "<none>",
        str(source.get("repoURL") or ""), str(source.get("path") or source.get("chart") or ""),
        str(source.get("targetRevision") or "HEAD"),
    ]  # fmt: skip


def qualified(application: Manifest) -> str:
    """`NAMESPACE/NAME`."""
    return f"{nested_text(application, 'metadata', 'namespace')}/{nested_text(application, 'metadata', 'name')}"


def sources_of(application: Manifest) -> list[Mapping[str, Any]]:
    """All its sources."""
    many = nested_list(application, "spec", "sources")
    return list(many) or [nested_mapping(application, "spec", "source")]


def revision_of(application: Manifest) -> str:
    """The revisions it is compared with, short; a pinned one is marked."""
    many = nested_texts(application, "status", "sync", "revisions")
    found = [str(each) for each in many] or [nested_text(application, "status", "sync", "revision")]
    pinned = " (pinned)" if haori.PIN in annotations_of(application) else ""
    return ",".join(each[:SHORT] for each in found) + pinned


def policy_of(application: Manifest) -> str:
    """Manual, Auto or Auto-Prune, as Argo CD's list says it."""
    automated = nested_mapping(application, "spec", "syncPolicy").get("automated")
    if automated is None or automated.get("enabled") is False:
        return "Manual"
    return "Auto-Prune" if automated.get("prune") else "Auto"


def _project(application: Manifest) -> str:
    return nested_text(application, "spec", "project") or "default"


@click.command(help=text("cli.app.get.help"), epilog=text("cli.app.get.epilog"))
@application_argument()
@click.option("--refresh", is_flag=True, help=text("cli.app.get.refresh"))
@click.option("--hard-refresh", is_flag=True, help=text("cli.app.get.hard-refresh"))
@click.option("--show-operation", is_flag=True, help=text("cli.app.get.show-operation"))
@click.option("--timeout", type=float, default=60.0, metavar="SECONDS", help=text("cli.app.timeout"))
@output_option("json", "yaml", "wide", "name")
@target_options
def get(
    target: Target, name: str, refresh: bool, hard_refresh: bool, show_operation: bool, timeout: float,
    output: str | None,
) -> None:  # fmt: skip
    """Show an application."""
    kind = "hard" if hard_refresh else "normal" if refresh else ""
    application = asyncio.run(read_application(target, name, refresh=kind, seconds=timeout))
    if kind and argo.REFRESH in annotations_of(application):
        click.echo(text("cli.app.refresh.late", {"application": name}), err=True)
    if output in ("json", "yaml"):
        print_value(application, output)
    elif output == "name":
        click.echo(qualified(application))
    else:
        for line in describe(application, with_operation=show_operation or output == "wide"):
            click.echo(line)


async def read_application(target: Target, name: str, *, refresh: str, seconds: float) -> dict[str, Any]:
    """The application, after the refresh asked for (`normal`, `hard`, "": none) was answered."""
    from haori.cli.app_sync import refresh_application

    async with target.connect() as client:
        applications = Applications(client)
        known = await applications.get(*target.split(name))
        return await refresh_application(applications, known, refresh, seconds=seconds) if refresh else known


def describe(application: Manifest, *, with_operation: bool) -> list[str]:
    """The lines that people read."""
    destination = nested_mapping(application, "spec", "destination")
    facts: list[tuple[str, Any]] = [
        ("name", qualified(application)),
        ("project", _project(application)),
        ("server", destination.get("server") or destination.get("name")),
        ("namespace", destination.get("namespace")),
    ]
    for source in sources_of(application):
        facts += [
            ("repo", source.get("repoURL")),
            ("target", source.get("targetRevision") or "HEAD"),
            ("path", source.get("path") or source.get("chart")),
        ]
    facts += [
        ("policy", policy_of(application)),
        ("sync", f"{sync_word(application)} {revision_of(application)}"),
        ("health", health_word(application)),
        ("why", why_text(application)),
        ("pin", describe_pin(application)),
    ]
    facts += [("condition", line) for line in condition_lines(application)]
    facts += [("url", url) for url in nested_texts(application, "status", "summary", "externalURLs")]
    if with_operation or is_operating(application):
        facts += _operation_facts(application)
    labels = [(text(f"cli.app.get.label.{name}"), value) for name, value in facts if value]
    from haori.cli.output import display_width, format_table, printable

    width = max(display_width(label) for label, _ in labels) + 2
    lines = [f"{label}:{' ' * (width - display_width(label))}{printable(str(value))}" for label, value in labels]
    rows = [_resource_row(row) for row in nested_list(application, "status", "resources")]
    if rows:
        lines += ["", *format_table(["GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "HOOK"], rows)]
    return lines


def describe_pin(application: Manifest) -> str:
    """The pin in one sentence; "" where there is none."""
    from haori.delivery.model.pin import parse_pin
    from haori.objects.times import format_time

    written = annotations_of(application).get(haori.PIN)
    if written is None:
        return ""
    pin, problem = parse_pin(str(written))
    if pin is None:
        return problem.sentence.text() if problem is not None else ""
    parameters = {
        "revision": ",".join(each[:SHORT] for each in pin.revisions),
        "owner": pin.owner,
        "reason": pin.reason,
    }
    until = text("cli.app.get.until", {"until": format_time(pin.until)}) if pin.until else ""
    return " ".join(part for part in (text("cli.app.get.pin", parameters), until) if part)


def condition_lines(application: Manifest) -> list[str]:
    """Each condition in the reader's language, where the engine told what it is made of; else its message."""
    coded = [
        (str(each.get("type")), Sentence(code=str(each.get("code")), parameters=nested_mapping(each, "parameters")))
        for each in nested_mappings(application, "status", "haori", "conditions")
    ]
    known = {(type_, sentence.text(Language.ENGLISH)): sentence.text() for type_, sentence in coded}
    told = [
        (str(each.get("type")), str(each.get("message"))) for each in nested_list(application, "status", "conditions")
    ]
    return [f"{type_}: {known.get((type_, message), message)}" for type_, message in told]


def _operation_facts(application: Manifest) -> list[tuple[str, Any]]:
    state = nested_mapping(application, "status", "operationState")
    started, finished = state.get("startedAt"), state.get("finishedAt")
    phase = operation_phase(application)
    is_dry = nested_mapping(state, "operation", "sync").get("dryRun") is True and application.get("operation") is None
    return [
        ("operation", text("cli.app.get.dry-run", {"phase": phase}) if is_dry else phase),
        ("message", _message(state)),
        ("started", started),
        ("finished", finished),
    ]


def _message(state: Mapping[str, Any]) -> str:
    from haori.delivery.plan.messages import read_message

    found = read_message(str(state.get("message") or ""))
    return found if isinstance(found, str) else found.text()


def _resource_row(row: Mapping[str, Any]) -> list[str]:
    health = nested_text(row, "health", "status")
    hook = "true" if row.get("hook") else ""
    return [*(str(row.get(name) or "") for name in ("group", "kind", "namespace", "name", "status")), health, hook]


@click.command(help=text("cli.app.history.help"), epilog=text("cli.app.history.epilog"))
@application_argument()
@output_option("json", "yaml", "wide", "id")
@target_options
def history(target: Target, name: str, output: str | None) -> None:
    """List the releases of an application."""
    application = asyncio.run(read_application(target, name, refresh="", seconds=0))
    print_history(nested_list(application, "status", "history"), output)


def print_history(entries: Sequence[Mapping[str, Any]], output: str | None) -> None:
    """A table, oldest first, or ids, or the entries as they are written."""
    if output in ("json", "yaml"):
        print_value([dict(entry) for entry in entries], output)
    elif output == "id":
        for entry in entries:
            click.echo(str(entry.get("id") or 0))
    else:
        rows = [_history_row(entry, wide=output == "wide") for entry in entries]
        header = ["ID", "DATE", "REVISION", "BY"] + (["REPO", "PATH", "TARGET"] if output == "wide" else [])
        print_table(header, rows)


def _history_row(entry: Mapping[str, Any], *, wide: bool) -> list[str]:
    revisions = nested_texts(entry, "revisions") or (nested_text(entry, "revision"),)
    who = nested_mapping(entry, "initiatedBy")
    by = nested_text(who, "username") or (text("cli.app.history.automated") if who.get("automated") else "")
    shown = ",".join(str(each) if wide else str(each)[:SHORT] for each in revisions)
    row = [str(entry.get("id") or 0), nested_text(entry, "deployedAt"), shown, by]
    if wide:
        source = next(iter(nested_mappings(entry, "sources")), None) or nested_mapping(entry, "source")
        row += [str(source.get(name) or "") for name in ("repoURL", "path", "targetRevision")]
    return row
