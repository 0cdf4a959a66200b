"""Repositories that mean harm: each gives a ComparisonError that names what and where, and nobody else waits for it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from haori.cluster import HttpClient
from haori.cluster.well_known import APPLICATIONS, CONFIG_MAPS
from haori.delivery.controller.settings import GitSettings, WorkSettings
from tests.e2e.delivery import Delivery, Repository, at, config_map, health_of, is_green, sync_of

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
LARGE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n" + "".join(f" k{n}: v\n" for n in range(800_000))
"""Nine megabytes in pieces so small that reading them takes half a minute."""
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
    "large-file": Case(sizes={"a.yaml": 100 << 20}, parts=("large-file", "10000000")),
    "path-out": Case(source={"path": "../.."}, parts=("../..",), is_invalid=True),
    "path-out-inside": Case(source={"path": "hostile/../../.."}, parts=("hostile/../../..",), is_invalid=True),
    "path-absolute": Case(source={"path": "/etc"}, parts=("/etc",), is_invalid=True),
    "remote-base-at-metadata": Case(
        files=kustomization("resources: ['https://169.254.169.254/org/repo?ref=main']"),
        parts=("https://169.254.169.254/org/repo", "hostile/remote-base-at-metadata", "metadata service"),
    ),
    "remote-file-at-metadata": Case(
        files=kustomization("resources: ['http://169.254.169.254/latest/user-data.yaml']"),
        parts=("http://169.254.169.254/latest/user-data.yaml", "metadata service"),
    ),
    "remote-base-scp": Case(
        files=kustomization("resources: ['git@169.254.169.254:org/base.git']"),
        parts=("git@169.254.169.254:org/base.git", "metadata service"),
    ),
    "remote-base-here": Case(
        files=kustomization("resources: ['https://127.0.0.1:1/org/repo?ref=main']"), parts=("127.0.0.1", "loopback")
    ),
    "remote-base-on-disk": Case(
        files=kustomization("resources: ['file:///etc//x?ref=main']"), parts=("file:///etc",)
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
        files=chart("{}"), source={"helm": {"valueFiles": ["https://169.254.169.254/v.yaml"]}},
        parts=("https://169.254.169.254/v.yaml", "metadata service"),
    ),
    "jsonnet-spins": Case(
        files={"a.jsonnet": "std.foldl(function(a, i) std.length(std.range(0, 9999)), std.range(0, 999999), 0)"},
        parts=("Jsonnet was stopped", "hostile/jsonnet-spins", f"{RENDER_SECONDS:g} s"),
    ),
    "jsonnet-recurses": Case(files={"a.jsonnet": "local f(x) = f(x + 1) + 1; f(0)"}, parts=("a.jsonnet", "stack")),
    "jsonnet-reads-out": Case(
        files={"a.jsonnet": "importstr '../../../../etc/hostname'"}, parts=("etc/hostname", "leads out")
    ),
    "jsonnet-library-out": Case(
        files={"a.jsonnet": "{}"}, source={"directory": {"jsonnet": {"libs": ["../../.."]}}}, parts=("../../..", "leads out")
    ),
    "many-files": Case(sizes={f"{number}.yaml": 1 << 20 for number in range(12)}, parts=("larger than", "10000000")),
    # In time or not by the machine: what is read at all is too large for any API.
    "large-yaml": Case(files={"a.yaml": LARGE}, parts=("YAML was stopped|ConfigMap a of hostile/large-yaml",)),
    "large-object": Case(
        files={"a.yaml": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{x: {'v' * (4 << 20)}}}\n"},
        parts=("ConfigMap a of hostile/large-object", "3145728"),
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
    await delivery.start_engine(work=WorkSettings(render_seconds=RENDER_SECONDS), allow_loopback=False)
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
        found = await delivery.expect(
            name, lambda seen: bool((seen.get("status") or {}).get("conditions")), seconds=120
        )
        rows = found["status"]["conditions"]
        type_ = "InvalidSpecError" if case.is_invalid else "ComparisonError"
        told = [row["message"] for row in rows if row["type"] == type_]
        state = ("Unknown", "Unknown" if case.is_invalid else "Healthy")
        missing = [part for part in case.parts if not any(each in "".join(told) for each in part.split("|"))]
        if len(told) != 1 or missing or (sync_of(found), health_of(found)) != state:
            wrong[name] = f"{name} lacks {missing}: {sync_of(found)} {health_of(found)} {told}"
    assert not wrong, "\n".join(wrong.values())
    assert CANARY not in os.listdir("/tmp")


ENDLESS = {"chart": chart(SPIN), "jsonnet": CASES["jsonnet-spins"].files}


@pytest.mark.tools
async def test_a_neighbour_is_delivered_while_what_never_ends_still_renders(delivery: Delivery):
    """Of order, not of time: the neighbour is done before any of these has reached its limit."""
    await delivery.stop_engine()
    await delivery.start_engine("patient", work=WorkSettings(render_seconds=600.0))
    files = {f"{name}/{path}": text for name, each in ENDLESS.items() for path, text in each.items()}
    delivery.repository.commit(
        "Begin",
        {**files, "honest/kustomization.yaml": "resources: [a.yaml]\n", "honest/a.yaml": config_map("a", x="1")},
    )
    for name in ("chart", "jsonnet"):
        await delivery.client.create(APPLICATIONS, delivery.application(name, name))
    await _until(lambda: _renders_under_way() == 2, "two renders are under way")

    await delivery.deploy("honest", "honest")

    for name in ("chart", "jsonnet"):
        assert "conditions" not in ((await delivery.get(name)).get("status") or {}), name
    assert _renders_under_way() == 2


@pytest.mark.tools
async def test_an_application_that_was_stopped_leaves_the_places_to_others(delivery: Delivery):
    """It may be asked for as often as anybody likes: it waits among its own kind."""
    delivery.repository.commit(
        "Begin",
        {**{f"chart/{path}": text for path, text in chart(SPIN).items()}, "honest/a.yaml": config_map("a", x="1")},
    )
    await delivery.client.create(APPLICATIONS, delivery.application("chart", "chart"))
    await delivery.expect("chart", has_conditions)
    await delivery.refresh("chart", "hard")
    await _until(lambda: _renders_under_way() == 1, "it renders again")
    await delivery.deploy("honest", "honest")


async def test_a_key_that_stands_twice_counts_by_its_last_value_and_warns(delivery: Delivery):
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1") + "data: {x: two}\n"})
    await delivery.client.create(APPLICATIONS, delivery.application("twice", "app"))
    found = await delivery.expect("twice", lambda seen: is_green(seen) and has_conditions(seen))
    (row,) = found["status"]["conditions"]
    assert row["type"] == "SourceWarning"
    assert "app/a.yaml" in row["message"] or "a.yaml line" in row["message"]
    assert "data" in row["message"]


async def test_a_repository_beyond_its_bound_is_refused_and_an_honest_one_is_delivered(
    delivery: Delivery, tmp_path: Path
):
    """The bound is the engine's setting; what counts is that the disk never holds more than it."""
    bound = 2 << 20
    await delivery.stop_engine()
    await delivery.start_engine("bounded", git=GitSettings(repository_bytes=bound))
    large = Repository(tmp_path / "large")
    (large.folder / "blob").write_bytes(os.urandom(4 * bound))
    large.commit("Begin", {"app/a.yaml": config_map("b", x="1")})
    delivery.repository.commit("Begin", {"honest/a.yaml": config_map("a", x="1")})

    application = delivery.application("large", "app", source={"repoURL": large.url})
    await delivery.client.create(APPLICATIONS, application)
    await delivery.deploy("honest", "honest")

    found = await delivery.expect("large", has_conditions)
    (row,) = found["status"]["conditions"]
    assert row["type"] == "ComparisonError"
    assert all(part in row["message"] for part in (large.url, str(bound), "history"))
    mirrors = delivery.folder / "bounded" / "mirrors"
    assert sum(path.stat().st_size for path in mirrors.rglob("*") if path.is_file()) < bound


