"""Names that Argo CD 3.6 puts on the wire: we read and write the very same ones.

see: argoproj/argo-cd `common/common.go`, `pkg/apis/application/v1alpha1/types.go` and `gitops-engine/pkg/sync/common`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

ARGO_GROUP = "argoproj.io"
ARGO_VERSION = "v1alpha1"
API_VERSION = f"{ARGO_GROUP}/{ARGO_VERSION}"
APPLICATION = "Application"
APPLICATION_RECORDS = ("status", "operation")
"""What an Application holds beside what is declared: the engine's own and what was asked of it, never a manifest's."""
PROJECT = "AppProject"
APPLICATION_SET = "ApplicationSet"

CONTROL_NAMESPACE = "argocd"
DEFAULT_PROJECT = "default"
IN_CLUSTER_SERVER = "https://kubernetes.default.svc"
IN_CLUSTER_NAME = "in-cluster"

# Annotations
TRACKING_ID = "argocd.argoproj.io/tracking-id"
INSTALLATION_ID = "argocd.argoproj.io/installation-id"
SYNC_OPTIONS = "argocd.argoproj.io/sync-options"
COMPARE_OPTIONS = "argocd.argoproj.io/compare-options"
SYNC_WAVE = "argocd.argoproj.io/sync-wave"
HOOK = "argocd.argoproj.io/hook"
HOOK_DELETE_POLICY = "argocd.argoproj.io/hook-delete-policy"
IGNORE_HEALTH = "argocd.argoproj.io/ignore-healthcheck"
IGNORE_RESTART_POLICY = "argocd.argoproj.io/ignore-restart-policy"
DELETION_APPROVED = "argocd.argoproj.io/deletion-approved"
REFRESH = "argocd.argoproj.io/refresh"
SKIP_RECONCILE = "argocd.argoproj.io/skip-reconcile"
MANIFEST_PATHS = "argocd.argoproj.io/manifest-generate-paths"

HELM_HOOK = "helm.sh/hook"
HELM_HOOK_WEIGHT = "helm.sh/hook-weight"
HELM_HOOK_DELETE_POLICY = "helm.sh/hook-delete-policy"
HELM_RESOURCE_POLICY = "helm.sh/resource-policy"

# Labels
INSTANCE_LABEL = "app.kubernetes.io/instance"
SECRET_TYPE = "argocd.argoproj.io/secret-type"  # noqa: S105  a label's name

# Finalizers
RESOURCES_FINALIZER = "resources-finalizer.argocd.argoproj.io"
RESOURCES_FINALIZER_FOREGROUND = f"{RESOURCES_FINALIZER}/foreground"
RESOURCES_FINALIZER_BACKGROUND = f"{RESOURCES_FINALIZER}/background"
PRE_DELETE_FINALIZER = "pre-delete-finalizer.argocd.argoproj.io"
POST_DELETE_FINALIZER = "post-delete-finalizer.argocd.argoproj.io"
HOOK_FINALIZER = "argocd.argoproj.io/hook-finalizer"

# Field managers
FIELD_MANAGER = "argocd-controller"
KUBECTL_MANAGERS = ("kubectl-client-side-apply", "kubectl-create", "kubectl-edit")

# Settings
CONFIG_MAP = "argocd-cm"
PARAMETERS_CONFIG_MAP = "argocd-cmd-params-cm"


class SyncStatus(StrEnum):
    """Does live match desired."""

    SYNCED = "Synced"
    OUT_OF_SYNC = "OutOfSync"
    UNKNOWN = "Unknown"


class HealthStatus(StrEnum):
    """Does it work; declared from best to worst."""

    HEALTHY = "Healthy"
    SUSPENDED = "Suspended"
    PROGRESSING = "Progressing"
    MISSING = "Missing"
    DEGRADED = "Degraded"
    UNKNOWN = "Unknown"


class OperationPhase(StrEnum):
    """How far an operation, or a hook of it, has come."""

    RUNNING = "Running"
    TERMINATING = "Terminating"
    FAILED = "Failed"
    ERROR = "Error"
    SUCCEEDED = "Succeeded"

    @property
    def is_completed(self) -> bool:
        """Whether nothing more will happen."""
        return self not in (OperationPhase.RUNNING, OperationPhase.TERMINATING)


class SyncPhase(StrEnum):
    """The phases of a sync, in order; the last three stand outside the ordinary way."""

    PRE_SYNC = "PreSync"
    SYNC = "Sync"
    POST_SYNC = "PostSync"
    SYNC_FAIL = "SyncFail"
    PRE_DELETE = "PreDelete"
    POST_DELETE = "PostDelete"


class HookType(StrEnum):
    """What the hook annotation may say."""

    PRE_SYNC = "PreSync"
    SYNC = "Sync"
    POST_SYNC = "PostSync"
    SYNC_FAIL = "SyncFail"
    SKIP = "Skip"
    PRE_DELETE = "PreDelete"
    POST_DELETE = "PostDelete"


class HookDeletePolicy(StrEnum):
    """When a hook's object is deleted."""

    BEFORE_CREATION = "BeforeHookCreation"
    SUCCEEDED = "HookSucceeded"
    FAILED = "HookFailed"


class ResultCode(StrEnum):
    """How one object of a sync ended, as `syncResult.resources[].status` says it."""

    SYNCED = "Synced"
    SYNC_FAILED = "SyncFailed"
    PRUNED = "Pruned"
    PRUNE_SKIPPED = "PruneSkipped"


class ConditionType(StrEnum):
    """`status.conditions[].type`; the last two are ours."""

    DELETION_ERROR = "DeletionError"
    INVALID_SPEC = "InvalidSpecError"
    COMPARISON_ERROR = "ComparisonError"
    SYNC_ERROR = "SyncError"
    UNKNOWN_ERROR = "UnknownError"
    SHARED_RESOURCE = "SharedResourceWarning"
    REPEATED_RESOURCE = "RepeatedResourceWarning"
    EXCLUDED_RESOURCE = "ExcludedResourceWarning"
    ORPHANED_RESOURCE = "OrphanedResourceWarning"
    IGNORED_FIELD = "IgnoredFieldWarning"
    SOURCE = "SourceWarning"

    @property
    def is_error(self) -> bool:
        """Whether it stops the application rather than warns."""
        return self.value.endswith("Error")


class RefreshKind(StrEnum):
    """What the refresh annotation asks for."""

    NORMAL = "normal"
    HARD = "hard"


class SourceType(StrEnum):
    """How a source becomes manifests."""

    HELM = "Helm"
    KUSTOMIZE = "Kustomize"
    DIRECTORY = "Directory"
    PLUGIN = "Plugin"


def is_application(manifest: Mapping[str, Any]) -> bool:
    """Whether an object is an Application, of whatever version."""
    group = str(manifest.get("apiVersion") or "").partition("/")[0]
    return group == ARGO_GROUP and manifest.get("kind") == APPLICATION
