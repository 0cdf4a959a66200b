"""What the engine tells others: the seam between the loop and its listener.

Everything is JSON values. `namespace` "" stands for the control namespace. Values of Secrets are masked, always. A method
that names an application raises `ApplicationMissingError` where there is none of that name; one that reads
its sources raises `ApplicationRefusedError` where its project forbids that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from haori.errors import UserError

Json = dict[str, Any]


class ApplicationMissingError(UserError):
    """`application-not-found` (application), `commit-not-found` (application, revision)."""


class ApplicationRefusedError(UserError):
    """`application-refused` (application, reason): its project or spec forbids that its sources are read."""


class NotObservingError(UserError):
    """`engine-does-not-observe`: the engine leads, or stands by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectName:
    """One object of an application; an empty field matches any."""

    kind: str = ""
    name: str = ""
    namespace: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanQuery:
    """The sync whose plan is asked for; the defaults are those of a sync that names nothing."""

    revision: str = ""
    prune: bool = False
    dry_run: bool = False
    force: bool = False
    unpinned: bool = False
    """By what Git holds now, though a pin holds the application elsewhere: what following Git again would do."""
    operation: Mapping[str, Any] | None = None
    """The whole `operation` mapping, in place of the fields above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """What is looked for; an empty field does not narrow it."""

    words: tuple[str, ...] = ()
    """In lower case; each has to stand in the kind, namespace, name, an image or a label (`name=value`)."""
    kinds: frozenset[str] = frozenset()
    """In lower case."""
    namespaces: frozenset[str] = frozenset()
    health: frozenset[str] = frozenset()
    """Words of health; `Missing` finds what is wanted and not there."""
    image: str = ""
    """A part of an image's name."""
    labels: str = ""
    """A label selector."""
    applications: Mapping[str, frozenset[str]] | None = None
    """Names by namespace of the only applications whose objects are told of; None: all."""
    limit: int = 50


class EngineView(Protocol):
    """An engine, to be asked."""

    @property
    def is_leading(self) -> bool:
        """Whether this engine holds the Lease; one that does not has no applications to tell of."""
        ...

    @property
    def observes(self) -> Json | None:
        """Why the engine only observes ({code, parameters, text}), None where it does not."""
        ...

    def observed(self) -> list[Json]:
        """Both verdicts of each application, as `observing.build_verdict` gives them. Raises NotObservingError."""
        ...

    def applications(self) -> list[Json]:
        """A row an application, by namespace and name: {name, namespace, project, sync, health, why: {code, parameters,
        text} | null, pin: {revision, owner, reason, until, since, id} | null, urls: [text], revision, targetRevision,
        repository, path, destination: {server, name, namespace}, operation: {phase, message, startedAt, finishedAt} |
        null, conditions: [{type, code, parameters, text}], automated}."""
        ...

    def application(self, name: str, namespace: str = "") -> Json:
        """One row, as `applications` has it, with `resources`: [{group, version, kind, namespace, name, sync, health:
        {status, message, code, parameters} | null, hook, requiresPruning, wave}]."""
        ...

    def tree(self, name: str, namespace: str = "") -> Json:
        """{nodes: [{uid, group, version, kind, namespace, name, parents: [uid], health, sync | null, createdAt,
        images}]}: managed objects and all they own, parents before children. A child Application has its own health there,
        whether or not its parent counts it."""
        ...

    async def resources(self, name: str, namespace: str = "", *, only: ObjectName | None = None) -> list[Json]:
        """Managed objects, whole: {group, kind, namespace, name, live | null, desired | null, sync}."""
        ...

    async def diff(self, name: str, namespace: str = "", *, revision: str = "", hard: bool = False) -> list[Json]:
        """Objects that differ: {group, kind, namespace, name, live | null, desired | null, differences: [{path, desired,
        live, manager, time, masked}], missing, extra, hook} (`time`: when `manager`, who owns the live field, last wrote);
        `revision` compares with another one than the wanted one."""
        ...

    async def manifests(self, name: str, namespace: str = "", *, revision: str = "", live: bool = False) -> list[Json]:
        """The desired manifests in the order the source gives them, or the live ones."""
        ...

    async def plan(self, name: str, namespace: str = "", *, query: PlanQuery | None = None) -> Json:
        """The plan of a sync (`Plan.to_json`), with `revision`."""
        ...

    async def commit(self, name: str, namespace: str = "", *, revision: str) -> Json:
        """{author, date, message, tags} of a commit of the application's repositories, ApplicationMissingError where none
        of them holds it."""
        ...

    async def history(self, name: str, namespace: str = "") -> list[Json]:
        """Releases, the newest first: {id, revisions, sources, startedAt, deployedAt, seconds | null, who, automated, commit:
        {author, date, message, revision} | null, images | null, changed: [{group, kind, namespace, name, change}] | null}."""
        ...

    async def releases(self, name: str, namespace: str = "", *, first: int, second: int | None) -> Json:
        """{from, to: {id, revisions}, items: [{group, kind, namespace, name, change, from | null, to | null}]}; `second` None:
        what is wanted now. Raises PinError, ReleaseError."""
        ...

    async def ignore(self, name: str, namespace: str = "", *, rule: Json) -> Json:
        """What a further entry of ignoreDifferences would take away, as `ignoring.preview_rule` tells it. Raises
        RuleRefusedError, IgnoreRuleError."""
        ...

    async def search(self, query: SearchQuery) -> Json:
        """{items: [{cluster, group, version, kind, namespace, name, uid, health: text, sync | null, images, createdAt,
        application, applicationNamespace, project}], total, counts: {kind: n}}: objects of applications, the nearest first.
        Raises SelectorError."""
        ...

    def figures(self) -> Json:
        """How the engine does, as `metering.figures.build_figures` tells it; everything in it is a metric as well."""
        ...

    def statistics(self) -> Json:
        """Counts of every part: queue, cache, git, render, cluster, writes, applications; `isolation` of renders."""
        ...

    def refresh(self, name: str, namespace: str = "", *, hard: bool = False) -> None:
        """Looks at an application again, its repository first."""
        ...

    def repositories_changed(self, url: str) -> int:
        """Somebody pushed to `url`: the repository is fetched now. Gives how many applications read it."""
        ...
