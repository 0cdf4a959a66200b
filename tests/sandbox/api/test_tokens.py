"""A token is worth as much as the objects it speaks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from haori.sandbox.api.tokens import ADMIN, DEFAULT_AUDIENCE, Authenticator, Bound, TokenIssuer, node_user

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class World:
    """Live objects, a clock, and the two parts under test."""

    def __init__(self) -> None:
        self.now = NOW
        self.objects: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.put("serviceaccounts", "shop", "api", "sa-1")
        self.put("pods", "shop", "api-0", "pod-1")
        self.put("nodes", "", "one", "node-1")
        self.issuer = TokenIssuer(ec.generate_private_key(ec.SECP256R1()))
        self.authenticator = Authenticator(
            {"admin-token": ADMIN, "node-token": node_user("one")},
            self.issuer,
            lookup=lambda plural, namespace, name: self.objects.get((plural, namespace, name)),
            now=lambda: self.now,
        )

    def put(self, plural: str, namespace: str, name: str, uid: str) -> None:
        self.objects[plural, namespace, name] = {"metadata": {"name": name, "namespace": namespace, "uid": uid}}

    def token(self, audiences: tuple[str, ...] = (DEFAULT_AUDIENCE,), bound: Bound | None = None) -> str:
        return self.issuer.issue(
            namespace="shop", name="api", uid="sa-1", audiences=audiences, seconds=600, now=NOW, bound=bound,
            node={"name": "one", "uid": "node-1"} if bound and bound.kind == "Pod" else None,
        )  # fmt: skip


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Bearer admin-token", "sandbox-admin"),
        ("bearer  admin-token", "sandbox-admin"),
        ("Bearer node-token", "system:node:one"),
        ("Bearer admin-toke", None),
        ("Bearer admin-token2", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("", None),
        ("Basic admin-token", None),
        ("Bearer a.b.c", None),
        ("Bearer ..", None),
        ("Bearer é.ü.ö", None),
    ],
)
def test_fixed_tokens(world: World, header: str, name: str | None) -> None:
    user = world.authenticator.user_of_header(header)
    assert (user.name if user else None) == name


def test_a_service_account_is_known_by_its_token(world: World) -> None:
    user = world.authenticator.user_of_token(world.token(bound=Bound(kind="Pod", name="api-0", uid="pod-1")))

    assert user is not None
    assert user.name == "system:serviceaccount:shop:api"
    assert user.uid == "sa-1"
    assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated")
    assert user.extra["authentication.kubernetes.io/pod-name"] == ("api-0",)
    assert user.extra["authentication.kubernetes.io/node-name"] == ("one",)


def remove_account(world: World) -> None:
    del world.objects["serviceaccounts", "shop", "api"]


def make_account_anew(world: World) -> None:
    world.put("serviceaccounts", "shop", "api", "sa-2")


def remove_pod(world: World) -> None:
    del world.objects["pods", "shop", "api-0"]


def make_pod_anew(world: World) -> None:
    world.put("pods", "shop", "api-0", "pod-2")


def let_it_expire(world: World) -> None:
    world.now += timedelta(seconds=601)


def turn_back_the_clock(world: World) -> None:
    world.now -= timedelta(hours=1)


@pytest.mark.parametrize(
    "change", [remove_account, make_account_anew, remove_pod, make_pod_anew, let_it_expire, turn_back_the_clock]
)
def test_a_token_ends_with_what_it_speaks_for(world: World, change: Any) -> None:
    token = world.token(bound=Bound(kind="Pod", name="api-0", uid="pod-1"))
    assert world.authenticator.user_of_token(token) is not None
    change(world)
    assert world.authenticator.user_of_token(token) is None


def test_a_token_for_another_audience_is_no_token_here(world: World) -> None:
    token = world.token(audiences=("vault",))
    assert world.authenticator.user_of_token(token) is None
    assert world.authenticator.user_of_token(token, audiences=("vault",)) is not None


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_token_is_refused(world: World, part: int) -> None:
    parts = world.token().split(".")
    parts[part] = ("A" if parts[part][5] != "A" else "B").join((parts[part][:5], parts[part][6:]))
    assert world.authenticator.user_of_token(".".join(parts)) is None


def test_a_token_of_another_sandbox_is_refused(world: World) -> None:
    assert World().authenticator.user_of_token(world.token()) is None
