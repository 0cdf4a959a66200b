"""Both verdicts, as people and programs see them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from haori.cli.app_observed import print_observed


def verdict(name: str, **fields: Any) -> dict[str, Any]:
    side = {"sync": "Synced", "health": "Healthy", "revision": "0123456789abcdef"}
    would = {"counts": {"create": 0, "change": 0}, "refused": []}
    row = {"name": name, "namespace": "argocd", "agrees": True, "theirs": side, "ours": {**side, "why": None}}
    return {**row, "would": would, "differs": [], **fields}


SAME = verdict("calm")
NEW = verdict("new", ours=None, agrees=None, would=None)
OTHER = verdict(
    "shop",
    agrees=False,
    ours={
        "sync": "OutOfSync", "health": "Healthy", "revision": "fedcba9876543210",
        "why": {"code": "observing-was-asked", "parameters": {}},
    },
    would={"counts": {"create": 0, "change": 2, "prune": 1}, "refused": []},
    differs=[
        {"object": "ConfigMap shop/a", "theirs": "Synced", "ours": "OutOfSync", "fields": [{"path": "data.x"}]},
        {"object": "ConfigMap shop/b", "theirs": "Synced", "ours": "OutOfSync", "fields": []},
    ],
)  # fmt: skip


def shown(capsys: pytest.CaptureFixture[str], output: str | None, *items: dict[str, Any]) -> tuple[str, str]:
    print_observed({"items": items}, items, output)
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_the_table_puts_both_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = shown(capsys, None, SAME, OTHER, NEW)

    rows = [[cell.strip() for cell in line.split("  ") if cell] for line in out.splitlines()]
    assert rows[1] == ["calm", "yes", "Synced", "Synced", "Healthy", "Healthy", "nothing"]
    assert rows[2] == [
        "shop", "NO", "Synced", "OutOfSync", "Healthy", "Healthy", "change 2, prune 1", "ConfigMap shop/a data.x (+1)",
    ]  # fmt: skip
    assert "not looked at yet" in out
    assert "1 of 3 applications" in err


def test_wide_adds_revisions_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = shown(capsys, "wide", OTHER)

    assert "01234567" in out
    assert "fedcba98" in out
    assert "it was asked to observe only" in out


def test_names_are_those_that_differ(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "name", SAME, OTHER, NEW) == ("argocd/shop\n", "")


def test_json_is_everything(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = shown(capsys, "json", SAME, OTHER)

    assert (json.loads(out), err) == ([SAME, OTHER], "")


def test_a_plan_that_the_project_refuses_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    refused = verdict("shop", would={"counts": {"create": 1}, "refused": [{"code": "project-denies-kind"}]})

    assert "refused" in shown(capsys, None, refused)[0]
