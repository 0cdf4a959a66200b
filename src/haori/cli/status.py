"""`haori status`: what runs where, which limits hold, what is not as wanted and why."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from haori.cli.down import JOBS, process_records
from haori.cli.engine_client import EngineUnreachableError, engine_client
from haori.cli.instance import CONSOLE_HOST, Instance, InstanceError, read_json
from haori.cli.options import data_dir_option, output_option
from haori.cli.process import read_record
from haori.cli.progress import is_as_wanted
from haori.cli.settings import load_settings
from haori.cli.supervisor import last_words
from haori.words import text


@click.command(help=text("cli.status.help"), epilog=text("cli.status.epilog"))
@data_dir_option
@output_option("json")
def status(instance: Instance, output: str | None) -> int:
    """Show an instance."""
    if load_settings(instance) is None:
        raise InstanceError("no-instance", path=str(instance.data_dir))
    value = collect_status(instance)
    print_status(value, output)
    processes_run = all(process["state"] in ("running", "done") for process in value["processes"])
    applications = value["applications"]
    return 0 if processes_run and applications is not None and all(map(is_as_wanted, applications)) else 1


def collect_status(instance: Instance) -> dict[str, Any]:
    """Everything `status` prints, as `-o json` gives it. `applications` is None where no engine answers."""
    settings = load_settings(instance)
    sandbox = settings is None or settings.uses_sandbox
    supervisor = read_record(instance.run, "supervisor")
    return {
        "dataDir": str(instance.data_dir),
        "kubeconfig": str(instance.kubeconfig) if sandbox else (settings.kubeconfig if settings else None),
        "repository": read_json(instance.git_server).get("url"),
        "api": read_json(instance.sandbox_server).get("url") if sandbox else None,
        "supervisor": supervisor.pid if supervisor is not None and supervisor.is_alive else None,
        "processes": [
            _process(instance, record.name, record.pid, _state(record.name, record.is_alive, record.ready))
            for record in process_records(instance)
        ],
        "console": console_url(instance),
        "metrics": _metrics(instance),
        "node": read_json(instance.data_dir / "node" / "node.json") or None,
        **_ask_engine(instance),
    }


def console_url(instance: Instance) -> str | None:
    """Where a browser finds the server on this machine; None while none has started."""
    port = read_json(instance.server).get("port")
    return f"http://{CONSOLE_HOST}:{port}" if port else None


def _metrics(instance: Instance) -> str | None:
    url = read_json(instance.metrics).get("url")
    return f"{url}/metrics" if url else None


def _state(name: str, is_alive: bool, is_ready: bool) -> str:
    if is_alive:
        return "running" if is_ready else "starting"
    return "done" if name in JOBS and is_ready else "stopped"


def _process(instance: Instance, name: str, pid: int, state: str) -> dict[str, Any]:
    """{name, pid, state, said, log}; `said`: what one that is not there, or not ready, wrote last."""
    log = instance.logs / f"{name}.log"
    said = last_words(log) if state in ("stopped", "starting") else ""
    return {"name": name, "pid": pid, "state": state, "said": said, "log": str(log)}


def _ask_engine(instance: Instance) -> dict[str, Any]:
    try:
        client = engine_client(instance)
        return {"applications": client.get("applications")["items"], "engine": client.get("statistics")}
    except EngineUnreachableError:
        return {"applications": None, "engine": None}


def print_status(value: dict[str, Any], output: str | None) -> None:
    """Writes the status to standard output: JSON, or lines for people."""
    if output == "json":
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))
        return
    for line in format_status(value):
        click.echo(line)


def format_status(value: dict[str, Any]) -> list[str]:
    """The lines people read."""
    lines = [f"{text('status.data')}: {value['dataDir']}"]
    facts = [(f"status.{name}", value[name]) for name in ("console", "kubeconfig", "repository", "metrics")]
    lines += [f"{text(code)}: {fact}" for code, fact in facts if fact]
    states = ", ".join(f"{p['name']} {p['state']} ({p['pid']})" for p in value["processes"])
    lines.append(f"{text('status.processes')}: {states or '-'}")
    lines += [text("status.troubled", process) for process in value["processes"] if process["said"]]
    if isolation := (value["engine"] or {}).get("isolation"):
        lines.append(f"{text('status.isolation')}: {isolation}")
    if observing := (value["engine"] or {}).get("observing"):
        lines.append(text("status.observing", {"reason": observing}))
    for problem in (value["engine"] or {}).get("settings") or ():
        reason = text(problem["reason"]["code"], problem["reason"].get("parameters") or {})
        lines.append(text("status.setting", {"path": problem["path"], "reason": reason}))
    lines += ["", *_application_lines(value["applications"])]
    if urls := application_urls(value):
        lines += ["", text("status.urls"), *(f"  {url}" for url in urls)]
    lines += ["", text("status.next"), *(f"  {command}" for command in _next_commands(value))]
    return lines


def _application_lines(applications: list[dict[str, Any]] | None) -> list[str]:
    from haori.cli.output import format_table

    if applications is None:
        return [text("status.no-engine")]
    rows = [[row["name"], row["namespace"], row["sync"], row["health"], _why(row)] for row in applications]
    return format_table(["NAME", "NAMESPACE", "SYNC", "HEALTH", "WHY"], rows) if rows else [text("status.no-apps")]


def _why(row: dict[str, Any]) -> str:
    why = row.get("why") or {}
    return text(why["code"], why.get("parameters") or {}) if why.get("code") else ""


def application_urls(value: dict[str, Any]) -> list[str]:
    """The addresses that applications offer, sorted."""
    return sorted({url for row in value["applications"] or [] for url in row.get("urls") or []})


def activation(environ: Mapping[str, str], prefix: str) -> list[str]:
    """What makes `haori` reachable by its name in the reader's shell, where it is not yet."""
    script = Path(prefix) / "bin" / "activate"
    folders = [folder for folder in environ.get("PATH", "").split(os.pathsep) if folder != str(Path(prefix) / "bin")]
    is_reachable = environ.get("VIRTUAL_ENV") == prefix or shutil.which("haori", path=os.pathsep.join(folders))
    return [] if is_reachable or not script.is_file() else [f"source {script}"]


def _next_commands(value: dict[str, Any]) -> list[str]:
    commands = [*activation(os.environ, sys.prefix), "haori open"]
    if value["repository"]:
        commands.append(f"git clone {value['repository']}")
    if value["kubeconfig"]:
        commands.append(f"kubectl --kubeconfig {value['kubeconfig']} get pods -A")
    return [*commands, "haori app list", "haori status", "haori down"]
