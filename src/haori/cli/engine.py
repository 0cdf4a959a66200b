"""`haori engine`: the delivery engine alone, in the foreground, against a cluster of one's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from haori.cli.instance import Instance
from haori.cli.observing import Observing, observing_options, traced
from haori.cli.options import data_dir_option
from haori.cli.settings import resolve_kubeconfig
from haori.cli.target import CONTROL_NAMESPACE
from haori.words import Sentence, text

REPOSITORY_MEGABYTES = 2048
"""As `GitSettings.repository_bytes`, which is not imported for the sake of a quick --help; a test holds them equal."""


@click.command(help=text("cli.engine.help"), epilog=text("cli.engine.epilog"))
@click.option("--kubeconfig", metavar="FILE", help=text("cli.option.kubeconfig"))
@click.option("--context", metavar="NAME", help=text("cli.option.context"))
@click.option("-n", "--namespace", metavar="NAMESPACE", default=CONTROL_NAMESPACE, show_default=True,
              help=text("cli.engine.namespace"))  # fmt: skip
@click.option("--observe", is_flag=True, help=text("cli.engine.observe"))
@click.option("--take-over", "--no-observe", is_flag=True, help=text("cli.engine.take-over"))
@click.option("--application-namespaces", metavar="GLOBS", default="", help=text("cli.engine.application-namespaces"))
@click.option("--allow-file-repositories", is_flag=True, help=text("cli.engine.allow-file-repositories"))
@click.option("--allow-exec-credentials", is_flag=True, help=text("cli.engine.allow-exec-credentials"))
@click.option("--allow-loopback", is_flag=True, help=text("cli.engine.allow-loopback"))
@click.option("--poll-seconds", metavar="SECONDS", type=click.FloatRange(min=0), help=text("cli.engine.poll-seconds"))
@click.option("--repository-megabytes", metavar="MIB", type=click.IntRange(min=1), default=REPOSITORY_MEGABYTES,
              show_default=True, help=text("cli.engine.repository-megabytes"))  # fmt: skip
@click.option("--wave-delay", metavar="SECONDS", type=click.FloatRange(min=0, max=3600), default=0.0,
              show_default=True, help=text("cli.engine.wave-delay"))  # fmt: skip
@observing_options
@data_dir_option
def engine(
    instance: Instance,
    kubeconfig: str | None,
    context: str | None,
    namespace: str,
    observe: bool,
    take_over: bool,
    application_namespaces: str,
    allow_file_repositories: bool,
    allow_exec_credentials: bool,
    allow_loopback: bool,
    poll_seconds: float | None,
    repository_megabytes: int,
    wave_delay: float,
    **observing: Any,
) -> int:
    """Run the engine."""
    if observe and take_over:
        raise click.UsageError(text("cli.engine.observe-or-take-over"))
    from haori.cli.logs import configure_logging
    from haori.cli.service import run_service
    from haori.delivery.apply import ApplySettings
    from haori.delivery.controller.engine import serve
    from haori.delivery.controller.settings import EngineSettings, GitSettings, Mode

    observed = Observing(**observing)
    found = resolve_kubeconfig(kubeconfig)
    settings = EngineSettings(
        data_dir=instance.data_dir / "engine",
        kubeconfig=Path(found) if found else None,
        context=context,
        namespace=namespace,
        application_namespaces=tuple(each.strip() for each in application_namespaces.split(",") if each.strip()),
        mode=Mode.OBSERVE if observe else Mode.LEAD if take_over else Mode.AUTO,
        allow_file_repositories=allow_file_repositories,
        allow_exec_credentials=allow_exec_credentials,
        allow_loopback=allow_loopback,
        apply=ApplySettings(wave_delay_seconds=wave_delay),
        git=GitSettings(poll_seconds=poll_seconds, repository_bytes=repository_megabytes << 20),
        metrics=observed.metrics(),
    )
    instance.create()
    configure_logging(observed.level, observed.form)

    async def run(ready: Callable[[], None]) -> None:
        lines = [text("cli.engine.ready", {"namespace": namespace, "path": str(instance.data_dir)})]

        def say_observing(reason: Sentence) -> None:
            told = {"reason": reason, "namespace": namespace, "path": str(instance.data_dir)}
            lines[:] = [text("cli.engine.observing", told), text("cli.engine.observing-next", told)]

        def say_ready() -> None:
            click.echo("\n".join(lines), err=True)
            ready()

        await serve(settings, ready=say_ready, on_observe=say_observing)

    return run_service("engine", traced("haori-engine", run), records=None, parent=None)
