"""What repositories hold: branches and tags, folders that could be applications, charts, parameters; and whether one can
be opened.

Told is only of repositories that a Secret knows or that an application the sender may read comes from, since the engine
opens them with what it has. Folders and parameters cost a fetch and a render, so they are for those who may make or
change the application they are asked for. see: argoproj/argo-cd `server/repository/repository.go` (3.x).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from haori.git import redact_url
from haori.git.urls import parse_url
from haori.objects import nested_mapping, nested_text
from haori.resources import argo
from haori.server.answering import answer_json
from haori.server.api.listing import sees
from haori.server.api.repositories import FRESH, KINDS, Shelf, values_of
from haori.server.asking import Ask, is_name
from haori.server.errors import Kind, RefusedError
from haori.server.routing import Query, Route, Rule

SHELF = Shelf(is_template=False)
NOBODY = "new"
"""The name of an application that has none yet."""


async def _demand_known(ask: Ask) -> str:
    """The repository's URL. Raises RefusedError for one that nobody told us of."""
    found = await SHELF.named(ask, or_shared=True)
    if found is not None:
        return found[0].url
    url, table, may_see = ask.parameters["repo"], ask.context.table, sees(ask)
    keys = table.having("repo", {url})
    if keys and any(row.key in keys and may_see(row) for row in table.rows()):
        return url
    raise RefusedError(Kind.NOT_FOUND, "repository-unknown", url=redact_url(url)[:200])


async def _refs(ask: Ask) -> Response:
    url = await _demand_known(ask)
    return await answer_json(ask.request, await ask.context.engine.get("repositories", "refs", url=url))


async def _charts(ask: Ask) -> Response:
    url = await _demand_known(ask)
    return await answer_json(ask.request, await ask.context.engine.get("repositories", "charts", url=url))


async def _folders(ask: Ask) -> Response:
    source = {"repoURL": await _demand_known(ask), "path": ".", "targetRevision": ask.text("revision") or "HEAD"}
    application = _application(ask, ask.text("appName"), ask.text("appProject"), source)
    told = await ask.context.engine.post("repositories", "folders", body={"application": application})
    return await answer_json(ask.request, told)


async def _details(ask: Ask) -> Response:
    body, url = await ask.json(dict), await _demand_known(ask)
    source = {"path": ".", **nested_mapping(body, "source"), "repoURL": url}
    application = _application(ask, nested_text(body, "appName"), nested_text(body, "appProject"), source)
    told = await ask.context.engine.post("repositories", "details", body={"application": application})
    return await answer_json(ask.request, told)


def _application(ask: Ask, name: str, project: str, source: Mapping[str, Any]) -> dict[str, Any]:
    """An application that would come from there. Raises RefusedError where the sender may neither make nor change it."""
    name, project = name or NOBODY, project or "default"
    for given in (name, project):
        if not is_name(given):
            raise RefusedError(Kind.INVALID, "field-unusable", field="appName")
    if not ask.may("applications", "update", f"{project}/{name}"):
        ask.demand("applications", "create", f"{project}/{name}")
    destination = {"server": argo.IN_CLUSTER_SERVER, "namespace": "default"}
    return {
        "apiVersion": argo.API_VERSION,
        "kind": argo.APPLICATION,
        "metadata": {"name": name, "namespace": ask.context.namespace},
        "spec": {"project": project, "source": dict(source), "destination": destination},
    }


async def _check(ask: Ask) -> Response:
    """`{}` where it can be opened, by what the query gives or else by its Secret."""
    url, kind = ask.parameters["repo"], ask.text("type") or "git"
    if kind not in KINDS:
        raise RefusedError(Kind.INVALID, "field-unusable", field="type")
    found = await SHELF.named(ask)
    if found is not None and not ask.text("type"):
        url, kind = found[0].url, found[0].kind
    if kind == "git":
        parse_url(url, allow_file=ask.context.settings.allow_file_repositories)
    body = {"url": url, "kind": kind, "given": _given(ask)}
    return await answer_json(ask.request, await ask.context.engine.post("repositories", "check", body=body))


def _given(ask: Ask) -> dict[str, str]:
    """What the query says to open it with; empty where that is nothing: clients send empty fields and flags that are off."""
    values = values_of({name: _flag(value) for name, value in ask.query if name not in ("type", "name")})
    is_given = any(values.get(each) for each in _SECRETS) or values.get("insecure") == "true"
    return values if is_given else {}


def _flag(value: str) -> str | bool:
    return {"true": True, "false": False}.get(value, value)


_ONE = "/api/v1/repositories/{repo}"
_READ = Rule(resource="repositories", action="get", object_of=SHELF.named_object, shown="repo")
_PROJECT = Query(name="appProject", help="Of which project, where several know the same; of the application.")
_SECRETS = ("username", "password", "bearerToken", "sshPrivateKey", "tlsClientCertData", "tlsClientCertKey")
ROUTES = (
    Route(
        method="GET",
        path=f"{_ONE}/refs",
        handler=_refs,
        access=_READ,
        summary="Branches and tags of a repository",
        query=(_PROJECT, FRESH),
    ),
    Route(
        method="GET",
        path=f"{_ONE}/apps",
        handler=_folders,
        access=_READ,
        summary="Folders of a repository that Helm or Kustomize would render",
        query=(
            _PROJECT,
            Query(name="revision", help="Another one than HEAD."),
            Query(name="appName", help="Of the application that is going to be made or changed."),
        ),
    ),
    Route(
        method="GET",
        path=f"{_ONE}/helmcharts",
        handler=_charts,
        access=_READ,
        summary="Charts of a repository and their versions",
        query=(_PROJECT, FRESH),
    ),
    Route(
        method="POST",
        path=f"{_ONE}/appdetails",
        handler=_details,
        access=_READ,
        summary="What the tool of a source takes: values of a chart, images of a kustomization",
        body="RepositorySource",
        changes=False,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/validate",
        handler=_check,
        access=Rule(resource="repositories", action="create", object_of=SHELF.named_object, shown="repo"),
        summary="Whether a repository can be opened",
        query=(
            _PROJECT,
            Query(name="type", help="git unless told; helm."),
            Query(name="insecure", help="Whether its certificate or host key is not looked at.", type="boolean"),
            *(Query(name=each, help="Instead of what is known of it.") for each in _SECRETS),
        ),
        body="RepositoryUrl",
        changes=False,
    ),
)
