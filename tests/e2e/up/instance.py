"""An instance as a user has one: started by `haori up`, asked by `haori`, kubectl and git."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 90.0
"""How long an expectation may stay unmet; generous, since a loaded machine is slow."""
BIN = Path(sys.executable).parent
_TICK = threading.Event()  # Never set: waiting on it for a moment paces a question that has a deadline.


@dataclass
class Running:
    """One instance; `status` is what `up -o json` printed."""

    data_dir: Path
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    status: dict[str, Any] = field(default_factory=dict)

    def up(self, *arguments: str) -> dict[str, Any]:
        """Starts it (again) and waits until all is Synced and Healthy."""
        done = self.haori("up", "--detach", "--no-open", "-o", "json", *arguments)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self.logs()}"
        self.status = json.loads(done.stdout)
        return self.status

    def haori(self, *arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        """One `haori` command on this instance."""
        command = [sys.executable, "-m", "haori", *arguments, "--data-dir", str(self.data_dir)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, env=self.environment, check=False
        )

    def json(self, *arguments: str) -> Any:
        """The JSON that a command prints."""
        done = self.haori(*arguments, "-o", "json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def kubectl(self, *arguments: str, check: bool = True, stdin: str | None = None) -> str:
        """What kubectl prints."""
        command = [str(BIN / "kubectl"), "--kubeconfig", str(self.data_dir / "kubeconfig"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, input=stdin, check=False)
        assert not check or done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout if check else done.stdout + done.stderr

    def applications(self) -> dict[str, dict[str, Any]]:
        """The rows of `status -o json` by name; empty while no engine answers."""
        rows = self.json("status").get("applications") or []
        return {row["name"]: row for row in rows}

    def pid(self, name: str) -> int:
        """Of a process, as `status` says it now."""
        status = self.json("status")
        if name == "supervisor":
            return int(status["supervisor"])
        return int(next(process["pid"] for process in status["processes"] if process["name"] == name))

    def kill(self, name: str) -> int:
        """kill -9; the pid that was."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def logs(self) -> str:
        """The end of every log, for a failure's message."""
        files = sorted((self.data_dir / "logs").glob("*.log"))
        return "\n".join(f"== {path.name}\n{path.read_text(errors='replace')[-3000:]}" for path in files)

    def expect(self, what: str, probe: Callable[[], tuple[bool, Any]], patience: float = PATIENCE_SECONDS) -> Any:
        """Asks `probe` until it says (True, value); fails with the value it last saw."""
        deadline = time.monotonic() + patience
        seen: Any = None
        while time.monotonic() < deadline:
            met, seen = probe()
            if met:
                return seen
            _TICK.wait(0.2)
        raise AssertionError(f"{what}: not within {patience} s; last seen: {seen}\n{self.logs()}")

    def expect_all_as_wanted(self) -> None:
        """Every application Synced and Healthy."""

        def probe() -> tuple[bool, Any]:
            rows = self.applications()
            poor = {name: (row["sync"], row["health"], row.get("why")) for name, row in rows.items() if not good(row)}
            return bool(rows) and not poor, poor or rows

        self.expect("all applications Synced and Healthy", probe)


def good(row: dict[str, Any]) -> bool:
    """Synced and Healthy."""
    return bool(row["sync"] == "Synced" and row["health"] == "Healthy")


@dataclass
class Clone:
    """A developer's clone of the served repository."""

    folder: Path

    @staticmethod
    def of(running: Running, folder: Path) -> Clone:
        """A fresh clone."""
        subprocess.run(["git", "clone", "-q", running.status["repository"], str(folder)], check=True, timeout=60)
        return Clone(folder)

    def git(self, *arguments: str) -> str:
        """What git prints."""
        identity = ["-c", "user.name=Aki Mori", "-c", "user.email=aki@wear.example"]
        command = ["git", *identity, *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def replace(self, path: str, old: str, new: str) -> None:
        """Edits a file; fails where there is nothing to edit."""
        file = self.folder / path
        content = file.read_text()
        assert old in content
        file.write_text(content.replace(old, new))

    def push(self, message: str) -> str:
        """Commits everything and pushes; the commit."""
        self.git("add", "-A")
        self.git("commit", "-qm", message)
        self.git("push", "-q")
        return self.git("rev-parse", "HEAD")
