"""An AppProject: what its applications may use.

Lists are globs, an entry beginning with `!` denies and beats every allow. Cluster-scoped kinds are denied unless
listed; namespaced ones are allowed unless a list is set; a blacklist beats. What restricts and is not enforced blocks
every sync of the project and says so. see: argoproj/argo-cd `pkg/apis/application/v1alpha1/app_project_types.go` (3.6).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from haori.delivery.model.application import Destination
from haori.delivery.model.globs import glob_matches, is_permitted
from haori.delivery.model.problems import Condition, Fields, Problem
from haori.objects import Manifest, ResourceKey, nested_mapping, nested_text
from haori.resources.argo import ConditionType
from haori.words import Sentence

NOT_ENFORCED = ("syncWindows", "signatureKeys", "sourceIntegrity", "permitOnlyProjectScopedClusters")
"""Fields of a project that restrict and that we do not act on yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRule:
    """An entry of a kind list: globs, and a name where one is given."""

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
    """What a project permits; `blocking` names its restrictions that we do not enforce."""

    name: str
    sources: tuple[str, ...] = ()
    destinations: tuple[Destination, ...] = ()
    source_namespaces: tuple[str, ...] = ()
    cluster_allow: tuple[KindRule, ...] = ()
    cluster_deny: tuple[KindRule, ...] = ()
    namespaced_allow: tuple[KindRule, ...] | None = None
    namespaced_deny: tuple[KindRule, ...] = ()
    blocking: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    unknown: tuple[str, ...] = ()
    manifest: Manifest = field(default_factory=dict)

    def permits_source(self, repo_url: str) -> bool:
        """Whether a repository may be used; `.git` at the end and capitals in the host make no difference."""
        patterns = [("!" if p.startswith("!") else "") + _normal_url(p.removeprefix("!")) for p in self.sources]
        return is_permitted(patterns, _normal_url(repo_url))

    def permits_destination(self, server: str, name: str, namespace: str) -> bool:
        """Whether a cluster (known by server and name) and namespace may be used."""
        allowed = False
        for entry in self.destinations:
            denies, verdict = _match_destination(entry, server, name, namespace)
            if denies and verdict:
                return False
            allowed = allowed or (verdict and not denies)
        return allowed

    def permits_kind(self, key: ResourceKey, *, namespaced: bool) -> bool:
        """Whether an object's kind (and name, where the lists say one) may be deployed."""
        deny = self.namespaced_deny if namespaced else self.cluster_deny
        if any(rule.matches(key) for rule in deny):
            return False
        allow = self.namespaced_allow if namespaced else self.cluster_allow
        return allow is None or any(rule.matches(key) for rule in allow)

    def permits_namespace_of_application(self, namespace: str, control_namespace: str) -> bool:
        """Whether an Application that lives in `namespace` may name this project."""
        return namespace == control_namespace or is_permitted(self.source_namespaces, namespace)

    def refuse_object(self, key: ResourceKey, server: str, name: str, *, namespaced: bool) -> Refusal | None:
        """Why an object may not be deployed, None where it may."""
        text = str(key)
        if not self.permits_kind(key, namespaced=namespaced):
            parameters = {"object": text, "kind": str(key.group_kind), "project": self.name}
            return Refusal(sentence=Sentence(code="project-denies-kind", parameters=parameters), key=key)
        if namespaced and not self.permits_destination(server, name, key.namespace):
            parameters = {"object": text, "namespace": key.namespace, "cluster": name or server, "project": self.name}
            return Refusal(sentence=Sentence(code="project-denies-namespace", parameters=parameters), key=key)
        return None

    def conditions(self) -> tuple[Condition, ...]:
        """InvalidSpecError for what blocks or is wrong."""
        found = [Condition(type=ConditionType.INVALID_SPEC, sentence=problem.sentence) for problem in self.problems]
        if self.blocking:
            parameters = {"project": self.name, "fields": list(self.blocking)}
            sentence = Sentence(code="project-restriction-not-enforced", parameters=parameters)
            found.append(Condition(type=ConditionType.INVALID_SPEC, sentence=sentence))
        return tuple(found)


def parse_project(manifest: Manifest) -> Project:
    """The project of a manifest."""
    problems: list[Problem] = []
    unknown: list[str] = []
    spec = Fields(nested_mapping(manifest, "spec"), "spec", problems, unknown)
    allow = _kinds(spec, "namespaceResourceWhitelist")
    project = Project(
        name=nested_text(manifest, "metadata", "name"),
        sources=spec.texts("sourceRepos"),
        destinations=tuple(
            Destination(server=item.text("server"), name=item.text("name"), namespace=item.text("namespace"))
            for item in spec.children("destinations")
        ),
        source_namespaces=spec.texts("sourceNamespaces"),
        cluster_allow=_kinds(spec, "clusterResourceWhitelist"),
        cluster_deny=_kinds(spec, "clusterResourceBlacklist"),
        namespaced_allow=allow or None,
        namespaced_deny=_kinds(spec, "namespaceResourceBlacklist"),
        blocking=tuple(name for name in NOT_ENFORCED if spec.raw.get(name)),
        manifest=manifest,
    )
    known = {"description", "roles", "orphanedResources", "destinationServiceAccounts", *NOT_ENFORCED}
    spec.done()
    rest = tuple(path for path in unknown if path.removeprefix("spec.") not in known)
    return replace(project, problems=tuple(problems), unknown=rest)


def _kinds(spec: Fields, key: str) -> tuple[KindRule, ...]:
    return tuple(
        KindRule(group=item.text("group"), kind=item.text("kind"), name=item.text("name"))
        for item in spec.children(key)
    )


def _match_destination(entry: Destination, server: str, name: str, namespace: str) -> tuple[bool, bool]:
    """(whether the entry denies, whether it matches): one `!` on cluster or namespace makes it a deny."""
    denies = any(text.startswith("!") for text in (entry.server, entry.name, entry.namespace))
    by_server = bool(entry.server) and glob_matches(entry.server.removeprefix("!"), server)
    by_name = bool(entry.name) and glob_matches(entry.name.removeprefix("!"), name)
    return denies, (by_server or by_name) and glob_matches(entry.namespace.removeprefix("!"), namespace)


def _normal_url(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if separator:
        host, slash, path = rest.partition("/")
        url = f"{scheme.lower()}://{host.lower()}{slash}{path}"
    return url.rstrip("/").removesuffix(".git")