LUA = {"resource.customizations.health.scheduling.k8s.io_PriorityClass": "while true do end"}


async def test_a_health_script_that_loops_is_named_and_an_honest_neighbour_is_delivered(delivery: Delivery):
    await delivery.patch(CONFIG_MAPS, "argocd-cm", delivery.control, {"data": LUA})
    name = f"rank-{delivery.namespace}"
    rank = f"apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {{name: {name}}}\nvalue: 1\n"
    delivery.repository.commit("Begin", {"loops/a.yaml": rank, "honest/b.yaml": config_map("a", x="1")})
    await delivery.client.create(APPLICATIONS, delivery.application("loops", "loops"))
    await delivery.deploy("honest", "honest")
    found = await delivery.expect(
        "loops", lambda seen: health_of(seen) not in ("", "Missing", "Progressing"), seconds=60
    )
    assert sync_of(found) == "Synced"
    assert "script" in found["status"]["health"]["message"], found["status"]["health"]


def has_conditions(application: dict[str, Any]) -> bool:
    return bool((application.get("status") or {}).get("conditions"))


def _renders_under_way() -> int:
    """Working folders of this process's engine that a tool has begun to work in."""
    return len(list(Path(tempfile.gettempdir()).glob(f"haori-render-{os.getpid()}-*")))


async def _until(is_met: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not is_met():  # noqa: ASYNC110 - folders send no events
            await asyncio.sleep(0.02)
    assert is_met(), what


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
