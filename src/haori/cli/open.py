"""`haori open`: a link that signs the owner of this instance in to its console, once.

The code stands in the fragment, which browsers send to nobody; the console's page exchanges it. Who can make a link can
read the data folder, and so has every right already: the link only carries it into a browser.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from urllib.parse import quote, urlencode

import click

from haori.cli.instance import CONSOLE_HOST, Instance, InstanceError, read_json
from haori.cli.options import data_dir_option
from haori.cli.server_client import post_patiently
from haori.cli.settings import load_settings
from haori.cli.target import CONTROL_NAMESPACE
from haori.words import text

LINKS = "/api/haori/v1/session/links"
PATIENCE_SECONDS = 15.0
APPLICATION = "application"


@click.command("open", help=text("cli.open.help"), epilog=text("cli.open.epilog"))
@click.argument("what", metavar="[application]", required=False, type=click.Choice([APPLICATION]))
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--browser/--no-browser", default=True, help=text("cli.open.browser"))
@data_dir_option
def open_console(instance: Instance, what: str | None, name: str | None, browser: bool) -> None:
    """Print a link and open it."""
    if what is not None and name is None:
        raise click.UsageError(text("cli.open.name-missing"))
    if load_settings(instance) is None and not instance.server.exists():
        raise InstanceError("no-instance", path=str(instance.data_dir))
    link = make_link(instance, page_of(name))
    click.echo(link)
    click.echo(text("cli.open.once"), err=True)
    if browser:
        show_in_browser(link)


def page_of(name: str | None) -> str:
    """The console's path of an application written `NAME` or `NAMESPACE/NAME`; empty: its first page."""
    if name is None:
        return ""
    namespace, _, plain = name.rpartition("/")
    return f"/applications/{quote(namespace or CONTROL_NAMESPACE, safe='')}/{quote(plain, safe='')}"


def make_link(instance: Instance, page: str = "") -> str:
    """A link for one sign-in, which then shows `page`. Raises ServerUnreachableError, ServerAnswerError."""
    answer = post_patiently(instance, LINKS, seconds=PATIENCE_SECONDS)
    query = f"?{urlencode({'to': page}, safe='/')}" if page else ""
    port = read_json(instance.server)["port"]
    return f"http://{CONSOLE_HOST}:{port}/sign-in{query}#code={quote(answer['code'], safe='')}"


def show_in_browser(url: str) -> bool:
    """Opens the page where there is a display to show it on; a browser inside the terminal would take it over."""
    if not has_display(os.environ, sys.platform):
        return False
    import webbrowser

    return webbrowser.open(url)


def has_display(environ: Mapping[str, str], platform: str) -> bool:
    """Whether a window can be opened here."""
    return platform == "darwin" or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
