"""`haori up`: starts an instance and says when everything it delivers is Synced and Healthy.

Without `--detach` the process supervises in the foreground and shows progress; with it the supervisor goes into the
background and the command returns once there is nothing left to wait for. Either way the first lines say what runs
where, and the last ones what to do next.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import click

from haori.cli.instance import Instance, InstanceError
from haori.cli.open import make_link, show_in_browser
from haori.cli.options import ask, data_dir_option, output_option, yes_option
from haori.cli.platform import example_platform, image_rules, prepare_seed
from haori.cli.process import read_record
from haori.cli.progress import Progress, wait_until_delivered
from haori.cli.server_client import ServerAnswerError, ServerUnreachableError
from haori.cli.settings import STORE_URL, InstanceSettings, free_port, load_settings, resolve_kubeconfig
from haori.cli.status import collect_status, print_status
from haori.cli.supervisor import ProcessSpec, open_log, supervise
from haori.cli.target import CONTROL_NAMESPACE
from haori.server.built import built_console
from haori.store import is_server_here
from haori.words import Sentence, text

READY_SECONDS = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """What `up` was asked for."""

    platform: Path | None
    context: str | None
    kubeconfig: str | None
    yes: bool
    run_processes: bool | None
    detach: bool
    open_page: bool
    output: str | None


@click.command(help=text("cli.up.help"), epilog=text("cli.up.epilog"))
@data_dir_option
@click.option("--platform", type=click.Path(path_type=Path), metavar="DIR", help=text("cli.up.platform"))
@click.option("--context", metavar="NAME", help=text("cli.option.context"))
@click.option("--kubeconfig", metavar="FILE", help=text("cli.option.kubeconfig"))
@click.option("--run-processes/--no-run-processes", default=None, help=text("cli.up.run-processes"))
@click.option("--detach", "-d", is_flag=True, help=text("cli.up.detach"))
@click.option("--open/--no-open", "open_page", default=True, help=text("cli.up.open"))
@yes_option
@output_option("json")
def up(instance: Instance, **arguments: object) -> int:
    """Start an instance."""
    options = UpOptions(**arguments)  # type: ignore[arg-type]
    settings = decide_settings(instance, options)
    running = read_record(instance.run, "supervisor")
    if running is not None and running.is_alive:
        click.echo(text("already-running", {"path": str(instance.data_dir)}), err=True)
        return _finish(instance, options, started=time.monotonic())
    instance.create()
    _prepare(instance, settings)
    started = time.monotonic()
    if options.detach:
        start_in_background(instance)
        return _finish(instance, options, started=started)
    return _run_in_foreground(instance, settings, options, started)


def decide_settings(instance: Instance, options: UpOptions) -> InstanceSettings:
    """The settings this `up` runs with: what was kept, changed by what was asked.

    Asks before touching a cluster that is not the instance's own.
    """
    kept = load_settings(instance) or InstanceSettings(git_port=free_port())
    kubeconfig = resolve_kubeconfig(options.kubeconfig) or kept.kubeconfig
    context = options.context or kept.context
    foreign = kubeconfig is not None or context is not None
    if foreign and (kubeconfig, context) != (kept.kubeconfig, kept.context):
        where = text("cli.up.cluster", {"kubeconfig": kubeconfig or "KUBECONFIG", "context": context or "-"})
        click.echo(text("cli.up.will-create", {"cluster": where}), err=True)
        ask(text("cli.up.continue"), yes=options.yes)
    platform = str(options.platform.expanduser().resolve()) if options.platform else kept.platform
    if platform is None and not foreign:
        platform = str(example_platform())
    is_example = platform == str(example_platform())
    run_processes = options.run_processes
    if run_processes is None:
        run_processes = kept.run_processes if kept.platform == platform else is_example and not foreign
    return replace(
        kept, kubeconfig=kubeconfig, context=context, platform=platform, run_processes=run_processes, engine=True
    )


def process_specs(settings: InstanceSettings) -> list[ProcessSpec]:
    """The processes of an instance, in the order they start; they stop in the reverse one."""
    specs = [ProcessSpec(name="sandbox-api")] if settings.uses_sandbox else []
    if settings.engine and runs_store():
        specs.append(ProcessSpec(name="store"))
    if settings.platform is not None:
        specs.append(ProcessSpec(name="git-server"))
    if settings.engine:
        specs += [ProcessSpec(name="engine"), ProcessSpec(name="server")]
    if settings.uses_sandbox:
        specs.append(ProcessSpec(name="sandbox-node"))
    if settings.platform is not None:
        specs.append(ProcessSpec(name="bootstrap", is_job=True))
    return specs


def runs_store() -> bool:
    """Whether the instance brings a PostgreSQL of its own: none was given, and there is one to run."""
    return not os.environ.get(STORE_URL) and is_server_here()


def _prepare(instance: Instance, settings: InstanceSettings) -> None:
    if settings.platform is not None:
        source = Path(settings.platform)
        seed = instance.data_dir / "git" / "seed"
        if not (instance.data_dir / "git" / "platform.git").exists():
            prepare_seed(source, seed, f"http://127.0.0.1:{settings.git_port}/platform.git")
        rules = image_rules(source)
        if rules is not None and not instance.image_rules.exists():
            instance.image_rules.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            instance.image_rules.write_bytes(rules.read_bytes())
    settings.save(instance)


def start_in_background(instance: Instance) -> None:
    """Starts the instance's supervisor, which outlives this command. Raises InstanceError where it does not start."""
    with open_log(instance.logs / "supervisor.log") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "haori", "run", "supervisor", "--data-dir", str(instance.data_dir)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + 10
    while (record := read_record(instance.run, "supervisor")) is None or record.pid != process.pid:
        if process.poll() is not None or time.monotonic() > deadline:
            raise InstanceError("supervisor-did-not-start", log=str(instance.logs / "supervisor.log"))
        time.sleep(0.02)
    # The supervisor outlives this command; a returncode marks the handle as done with.
    process.returncode = 0


