"""One repository of N applications of four objects, and the Applications that deliver them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PER_NAMESPACE = 50
DATA_BYTES = 2048
FINALIZER = "resources-finalizer.argocd.argoproj.io"


def name_of(number: int) -> str:
    """The application's name, also that of its objects."""
    return f"app-{number:05d}"


def namespace_of(number: int) -> str:
    """Where its objects live: fifty applications a namespace."""
    return f"bench-{number // PER_NAMESPACE:03d}"


def namespaces(count: int) -> list[str]:
    """All of them."""
    return sorted({namespace_of(number) for number in range(count)})


def objects_of(number: int, release: str, image: str = "r1") -> list[dict[str, Any]]:
    """A Deployment without replicas, ServiceAccount, Service and a ConfigMap of 2 KB.

    `release` changes all four and rolls nothing out, `image` changes the Pod template: then the cluster's own controllers
    make a ReplicaSet for each, which is their time and not the engine's.
    """
    name = name_of(number)
    metadata = {"name": name, "labels": {"app": name, "release": release}}
    selector = {"app": name}
    container = {
        "name": "main", "image": f"registry.example/{name}:{image}", "ports": [{"containerPort": 8080}],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
        "envFrom": [{"configMapRef": {"name": name}}],
    }  # fmt: skip
    template = {
        "metadata": {"labels": selector},
        "spec": {"serviceAccountName": name, "containers": [container]},
    }
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata,
         "data": {"release": release, "text": "x" * DATA_BYTES}},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata,
         "spec": {"selector": selector, "ports": [{"port": 80, "targetPort": 8080}]}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
         "spec": {"replicas": 0, "selector": {"matchLabels": selector}, "template": template}},
    ]  # fmt: skip


def application(number: int, url: str, *, namespace: str, path: str = "plain") -> dict[str, Any]:
    """The Application with automated sync, prune and self-heal and the cascading finalizer."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name_of(number), "namespace": namespace, "finalizers": [FINALIZER]},
        "spec": {
            "project": "default",
            "source": {"repoURL": url, "path": f"{path}/{name_of(number)}", "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace_of(number)},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
        },
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A bare repository on this disk and the work tree its commits are made in."""

    bare: Path
    work: Path
    count: int

    def start(self) -> str:
        """Makes both with a first commit; that commit."""
        for number in range(self.count):
            self._write(number, "r1")
        git(self.work.parent, "init", "-q", "-b", "main", str(self.work))
        git(self.work, "add", "-A")
        git(self.work, "commit", "-q", "-m", "First")
        git(self.work.parent, "clone", "-q", "--bare", str(self.work), str(self.bare))
        git(self.work, "remote", "add", "origin", str(self.bare))
        return git(self.work, "rev-parse", "HEAD").strip()

    def change(self, numbers: Iterable[int], release: str, image: str = "r1") -> str:
        """One commit that changes the objects of these applications, pushed; that commit."""
        for number in numbers:
            self._write(number, release, image)
        git(self.work, "commit", "-qam", f"Release {release}")
        git(self.work, "push", "-q", "origin", "HEAD:main")
        return git(self.work, "rev-parse", "HEAD").strip()

    def _write(self, number: int, release: str, image: str = "r1") -> None:
        folder = self.work / "plain" / name_of(number)
        folder.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump_all(objects_of(number, release, image), sort_keys=False)
        (folder / "all.yaml").write_text(text)
        overlay = self.work / "kustomize" / name_of(number)
        overlay.mkdir(parents=True, exist_ok=True)
        (overlay / "all.yaml").write_text(text)
        kustomization = {"resources": ["all.yaml"], "commonAnnotations": {"team": "bench"}}
        (overlay / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))


def git(folder: Path, *arguments: str) -> str:
    """What a git command printed."""
    who = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER")
           for part, value in (("NAME", "bench"), ("EMAIL", "bench@localhost"))}  # fmt: skip
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True, env={**os.environ, **who}
    )
    return done.stdout
