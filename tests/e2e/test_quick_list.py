"""The quick list gives what the whole client gives, or leaves it to it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from haori.cluster import HttpClient, quick
from haori.cluster.kubeconfig import ExecPlugin, load_settings
from haori.cluster.quick import list_quickly
from haori.cluster.well_known import CONFIG_MAPS, NAMESPACES

pytestmark = pytest.mark.e2e


async def test_a_quick_list_is_the_list(client: HttpClient, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch):
    name = "quick-list"
    await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for number in range(5):
        metadata = {"name": f"m{number}", "namespace": name, "labels": {"odd": str(number % 2)}}
        await client.create(CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    settings = load_settings(kubeconfig)

    for page in (500, 2):
        monkeypatch.setattr(quick, "PAGE", page)
        found = await asyncio.to_thread(list_quickly, settings, CONFIG_MAPS, name, label_selector="odd=1")
        assert found is not None
        assert [item["metadata"]["name"] for item in found] == ["m1", "m3"]

    exec_plugin = ExecPlugin(command="x", arguments=(), environment={}, api_version="v1")
    for other in (
        replace(settings, exec_plugin=exec_plugin),
        replace(settings, proxy_url="http://127.0.0.1:1"),
        replace(settings, impersonate={"Impersonate-User": ["ann"]}),
        replace(settings, client_certificate=None, client_key=None, token="wrong"),
        replace(settings, certificate_authority=None),
        replace(settings, server="https://127.0.0.1:1"),
    ):
        assert await asyncio.to_thread(list_quickly, other, CONFIG_MAPS, name) is None
