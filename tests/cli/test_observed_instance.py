"""An instance whose engine only observes: nothing is waited for, and `status` says so."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from haori.cli import progress
from haori.cli.instance import Instance
from haori.cli.progress import Progress, wait_until_delivered
from haori.cli.status import format_status

OBSERVING = {
    "code": "other-controller-runs",
    "parameters": {"object": "StatefulSet argocd/argocd-application-controller"},
}
ROW = {"name": "shop", "namespace": "argocd", "sync": "OutOfSync", "health": "Missing", "why": None}


@pytest.mark.parametrize(
    ("observing", "waited"), [pytest.param(OBSERVING, True, id="yes"), pytest.param(None, False, id="no")]
)
def test_what_is_observed_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, observing: dict[str, Any] | None, waited: bool
) -> None:
    answer = {"items": [ROW], "leading": True, "observing": observing}
    monkeypatch.setattr(progress, "_ask", lambda instance: answer)

    found = wait_until_delivered(Instance(tmp_path), Progress(quiet=True), deadline=time.monotonic() + 0.01)

    assert found is waited


def test_status_says_that_it_observes_and_why() -> None:
    value: dict[str, Any] = {
        "dataDir": "D", "console": None, "kubeconfig": None, "repository": None, "metrics": None, "processes": [],
        "applications": [ROW],
        "engine": {"isolation": "namespace", "observing": OBSERVING},
    }  # fmt: skip

    (line,) = [line for line in format_status(value) if line.startswith("OBSERVING")]
    assert "StatefulSet argocd/argocd-application-controller" in line
    assert "haori app list --observed" in line
