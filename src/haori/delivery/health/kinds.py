"""Widely used kinds that are not Kubernetes' own, for which Argo CD ships a script: our rules from the same facts.

Most speak by conditions (`conditions` has their tables); the others have a function here. A group may be a glob.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from haori.delivery.health import conditions as by
from haori.delivery.health.conditions import (
    D,
    Meanings,
    P,
    S,
    assess_meanings,
    condition_of,
    first_meaning,
    from_condition,
)
from haori.delivery.health.types import HEALTHY, Health, health
from haori.objects import GroupKind, Manifest, nested, nested_list, nested_mapping, nested_text
from haori.resources.argo import HealthStatus

Rule = Callable[[Manifest], Health | None]

_PARENT: Meanings = (("ResolvedRefs", "False", D), ("Accepted", "False", D), ("Programmed", "False", P))
_GATEWAY: Meanings = (*_PARENT, ("Programmed", "Unknown", P))


def assess_flux(manifest: Manifest) -> Health:
    """Flux's kinds: Kustomization, HelmRelease, sources, image and notification kinds."""
    if nested(manifest, "spec", "suspend") is True:
        return health(S, "health-paused")
    return assess_meanings(manifest, by.FLUX)


def assess_rollout(manifest: Manifest) -> Health:
    """Rollout (argoproj.io), by the phase that it reports since 1.0; its observedGeneration is text."""
    invalid = condition_of(manifest, "InvalidSpec")
    if invalid.get("status") == "True":
        return from_condition(D, invalid)
    if nested(manifest, "spec", "paused") is True:
        return health(S, "health-paused")
    generation = nested(manifest, "metadata", "generation")
    if nested_text(manifest, "status", "observedGeneration") not in ("", str(generation)):
        return health(P, "health-not-observed")
    match nested_text(manifest, "status", "phase"):
        case "Healthy":
            return HEALTHY
        case "Paused":
            return health(S, "health-paused")
        case "Degraded":
            return health(D, "health-pod-failed", message=nested_text(manifest, "status", "message"))
        case "Progressing":
            return health(P, "health-rolling-out", message=nested_text(manifest, "status", "message"))
    return health(P, "health-nothing-said")


def assess_analysis(manifest: Manifest) -> Health:
    """AnalysisRun and Experiment (argoproj.io)."""
    match nested_text(manifest, "status", "phase"):
        case "Successful":
            return HEALTHY
        case "Failed" | "Error":
            return health(D, "health-pod-failed", message=nested_text(manifest, "status", "message"))
        case "Inconclusive":
            return health(HealthStatus.UNKNOWN, "health-no-status")
    return health(P, "health-job-running")


def assess_snapshot(manifest: Manifest) -> Health:
    """VolumeSnapshot and VolumeSnapshotContent."""
    if nested(manifest, "status", "readyToUse") is True:
        return HEALTHY
    error = nested_mapping(manifest, "status", "error")
    if error:
        return health(D, "health-pod-failed", message=str(error.get("message") or ""))
    return health(P, "health-nothing-said")


def assess_gateway(manifest: Manifest) -> Health:
    """Gateway (gateway.networking.k8s.io): its own conditions, then those of each listener."""
    if is_stale(nested_list(manifest, "status", "conditions"), manifest):
        return health(P, "health-not-observed")
    listeners = nested_list(manifest, "status", "listeners")
    spoken = [nested_list(manifest, "status", "conditions"), *(nested_list(each, "conditions") for each in listeners)]
    if not any(spoken):
        return health(P, "health-nothing-said")
    return next((found for each in spoken if (found := first_meaning(each, _GATEWAY)) is not None), HEALTHY)


def assess_route(manifest: Manifest) -> Health:
    """HTTPRoute, GRPCRoute and the other routes: what each parent says of the newest version."""
    parents = [nested_list(each, "conditions") for each in nested_list(manifest, "status", "parents")]
    current = [each for each in parents if each and not is_stale(each, manifest)]
    if not current:
        return health(P, "health-nothing-said")
    return next((found for each in current if (found := first_meaning(each, _GATEWAY)) is not None), HEALTHY)


def is_stale(conditions: Sequence[Any], manifest: Manifest) -> bool:
    """Whether every condition that says so was written for an earlier generation."""
    generation = nested(manifest, "metadata", "generation")
    observed = [seen for each in conditions if isinstance(seen := nested(each, "observedGeneration"), int)]
    return isinstance(generation, int) and bool(observed) and max(observed) < generation


def assess_crossplane(manifest: Manifest) -> Health:
    """Crossplane's managed resources, claims and packages; its configuration kinds have no status at all."""
    if not nested_list(manifest, "status", "conditions") and manifest.get("kind") in _WITHOUT_STATUS:
        return HEALTHY
    return assess_meanings(manifest, by.CROSSPLANE)


