"""`haori render PATH`: the manifests that a folder yields, without a cluster or an Application."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from haori.cli.output import print_value
from haori.words import text


@click.command(help=text("cli.render.help"), epilog=text("cli.render.epilog"))
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help=text("cli.render.name"))
@click.option("--namespace", metavar="NAMESPACE", default="default", help=text("cli.render.namespace"))
@click.option("--kube-version", metavar="VERSION", default="", help=text("cli.render.kube-version"))
@click.option("-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml", help=text("cli.render.output"))
def render(path: Path, name: str | None, namespace: str, kube_version: str, output: str) -> None:
    """Print the manifests of a folder."""
    from haori.delivery.model.application import Source
    from haori.delivery.render import RenderContext, render_folder
    from haori.delivery.render.errors import RenderPathError
    from haori.objects.masking import mask_manifest
    from haori.objects.yaml import dump_documents

    folder = path.resolve()
    if not folder.is_dir():
        raise RenderPathError("render-path-missing", path=str(path))
    root = repository_root(folder)
    source = Source(repo_url=str(root), path=folder.relative_to(root).as_posix())
    context = RenderContext(name=name or folder.name, namespace=namespace, kube_version=kube_version)
    rendered = asyncio.run(render_folder(root, source, context))
    manifests = [mask_manifest(manifest) for manifest in rendered.manifests]
    if output == "json":
        print_value(manifests, "json")
    else:
        click.echo(dump_documents(manifests), nl=False)


def repository_root(folder: Path) -> Path:
    """The nearest folder above (or at) `folder` that holds `.git`, else `folder`: what bases may be taken from."""
    return next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), folder)
