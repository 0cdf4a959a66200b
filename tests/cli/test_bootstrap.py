"""What `up` applies once, and again without harm."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from haori.cli.bootstrap import apply_all, repository_secret, root_manifests
from haori.cli.instance import Instance, write_json
from haori.cli.platform import STAND_IN_URL
from haori.cli.settings import InstanceSettings
from haori.cluster import NotFoundError

ROOT = f"""
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: root}}
spec: {{source: {{repoURL: {STAND_IN_URL}}}}}
"""
URL = "http://127.0.0.1:1/platform.git"


class Cluster:
    """Keeps what is applied by kind and name."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}

    async def apply(self, resource: Any, manifest: Any, **_options: Any) -> Any:
        self.objects[resource.kind, manifest["metadata"]["name"]] = dict(manifest)
        return manifest

    async def get(self, resource: Any, name: str, _namespace: str = "") -> Any:
        if (resource.kind, name) not in self.objects:
            raise NotFoundError("api-not-found", status=404)
        return self.objects[resource.kind, name]


def make_instance(tmp_path: Path) -> tuple[Instance, InstanceSettings]:
    platform = tmp_path / "platform"
    (platform / "clusters" / "sandbox").mkdir(parents=True)
    (platform / "clusters" / "sandbox" / "root.yaml").write_text(ROOT)
    instance = Instance(tmp_path / "data")
    write_json(instance.git_server, {"url": "x", "port": 1, "token": "first"})
    return instance, InstanceSettings(platform=str(platform))


def test_the_root_names_the_served_repository(tmp_path: Path) -> None:
    _, settings = make_instance(tmp_path)
    (root,) = root_manifests(settings, URL)
    assert root["spec"]["source"]["repoURL"] == URL
    assert root["metadata"] == {"namespace": "argocd", "name": "root"}


def test_the_secret_is_one_that_argo_cd_reads() -> None:
    secret = repository_secret(URL, "t")
    assert secret["metadata"]["labels"] == {"argocd.argoproj.io/secret-type": "repository"}
    assert base64.b64decode(secret["data"]["password"]) == b"t"


async def test_a_root_that_was_changed_stays_while_the_token_follows(tmp_path: Path) -> None:
    instance, settings = make_instance(tmp_path)
    cluster: Any = Cluster()
    await apply_all(cluster, instance, settings)
    cluster.objects["Application", "root"]["spec"] = {"mine": True}
    write_json(instance.git_server, {"url": "x", "port": 1, "token": "second"})

    await apply_all(cluster, instance, settings)

    assert cluster.objects["Application", "root"]["spec"] == {"mine": True}
    password = cluster.objects["Secret", "repository-platform"]["data"]["password"]
    assert base64.b64decode(password) == b"second"
