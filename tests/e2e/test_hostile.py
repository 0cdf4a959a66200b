"""Repositories that mean harm: each gives a ComparisonError that names what and where, and nobody else waits for it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from haori.cluster import HttpClient
from haori.cluster.well_known import APPLICATIONS
from haori.delivery.controller.settings import WorkSettings
from tests.e2e.delivery import Delivery, at, config_map, health_of, sync_of

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-sandbox")]

CANARY = "canary-91ab"
RENDER_SECONDS = 4.0
CHART = "apiVersion: v2\nname: c\nversion: 1.0.0\n"


@dataclass(frozen=True, kw_only=True)
class Case:
    """Files of one application's folder, and what its message must hold."""

    files: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    source: dict[str, Any] = field(default_factory=dict)
    parts: tuple[str, ...]
    is_invalid: bool = False
    """Whether the Application itself is refused, before any file is read."""


def kustomization(text: str) -> dict[str, str]:
    return {"kustomization.yaml": text}


def chart(template: str) -> dict[str, str]:
    return {"Chart.yaml": CHART, "templates/a.yaml": template}


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{number}: &a{number} [{','.join([f'*a{number - 1}'] * 9)}]\n" for number in range(1, 10)
)
DEEP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nx: " + "[" * 5000 + "]" * 5000 + "\n"
EXEC_GENERATOR = """\
apiVersion: v1
kind: Gen
metadata:
  name: gen
  annotations:
    config.kubernetes.io/function: "exec: {path: ./run.sh}"
"""
SPIN = "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"

CASES = {
    "link-out": Case(links={"a.yaml": "/etc/hostname"}, parts=("a.yaml", "leads out")),
    "link-to-the-engine": Case(links={"a.yaml": "../../../engine/instance.key"}, parts=("a.yaml", "leads out")),
    "folder-link-out": Case(links={"sub": "/"}, files=kustomization("resources: [sub]"), parts=("sub", "leads out")),
    "bomb": Case(files={"a.yaml": BOMB}, parts=("a.yaml", "aliases")),
    "deep": Case(files={"a.yaml": DEEP}, parts=("a.yaml", "depth")),
    "deep-json": Case(files={"a.json": "[" * 100_000}, parts=("a.json",)),
    "large-file": Case(sizes={"a.yaml": 100 << 20}, parts=("a.yaml", str(100 << 20))),
    "path-out": Case(source={"path": "../.."}, parts=("../..",), is_invalid=True),
    "path-out-inside": Case(source={"path": "hostile/../../.."}, parts=("hostile/../../..",), is_invalid=True),
    "path-absolute": Case(source={"path": "/etc"}, parts=("/etc",), is_invalid=True),
    "remote-base": Case(
        files=kustomization("resources: ['https://example.invalid/base?ref=main']"),
        parts=("https://example.invalid/base", "another place"),
    ),
    "remote-base-scp": Case(
        files=kustomization("resources: ['git@example.invalid:base.git']"), parts=("git@example.invalid",)
    ),
    "base-out": Case(files=kustomization("resources: [../../../..]"), parts=("../../../..", "leads out")),
    "base-cycle": Case(files=kustomization("resources: [../@]"), parts=("Kustomize", "cycle")),
    "patch-out": Case(
        files={**kustomization("resources: [m.yaml]\npatches: [{path: ../../../../etc/hostname}]"), "m.yaml": "{}"},
        parts=("etc/hostname",),
    ),
    "exec-generator": Case(
        files={
            **kustomization("generators: [gen.yaml]"),
            "gen.yaml": EXEC_GENERATOR,
            "run.sh": f"#!/bin/sh\ntouch /tmp/{CANARY}\n",
        },
        parts=("Kustomize could not render", "external plugins disabled"),
    ),
    "helm-inflation": Case(
        files=kustomization("helmCharts: [{name: c, repo: 'https://example.invalid/charts', version: 1.0.0}]"),
        parts=("Kustomize could not render", "helm-inflation", "--enable-helm"),
    ),
    "generator-reads-out": Case(
        files=kustomization("configMapGenerator: [{name: a, files: [../../../../etc/hostname]}]"),
        parts=("etc/hostname",),
    ),
    "template-spins": Case(files=chart(SPIN), parts=("Helm was stopped", "hostile/template-spins", f"{RENDER_SECONDS:g} s")),
    "template-recurses": Case(
        files=chart('{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}'), parts=("Helm could not render", "include")
    ),
    "values-out": Case(
        files=chart("{}"), source={"helm": {"valueFiles": ["../../../../etc/passwd"]}}, parts=("etc/passwd", "leads out")
    ),
    "values-remote": Case(
        files=chart("{}"), source={"helm": {"valueFiles": ["https://example.invalid/v.yaml"]}},
        parts=("https://example.invalid/v.yaml", "no network"),
    ),
    "plugin": Case(files={"a.yaml": ""}, source={"plugin": {"name": "sh"}}, parts=("plugin",)),
}  # fmt: skip


