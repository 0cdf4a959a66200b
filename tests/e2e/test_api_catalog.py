"""Projects, repositories, clusters, certificates and settings over HTTP: what is secret goes in and never comes out."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest

from haori.cluster.well_known import SECRETS
from haori.resources import argo
from tests.e2e.delivery import Delivery
from tests.e2e.serving import Api, serving

pytestmark = pytest.mark.e2e

URL = "https://git.example/shop/platform.git"
HOST_KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


@pytest.fixture
async def api(delivery: Delivery) -> AsyncIterator[Api]:
    async with serving(delivery) as api:
        yield api


async def test_a_project_is_made_changed_and_kept_while_it_is_used(delivery: Delivery, api: Api):
    project: dict[str, Any] = {
        "metadata": {"name": "shop"},
        "spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]},
    }
    made = await api.ask("POST", "/api/v1/projects", {"project": project})
    twice = await api.ask("POST", "/api/v1/projects", {"project": project}, status=409)
    project["spec"]["description"] = "The shop"
    changed = await api.ask("PUT", "/api/v1/projects/shop", {"project": project})
    listed = await api.ask("GET", "/api/v1/projects")
    default = await api.ask("DELETE", "/api/v1/projects/default", status=400)
    await api.ask("DELETE", "/api/v1/projects/shop")
    gone = await api.ask("GET", "/api/v1/projects/shop", status=404)

    assert made["spec"]["sourceRepos"] == ["*"]
    assert twice["code"] == 6
    assert changed["spec"]["description"] == "The shop"
    assert {"default", "shop"} <= {each["metadata"]["name"] for each in listed["items"]}
    assert default["haori"]["code"] == "project-in-use"
    assert gone["code"] == 5


async def test_what_git_declares_is_not_changed(delivery: Delivery, api: Api):
    project = {
        "metadata": {
            "name": "shop",
            "annotations": {argo.TRACKING_ID: f"root:argoproj.io/AppProject:{delivery.control}/shop"},
        }
    }
    await api.ask("POST", "/api/v1/projects", {"project": {**project, "spec": {}}})

    refused = await api.ask(
        "PUT", "/api/v1/projects/shop", {"project": {**project, "spec": {"description": "x"}}}, status=409
    )
    kept = await api.ask("DELETE", "/api/v1/projects/shop", status=409)

    assert refused["haori"]["parameters"]["application"] == "root"
    assert kept["haori"]["code"] == "declared-in-git"


async def test_a_repository_s_secrets_go_in_and_stay(delivery: Delivery, api: Api):
    made = await api.ask(
        "POST", "/api/v1/repositories", {"repo": URL, "username": "ci", "password": "hidden-1", "type": "git"}
    )
    one = f"/api/v1/repositories/{quote(URL, safe='')}"
    again = await api.ask("POST", "/api/v1/repositories", {"repo": URL}, status=400)
    changed = await api.ask("PUT", one, {"repo": URL, "username": "cd"})
    listed = await api.ask("GET", "/api/v1/repositories")
    (secret,) = (
        await delivery.client.list(
            SECRETS, delivery.control, label_selector="argocd.argoproj.io/secret-type=repository"
        )
    ).items
    await api.ask("DELETE", one)
    gone = await api.ask("GET", one, status=404)
    bad = await api.ask("POST", "/api/v1/repositories", {"repo": "ext::sh -c id"}, status=400)

    assert made["username"] == "ci"
    assert again["haori"]["code"] == "repository-exists"
    assert changed["username"] == "cd"
    assert base64.b64decode(secret["data"]["password"]) == b"hidden-1"
    assert "hidden-1" not in json.dumps([made, changed, listed])
    assert [each["repo"] for each in listed["items"]] == [URL]
    assert gone["code"] == 5
    assert bad["code"] == 3


async def test_templates_of_credentials_are_the_same(delivery: Delivery, api: Api):
    await api.ask(
        "POST", "/api/v1/repocreds", {"url": "https://git.example/shop", "username": "ci", "password": "hidden-2"}
    )
    listed = await api.ask("GET", "/api/v1/repocreds")
    repositories = await api.ask("GET", "/api/v1/repositories")

    assert [(each["url"], each["username"]) for each in listed["items"]] == [("https://git.example/shop", "ci")]
    assert "hidden-2" not in json.dumps(listed)
    assert repositories["items"] == []


async def test_a_cluster_s_credentials_go_in_and_stay(delivery: Delivery, api: Api):
    cluster = {
        "server": "https://tokyo.example:6443",
        "name": "tokyo",
        "config": {"bearerToken": "hidden-3", "tlsClientConfig": {"insecure": True}},
    }
    made = await api.ask("POST", "/api/v1/clusters", cluster)
    listed = await api.ask("GET", "/api/v1/clusters")
    one = f"/api/v1/clusters/{quote('https://tokyo.example:6443', safe='')}"
    renamed = await api.ask("PUT", one, {"name": "osaka"})
    by_name = await api.ask("GET", "/api/v1/clusters/osaka?id.type=name")
    runs = {**cluster, "server": "https://other.example", "config": {"execProviderConfig": {"command": "sh"}}}
    refused = await api.ask("POST", "/api/v1/clusters", runs, status=400)
    own = await api.ask("DELETE", "/api/v1/clusters/in-cluster?id.type=name", status=400)
    await api.ask("DELETE", one)
    gone = await api.ask("GET", one, status=404)

    assert "hidden-3" not in json.dumps([made, listed, renamed, by_name])
    assert [each["name"] for each in listed["items"]] == ["in-cluster", "tokyo"]
    ours, tokyo = (each["connectionState"] for each in listed["items"])
    assert (ours["status"], tokyo["status"]) == ("Successful", "Failed")
    assert "tokyo.example" in tokyo["message"]
    assert (renamed["name"], by_name["server"]) == ("osaka", "https://tokyo.example:6443")
    assert refused["haori"]["code"] == "cluster-refused"
    assert own["haori"]["code"] == "cluster-is-our-own"
    assert gone["code"] == 5


async def test_host_keys_are_added_listed_and_forgotten(delivery: Delivery, api: Api):
    key = {
        "serverName": "git.example", "certType": "ssh", "certSubType": "ssh-ed25519",
        "certData": base64.b64encode(HOST_KEY.encode()).decode(),
    }  # fmt: skip
    made = await api.ask("POST", "/api/v1/certificates", {"items": [key]})
    bad = await api.ask("POST", "/api/v1/certificates", {"items": [{**key, "certData": "bm8="}]}, status=400)
    listed = await api.ask("GET", "/api/v1/certificates?hostNamePattern=*.example&certType=ssh")
    await api.ask("DELETE", "/api/v1/certificates?hostNamePattern=git.example")
    left = await api.ask("GET", "/api/v1/certificates?hostNamePattern=git.example")

    assert made["items"][0]["certInfo"] == "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
    assert bad["haori"]["code"] == "certificate-unreadable"
    assert [each["serverName"] for each in listed["items"]] == ["git.example"]
    assert left["items"] == []


async def test_settings_tell_little_before_anybody_is_signed_in(delivery: Delivery, api: Api):
    signed_in = await api.ask("GET", "/api/v1/settings")
    nobody = await api.ask("GET", "/api/v1/settings", Authorization="")
    info = await api.ask("GET", "/api/v1/session/userinfo")
    may = await api.ask("GET", "/api/v1/account/can-i/applications/sync/default%2Fweb")

    assert signed_in["controllerNamespace"] == delivery.control
    assert set(nobody) == {"url", "controllerNamespace", "plugins", "userLoginsDisabled", "oidcConfig"}
    assert (info["loggedIn"], info["username"], may["value"]) == (True, "owner", "yes")
