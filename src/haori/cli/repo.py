"""`haori repo`: the repository Secrets of the control namespace, in Argo CD's own form."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from haori.cli.main import LazyGroup
from haori.cli.options import ask, output_option, yes_option
from haori.cli.output import print_table, print_value
from haori.cli.target import Target, target_options
from haori.errors import UserError
from haori.words import text

if TYPE_CHECKING:
    from haori.delivery.controller.repositories import RepositoryEntry

COMMANDS = {"add": "haori.cli.repo:add", "list": "haori.cli.repo:list_", "rm": "haori.cli.repo:remove"}
MANAGER = "haori-cli"


class RepositoryError(UserError):
    """`repository-exists`, `repository-unknown`."""


@click.group(
    cls=LazyGroup, commands=COMMANDS, prefix="cli.repo", help=text("cli.repo.help"), epilog=text("cli.repo.epilog")
)
def repo() -> None:
    """The commands about repositories."""


@click.command(help=text("cli.repo.add.help"), epilog=text("cli.repo.epilog"))
@click.argument("url", metavar="URL")
@click.option("--username", default="", metavar="NAME", help=text("cli.repo.add.username"))
@click.option("--password", default="", metavar="TEXT", help=text("cli.repo.add.password"))
@click.option("--bearer-token", default="", metavar="TEXT", help=text("cli.repo.add.bearer-token"))
@click.option("--ssh-private-key-path", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
              help=text("cli.repo.add.ssh-private-key-path"))  # fmt: skip
@click.option("--type", "kind", type=click.Choice(["git", "helm", "oci"]), default="git", show_default=True,
              help=text("cli.repo.add.type"))  # fmt: skip
@click.option("--enable-oci", is_flag=True, help=text("cli.repo.add.enable-oci"))
@click.option("--insecure-oci-force-http", is_flag=True, help=text("cli.repo.add.insecure-oci-force-http"))
@click.option("--tls-client-cert-path", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
              help=text("cli.repo.add.tls-client-cert-path"))  # fmt: skip
@click.option("--tls-client-cert-key-path", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
              help=text("cli.repo.add.tls-client-cert-key-path"))  # fmt: skip
@click.option("--insecure-skip-server-verification", "insecure", is_flag=True, help=text("cli.repo.add.insecure"))
@click.option("--name", default="", metavar="NAME", help=text("cli.repo.add.name"))
@click.option("--project", default="", metavar="NAME", help=text("cli.repo.add.project"))
@click.option("--template", is_flag=True, help=text("cli.repo.add.template"))
@click.option("--upsert", is_flag=True, help=text("cli.repo.add.upsert"))
@target_options
def add(
    target: Target, url: str, password: str, bearer_token: str, ssh_private_key_path: Path | None, insecure: bool,
    kind: str, enable_oci: bool, insecure_oci_force_http: bool, tls_client_cert_path: Path | None,
    tls_client_cert_key_path: Path | None, template: bool, upsert: bool, project: str, **plain: str,
) -> None:  # fmt: skip
    """Add a repository."""
    from haori.delivery.controller.repositories import build_secret
    from haori.git import redact_url

    values = {
        **plain,
        "password": read_secret(password),
        "bearerToken": read_secret(bearer_token),
        "sshPrivateKey": ssh_private_key_path.read_text() if ssh_private_key_path else "",
        "insecure": "true" if insecure else "",
        "enableOCI": "true" if enable_oci else "",
        "insecureOCIForceHttp": "true" if insecure_oci_force_http else "",
        "tlsClientCertData": tls_client_cert_path.read_text() if tls_client_cert_path else "",
        "tlsClientCertKey": tls_client_cert_key_path.read_text() if tls_client_cert_key_path else "",
    }
    secret = build_secret(url, values, namespace=target.namespace, kind=kind, is_template=template, project=project)
    asyncio.run(store_secret(target, secret, upsert=upsert))
    click.echo(text("cli.repo.added", {"url": redact_url(url)}), err=True)


def read_secret(given: str) -> str:
    """A secret value; `-` stands for the first line of standard input, so that it need not be an argument."""
    return sys.stdin.readline().rstrip("\n") if given == "-" else given


async def store_secret(target: Target, secret: Mapping[str, Any], *, upsert: bool) -> None:
    """Creates the Secret. Raises RepositoryError where it is there and `upsert` is off."""
    from haori.cluster import AlreadyExistsError
    from haori.cluster.well_known import SECRETS

    async with target.connect() as client:
        try:
            await client.create(SECRETS, secret, field_manager=MANAGER)
        except AlreadyExistsError as error:
            if not upsert:
                raise RepositoryError("repository-exists", secret=secret["metadata"]["name"]) from error
            await client.replace(SECRETS, secret, field_manager=MANAGER)


@click.command(name="list", help=text("cli.repo.list.help"), epilog=text("cli.repo.epilog"))
@output_option("json", "yaml", "wide", "name")
@target_options
def list_(target: Target, output: str | None) -> None:
    """List repositories."""
    print_entries(asyncio.run(find_entries(target)), output)


async def find_entries(target: Target) -> list[RepositoryEntry]:
    """The repositories and templates of the control namespace, by URL."""
    from haori.cluster.well_known import SECRETS
    from haori.delivery.controller.repositories import read_entry
    from haori.resources import argo

    async with target.connect() as client:
        listed = await client.list(SECRETS, target.namespace, label_selector=argo.SECRET_TYPE)
    found = [entry for entry in map(read_entry, listed.items) if entry is not None]
    return sorted(found, key=lambda entry: (entry.is_template, entry.url, entry.secret))


def print_entries(entries: Sequence[RepositoryEntry], output: str | None) -> None:
    """A table, or URLs, or everything that is no secret."""
    if output in ("json", "yaml"):
        print_value([entry.to_json() for entry in entries], output)
    elif output == "name":
        for entry in entries:
            click.echo(entry.url)
    elif not entries:
        click.echo(text("cli.repo.none"), err=True)
    else:
        header = ["TYPE", "URL", "NAME", "PROJECT", "CREDS", "TEMPLATE"] + (
            ["SECRET", "USER"] if output == "wide" else []
        )
        rows = [
            [entry.kind, entry.url, entry.name, entry.project, _word(entry.has_credentials), _word(entry.is_template)]
            + ([entry.secret, entry.username] if output == "wide" else [])
            for entry in entries
        ]
        print_table(header, rows)


def _word(value: bool) -> str:
    return str(value).lower()


@click.command(name="rm", help=text("cli.repo.rm.help"), epilog=text("cli.repo.epilog"))
@click.argument("url", metavar="URL")
@click.option("--project", default="", metavar="NAME", help=text("cli.repo.add.project"))
@click.option("--template", is_flag=True, help=text("cli.repo.add.template"))
@yes_option
@target_options
def remove(target: Target, url: str, project: str, template: bool, yes: bool) -> None:
    """Forget a repository."""
    from haori.git import redact_url

    entries = asyncio.run(find_entries(target))
    chosen = choose_entries(entries, url, project, is_template=template)
    ask(text("cli.repo.rm.question", {"url": redact_url(url)}), yes=yes)
    asyncio.run(delete_secrets(target, [entry.secret for entry in chosen]))
    click.echo(text("cli.repo.removed", {"url": redact_url(url)}), err=True)


def choose_entries(
    entries: Sequence[RepositoryEntry], url: str, project: str, *, is_template: bool
) -> list[RepositoryEntry]:
    """Those for the URL, of the project where one is given. Raises RepositoryError where there is none."""
    from haori.git import normalize_url, redact_url

    wanted = normalize_url(url)
    found = [
        entry
        for entry in entries
        if normalize_url(entry.url) == wanted and entry.is_template == is_template and project in ("", entry.project)
    ]
    if not found:
        raise RepositoryError("repository-unknown", url=redact_url(url))
    return found


async def delete_secrets(target: Target, names: Sequence[str]) -> None:
    """Deletes repository Secrets."""
    from haori.cluster.well_known import SECRETS

    async with target.connect() as client:
        for name in names:
            await client.delete(SECRETS, name, target.namespace)
