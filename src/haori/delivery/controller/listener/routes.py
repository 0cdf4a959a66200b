"""Which path and method asks the engine for what."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from haori.delivery.controller.listener.errors import RequestError
from haori.delivery.controller.view import EngineView, Json, ObjectName, PlanQuery, SearchQuery
from haori.delivery.model import Application, parse_application
from haori.git import Author

PREFIX = "/internal/v1/"
_NUMBER = re.compile(r"[0-9]{1,9}\Z")
MOST_FOUND = 500
"""Objects that one search tells of."""
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")


class Rollbacks(Protocol):
    """What carries out a rollback by a commit."""

    async def roll_back(
        self, name: str, namespace: str, *, entry_id: int | None, author: Author, reason: str
    ) -> list[Json]:
        """The commits pushed: [{repository, branch, revision, from, paths}]."""
        ...


class Repository(Protocol):
    """What tells what repositories hold; `contents.Contents` does."""

    async def refs(self, url: str) -> Json:
        """Branches and tags."""
        ...

    async def folders(self, application: Application) -> Json:
        """Folders that a tool would render."""
        ...

    async def charts(self, url: str) -> Json:
        """Charts and their versions."""
        ...

    async def details(self, application: Application) -> Json:
        """What the application's source takes as parameters."""
        ...

    async def check(self, url: str, kind: str, given: Mapping[str, str]) -> Json:
        """Nothing, where the repository can be opened."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request, taken apart."""

    method: str
    segments: tuple[str, ...]
    """Of the path below the prefix, decoded."""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The application's name."""
        return self.segments[1]

    @property
    def namespace(self) -> str:
        """The application's namespace, "" for the control namespace."""
        return self.query.get("appNamespace", "")

    def flag(self, name: str) -> bool:
        """A query flag: `true` or `1`."""
        return self.query.get(name, "").lower() in ("true", "1")

    def text(self, name: str) -> str:
        """A text of the body that has to be there. Raises RequestError."""
        value = self.body.get(name)
        if not isinstance(value, str) or not value:
            raise RequestError(400, "listener-field-missing", field=name)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Whom the routes ask."""

    view: EngineView
    rollbacks: Rollbacks | None = None
    contents: Repository | None = None


Route = Callable[[Engine, Question], Awaitable[Any]]


async def answer(engine: Engine, question: Question) -> Any:
    """The JSON value that answers. Raises RequestError where there is no such path, and what the engine raises."""
    shape = (question.segments[0], "NAME", *question.segments[2:]) if len(question.segments) > 1 else question.segments
    if question.segments[:1] == ("repositories",):
        shape = question.segments
    routes = {method: route for (method, known), route in ROUTES.items() if known == shape}
    if not routes:
        raise RequestError(404, "listener-not-found", path="/".join(question.segments))
    if question.method not in routes:
        raise RequestError(405, "listener-method-refused", method=question.method, allowed=sorted(routes))
    needs_leader = shape[0] == "search" or (len(shape) > 1 and shape[0] == "applications")
    if needs_leader and not engine.view.is_leading:
        raise RequestError(503, "engine-stands-by")
    return await routes[question.method](engine, question)


async def _applications(engine: Engine, question: Question) -> Json:
    observing = engine.view.observes
    return {"items": engine.view.applications(), "leading": engine.view.is_leading, "observing": observing}


async def _observed(engine: Engine, question: Question) -> Json:
    return {"items": engine.view.observed(), "observing": engine.view.observes}


async def _application(engine: Engine, question: Question) -> Json:
    return engine.view.application(question.name, question.namespace)


async def _tree(engine: Engine, question: Question) -> Json:
    return engine.view.tree(question.name, question.namespace)


async def _resources(engine: Engine, question: Question) -> Json:
    chosen = {name: question.query.get(name, "") for name in ("kind", "name", "namespace", "group")}
    only = ObjectName(**chosen) if any(chosen.values()) else None
    return {"items": await engine.view.resources(question.name, question.namespace, only=only)}


async def _diff(engine: Engine, question: Question) -> Json:
    revision, hard = question.query.get("revision", ""), question.flag("hard")
    return {"items": await engine.view.diff(question.name, question.namespace, revision=revision, hard=hard)}


async def _manifests(engine: Engine, question: Question) -> Json:
    revision, live = question.query.get("revision", ""), question.flag("live")
    return {"items": await engine.view.manifests(question.name, question.namespace, revision=revision, live=live)}


async def _commit(engine: Engine, question: Question) -> Json:
    revision = question.query.get("revision", "")
    if not _COMMIT.match(revision):
        raise RequestError(400, "listener-field-missing", field="revision")
    return await engine.view.commit(question.name, question.namespace, revision=revision)


async def _plan(engine: Engine, question: Question) -> Json:
    operation = question.body.get("operation")
    if operation is not None and not isinstance(operation, dict):
        raise RequestError(400, "listener-field-missing", field="operation")
    query = PlanQuery(
        revision=question.query.get("revision", ""),
        prune=question.flag("prune"),
        dry_run=question.flag("dryRun"),
        force=question.flag("force"),
        unpinned=question.flag("unpinned"),
        operation=operation,
    )
    return await engine.view.plan(question.name, question.namespace, query=query)


async def _history(engine: Engine, question: Question) -> Json:
    return {"items": await engine.view.history(question.name, question.namespace)}


async def _releases(engine: Engine, question: Question) -> Json:
    first, second = question.query.get("from", ""), question.query.get("to", "")
    if not _NUMBER.match(first) or not (not second or _NUMBER.match(second)):
        raise RequestError(400, "listener-field-missing", field="from")
    found = int(second) if second else None
    return await engine.view.releases(question.name, question.namespace, first=int(first), second=found)


async def _ignore(engine: Engine, question: Question) -> Json:
    return await engine.view.ignore(question.name, question.namespace, rule=dict(question.body))


async def _refresh(engine: Engine, question: Question) -> Json:
    engine.view.refresh(question.name, question.namespace, hard=question.body.get("hard") is True)
    return {}


async def _rollback(engine: Engine, question: Question) -> Json:
    if engine.rollbacks is None:
        raise RequestError(409, "engine-observes")
    entry, who = question.body.get("id"), question.body.get("author")
    author = who if isinstance(who, dict) else {}
    commits = await engine.rollbacks.roll_back(
        question.name,
        question.namespace,
        entry_id=entry if isinstance(entry, int) else None,
        author=Author(name=str(author.get("name") or "haori"), email=str(author.get("email") or "haori@localhost")),
        reason=str(question.body.get("reason") or ""),
    )
    return {"commits": commits}


async def _search(engine: Engine, question: Question) -> Json:
    body = question.body
    given = body.get("applications")
    limit = body.get("limit")
    query = SearchQuery(
        words=tuple(each.lower() for each in _texts(body, "words")),
        kinds=frozenset(each.lower() for each in _texts(body, "kinds")),
        namespaces=frozenset(_texts(body, "namespaces")),
        health=frozenset(_texts(body, "health")),
        image=str(body.get("image") or ""),
        labels=str(body.get("labels") or ""),
        applications=None if given is None else {each: frozenset(_texts(given, each)) for each in given},
        limit=limit if isinstance(limit, int) and 0 < limit <= MOST_FOUND else MOST_FOUND,
    )
    return await engine.view.search(query)


def _texts(body: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = body.get(name)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


async def _figures(engine: Engine, question: Question) -> Json:
    return engine.view.figures()


async def _statistics(engine: Engine, question: Question) -> Json:
    return engine.view.statistics()


async def _changed(engine: Engine, question: Question) -> Json:
    return {"applications": engine.view.repositories_changed(question.text("url"))}


def _contents(engine: Engine) -> Repository:
    if engine.contents is None:
        raise RequestError(503, "engine-stands-by")
    return engine.contents


def _application_of(question: Question) -> Application:
    """The Application of the body, which need not be on any cluster."""
    manifest = question.body.get("application")
    if not isinstance(manifest, dict):
        raise RequestError(400, "listener-field-missing", field="application")
    return parse_application(manifest)


async def _refs(engine: Engine, question: Question) -> Json:
    return await _contents(engine).refs(question.query.get("url", ""))


async def _folders(engine: Engine, question: Question) -> Json:
    return await _contents(engine).folders(_application_of(question))


async def _charts(engine: Engine, question: Question) -> Json:
    return await _contents(engine).charts(question.query.get("url", ""))


async def _details(engine: Engine, question: Question) -> Json:
    return await _contents(engine).details(_application_of(question))


async def _check(engine: Engine, question: Question) -> Json:
    given = question.body.get("given")
    values = {str(name): str(value) for name, value in given.items()} if isinstance(given, dict) else {}
    return await _contents(engine).check(question.text("url"), question.text("kind"), values)


ROUTES: dict[tuple[str, tuple[str, ...]], Route] = {
    ("GET", ("applications",)): _applications,
    ("GET", ("applications", "NAME")): _application,
    ("GET", ("applications", "NAME", "tree")): _tree,
    ("GET", ("applications", "NAME", "resources")): _resources,
    ("GET", ("applications", "NAME", "diff")): _diff,
    ("GET", ("applications", "NAME", "manifests")): _manifests,
    ("GET", ("applications", "NAME", "commit")): _commit,
    ("GET", ("applications", "NAME", "plan")): _plan,
    ("POST", ("applications", "NAME", "plan")): _plan,
    ("GET", ("applications", "NAME", "history")): _history,
    ("GET", ("applications", "NAME", "releases")): _releases,
    ("POST", ("applications", "NAME", "ignore")): _ignore,
    ("POST", ("applications", "NAME", "refresh")): _refresh,
    ("POST", ("applications", "NAME", "rollback")): _rollback,
    ("GET", ("observed",)): _observed,
    ("POST", ("search",)): _search,
    ("GET", ("figures",)): _figures,
    ("GET", ("statistics",)): _statistics,
    ("POST", ("repositories", "changed")): _changed,
    ("GET", ("repositories", "refs")): _refs,
    ("POST", ("repositories", "folders")): _folders,
    ("GET", ("repositories", "charts")): _charts,
    ("POST", ("repositories", "details")): _details,
    ("POST", ("repositories", "check")): _check,
}
