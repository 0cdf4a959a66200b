"""Ten thousand Applications as an engine would have left them, and one repository folder of many objects."""

from __future__ import annotations

import asyncio
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from haori.cluster import connect
from haori.cluster.well_known import APPLICATIONS

CONTROL = "argocd"
TREE = "large-tree"
AT_ONCE = 16
NAMESPACES, PROJECT = 100, "default"
SYNC = ("Synced",) * 18 + ("OutOfSync", "Unknown")
HEALTH = ("Healthy",) * 16 + ("Progressing", "Degraded", "Missing", "Suspended")
PER_FILE = 250


def application(number: int, rng: random.Random) -> dict[str, Any]:
    """One of the many, with what lists show of it."""
    name, team = f"service-{number:05d}", f"team-{number % 40:02d}"
    revision = f"{rng.getrandbits(160):040x}"
    sync, health = rng.choice(SYNC), rng.choice(HEALTH)
    spec = {
        "project": PROJECT,
        "source": {"repoURL": f"https://git.example/{team}.git", "path": f"apps/{name}", "targetRevision": "main"},
        "destination": {
            "server": "https://kubernetes.default.svc",
            "namespace": f"{team}-{number % NAMESPACES:02d}",
        },
        "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
    }
    status: dict[str, Any] = {
        "sync": {"status": sync, "revision": revision},
        "health": {"status": health},
        "reconciledAt": "2026-11-20T10:00:00Z",
        "summary": {"images": [f"registry.example/{name}:1.{number % 50}.0"]},
        "operationState": {"phase": "Succeeded", "startedAt": "2026-11-20T09:59:00Z", "operation": {}},
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": name,
            "namespace": CONTROL,
            "labels": {"team": team, "tier": "web" if number % 3 else "batch"},
            "annotations": {"argocd.argoproj.io/skip-reconcile": "true"},
        },
        "spec": spec,
        "status": status,
    }


async def fill(kubeconfig: Path, count: int) -> None:
    """Creates so many Applications; the same ones each time."""
    rng = random.Random(1)
    waiting: Iterator[dict[str, Any]] = (application(number, rng) for number in range(count))
    async with connect(kubeconfig, user_agent="haori-bench") as client:

        async def create() -> None:
            for each in waiting:
                await client.create(APPLICATIONS, each)

        await asyncio.gather(*(create() for _ in range(AT_ONCE)))


async def deliver_tree(kubeconfig: Path, repository: str, folder: Path, nodes: int) -> None:
    """Pushes so many ConfigMaps and has them delivered as one application."""
    clone = folder / "tree"
    _git(folder, "clone", "-q", repository, str(clone))
    target = clone / "bench" / TREE
    target.mkdir(parents=True)
    for first in range(0, nodes, PER_FILE):
        many = "---\n".join(_config_map(number) for number in range(first, min(first + PER_FILE, nodes)))
        (target / f"part-{first:05d}.yaml").write_text(many)
    _git(clone, "add", "-A")
    _git(clone, "commit", "-qm", "Add a large tree")
    _git(clone, "push", "-q")
    manifest = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": TREE, "namespace": CONTROL},
        "spec": {
            "project": PROJECT,
            "source": {"repoURL": repository, "path": f"bench/{TREE}", "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": TREE},
            "syncPolicy": {"automated": {}, "syncOptions": ["CreateNamespace=true"]},
        },
    }
    async with connect(kubeconfig, user_agent="haori-bench") as client:
        await client.create(APPLICATIONS, manifest)


def _config_map(number: int) -> str:
    return (
        "apiVersion: v1\nkind: ConfigMap\n"
        f"metadata: {{name: object-{number:05d}, labels: {{part: p{number % 25}}}}}\n"
        f'data: {{value: "{number}"}}\n'
    )


def _git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Bench", "-c", "user.email=bench@wear.example"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)
