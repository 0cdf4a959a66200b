"""`haori app rollback`: a release before, held by a pin, or brought back by a commit."""

from __future__ import annotations

import asyncio
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click

from haori.cli.app_store import Applications, health_word, sync_word, username, why_text
from haori.cli.options import output_option
from haori.cli.output import print_value
from haori.cli.target import Target, application_argument, target_options
from haori.errors import UserError
from haori.objects import annotations_of, nested_mapping, nested_text, nested_texts
from haori.resources import haori
from haori.words import text

SHORT = 8


class RollbackError(UserError):
    """`rollback-nothing-pinned`, `rollback-flags-clash`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackOptions:
    """What was asked for."""

    entry_id: int | None
    reason: str
    duration: str
    """How long the pin holds, as `2h`; "": until it is ended."""
    resume: bool
    git: bool
    prune: bool
    timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was done."""

    code: str
    facts: dict[str, Any]
    hooks: tuple[str, ...] = ()
    """Hooks of the release being left, which no rollback undoes."""
    commits: tuple[dict[str, Any], ...] = ()
    is_late: bool = False
    why: str = ""


@click.command(help=text("cli.app.rollback.help"), epilog=text("cli.app.rollback.epilog"))
@application_argument()
@click.argument("entry_id", metavar="[ID]", type=int, required=False)
@click.option("--reason", default="", metavar="TEXT", help=text("cli.app.rollback.reason"))
@click.option("--for", "duration", default="", metavar="DURATION", help=text("cli.app.rollback.for"))
@click.option("--resume", is_flag=True, help=text("cli.app.rollback.resume"))
@click.option("--git", is_flag=True, help=text("cli.app.rollback.git"))
@click.option("--prune", is_flag=True, help=text("cli.app.sync.prune"))
@click.option("--timeout", type=float, default=120.0, metavar="SECONDS", help=text("cli.app.timeout"))
@output_option("json", "yaml")
@target_options
def rollback(target: Target, name: str, output: str | None, **flags: Any) -> int:
    """Go back to a release."""
    options = RollbackOptions(**flags)
    clashes = options.git or options.entry_id is not None if options.resume else options.git and options.duration
    if clashes:
        raise RollbackError("rollback-flags-clash")
    if options.git:
        outcome = roll_back_by_commit(target, name, options)
    else:
        outcome = asyncio.run(change_pin(target, name, options, now=datetime.now(UTC)))
    return print_outcome(outcome, output)


async def change_pin(target: Target, name: str, options: RollbackOptions, *, now: datetime) -> Outcome:
    """Sets or ends the pin, and waits until the application follows. Raises PinError, RollbackError."""
    from haori.delivery.controller.pins import (
        build_pin_patch,
        build_resume_patch,
        choose_entry,
        hooks_of_last_release,
        parse_lasting,
    )
    from haori.delivery.model import parse_application

    async with target.connect() as client:
        applications = Applications(client)
        manifest = await applications.get(*target.split(name))
        application = parse_application(manifest)
        place = nested_text(manifest, "metadata", "namespace"), nested_text(manifest, "metadata", "name")
        if options.resume:
            if haori.PIN not in annotations_of(manifest):
                raise RollbackError("rollback-nothing-pinned", application=name)
            await applications.patch(manifest, build_resume_patch(application))
            done, _ = await applications.wait(*place, _is_unpinned, seconds=options.timeout)
            code = "cli.app.rollback.resumed" if done else "cli.app.rollback.resumed-late"
            return Outcome(code=code, facts={"application": name}, is_late=not done)
        entry = choose_entry(application, options.entry_id)
        until = now + parse_lasting(options.duration) if options.duration else None
        patch = build_pin_patch(application, entry, owner=username(), reason=options.reason, now=now, until=until)
        if application.spec.sync_policy.automated is None:
            # Nobody else would ask for the sync.
            patch["operation"] = {"sync": {"prune": options.prune}, "initiatedBy": {"username": username()}}
        await applications.patch(manifest, patch)
        done, seen = await applications.wait(
            *place, lambda each: each is None or _follows(each, entry.revisions), seconds=options.timeout
        )
    revision = ",".join(each[:SHORT] for each in entry.revisions)
    seen = seen or {}
    return Outcome(
        code="cli.app.rollback.pinned" if done else "cli.app.rollback.late",
        facts={
            "application": name,
            "revision": revision,
            "id": entry.id,
            "sync": sync_word(seen),
            "health": health_word(seen),
        },
        hooks=hooks_of_last_release(application),
        is_late=not done,
        why=why_text(seen),
    )


def _follows(application: dict[str, Any], revisions: tuple[str, ...]) -> bool:
    sync = nested_mapping(application, "status", "sync")
    at = nested_texts(sync, "revisions") or (str(sync.get("revision") or ""),)
    return application.get("operation") is None and sync.get("status") == "Synced" and at == revisions


def _is_unpinned(application: dict[str, Any] | None) -> bool:
    """Whether the engine has taken notice that the pin is gone."""
    return application is None or not nested_mapping(application, "status", "haori", "pin")


def roll_back_by_commit(target: Target, name: str, options: RollbackOptions) -> Outcome:
    """Lets the engine push a commit that restores what the application reads. Raises EngineUnreachableError and kin."""
    namespace, plain = target.split(name)
    body = {"id": options.entry_id, "reason": options.reason, "author": author()}
    answer = target.engine().post("applications", plain, "rollback", body=body, appNamespace=namespace)
    commits = tuple(answer["commits"])
    code = "cli.app.rollback.pushed" if commits else "cli.app.rollback.nothing-differs"
    facts = {"application": plain, "commits": [f"{each['branch']} {each['revision'][:SHORT]}" for each in commits]}
    return Outcome(code=code, facts=facts, commits=commits)


def author() -> dict[str, str]:
    """Who the commit says made it: Git's own user where it knows one, else the account on this machine."""
    found = {"name": username(), "email": f"{username()}@localhost"}
    for field in found:
        try:
            done = subprocess.run(
                ["git", "config", "--global", f"user.{field}"], capture_output=True, text=True, timeout=5, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return found
        found[field] = done.stdout.strip() or found[field]
    return found


def print_outcome(outcome: Outcome, output: str | None) -> int:
    """What was done; 1 where the application does not follow yet."""
    if output is not None:
        value = {"code": outcome.code, **outcome.facts, "hooks": list(outcome.hooks), "commits": list(outcome.commits)}
        print_value(value, output)
    click.echo(text(outcome.code, outcome.facts), err=True)
    if outcome.hooks:
        click.echo(text("cli.app.rollback.hooks", {"hooks": list(outcome.hooks)}), err=True)
    if outcome.is_late and outcome.why:
        click.echo(f"  {outcome.why}", err=True)
    return int(outcome.is_late)
