"""What a member of one project may not do to, or learn of, what belongs to another or to all."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote

import pytest

from haori.access import Policy
from haori.cluster import HttpClient, NotFoundError
from haori.cluster.well_known import APP_PROJECTS, APPLICATIONS, SECRETS
from haori.delivery.controller.cluster_secrets import ClusterEntry
from haori.delivery.controller.cluster_secrets import secret_name as cluster_secret_name
from haori.delivery.controller.install import install_missing
from haori.delivery.controller.repositories import build_secret, secret_name
from haori.sandbox.api.local import LocalClient
from haori.server.app import build_app
from haori.server.context import ServerContext
from haori.server.destinations import Connection, Destinations
from tests.access.conftest import client
from tests.server.conftest import application
from tests.server.talking import Talk

__all__ = ["client"]

RULES = """
p, member, clusters, *, shop/*, allow
p, member, repositories, *, shop/*, allow
p, member, applications, *, shop/*, allow
p, warden, clusters, get, *, allow
"""
PROD = "https://prod.invalid"
OUR_OWN = "https://kubernetes.default.svc"


class Reached(Destinations):
    """Every cluster answers."""

    async def connection(self, entry: ClusterEntry, now: datetime) -> Connection:
        return Connection(at=now, version="1.34")


@pytest.fixture
async def talk(context: ServerContext, client: LocalClient) -> Talk:
    cluster = cast(HttpClient, client)
    await install_missing(client, "argocd")
    policy = Policy.parse(RULES)
    settings = replace(context.settings, application_namespaces=("team-*",))
    changed = replace(
        context, settings=settings, client=cluster, destinations=Reached(cluster, "argocd"), policy=lambda: policy
    )  # fmt: skip
    cast(Any, changed.authenticator).known.add("warden")
    return Talk(build_app(changed, port=8080))


def cluster_secret(server: str, name: str, **fields: str) -> dict[str, Any]:
    labels = {"argocd.argoproj.io/secret-type": "cluster"}
    data = {"server": server, "name": name, "config": '{"bearerToken": "canary"}', **fields}
    metadata = {"name": cluster_secret_name(server), "namespace": "argocd", "labels": labels}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "stringData": data}


CLUSTERS = {
    "one of everybody's, changed": ({"server": PROD, "project": "shop"}, "?upsert=true", (403, "permission-denied")),
    "one of everybody's, made again": ({"server": PROD, "project": "shop"}, "", (409, "cluster-exists")),
    "our own": ({"server": OUR_OWN, "project": "shop"}, "", (403, "permission-denied")),
    "another of the same name": (
        {"server": "https://mine.invalid", "name": "prod", "project": "shop"}, "", (409, "cluster-exists"),
    ),
    "another called as our own": (
        {"server": "https://mine.invalid", "name": "in-cluster", "project": "shop"}, "", (409, "cluster-exists"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CLUSTERS)
async def test_a_member_takes_no_cluster_over(talk: Talk, client: LocalClient, name: str):
    await client.create(SECRETS, before := cluster_secret(PROD, "prod"))
    body, query, expected = CLUSTERS[name]
    answer = await talk.ask("POST", f"/api/v1/clusters{query}", who="member", body=body)

    kept = await client.get(SECRETS, before["metadata"]["name"], "argocd")
    assert (answer.status, answer.code) == expected
    assert "project" not in kept["data"]
    with pytest.raises(NotFoundError):
        await client.get(SECRETS, cluster_secret_name(body["server"].replace(PROD, "none")), "argocd")


async def test_a_member_adds_and_changes_their_own_cluster(talk: Talk):
    body = {"server": "https://mine.invalid", "name": "mine", "project": "shop"}
    made = await talk.ask("POST", "/api/v1/clusters", who="member", body=body)
    again = await talk.ask("POST", "/api/v1/clusters?upsert=true", who="member", body={**body, "name": "ours"})
    assert (made.status, again.status, again.json()["name"]) == (200, 200, "ours")


async def test_what_a_change_does_not_say_stays_and_null_takes_away(talk: Talk, client: LocalClient):
    path = f"/api/v1/repositories/{quote('https://git.example/a', safe='')}"
    body = {"repo": "https://git.example/a", "username": "bot", "password": "canary", "name": "a"}
    await talk.ask("POST", "/api/v1/repositories", who="admin", body=body)
    secret = secret_name("https://git.example/a", "")

    kept = await talk.ask("PUT", path, who="admin", body={"repo": "https://git.example/a", "name": "b"})
    assert (kept.status, sorted((await client.get(SECRETS, secret, "argocd"))["data"])) == (
        200,
        ["name", "password", "type", "url", "username"],
    )
    changed = await talk.ask(
        "PUT", path, who="admin", body={"username": None, "password": None, "bearerToken": "canary"}
    )  # fmt: skip
    assert (changed.status, sorted((await client.get(SECRETS, secret, "argocd"))["data"])) == (
        200,
        ["bearerToken", "name", "type", "url"],
    )
    assert b"canary" not in kept.body + changed.body


async def test_a_cluster_s_namespaces_can_be_emptied(talk: Talk, client: LocalClient):
    await client.create(SECRETS, before := cluster_secret(PROD, "prod", namespaces="shop,web"))
    path = f"/api/v1/clusters/{quote(PROD, safe='')}"

    named = await talk.ask("PUT", path, who="admin", body={"name": "production"})
    assert (named.json()["name"], named.json()["namespaces"]) == ("production", ["shop", "web"])
    answer = await talk.ask("PUT", path, who="admin", body={"namespaces": []})

    data = (await client.get(SECRETS, before["metadata"]["name"], "argocd"))["data"]
    assert (answer.status, answer.json()["namespaces"], data["namespaces"]) == (200, [], "")
    assert b64decode(data["config"]) == b'{"bearerToken": "canary"}'


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "bogus"}, "type"),
        ({"name": "\0"}, "name"),
        ({"name": "x" * 254}, "name"),
        ({"username": 5}, "username"),
        ({"insecure": "yes"}, "insecure"),
    ],
)
async def test_a_change_is_held_to_what_one_is_made_by(talk: Talk, body: dict[str, Any], field: str):
    await talk.ask("POST", "/api/v1/repositories", who="admin", body={"repo": "https://git.example/a"})
    path = f"/api/v1/repositories/{quote('https://git.example/a', safe='')}"

    answer = await talk.ask("PUT", path, who="admin", body=body)

    assert (answer.code, answer.json()["haori"]["parameters"]) == ("field-unusable", {"field": field})


async def test_no_chart_repository_becomes_a_folder_of_the_disk(talk: Talk):
    made = await talk.ask(
        "POST", "/api/v1/repositories", who="admin", body={"repo": "/srv/a", "type": "helm", "name": "a"}
    )
    path = f"/api/v1/repositories/{quote('/srv/a', safe='')}"

    assert made.status == 200
    assert [(await talk.ask("PUT", path, who="admin", body={"type": kind})).code for kind in (None, "git")] == [
        "git-url-file"
    ] * 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"namespaces": [None]}, "namespaces"),
        ({"namespaces": ["a,b"]}, "namespaces"),
        ({"namespaces": [1, {"a": 1}]}, "namespaces"),
        ({"name": "\n x"}, "name"),
    ],
)
async def test_a_cluster_keeps_to_what_could_be(talk: Talk, client: LocalClient, body: dict[str, Any], field: str):
    await client.create(SECRETS, before := cluster_secret(PROD, "prod", namespaces="shop"))

    answer = await talk.ask("PUT", f"/api/v1/clusters/{quote(PROD, safe='')}", who="admin", body=body)

    kept = await client.get(SECRETS, before["metadata"]["name"], "argocd")
    assert (answer.code, answer.json()["haori"]["parameters"]) == ("field-unusable", {"field": field})
    assert b64decode(kept["data"]["namespaces"]) == b"shop"


async def test_a_secret_of_the_same_name_is_no_other_repository_s(talk: Talk, client: LocalClient):
    """Names are short hashes of URL and project, one after the other: others have the same."""
    theirs = build_secret("https://git.example/fashop", {"password": "canary"}, namespace="argocd")
    assert theirs["metadata"]["name"] == secret_name("https://git.example/fa", "shop")
    await client.create(SECRETS, theirs)
    body = {"repo": "https://git.example/fa", "project": "shop", "insecure": True}

    answer = await talk.ask("POST", "/api/v1/repositories?upsert=true", who="member", body=body)

    kept = await client.get(SECRETS, theirs["metadata"]["name"], "argocd")
    assert (answer.status, answer.code) == (400, "repository-exists")
    assert "insecure" not in kept["data"]


REPOSITORY = "https://git.example/secret.git"


@pytest.mark.parametrize(
    "path",
    [
        f"/api/v1/repositories/{quote(REPOSITORY, safe='')}",
        f"/api/v1/repositories/{quote(REPOSITORY, safe='')}/refs",
        f"/api/v1/clusters/{quote(PROD, safe='')}",
        "/api/v1/clusters/prod?id.type=name",
        "/api/haori/v1/clusters/prod/nodes?id.type=name",
    ],
)
async def test_a_refusal_tells_no_more_than_was_asked(talk: Talk, client: LocalClient, path: str):
    before = await talk.ask("GET", path, who="member")
    await client.create(SECRETS, cluster_secret(PROD, "prod", project="hidden"))
    await client.create(SECRETS, build_secret(REPOSITORY, {}, namespace="argocd", project="hidden"))

    after = await talk.ask("GET", path, who="member")

    assert (after.status, after.code) == (403, "permission-denied")
    assert after.body == before.body


async def make_project(client: LocalClient) -> None:
    spec = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]}
    metadata = {"name": "shop", "namespace": "argocd"}
    project = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": metadata, "spec": spec}
    await client.create(APP_PROJECTS, project)


async def test_an_application_is_made_only_where_its_project_has_some(talk: Talk, client: LocalClient):
    await make_project(client)
    body = application("web", "shop", metadata={"namespace": "team-a"})
    answer = await talk.ask("POST", "/api/v1/applications", who="member", body=body)
    assert (answer.status, answer.code) == (403, "project-denies-application-namespace")


async def test_one_that_is_there_in_another_project_tells_none(talk: Talk, client: LocalClient):
    await make_project(client)
    theirs = application("web", "hidden")
    del theirs["metadata"]["resourceVersion"]
    await client.create(APPLICATIONS, theirs)

    for query in ("", "?upsert=true"):
        answer = await talk.ask("POST", f"/api/v1/applications{query}", who="member", body=application("web", "shop"))
        assert (answer.status, answer.code) == (403, "permission-denied")
        assert b"hidden" not in answer.body


async def test_a_cluster_counts_the_applications_that_its_reader_sees(talk: Talk, tell):
    tell(application("web", "hidden"))
    one = f"/api/v1/clusters/{quote(OUR_OWN, safe='')}"
    assert (await talk.ask("GET", one, who="warden")).json()["info"]["applicationsCount"] == 0
