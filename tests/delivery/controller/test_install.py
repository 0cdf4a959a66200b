from __future__ import annotations

from typing import Any, cast

import pytest

from haori.cluster import ApiResource, KubernetesClient
from haori.delivery.controller.install import install_missing
from tests.delivery.controller.fakes import FakeClient

pytestmark = pytest.mark.looptime


class EstablishingClient(FakeClient):
    """Serves a definition at the second look."""

    async def get(self, resource: ApiResource, name: str, namespace: str = "") -> dict[str, Any]:
        found = await super().get(resource, name, namespace)
        if resource.kind == "CustomResourceDefinition":
            seen = {**found, "status": {"conditions": [{"type": "Established", "status": "True"}]}}
            self.objects[resource.kind, namespace, name] = seen
        return found


async def test_what_lacks_is_installed_and_said_and_nothing_twice():
    client = EstablishingClient()
    heard: list[str] = []

    first = await install_missing(cast(KubernetesClient, client), "argocd", on_installed=heard.append)
    second = await install_missing(cast(KubernetesClient, client), "argocd")

    assert list(first) == heard
    assert first[0] == "Namespace argocd"
    assert first[-1] == "AppProject argocd/default"
    assert len(first) == 5
    assert second == ()
