"""What a repository holds, for whoever is about to make an application of it: branches and tags, folders that are
applications, charts, what a folder takes as parameters; and whether it can be opened at all.

Whoever asks was let through by the server; here every repository is opened as for an application, by its own Secret and
within the same bounds. To check one, nothing is fetched: its refs or its index are read.
see: argoproj/argo-cd `reposerver/repository/repository.proto`, `server/repository/repository.proto` (3.x) for the shapes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from haori.delivery.charts import SCHEME
from haori.delivery.controller.leading import Leader
from haori.delivery.controller.listener.errors import RequestError
from haori.delivery.controller.view import ApplicationRefusedError, Json
from haori.delivery.model import Application
from haori.delivery.render import KUSTOMIZATION_NAMES, RenderRequest, SourceType, detect_source_type
from haori.git import Tree, credentials_from_secret
from haori.objects.images import images_of
from haori.objects.yaml import load
from haori.words import Sentence

RECENT_SECONDS = 60.0
"""How old the last look at a repository may be."""
MOST = 2000
"""Folders, charts, parameters that are told."""
VALUES_BYTES = 1 << 20
BRANCHES, TAGS = "refs/heads/", "refs/tags/"
_MARKS = {"Chart.yaml": SourceType.HELM, **dict.fromkeys(KUSTOMIZATION_NAMES, SourceType.KUSTOMIZE)}


class Contents:
    """Answers by whoever leads now. Raises RequestError where nobody does, and what opening a repository raises."""

    def __init__(self, leader: Callable[[], Leader | None]) -> None:
        self._current = leader

    def _leader(self) -> Leader:
        leader = self._current()
        if leader is None:
            raise RequestError(503, "engine-stands-by")
        return leader

    async def refs(self, url: str) -> Json:
        """{branches, tags}: their short names, sorted."""
        refs = await self._leader().ground.repositories.probe(url)
        return {
            "branches": sorted(name.removeprefix(BRANCHES) for name in refs.commits if name.startswith(BRANCHES)),
            "tags": sorted(name.removeprefix(TAGS) for name in refs.commits if name.startswith(TAGS)),
        }

    async def folders(self, application: Application) -> Json:
        """{items: [{path, type}]}: the folders of the first source's repository that a tool would render."""
        request = await self._request(application)
        found = await self._leader().ground.repositories.paths_of(request.source.repo_url, request.tree.commit)
        types = {folder(path): mark for path in found if (mark := _MARKS.get(path.rpartition("/")[2])) is not None}
        # As in Argo CD a chart counts before a kustomization file beside it.
        types |= {folder(path): SourceType.HELM for path in found if path.rpartition("/")[2] == "Chart.yaml"}
        return {"items": [{"path": path, "type": types[path].value} for path in sorted(types)[:MOST]]}

    async def charts(self, url: str) -> Json:
        """{items: [{name, versions}]} of a chart repository's index."""
        charts = self._leader().ground.charts
        if charts.is_registry(url):
            raise RequestError(400, "repository-lists-no-charts", url=url)
        index = await charts.index(url)
        items = [{"name": name, "versions": [each[0] for each in index[name]]} for name in sorted(index)[:MOST]]
        return {"items": items}

    async def details(self, application: Application) -> Json:
        """{type, and what the tool takes}: of the first source."""
        leader, request = self._leader(), await self._request(application)
        path, tree = request.source.path, request.tree
        names = {entry.path.rpartition("/")[2] for entry in await tree.list(path)}
        type_ = detect_source_type(request.source, names)
        told: Json = {"type": type_.value}
        match type_:
            case SourceType.HELM:
                told["helm"] = {"name": application.name, **await _chart(tree, path, names)}
            case SourceType.KUSTOMIZE:
                told["kustomize"] = {"images": images_of((await leader.ground.renderer.render(request)).manifests)}
            case SourceType.DIRECTORY:
                told["directory"] = {}
            case SourceType.PLUGIN:
                told["plugin"] = {}
        return told

    async def check(self, url: str, kind: str, given: Mapping[str, str]) -> Json:
        """{} where the repository can be opened, by what is `given` (fields of a repository's Secret) or by its Secret."""
        ground = self._leader().ground
        if kind == "git":
            credentials = credentials_from_secret({"stringData": {"url": url, **given}}) if given else None
            await ground.repositories.probe(url, credentials)
        elif kind != "helm" or given or url.startswith(SCHEME) or ground.charts.is_registry(url):
            raise RequestError(400, "repository-check-unsupported", kind=kind)
        else:
            await ground.charts.index(url, is_fresh=True)
        return {}

    async def _request(self, application: Application) -> RenderRequest:
        leader = self._leader()
        refuse_sources(leader, application)
        recent = asyncio.get_running_loop().time() - RECENT_SECONDS
        requests = await leader.requests(application, fresh_after=recent)
        if not requests:
            raise RequestError(400, "listener-field-missing", field="source.path")
        return requests[0]


def refuse_sources(leader: Leader, application: Application) -> None:
    """Raises ApplicationRefusedError where the application's project is not there, or does not permit its sources."""
    name, project = application.name, application.spec.project
    if leader.declared.project_of(application) is None:
        missing = Sentence(code="project-missing", parameters={"application": name, "project": project})
        raise ApplicationRefusedError("application-refused", application=name, reason=missing)
    for condition in leader.watching.check_sources(application, application.spec.sources):
        raise ApplicationRefusedError("application-refused", application=name, reason=condition.sentence)


def folder(path: str) -> str:
    """The folder a file is in; `.` for the root."""
    return path.rpartition("/")[0] or "."


async def _chart(tree: Tree, path: str, names: set[str]) -> Json:
    """Value files of a chart, what `values.yaml` says, and each value that can be set."""
    files = sorted(each for each in names if "values" in each and each.endswith((".yaml", ".yml")))
    text = b""
    if "values.yaml" in names:
        text = await tree.read(f"{path}/values.yaml".lstrip("/"), limit_bytes=VALUES_BYTES)
    flat = sorted(flatten(load(text, source="values.yaml")))[:MOST] if text.strip() else []
    return {
        "valueFiles": files,
        "values": text.decode(errors="replace"),
        "parameters": [{"name": name, "value": value} for name, value in flat],
        "fileParameters": [],
    }


def flatten(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """(name, value) of each leaf, named as `helm --set` does: dots in keys escaped, lists by `[0]`."""
    match value:
        case dict():
            for key, each in value.items():
                part = str(key).replace(".", "\\.")
                yield from flatten(each, f"{name}.{part}" if name else part)
        case list():
            for index, each in enumerate(value):
                yield from flatten(each, f"{name}[{index}]")
        case None:
            yield name, ""
        case bool():
            yield name, "true" if value else "false"
        case _:
            yield name, str(value)