def _finish(instance: Instance, options: UpOptions, *, started: float) -> int:
    progress = Progress(quiet=options.output is not None)
    delivered = wait_until_delivered(instance, progress, deadline=started + READY_SECONDS)
    status = collect_status(instance)
    progress.close()
    if observing := (status["engine"] or {}).get("observing"):
        told = {"reason": observing, "namespace": CONTROL_NAMESPACE, "path": str(instance.data_dir)}
        click.echo(text("cli.engine.observing", told) + "\n" + text("cli.engine.observing-next", told), err=True)
    elif delivered:
        click.echo(text("cli.up.all-delivered", {"seconds": round(time.monotonic() - started, 1)}), err=True)
    else:
        click.echo(text("cli.up.not-delivered", {"seconds": READY_SECONDS}), err=True)
    print_status(status, options.output)
    if options.output is None:
        _offer_console(instance, show=options.open_page and sys.stdout.isatty())
    return 0 if delivered else 1


def _offer_console(instance: Instance, *, show: bool) -> None:
    """The last lines of `up`: a link that signs in, or why there is none."""
    if built_console() is None:
        click.echo("\n" + text("cli.up.no-console"), err=True)
        return
    try:
        link = make_link(instance)
    except (ServerUnreachableError, ServerAnswerError) as error:
        click.echo("\n" + text("cli.up.no-link", {"reason": error.sentence}), err=True)
        return
    click.echo("\n" + text("cli.up.link") + f"\n\n  {link}\n")
    if show:
        show_in_browser(link)


def _run_in_foreground(instance: Instance, settings: InstanceSettings, options: UpOptions, started: float) -> int:
    finisher = threading.Thread(target=lambda: _finish(instance, options, started=started), daemon=True)
    click.echo(text("cli.up.starting", {"path": str(instance.data_dir)}), err=True)
    finisher.start()
    supervise(instance, process_specs(settings), say=say_on_stderr)
    click.echo(text("cli.up.stopped", {"path": str(instance.data_dir)}), err=True)
    return 0


def say_on_stderr(sentence: Sentence) -> None:
    """One sentence to the person (or log file) behind standard error."""
    click.echo(sentence.text(), err=True)
