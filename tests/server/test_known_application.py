"""Who may see the parts of an application is told by its row, as long as that is true; else the cluster is asked."""

from __future__ import annotations

import pytest

from haori.server.context import ServerContext
from tests.server.conftest import NoCluster, application
from tests.server.talking import Talk

TREE = "/api/haori/v1/applications/web/tree"


@pytest.fixture(autouse=True)
def listed(context: ServerContext) -> None:
    context.table.problem, context.table.is_listed = "", True


async def test_a_row_is_enough(talk: Talk, tell):
    """The cluster has no such Application; what lacks then is the engine."""
    tell(application("web", "shop"))
    answer = await talk.ask("GET", TREE, who="member")
    assert (answer.status, answer.code) == (503, "engine-away")


@pytest.mark.parametrize(
    ("project", "query"),
    [
        pytest.param("crm", "", id="a row of another project"),
        pytest.param("shop", "?project=crm", id="a project that it is not of"),
        pytest.param("shop", "?appNamespace=kube-system", id="a namespace that does not count"),
    ],
)
async def test_what_a_member_may_not_read_looks_like_what_is_not_there(talk: Talk, tell, project: str, query: str):
    nothing = await talk.ask("GET", TREE, who="member")
    tell(application("web", project))
    answer = await talk.ask("GET", TREE + query, who="member")
    assert (answer.status, answer.body) == (nothing.status, nothing.body) == (403, nothing.body)


async def test_a_row_that_may_be_old_is_not_believed(talk: Talk, tell, context: ServerContext, cluster: NoCluster):
    tell(application("web", "shop"))
    cluster.applications["web"] = application("web", "crm")
    context.table.problem = "api-unreachable"
    assert (await talk.ask("GET", TREE, who="member")).status == 403


async def test_an_application_that_no_row_is_known_of_yet_is_asked_for(talk: Talk, cluster: NoCluster):
    cluster.applications["web"] = application("web", "shop")
    assert (await talk.ask("GET", TREE, who="member")).code == "engine-away"


async def test_an_application_is_told_in_part(talk: Talk, cluster: NoCluster):
    cluster.applications["web"] = application("web", "shop", status={"resources": [{"kind": "Pod"}]})
    path = "/api/v1/applications/web"
    whole = (await talk.ask("GET", path, who="member")).json()
    without = (await talk.ask("GET", f"{path}?fields=-status.resources", who="member")).json()
    only = (await talk.ask("GET", f"{path}?fields=metadata.name,status.resources", who="member")).json()

    assert "resources" not in without["status"]
    assert {**without["status"], "resources": [{"kind": "Pod"}]} == whole["status"]
    assert only == {"metadata": {"name": "web"}, "status": {"resources": [{"kind": "Pod"}]}}