_WITHOUT_STATUS = frozenset(
    {
        "ClusterProviderConfig", "ClusterProviderConfigUsage", "Composition", "CompositionRevision", "ControllerConfig",
        "DeploymentRuntimeConfig", "EnvironmentConfig", "ImageConfig", "ProviderConfig", "ProviderConfigUsage",
        "StoreConfig",
    }
)  # fmt: skip


def assess_acme(manifest: Manifest) -> Health:
    """Order and Challenge (acme.cert-manager.io)."""
    state, reason = (nested_text(manifest, "status", name) for name in ("state", "reason"))
    match state:
        case "valid":
            return HEALTHY
        case "invalid" | "errored" | "expired":
            return health(D, "health-state", state=state, reason=reason)
        case "":
            return health(P, "health-nothing-said")
    return health(P, "health-state", state=state, reason=reason)


def assess_elastic(manifest: Manifest) -> Health:
    """Elasticsearch, Kibana and kin (*.k8s.elastic.co), by their traffic light."""
    match colour := nested_text(manifest, "status", "health"):
        case "green":
            return HEALTHY
        case "yellow" | "red":
            return health(P if colour == "yellow" else D, "health-colour", colour=colour)
    return health(P, "health-nothing-said")


def _by(meanings: Meanings) -> Rule:
    return partial(assess_meanings, meanings=meanings)


KINDS: dict[GroupKind, Rule] = {
    GroupKind("cert-manager.io", "Certificate"): _by(by.CERTIFICATE),
    GroupKind("cert-manager.io", "CertificateRequest"): _by(by.READY),
    GroupKind("cert-manager.io", "Issuer"): _by(by.READY),
    GroupKind("cert-manager.io", "ClusterIssuer"): _by(by.READY),
    GroupKind("acme.cert-manager.io", "Order"): assess_acme,
    GroupKind("acme.cert-manager.io", "Challenge"): assess_acme,
    GroupKind("external-secrets.io", "ExternalSecret"): _by(by.READY),
    GroupKind("external-secrets.io", "ClusterExternalSecret"): _by(by.READY),
    GroupKind("external-secrets.io", "PushSecret"): _by(by.READY),
    GroupKind("external-secrets.io", "SecretStore"): _by(by.READY),
    GroupKind("external-secrets.io", "ClusterSecretStore"): _by(by.READY),
    GroupKind("bitnami.com", "SealedSecret"): _by(by.SEALED_SECRET),
    GroupKind("argoproj.io", "ApplicationSet"): _by(by.APPLICATION_SET),
    GroupKind("argoproj.io", "Rollout"): assess_rollout,
    GroupKind("argoproj.io", "AnalysisRun"): assess_analysis,
    GroupKind("argoproj.io", "Experiment"): assess_analysis,
    GroupKind("serving.knative.dev", "Service"): _by(by.KNATIVE),
    GroupKind("keda.sh", "ScaledObject"): _by(by.SCALER),
    GroupKind("keda.sh", "ScaledJob"): _by(by.SCALER),
    GroupKind("tekton.dev", "PipelineRun"): _by(by.TASK_RUN),
    GroupKind("tekton.dev", "TaskRun"): _by(by.TASK_RUN),
    GroupKind("gateway.networking.k8s.io", "Gateway"): assess_gateway,
    GroupKind("gateway.networking.k8s.io", "HTTPRoute"): assess_route,
    GroupKind("gateway.networking.k8s.io", "GRPCRoute"): assess_route,
    GroupKind("gateway.networking.k8s.io", "TLSRoute"): assess_route,
    GroupKind("gateway.networking.k8s.io", "TCPRoute"): assess_route,
    GroupKind("gateway.networking.k8s.io", "UDPRoute"): assess_route,
    GroupKind("snapshot.storage.k8s.io", "VolumeSnapshot"): assess_snapshot,
    GroupKind("snapshot.storage.k8s.io", "VolumeSnapshotContent"): assess_snapshot,
}
"""By group and kind."""

GROUPS: tuple[tuple[str, Rule], ...] = (
    (".toolkit.fluxcd.io", assess_flux),
    (".crossplane.io", assess_crossplane),
    (".upbound.io", assess_crossplane),
    (".services.k8s.aws", _by(by.AWS)),
    (".k8s.elastic.co", assess_elastic),
)
"""By the end of the group, for every kind in it."""


def kind_rule(type_: GroupKind) -> Rule | None:
    """The rule for a kind of another project's; None where we have none."""
    rule = KINDS.get(type_)
    return rule or next((each for end, each in GROUPS if type_.group.endswith(end)), None)
