"""May this application be synced at all: its project, sources and destination, checked before anything is fetched.

What a project restricts and we do not enforce blocks as well: fail closed. Pure; gives every problem, not only the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from haori.delivery.controller.clusters import Place
from haori.delivery.model import Application, Condition, Project, Source
from haori.delivery.model.application import Destination
from haori.git import redact_url
from haori.objects import ResourceKey
from haori.resources import argo
from haori.resources.argo import ConditionType
from haori.words import Sentence

ProjectsFor = Callable[[str], frozenset[str]]
"""The projects whose applications alone may read a repository; empty: every one's."""


def check_application(
    application: Application,
    project: Project | None,
    place: Place,
    *,
    control_namespace: str = argo.CONTROL_NAMESPACE,
    restrictions: Iterable[str] = (),
    projects_for: ProjectsFor = lambda url: frozenset(),
) -> tuple[Condition, ...]:
    """Conditions of error types for everything that forbids a sync, and warnings of fields without effect.

    `place` is where the application's destination leads; `restrictions` are settings that restrict every application and
    that we do not enforce.
    """
    found = list(application.conditions())
    found.extend(_invalid("setting-restriction-not-enforced", setting=each) for each in restrictions)
    if project is None:
        found.append(_invalid("project-missing", application=application.name, project=application.spec.project))
        return tuple(found)
    found.extend(project.conditions())
    if not project.permits_namespace_of_application(application.namespace, control_namespace):
        found.append(
            _invalid("project-denies-application-namespace", project=project.name, namespace=application.namespace)
        )
    found.extend(check_sources(application.spec.sources, project, projects_for))
    found.extend(_check_destination(application.spec.destination, project, place))
    return tuple(found)


def check_sources(
    sources: Iterable[Source], project: Project, projects_for: ProjectsFor = lambda url: frozenset()
) -> tuple[Condition, ...]:
    """InvalidSpecError for each repository that the project does not permit, or that is known with credentials of other
    projects alone; sources with only a `ref` count as well."""
    found = []
    for url in dict.fromkeys(source.repo_url for source in sources if source.repo_url):
        if not project.permits_source(url):
            found.append(_invalid("project-denies-source", project=project.name, repository=redact_url(url)))
        elif (projects := projects_for(url)) and project.name not in projects:
            parameters = {"project": project.name, "repository": redact_url(url), "projects": sorted(projects)}
            sentence = Sentence(code="repository-of-other-projects", parameters=parameters)
            found.append(Condition(type=ConditionType.INVALID_SPEC, sentence=sentence))
    return tuple(found)


def check_deletion(application: Application, project: Project | None, place: Place) -> tuple[Condition, ...]:
    """What forbids that an application's objects are deleted with it.

    As in Argo CD its project has to exist and to be readable; fields that restrict syncs alone forbid no deletion.
    """
    if project is None:
        return (_invalid("project-missing", application=application.name, project=application.spec.project),)
    return (*project.deletion_conditions(), *_check_ownership(project, place))


def permits_live(project: Project | None, key: ResourceKey, server: str, name: str) -> bool:
    """Whether a live object of a cluster may count as the application's: what its project does not permit is never
    looked at, pruned or deleted, whatever mark it carries."""
    return live_permits(project, server, name)(key)


def live_permits(project: Project | None, server: str, name: str) -> Callable[[ResourceKey], bool]:
    """`permits_live` for many objects of one cluster."""
    return project.live_permits(server, name) if project is not None else lambda _: False


def _check_destination(destination: Destination, project: Project, place: Place) -> list[Condition]:
    named = destination.name or destination.server
    if not named:
        return []  # The spec's own problem, told above.
    found = [place.problem] if place.problem is not None else []
    if place.is_known and not project.permits_destination(place.server, place.name, destination.namespace):
        parameters = {"project": project.name, "cluster": named, "namespace": destination.namespace or "-"}
        found.append(_invalid("project-denies-destination", **parameters))
    return [*found, *_check_ownership(project, place)]


def _check_ownership(project: Project, place: Place) -> list[Condition]:
    """What `permitOnlyProjectScopedClusters` says of a cluster."""
    if not project.only_own_clusters or not place.is_known or project.name in place.projects:
        return []
    return [_invalid("project-denies-cluster", project=project.name, cluster=place.name or place.server)]


def check_scope(targets: Iterable[ResourceKey], place: Place) -> tuple[Condition, ...]:
    """InvalidSpecError for the first object that stands where its cluster's Secret says that nobody looks."""
    if not place.namespaces:
        return ()
    for key in sorted(targets):
        named = {"cluster": place.name, "object": str(key), "namespaces": list(place.namespaces)}
        if not key.namespace and not place.cluster_resources:
            return (_invalid("cluster-scope-unmanaged", **named),)
        if key.namespace and key.namespace not in place.namespaces:
            return (_invalid("cluster-object-unmanaged", **named),)
    return ()


def _invalid(code: str, **parameters: Any) -> Condition:
    return Condition(type=ConditionType.INVALID_SPEC, sentence=Sentence(code=code, parameters=parameters))
