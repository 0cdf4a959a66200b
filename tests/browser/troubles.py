"""Applications in every state, and texts that mean harm, pushed to the repository of an instance.

Each application is one folder and one Application beside those of the example. Hostile text stands wherever a repository
lets somebody write: a commit, labels, annotations, data, logs, links, a project and its roles.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HOSTILE = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>\'"{{7*7}}${7*7}'
"""What must stay text wherever it is shown."""
HOSTILE_URL = "javascript:window.hurt=1"
APPS = Path("apps/troubles")
NAMESPACE = "wear-troubles"


def write_troubles(repository: Path) -> None:
    """Writes all of them into a clone of the platform's repository."""
    _application(repository, "search", [_deployment("search", tag="2.0.0", spec={"progressDeadlineSeconds": 5})])
    _application(
        repository,
        "recommend",
        [_deployment("recommend", simulate="never-ready", spec={"progressDeadlineSeconds": 86400})],
    )
    _application(repository, "report", [_deployment("report", spec={"paused": True})])
    _application(repository, "campaign", [_deployment("campaign")], automated=False)
    _application(repository, "catalogue", [_failing_hook("catalogue-migrate"), _deployment("catalogue")])
    _application(repository, "hostile", _hostile_objects(), annotations={"link.argocd.argoproj.io/x": HOSTILE_URL})


def hostile_project() -> dict[str, Any]:
    """An AppProject whose every free text means harm."""
    role = {"name": "readers", "description": HOSTILE, "policies": [], "groups": [HOSTILE]}
    spec = {
        "description": HOSTILE,
        "sourceRepos": ["*"],
        "destinations": [{"server": "*", "namespace": "*"}],
        "roles": [role],
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "hostile", "namespace": "argocd"},
        "spec": spec,
    }


def _application(
    repository: Path,
    name: str,
    objects: list[dict[str, Any]],
    *,
    automated: bool = True,
    annotations: dict[str, str] | None = None,
) -> None:
    folder = repository / APPS / name
    folder.mkdir(parents=True, exist_ok=True)
    for index, each in enumerate(objects):
        # JSON is YAML; hostile text needs no quoting of another kind then.
        (folder / f"{index}.yaml").write_text(json.dumps(each, indent=1))
    policy = {"automated": {"prune": True}} if automated else {}
    manifest = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": name,
            "namespace": "argocd",
            "labels": {"wear.example/team": "troubles"},
            "annotations": annotations or {},
        },
        "spec": {
            "project": "default",
            "source": {
                "repoURL": _repository_url(repository),
                "targetRevision": "main",
                "path": str(APPS / name),
            },
            "destination": {"server": "https://kubernetes.default.svc", "namespace": NAMESPACE},
            "syncPolicy": {**policy, "syncOptions": ["CreateNamespace=true"]},
            "info": [{"name": HOSTILE, "value": HOSTILE_URL}] if name == "hostile" else [],
        },
    }
    (repository / "clusters" / "sandbox" / f"trouble-{name}.yaml").write_text(json.dumps(manifest, indent=1))


def _repository_url(repository: Path) -> str:
    """As the served repository calls itself: the address is written into it when the instance starts."""
    text = (repository / "clusters" / "sandbox" / "admin.yaml").read_text()
    return next(line.split(maxsplit=1)[1] for line in text.splitlines() if line.strip().startswith("repoURL:"))


def _deployment(
    name: str, *, tag: str = "1.2.3", simulate: str = "", spec: dict[str, Any] | None = None, log: str = ""
) -> dict[str, Any]:
    """A Deployment of one Pod. Tags other than 1.x.y were never pushed (`sandbox/images.yaml`)."""
    annotations = {"sandbox.haori.dev/log": log or f"{name}: ready"}
    if simulate:
        annotations["sandbox.haori.dev/simulate"] = simulate
    labels = {"app": name}
    container = {"name": "app", "image": f"registry.wear.example/{name}:{tag}"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": annotations},
                "spec": {"containers": [container]},
            },
            **(spec or {}),
        },
    }


def _failing_hook(name: str) -> dict[str, Any]:
    template = {
        "metadata": {"annotations": {"sandbox.haori.dev/exit-code": "3", "sandbox.haori.dev/log": "table is locked"}},
        "spec": {
            "restartPolicy": "Never",
            "containers": [{"name": "migrate", "image": "registry.wear.example/catalogue:1.2.3"}],
        },
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "annotations": {"argocd.argoproj.io/hook": "PreSync"}},
        "spec": {"backoffLimit": 0, "template": template},
    }


def _hostile_objects() -> list[dict[str, Any]]:
    settings = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "hostile", "annotations": {"note": HOSTILE}},
        "data": {"page.html": HOSTILE, "url": HOSTILE_URL},
    }
    return [settings, _deployment("hostile", log=HOSTILE)]
