"""May this application be synced at all: its project, sources and destination, checked before anything is fetched.

What a project restricts and we do not enforce blocks as well: fail closed. Pure; gives every problem, not only the first.
"""

from __future__ import annotations

from haori.delivery.model import Application, Condition, Project
from haori.delivery.model.application import Destination
from haori.resources import argo
from haori.resources.argo import ConditionType
from haori.words import Sentence


def check_application(
    application: Application, project: Project | None, *, control_namespace: str = argo.CONTROL_NAMESPACE
) -> tuple[Condition, ...]:
    """Conditions of type InvalidSpecError for everything that forbids a sync, and warnings of fields without effect."""
    found = list(application.conditions())
    if project is None:
        found.append(_invalid("project-missing", application=application.name, project=application.spec.project))
        return tuple(found)
    found.extend(project.conditions())
    if not project.permits_namespace_of_application(application.namespace, control_namespace):
        found.append(
            _invalid("project-denies-application-namespace", project=project.name, namespace=application.namespace)
        )
    for source in application.spec.sources:
        if source.repo_url and not project.permits_source(source.repo_url):
            found.append(_invalid("project-denies-source", project=project.name, repository=source.repo_url))
    found.extend(_check_destination(application.spec.destination, project))
    return tuple(found)


def is_in_cluster(destination: Destination) -> bool:
    """Whether the destination is the cluster the engine itself is connected to."""
    return destination.server == argo.IN_CLUSTER_SERVER or destination.name == argo.IN_CLUSTER_NAME


def _check_destination(destination: Destination, project: Project) -> list[Condition]:
    named = destination.name or destination.server
    if not named:
        return []  # The spec's own problem, told above.
    if not is_in_cluster(destination):
        return [_invalid("cluster-unknown", cluster=named)]
    if project.permits_destination(argo.IN_CLUSTER_SERVER, argo.IN_CLUSTER_NAME, destination.namespace):
        return []
    return [
        _invalid(
            "project-denies-destination", project=project.name, cluster=named, namespace=destination.namespace or "-"
        )
    ]


def _invalid(code: str, **parameters: str) -> Condition:
    return Condition(type=ConditionType.INVALID_SPEC, sentence=Sentence(code=code, parameters=parameters))
