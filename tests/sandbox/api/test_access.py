"""Who may do what: roles and bindings as they are stored, and the reviews that ask about them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from haori.sandbox.api.options import User
from tests.sandbox.api.support import Caller, running

ROBOT = User(
    name="system:serviceaccount:default:robot",
    groups=("system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"),
)
RBAC = "/apis/rbac.authorization.k8s.io/v1"
MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Caller]:
    async with running(tmp_path) as caller:
        rules = [
            {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]},
            {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["mine"], "verbs": ["get"]},
            {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
        ]
        await caller.ok("POST", f"{RBAC}/namespaces/default/roles", {"metadata": {"name": "reader"}, "rules": rules})
        binding = {
            "metadata": {"name": "reader"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
            "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": "default"}],
        }
        await caller.ok("POST", f"{RBAC}/namespaces/default/rolebindings", binding)
        yield caller


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", MAPS, 200),
        ("GET", f"{MAPS}/none", 404),
        ("POST", MAPS, 403),
        ("DELETE", f"{MAPS}/none", 403),
        ("GET", "/api/v1/configmaps", 403),
        ("GET", "/api/v1/namespaces/kube-system/configmaps", 403),
        ("GET", "/api/v1/namespaces/default/secrets/mine", 404),
        ("GET", "/api/v1/namespaces/default/secrets/other", 403),
        ("GET", "/api/v1/namespaces/default/secrets", 403),
        ("GET", "/apis", 200),
        ("GET", "/version", 200),
        ("GET", "/metrics", 403),
    ],
)
async def test_an_account_may_what_its_roles_say(api: Caller, method: str, path: str, status: int) -> None:
    assert (await api.send(method, path, {"metadata": {"name": "a"}}, user=ROBOT)).status == status


async def test_a_refusal_says_who_may_not_do_what(api: Caller) -> None:
    refused = await api.refused("GET", "/api/v1/namespaces/default/secrets/other", user=ROBOT)

    assert refused == (
        403,
        "Forbidden",
        'secrets "other" is forbidden: User "system:serviceaccount:default:robot" cannot get resource "secrets" '
        'in API group "" in the namespace "default"',
    )


async def test_a_cluster_role_may_be_bound_in_one_namespace(api: Caller) -> None:
    binding = {
        "metadata": {"name": "viewers"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "Group", "name": "system:serviceaccounts:default"}],
    }
    await api.ok("POST", f"{RBAC}/namespaces/kube-system/rolebindings", binding)

    assert (await api.send("GET", "/api/v1/namespaces/kube-system/pods", user=ROBOT)).status == 200
    assert (await api.send("GET", "/api/v1/namespaces/default/pods", user=ROBOT)).status == 403


@pytest.mark.parametrize(
    ("attributes", "allowed"),
    [
        ({"verb": "get", "resource": "configmaps", "namespace": "default"}, True),
        ({"verb": "get", "resource": "pods", "subresource": "log", "namespace": "default"}, True),
        ({"verb": "get", "resource": "pods", "namespace": "default"}, False),
        ({"verb": "update", "resource": "configmaps", "namespace": "default"}, False),
    ],
)
async def test_one_may_ask_what_one_may(api: Caller, attributes: dict[str, Any], allowed: bool) -> None:
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

    review = await api.ok("POST", path, {"spec": {"resourceAttributes": attributes}}, user=ROBOT)

    assert review["status"]["allowed"] is allowed


async def test_one_may_ask_who_one_is_and_others_may_be_asked_about(api: Caller) -> None:
    me = await api.ok("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, user=ROBOT)
    spec = {
        "user": ROBOT.name,
        "groups": list(ROBOT.groups),
        "resourceAttributes": {"verb": "list", "resource": "configmaps", "namespace": "default"},
    }
    other = await api.ok("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": spec})
    rules = await api.ok(
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
        {"spec": {"namespace": "default"}},
        user=ROBOT,
    )

    assert me["status"]["userInfo"]["username"] == ROBOT.name
    assert other["status"]["allowed"] is True
    assert other["status"]["reason"].startswith("RBAC: allowed by ")
    assert {"verbs": ["get"], "apiGroups": [""], "resources": ["pods/log"]} in rules["status"]["resourceRules"]


async def test_reviews_are_not_kept(api: Caller) -> None:
    refused = await api.refused("GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")

    assert refused[:2] == (405, "MethodNotAllowed")
