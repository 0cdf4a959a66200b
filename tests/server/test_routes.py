"""All routes, walked as nobody, as a reader, as a member of one project and as an administrator."""

from __future__ import annotations

import pytest

from haori.server.app import ROUTES
from haori.server.context import ServerContext
from haori.server.routing import SAFE, Filtered, Open, Route, Rule
from tests.server.conftest import NoCluster, application
from tests.server.talking import Talk

CLOSED = [route for route in ROUTES if route.access is not Open.PUBLIC]
IDS = [f"{route.method} {route.path}" for route in CLOSED]


def path_of(route: Route) -> str:
    """With a name of something that is not there in each place."""
    return route.path.replace("{name}", "web").replace("{", "").replace("}", "")


@pytest.mark.parametrize("route", CLOSED, ids=IDS)
async def test_nobody_gets_past_the_door(talk: Talk, route: Route):
    answer = await talk.ask(route.method, path_of(route))
    assert (answer.status, answer.code) == (401, "not-signed-in")


@pytest.mark.parametrize("route", CLOSED, ids=IDS)
async def test_an_unknown_token_is_nobody(talk: Talk, route: Route):
    answer = await talk.ask(route.method, path_of(route), who="forged")
    assert answer.status == 401


@pytest.mark.parametrize(
    "route", [each for each in ROUTES if isinstance(each.access, Rule)], ids=lambda each: each.path
)
@pytest.mark.parametrize("who", ["reader", "member"])
async def test_who_lacks_the_permission_learns_nothing(talk: Talk, route: Route, who: str):
    """Neither may a reader write, nor a member of another project read; no answer tells whether the thing is there."""
    answer = await talk.ask(route.method, path_of(route), who=who, body=BODY)
    assert isinstance(route.access, Rule)
    if who == "reader" and (route.access.action == "get" or answer.status == 404):
        assert answer.status in (200, 404, 503)
    else:
        assert (answer.status, answer.code) == (403, "permission-denied")


SPEC = {"metadata": {"name": "web"}, "spec": {"project": "default"}}
BODY = {
    **SPEC,
    "project": SPEC,
    "server": "https://other.example",
    "repo": "https://git.example/a",
    "url": "https://git.example",
}


@pytest.mark.parametrize("route", ROUTES, ids=[f"{route.method} {route.path}" for route in ROUTES])
async def test_an_administrator_is_turned_away_by_nothing_but_what_is_not_there(
    talk: Talk, context: ServerContext, route: Route
):
    context.streams.stopping.set()  # So that streams end by themselves.
    answer = await talk.ask(route.method, path_of(route), who="admin", body=BODY)
    assert answer.status in (200, 400, 404, 503)


@pytest.mark.parametrize(
    "route", [each for each in ROUTES if isinstance(each.access, Filtered)], ids=lambda each: each.path
)
async def test_a_list_shows_a_member_their_project_only(talk: Talk, context: ServerContext, tell, route: Route):
    tell(application("mine", "shop"))
    tell(application("theirs", "crm"))
    context.streams.stopping.set()
    answer = await talk.ask(route.method, path_of(route), who="member")
    assert answer.status == 200
    assert b"theirs" not in answer.body


def test_whoever_reads_does_not_change():
    """A safe method never asks for more than get, and a write never for less than its own action."""
    for route in ROUTES:
        match route.access:
            case Rule() | Filtered():
                assert (route.access.action == "get") is (route.method in SAFE), route.path


OF_APPLICATIONS = [route for route in CLOSED if "/applications/{name}" in route.path]


@pytest.mark.parametrize("route", OF_APPLICATIONS, ids=lambda route: f"{route.method} {route.path}")
async def test_an_application_one_may_not_see_looks_like_one_that_is_not_there(
    talk: Talk, cluster: NoCluster, route: Route
):
    absent = await talk.ask(route.method, path_of(route), who="member", body={"action": "restart"})
    cluster.applications["web"] = application("web", "crm")
    hidden = await talk.ask(route.method, path_of(route), who="member", body={"action": "restart"})

    assert (absent.status, absent.body) == (hidden.status, hidden.body)
    assert hidden.status == 403
    assert b"crm" not in hidden.body


@pytest.mark.parametrize("route", OF_APPLICATIONS, ids=lambda route: f"{route.method} {route.path}")
async def test_a_reader_changes_nothing_of_an_application_they_see(talk: Talk, cluster: NoCluster, route: Route):
    cluster.applications["web"] = application("web", "crm")
    answer = await talk.ask(route.method, path_of(route), who="reader", body={"action": "restart"})

    if route.method in SAFE:
        assert answer.status in (200, 400, 503)  # No engine runs here.
    else:
        assert (answer.status, answer.code) == (403, "permission-denied")