@pytest.fixture
def kubeconfig(sandbox_cluster: Path) -> Path:
    """Hostile content ends before it reaches a cluster: one kind of cluster will do."""
    return sandbox_cluster


@pytest.fixture
async def delivery(client: HttpClient, kubeconfig: Path, tmp_path: Path) -> AsyncIterator[Delivery]:
    """An engine with little patience for renders."""
    delivery = Delivery(client, kubeconfig, tmp_path)
    await delivery.prepare()
    await delivery.start_engine(work=WorkSettings(render_seconds=RENDER_SECONDS))
    try:
        yield delivery
    finally:
        await delivery.end()


def commit(delivery: Delivery) -> None:
    """All cases and an honest application in one repository."""
    for name, case in CASES.items():
        folder = delivery.repository.folder / "hostile" / name
        folder.mkdir(parents=True)
        for path, text in case.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text.replace("@", name) if "../@" in text else text)
        for path, goal in case.links.items():
            (folder / path).symlink_to(goal)
        for path, size in case.sizes.items():
            with (folder / path).open("wb") as file:
                file.truncate(size)
        (folder / "keep").touch()
    delivery.repository.commit("Begin", {"honest/a.yaml": config_map("a", x="1")})


@pytest.mark.tools
@pytest.mark.timeout(300)
async def test_each_is_named_and_an_honest_neighbour_is_delivered_meanwhile(delivery: Delivery):
    commit(delivery)
    for name, case in CASES.items():
        application = delivery.application(name, f"hostile/{name}", source=dict(case.source))
        await delivery.client.create(APPLICATIONS, application)
    await delivery.deploy("honest", "honest")
    pushed = await delivery.push("honest", "Second", {"honest/a.yaml": config_map("a", x="2")})
    await delivery.expect("honest", at(pushed), seconds=10 * RENDER_SECONDS)

    wrong = {}
    for name, case in CASES.items():
        found = await delivery.expect(name, lambda seen: bool((seen.get("status") or {}).get("conditions")), seconds=60)
        rows = found["status"]["conditions"]
        type_ = "InvalidSpecError" if case.is_invalid else "ComparisonError"
        told = [row["message"] for row in rows if row["type"] == type_]
        state = ("Unknown", "Unknown" if case.is_invalid else "Healthy")
        missing = [part for part in case.parts if part not in "".join(told)]
        if len(told) != 1 or missing or (sync_of(found), health_of(found)) != state:
            wrong[name] = f"{name} lacks {missing}: {sync_of(found)} {health_of(found)} {told}"
    assert not wrong, "\n".join(wrong.values())
    assert CANARY not in os.listdir("/tmp")


async def test_nothing_that_a_link_points_at_is_told(delivery: Delivery):
    secret = (delivery.folder / "engine" / "instance.key").read_bytes()
    commit(delivery)
    await delivery.client.create(APPLICATIONS, delivery.application("thief", "hostile/link-to-the-engine"))
    found = await delivery.expect("thief", lambda seen: bool((seen.get("status") or {}).get("conditions")))
    assert secret.hex() not in repr(found)
    assert secret.decode(errors="replace") not in repr(found)


async def test_a_repository_with_a_folder_that_no_honest_git_writes_is_refused(delivery: Delivery):
    """A tree entry named `..` cannot be committed by the command; it is written as an object."""
    repository = delivery.repository
    repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    blob = repository.git("rev-parse", "HEAD:app/a.yaml")
    evil = _write_tree(repository.folder, [("100644", "..", blob)])
    root = _write_tree(repository.folder, [("40000", "app", evil)])
    commit_id = repository.git("commit-tree", root, "-m", "Evil")
    repository.git("update-ref", "refs/heads/main", commit_id)

    await delivery.client.create(APPLICATIONS, delivery.application("evil", "app"))

    found = await delivery.expect("evil", lambda seen: bool((seen.get("status") or {}).get("conditions")))
    (row,) = found["status"]["conditions"]
    assert row["type"] == "ComparisonError"
    assert "app/.." in row["message"]


def _write_tree(folder: Path, entries: list[tuple[str, str, str]]) -> str:
    content = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(sha) for mode, name, sha in entries)
    command = ["git", "hash-object", "-t", "tree", "-w", "--literally", "--stdin"]
    return subprocess.run(command, cwd=folder, input=content, check=True, capture_output=True).stdout.decode().strip()
