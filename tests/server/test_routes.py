"""All routes, walked as nobody, as a reader, as a member of one project and as an administrator; held to the table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from haori.access import Identity, Policy
from haori.cluster import EventType, WatchEvent
from haori.server.app import ROUTES, build_app
from haori.server.asking import Ask
from haori.server.context import ServerContext
from haori.server.routing import SAFE, Filtered, Open, Route, Rule
from tests.server.conftest import application
from tests.server.people import POLICY
from tests.server.talking import Talk

CLOSED = [route for route in ROUTES if route.access is not Open.PUBLIC]
RULED = [route for route in ROUTES if isinstance(route.access, Rule)]
PEOPLE = ("admin", "reader", "member")
MEMBERS = ("applications", "logs")
"""Resources that a member has of their own project."""
MAY = {
    "admin": lambda rule: True,
    "reader": lambda rule: rule.action == "get" and rule.resource not in ("exec",),
    # Of another project than their own, and of what belongs to none, a member may nothing.
    "member": lambda rule: False,
}
"""What the policy of these tests grants to whom, of things in the project `default`."""
MISSING = {"application-not-found", "project-unknown", "account-unknown", "api-not-found", "repository-unknown",
           "cluster-unknown", "certificate-unknown"}  # fmt: skip


def path_of(route: Route) -> str:
    """With a name of something that is not there in each place."""
    return route.path.replace("{name}", "web").replace("{", "").replace("}", "")


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


SPEC = {"metadata": {"name": "web"}, "spec": {"project": "default"}}
BODY = {
    **SPEC,
    "project": SPEC,
    "server": "https://other.example",
    "repo": "https://git.example/a",
    "url": "https://git.example",
}


@pytest.mark.parametrize("who", ["", "forged"])
@pytest.mark.parametrize("route", CLOSED, ids=named)
async def test_nobody_gets_past_the_door(talk: Talk, route: Route, who: str):
    answer = await talk.ask(route.method, path_of(route), who=who, body=None if route.method in SAFE else BODY)
    assert (answer.status, answer.code) == (401, "not-signed-in")


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("route", RULED, ids=named)
async def test_a_rule_lets_in_whom_the_policy_names_and_nobody_else(
    talk: Talk, context: ServerContext, route: Route, who
):
    context.streams.stopping.set()  # So that streams end by themselves.
    answer = await talk.ask(route.method, path_of(route), who=who, body=BODY)

    assert isinstance(route.access, Rule)
    code = answer.code if answer.status >= 400 and answer.body.startswith(b"{") else ""
    if MAY[who](route.access):
        assert code not in ("permission-denied", "not-signed-in")
        assert answer.status in (200, 400, 404, 503)
    else:
        # A reader may know that an application is not there, since they may read all that are.
        assert (answer.status, code) == (403, "permission-denied") or (who == "reader" and code in MISSING)


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("route", [each for each in ROUTES if each.access is Open.OWNER], ids=named)
async def test_what_is_the_owner_s_is_nobody_else_s(talk: Talk, route: Route, who: str):
    answer = await talk.ask(route.method, path_of(route), who=who, body=BODY)
    assert (answer.status, answer.code) == (403, "owner-only")


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("route", [each for each in ROUTES if each.access is Open.SIGNED_IN], ids=named)
async def test_what_is_one_s_own_needs_no_permission(talk: Talk, context: ServerContext, route: Route, who: str):
    context.streams.stopping.set()
    answer = await talk.ask(route.method, path_of(route), who=who, body=BODY)
    assert answer.status in (200, 400, 404, 503)


@pytest.mark.parametrize("route", [each for each in ROUTES if each.access is Open.PUBLIC], ids=named)
async def test_what_is_public_answers_anybody(talk: Talk, route: Route):
    answer = await talk.ask(route.method, path_of(route), body=None if route.method in SAFE else {})
    refusals = ("sign-in-refused", "sign-in-link-refused", "webhook-unknown")
    assert answer.status in (200, 303, 404, 503) or answer.code in refusals


@pytest.mark.parametrize("route", [each for each in ROUTES if isinstance(each.access, Filtered)], ids=named)
async def test_a_list_shows_a_member_their_project_only(talk: Talk, context: ServerContext, tell, route: Route):
    tell(application("mine", "shop"))
    tell(application("theirs", "crm"))
    context.streams.stopping.set()
    answer = await talk.ask(route.method, path_of(route), who="member")
    assert answer.status == 200
    assert b"theirs" not in answer.body


@pytest.mark.parametrize("route", RULED, ids=named)
def test_whoever_reads_does_not_change(route: Route):
    """Who changes something needs more than a right to read; a POST that only asks says that it changes nothing."""
    assert isinstance(route.access, Rule)
    assert not (route.access.action == "get" and route.is_change)


@pytest.mark.parametrize(
    "route",
    [
        each
        for each in RULED
        if isinstance(each.access, Rule) and "/applications/{name}" in each.path and each.access.resource in MEMBERS
    ],
    ids=named,
)
async def test_a_member_is_let_in_to_their_own_project(talk: Talk, context: ServerContext, cluster, route: Route):
    context.streams.stopping.set()
    cluster.applications["web"] = application("web", "shop")
    stays = {"metadata": {"name": "web"}, "spec": {"project": "shop"}, "project": "shop"}
    answer = await talk.ask(route.method, path_of(route), who="member", body=stays)
    assert answer.status not in (401, 403)


async def _nothing(ask: Ask) -> str:
    return ""


def test_the_policy_of_these_tests_is_the_one_that_the_table_says():
    rules = {(each.access.resource, each.access.action) for each in RULED if isinstance(each.access, Rule)}
    for who in PEOPLE:
        identity = Identity(subject=who, issuer="local")
        for resource, action in sorted(rules):
            rule = Rule(resource=resource, action=action, object_of=_nothing)
            detailed = "action/x" if action == "action" else action
            granted = POLICY.decide(identity, resource, detailed, "default/web").allowed
            assert granted is MAY[who](rule), (who, resource, action)


async def test_a_list_shows_what_the_policy_of_now_grants(context: ServerContext):
    """What may be seen is remembered for a reader, and no longer than the policy lasts."""
    policies = [Policy.parse(f"p, reader, applications, get, {granted}, allow") for granted in ("*/*", "other/*")]
    for name in ("web", "api"):
        context.table.observe(WatchEvent(type=EventType.ADDED, object=application(name)))
    totals = []
    for policy in (policies[0], policies[0], policies[1]):
        talk = Talk(build_app(replace(context, policy=lambda policy=policy: policy), port=8080))  # type: ignore[misc]
        totals.append((await talk.ask("GET", "/api/haori/v1/applications", who="reader")).json()["total"])
    assert totals == [2, 2, 0]
