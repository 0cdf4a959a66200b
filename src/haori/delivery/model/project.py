"""An AppProject: what its applications may use.

Lists are globs, an entry beginning with `!` denies and beats every allow. Cluster-scoped kinds are denied unless
listed; namespaced ones are allowed unless a list is set, even an empty one; a blacklist beats. What restricts and is not
enforced, what cannot be read and what we have never heard of blocks every sync of the project and says so.
see: argoproj/argo-cd `pkg/apis/application/v1alpha1/app_project_types.go`, `docs/user-guide/projects.md` (3.6).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from haori.delivery.model.application import Destination
from haori.delivery.model.globs import glob_matches, glob_problem, is_permitted
from haori.delivery.model.problems import Condition, Fields, Problem
from haori.objects import Manifest, ResourceKey, nested_mapping, nested_text
from haori.resources.argo import ConditionType
from haori.words import Sentence

NOT_ENFORCED = (
    "syncWindows",
    "signatureKeys",
    "sourceIntegrity",
    "destinationServiceAccounts",
)
"""Fields of a project that restrict and that we do not act on yet."""
ONLY_SYNCS = frozenset({"syncWindows", "signatureKeys", "sourceIntegrity"})
"""Those that Argo CD does not look at either when it deletes an application."""
WITHOUT_RESTRICTION = frozenset({"description", "roles", "orphanedResources"})
"""Fields that we do not act on and that forbid nothing to an engine (roles are about people)."""
MAX_ENTRIES = 5000
"""The longest list of a project that is read."""
MAX_TEXT = 2048
"""The longest URL or name that is held against globs; a longer one is permitted nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRule:
    """An entry of a kind list: globs, and a name where one is given (cluster-scoped kinds only, Argo CD 3.1 and later)."""

    group: str
    kind: str
    name: str = ""

    def matches(self, key: ResourceKey) -> bool:
        """Whether it speaks of `key`."""
        kinds = glob_matches(self.group, key.group) and glob_matches(self.kind, key.kind)
        return kinds and (not self.name or glob_matches(self.name, key.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something the project does not permit."""

    sentence: Sentence
    key: ResourceKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What a project permits; `blocking` names its restrictions that we do not enforce, unknown fields among them."""

    name: str
    sources: tuple[str, ...] = ()
    destinations: tuple[Destination, ...] = ()
    only_own_clusters: bool = False
    """Whether only clusters whose Secrets name this project may be used."""
    source_namespaces: tuple[str, ...] = ()
    cluster_allow: tuple[KindRule, ...] = ()
    cluster_deny: tuple[KindRule, ...] = ()
    namespaced_allow: tuple[KindRule, ...] | None = None
    namespaced_deny: tuple[KindRule, ...] = ()
    blocking: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    manifest: Manifest = field(default_factory=dict)

    def permits_source(self, repo_url: str) -> bool:
        """Whether a repository may be used; spelling (capitals, `.git`, `git@host:path`) makes no difference.

        `*` stops at a slash and `**` does not, but `*` alone is any repository.
        """
        patterns = (("!" if p.startswith("!") else "") + _normal_url(p.removeprefix("!")) for p in self.sources)
        return len(repo_url) <= MAX_TEXT and is_permitted(patterns, _normal_url(repo_url), separator="/")

    def permits_destination(self, server: str, name: str, namespace: str) -> bool:
        """Whether a cluster (known by server and name) and namespace may be used.

        Each part of an entry that begins with `!` denies for itself, whatever the entry's other parts are, as in Argo CD;
        only an entry without one allows.
        """
        if max(len(server), len(name), len(namespace)) > MAX_TEXT:
            return False
        allowed = False
        for entry in self.destinations:
            pairs = (entry.server, server), (entry.name, name), (entry.namespace, namespace)
            denials = [(pattern[1:], text) for pattern, text in pairs if pattern.startswith("!")]
            if any(glob_matches(pattern, text) for pattern, text in denials):
                return False
            allowed = allowed or (not denials and _allows(entry, server, name, namespace))
        return allowed

    def permits_kind(self, key: ResourceKey, *, namespaced: bool) -> bool:
        """Whether an object's kind (and name, where the lists say one) may be deployed."""
        deny = self.namespaced_deny if namespaced else self.cluster_deny
        if any(rule.matches(key) for rule in deny):
            return False
        allow = self.namespaced_allow if namespaced else self.cluster_allow
        return allow is None or any(rule.matches(key) for rule in allow)

    def permits_namespace_of_application(self, namespace: str, control_namespace: str) -> bool:
        """Whether an Application that lives in `namespace` may name this project.

        Regular expressions (`/…/`), which Argo CD reads here, match nothing.
        """
        globs = (each for each in self.source_namespaces if not _is_regular_expression(each))
        return namespace == control_namespace or any(glob_matches(each, namespace) for each in globs)

    def permits_live(self, key: ResourceKey, server: str, name: str) -> bool:
        """Whether an object that was found in a cluster may belong to an application of this project."""
        return self.live_permits(server, name)(key)

    def live_permits(self, server: str, name: str) -> Callable[[ResourceKey], bool]:
        """`permits_live` for many objects of one cluster: each namespace is held against the destinations once."""
        places: dict[str, bool] = {}

        def permits(key: ResourceKey) -> bool:
            namespace = key.namespace
            if not self.permits_kind(key, namespaced=bool(namespace)):
                return False
            if namespace and namespace not in places:
                places[namespace] = self.permits_destination(server, name, namespace)
            return not namespace or places[namespace]

        return permits

    def refuse_object(self, key: ResourceKey, server: str, name: str, *, namespaced: bool) -> Refusal | None:
        """Why an object may not be deployed, None where it may."""
        if not self.permits_kind(key, namespaced=namespaced):
            parameters = {"object": str(key), "kind": str(key.group_kind), "project": self.name}
            return Refusal(sentence=Sentence(code="project-denies-kind", parameters=parameters), key=key)
        if namespaced and not self.permits_destination(server, name, key.namespace):
            parameters = {
                "object": str(key),
                "namespace": key.namespace,
                "cluster": name or server,
                "project": self.name,
            }
            return Refusal(sentence=Sentence(code="project-denies-namespace", parameters=parameters), key=key)
        return None

    def conditions(self) -> tuple[Condition, ...]:
        """InvalidSpecError for what blocks or is wrong."""
        found = [Condition(type=ConditionType.INVALID_SPEC, sentence=problem.sentence) for problem in self.problems]
        if self.blocking:
            found.append(self._blocked(self.blocking))
        return tuple(found)

    def deletion_conditions(self) -> tuple[Condition, ...]:
        """InvalidSpecError for what forbids a cascading deletion too: whose restriction is about more than syncs."""
        found = [Condition(type=ConditionType.INVALID_SPEC, sentence=problem.sentence) for problem in self.problems]
        fields = tuple(path for path in self.blocking if path.removeprefix("spec.") not in ONLY_SYNCS)
        return (*found, self._blocked(fields)) if fields else tuple(found)

    def _blocked(self, fields: tuple[str, ...]) -> Condition:
        parameters = {"project": self.name, "fields": list(fields)}
        sentence = Sentence(code="project-restriction-not-enforced", parameters=parameters)
        return Condition(type=ConditionType.INVALID_SPEC, sentence=sentence)


def parse_project(manifest: Manifest) -> Project:
    """The project of a manifest."""
    problems: list[Problem] = []
    unknown: list[str] = []
    spec = Fields(nested_mapping(manifest, "spec"), "spec", problems, unknown)
    project = Project(
        name=nested_text(manifest, "metadata", "name"),
        sources=_globs(spec, "sourceRepos"),
        destinations=_destinations(spec),
        only_own_clusters=spec.flag("permitOnlyProjectScopedClusters"),
        source_namespaces=_globs(spec, "sourceNamespaces"),
        cluster_allow=_kinds(spec, "clusterResourceWhitelist", named=True),
        cluster_deny=_kinds(spec, "clusterResourceBlacklist", named=True),
        namespaced_allow=_optional_kinds(spec, "namespaceResourceWhitelist"),
        namespaced_deny=_kinds(spec, "namespaceResourceBlacklist"),
        manifest=manifest,
    )
    spec.done()
    others = [path for path in unknown if path.removeprefix("spec.") not in WITHOUT_RESTRICTION]
    found = {path: _value_at(spec.raw, path) for path in others}
    known = [f"spec.{name}" for name in NOT_ENFORCED if found.get(f"spec.{name}")]
    rest = [path for path, value in found.items() if value and path not in known]
    return replace(project, problems=tuple(problems), blocking=(*known, *rest))


def _destinations(spec: Fields) -> tuple[Destination, ...]:
    found = []
    for item in _bounded(spec, "destinations"):
        texts = {name: item.text(name) for name in ("server", "name", "namespace")}
        for name, text in texts.items():
            _check_glob(item, name, text.removeprefix("!"))
        item.done()
        found.append(Destination(**texts))
    return tuple(found)


def _globs(spec: Fields, key: str) -> tuple[str, ...]:
    found = spec.texts(key)
    if len(found) > MAX_ENTRIES:
        spec.problem(key, "project-list-too-long", limit=MAX_ENTRIES)
        return ()
    for index, text in enumerate(found):
        if not _is_regular_expression(text):
            _check_glob(spec, f"{key}[{index}]", text.removeprefix("!"))
    return found


def _optional_kinds(spec: Fields, key: str) -> tuple[KindRule, ...] | None:
    """None where the list is not set: an empty one permits nothing."""
    found = _kinds(spec, key)
    return found if spec.raw.get(key) is not None else None


def _kinds(spec: Fields, key: str, *, named: bool = False) -> tuple[KindRule, ...]:
    found = []
    for item in _bounded(spec, key):
        texts = {name: item.text(name) for name in ("group", "kind", *(("name",) if named else ()))}
        for name, text in texts.items():
            _check_glob(item, name, text)
        item.done()
        found.append(KindRule(**texts))
    return tuple(found)


def _bounded(spec: Fields, key: str) -> list[Fields]:
    found = list(spec.children(key))
    if len(found) <= MAX_ENTRIES:
        return found
    spec.problem(key, "project-list-too-long", limit=MAX_ENTRIES)
    return []


def _check_glob(fields: Fields, key: str, pattern: str) -> None:
    if glob_problem(pattern):
        fields.problem(key, "glob-unreadable")


def _value_at(raw: Mapping[str, Any], path: str) -> Any:
    """What an unknown field holds: at the top its value; deeper ones count whatever they hold."""
    name = path.removeprefix("spec.")
    return raw.get(name) if "." not in name else True


def _is_regular_expression(text: str) -> bool:
    return len(text) > 1 and text.startswith("/") and text.endswith("/")


def _allows(entry: Destination, server: str, name: str, namespace: str) -> bool:
    by_server = bool(entry.server) and glob_matches(entry.server, server)
    by_name = bool(entry.name) and glob_matches(entry.name, name)
    return (by_server or by_name) and glob_matches(entry.namespace, namespace)


def _normal_url(url: str) -> str:
    """As Argo CD compares them: without case, `.git` and trailing slash, `git@host:path` as a path; user names only for ssh.

    see: argoproj/argo-cd `util/git/git.go`, `NormalizeGitURL` (3.6).
    """
    text = url.strip().lower().rstrip("/").removesuffix(".git")
    scheme, separator, rest = text.partition("://")
    if not separator:
        return text.replace(":", "/", 1) if "@" in text.partition("/")[0] else text
    host, slash, path = rest.partition("/")
    if scheme == "ssh":
        return rest
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
