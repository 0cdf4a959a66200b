"""The policy follows what the cluster says."""

from __future__ import annotations

from typing import Any, cast

import pytest

from haori.access import Identity
from haori.access.identity import OWNER
from haori.cluster import EventType, HttpClient, WatchEvent
from haori.server.permissions import Permissions
from tests.server.conftest import NoCluster

ANN = Identity(subject="ann", issuer="local")


@pytest.fixture
def permissions() -> Permissions:
    found = Permissions(cast(HttpClient, NoCluster()), "argocd")
    found.is_read = True
    return found


def test_before_everything_was_read_the_owner_alone_may_anything(permissions: Permissions):
    permissions.is_read = False
    assert may(permissions, OWNER, "get")
    assert not may(permissions, Identity(subject="admin", issuer="local"), "get")


def told(manifest: dict[str, Any], *, gone: bool = False) -> WatchEvent:
    return WatchEvent(type=EventType.DELETED if gone else EventType.MODIFIED, object=manifest)


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": {key.replace("_", "."): value for key, value in data.items()}}


def may(permissions: Permissions, who: Identity, action: str) -> bool:
    return permissions.policy().decide(who, "applications", action, "shop/web").allowed


def test_the_owner_may_everything_whatever_the_policy_says(permissions: Permissions):
    permissions.observe_settings(told(config_map("argocd-rbac-cm", policy_csv="p, owner, applications, *, */*, deny")))
    assert may(permissions, OWNER, "delete")
    assert not may(permissions, Identity(subject="owner", issuer="local"), "get")


def test_a_token_of_the_owner_may_what_its_scopes_say(permissions: Permissions):
    narrowed = Identity(subject="owner", issuer="owner", token_id="t", scopes=("applications:sync:shop/*",))
    assert may(permissions, narrowed, "sync")
    assert not may(permissions, narrowed, "delete")


def test_a_change_of_the_settings_counts_at_once(permissions: Permissions):
    assert not may(permissions, ANN, "sync")
    permissions.observe_settings(
        told(config_map("argocd-rbac-cm", policy_csv="p, ann, applications, sync, shop/*, allow"))
    )
    assert may(permissions, ANN, "sync")
    permissions.observe_settings(told(config_map("argocd-rbac-cm"), gone=True))
    assert not may(permissions, ANN, "sync")


def test_a_role_of_a_project_counts_and_ends_with_it(permissions: Permissions):
    role = {"name": "dev", "groups": ["wear"], "policies": ["p, proj:shop:dev, applications, sync, shop/*, allow"]}
    project = {"metadata": {"name": "shop"}, "spec": {"roles": [role]}}
    member = Identity(subject="bob", issuer="https://id.example", groups=("wear",))

    permissions.observe_project(told(project))
    assert may(permissions, member, "sync")
    permissions.observe_project(told(project, gone=True))
    assert not may(permissions, member, "sync")


def test_what_changes_nothing_keeps_the_policy(permissions: Permissions):
    permissions.observe_project(told({"metadata": {"name": "shop"}, "spec": {}}))
    before = permissions.policy()
    permissions.observe_project(told({"metadata": {"name": "shop", "resourceVersion": "2"}, "spec": {}}))
    permissions.observe_settings(told(config_map("argocd-cm", url="https://x.example")))
    assert permissions.policy() is before


def test_live_objects_are_reached_by_update_alone_where_the_settings_say_so(permissions: Permissions):
    permissions.observe_settings(
        told(config_map("argocd-rbac-cm", policy_csv="p, ann, applications, update, shop/*, allow"))
    )
    assert not may(permissions, ANN, "update/apps/Deployment/shop/web")
    key = {"server.rbac.disableApplicationFineGrainedRBACInheritance": "false"}
    permissions.observe_settings(told({"metadata": {"name": "argocd-cm"}, "data": key}))
    assert may(permissions, ANN, "update/apps/Deployment/shop/web")


def test_a_token_of_a_project_s_role_is_known_as_long_as_it_is_listed(permissions: Permissions):
    token = Identity(subject="proj:shop:ci", issuer="token", token_id="t1")
    manifest: dict[str, Any] = {"metadata": {"name": "shop"}, "spec": {"roles": [{"name": "ci"}]}}
    permissions.hear_project(manifest)
    assert not permissions.policy().is_listed(token)
    permissions.hear_project({**manifest, "status": {"jwtTokensByRole": {"ci": {"items": [{"id": "t1", "iat": 1}]}}}})
    assert permissions.policy().is_listed(token)
