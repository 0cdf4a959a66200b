"""`haori sandbox` as people call it: start in the background, look, use kubectl, stop, forget."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from haori.cli.instance import Instance
from haori.cli.main import run_command
from haori.cli.run import BUILDERS
from haori.cli.sandbox import SandboxError, decide_settings
from haori.cli.settings import InstanceSettings
from haori.cli.up import process_specs


def haori(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "haori", *arguments], capture_output=True, text=True, timeout=100, check=False
    )


def test_a_sandbox_has_neither_engine_nor_git(tmp_path: Path) -> None:
    settings = decide_settings(None, Instance(tmp_path), port=None, run_processes=None)
    assert [spec.name for spec in process_specs(settings)] == ["sandbox-api", "sandbox-node"]


def test_what_was_asked_before_is_kept(tmp_path: Path) -> None:
    kept = InstanceSettings(engine=False, api_port=6443, run_processes=True)
    assert decide_settings(kept, Instance(tmp_path), port=None, run_processes=None) == kept
    changed = decide_settings(kept, Instance(tmp_path), port=7443, run_processes=False)
    assert (changed.api_port, changed.run_processes) == (7443, False)


def test_an_instance_of_another_cluster_is_no_sandbox(tmp_path: Path) -> None:
    with pytest.raises(SandboxError) as raised:
        decide_settings(InstanceSettings(context="prod"), Instance(tmp_path), port=None, run_processes=None)
    assert raised.value.code == "sandbox-drives-other"


@pytest.mark.parametrize("settings", [InstanceSettings(platform="x"), InstanceSettings(engine=False)])
def test_every_process_has_a_builder(settings: InstanceSettings) -> None:
    assert {spec.name for spec in process_specs(settings)} <= set(BUILDERS)


@pytest.mark.parametrize("command", [["status"], ["kubeconfig"]])
def test_without_a_sandbox_it_is_said(tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["sandbox", *command, "--data-dir", str(tmp_path / "none")]) == 2
    assert "sandbox-not-running" in capsys.readouterr().err


def test_real_processes_on_a_foreign_cluster_are_asked_for_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["sandbox", "node", "--kubeconfig", "x", "--run-processes", "--data-dir", str(tmp_path)]
    assert run_command(arguments) == 2
    assert "sandbox-processes-untainted" in capsys.readouterr().err


@pytest.mark.e2e
def test_a_sandbox_is_started_used_stopped_and_forgotten(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    try:
        started = haori("sandbox", "start", "--detach", "--data-dir", str(folder), "-o", "json")
        assert started.returncode == 0, started.stderr
        first = json.loads(started.stdout)
        again = haori("sandbox", "start", "--detach", "--data-dir", str(folder), "-o", "json")
        assert json.loads(again.stdout)["processes"] == first["processes"]
        assert "already runs" in again.stderr

        shown = haori("sandbox", "kubeconfig", "--data-dir", str(folder))
        assert json.loads(shown.stdout)["clusters"][0]["cluster"]["server"] == first["api"]
        kubectl = Path(sys.executable).with_name("kubectl")
        if kubectl.exists():
            command = [str(kubectl), "--kubeconfig", first["kubeconfig"], "get", "nodes", "-o", "name"]
            nodes = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            assert nodes.stdout == "node/sandbox-node\n", nodes.stderr
        assert haori("sandbox", "stop", "--data-dir", str(folder)).returncode == 0
        assert haori("sandbox", "status", "--data-dir", str(folder)).returncode == 1
    finally:
        assert haori("sandbox", "reset", "--yes", "--data-dir", str(folder)).returncode == 0
    assert not folder.exists()
