"""`haori render PATH`: the manifests that a folder yields, without a cluster or an Application."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from haori.cli.output import print_value
from haori.words import text

if TYPE_CHECKING:
    from haori.delivery.render import Rendered


@click.command(help=text("cli.render.help"), epilog=text("cli.render.epilog"))
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help=text("cli.render.name"))
@click.option("--namespace", metavar="NAMESPACE", default="default", help=text("cli.render.namespace"))
@click.option("--kube-version", metavar="VERSION", default="", help=text("cli.render.kube-version"))
@click.option("-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml", help=text("cli.render.output"))
def render(path: Path, name: str | None, namespace: str, kube_version: str, output: str) -> None:
    """Print the manifests of a folder."""
    from haori.objects.masking import mask_manifest
    from haori.objects.yaml import dump_documents

    rendered = asyncio.run(render_path(path, name=name or "", namespace=namespace, kube_version=kube_version))
    manifests = [mask_manifest(manifest) for manifest in rendered.manifests]
    if output == "json":
        print_value(manifests, "json")
    else:
        click.echo(dump_documents(manifests), nl=False)


async def render_path(path: Path, *, name: str, namespace: str, kube_version: str) -> Rendered:
    """What the folder at `path` yields; `name` "" stands for the folder's. Raises RenderError and kin."""
    from haori.delivery.model.application import Source
    from haori.delivery.render import RenderContext, render_folder

    folder, root = _locate(path)
    source = Source(repo_url=str(root), path=folder.relative_to(root).as_posix())
    context = RenderContext(name=name or folder.name, namespace=namespace, kube_version=kube_version)
    return await render_folder(root, source, context)


def _locate(path: Path) -> tuple[Path, Path]:
    """(folder, root of its repository). Raises RenderPathError."""
    from haori.delivery.render.errors import RenderPathError

    folder = path.resolve()
    if not folder.is_dir():
        raise RenderPathError("render-path-missing", path=str(path))
    return folder, repository_root(folder)


def repository_root(folder: Path) -> Path:
    """The nearest folder above (or at) `folder` that holds `.git`, else `folder`: what bases may be taken from."""
    return next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), folder)
