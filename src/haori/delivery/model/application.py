"""An Application as its manifest says it.

`parse_application` never raises: what is wrong is in `problems` (InvalidSpecError), what has no effect in `unknown`.
see: argoproj/argo-cd `docs/operator-manual/application.yaml` (3.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from haori.delivery.model.operation import (
    HistoryEntry,
    Operation,
    OperationState,
    parse_history,
    parse_operation,
    parse_operation_state,
)
from haori.delivery.model.options import SyncOptions, parse_sync_options
from haori.delivery.model.pin import Pin, parse_pin
from haori.delivery.model.problems import Condition, Fields, Problem, word_of
from haori.errors import UserError
from haori.objects import Manifest, annotations_of, nested_list, nested_mapping, nested_text, nested_texts
from haori.objects.quantities import parse_duration
from haori.objects.times import parse_time
from haori.resources import argo, haori
from haori.resources.argo import ConditionType, HealthStatus, RefreshKind, SyncStatus
from haori.words import Sentence

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source; `helm`, `kustomize`, `directory`, `plugin` are the mappings as written (the renderer reads them)."""

    repo_url: str
    target_revision: str = "HEAD"
    path: str = ""
    chart: str = ""
    ref: str = ""
    name: str = ""
    helm: Raw | None = None
    kustomize: Raw | None = None
    directory: Raw | None = None
    plugin: Raw | None = None
    raw: Raw = field(default_factory=dict)
    """The source as it stands in the manifest: what `comparedTo` and history repeat."""

    @property
    def is_packed(self) -> bool:
        """Whether it comes out of a chart repository or a registry, not out of Git."""
        return bool(self.chart) or self.repo_url.startswith("oci://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Which cluster, by server or by name, and the namespace for objects that name none."""

    server: str = ""
    name: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Automated:
    """`syncPolicy.automated`."""

    prune: bool = False
    self_heal: bool = False
    allow_empty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often a failed sync is tried again; a negative limit means without end."""

    limit: int = 0
    duration_seconds: float = 5.0
    factor: int = 2
    max_seconds: float = 180.0
    refresh: bool = False


AUTOMATED_RETRY = Retry(limit=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPolicy:
    """`spec.syncPolicy`; `automated` is None where automated sync is absent or switched off."""

    automated: Automated | None = None
    option_texts: tuple[str, ...] = ()
    retry: Retry | None = None
    namespace_labels: Mapping[str, str] | None = None
    """Of managedNamespaceMetadata; None where it is absent."""
    namespace_annotations: Mapping[str, str] | None = None

    @property
    def options(self) -> SyncOptions:
        """The application's sync options."""
        return parse_sync_options(self.option_texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoreRule:
    """One entry of ignoreDifferences; group and kind are globs, an empty name or namespace matches any."""

    group: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    json_pointers: tuple[str, ...] = ()
    jq_paths: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationSpec:
    """What is asked for."""

    project: str
    sources: tuple[Source, ...]
    has_many: bool
    """Whether `spec.sources` was used: then revisions are lists in status."""
    destination: Destination
    sync_policy: SyncPolicy
    ignore_differences: tuple[IgnoreRule, ...] = ()
    info: tuple[tuple[str, str], ...] = ()
    revision_history_limit: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An Application; `manifest` is what it was read from."""

    name: str
    namespace: str
    uid: str
    manifest: Manifest
    spec: ApplicationSpec
    problems: tuple[Problem, ...] = ()
    unknown: tuple[str, ...] = ()
    operation: Operation | None = None
    operation_state: OperationState | None = None
    history: tuple[HistoryEntry, ...] = ()
    pin: Pin | None = None

    @property
    def refresh(self) -> RefreshKind | None:
        """What the refresh annotation asks; any word but `hard` is a normal one."""
        word = annotations_of(self.manifest).get(argo.REFRESH)
        return None if word is None else RefreshKind.HARD if word == RefreshKind.HARD else RefreshKind.NORMAL

    @property
    def is_deleting(self) -> bool:
        """Whether its deletion was asked for."""
        return bool(nested_text(self.manifest, "metadata", "deletionTimestamp"))

    @property
    def finalizers(self) -> tuple[str, ...]:
        """All finalizers."""
        return tuple(nested_list(self.manifest, "metadata", "finalizers"))

    @property
    def sync_status(self) -> SyncStatus:
        """The sync status last written."""
        word = nested_text(self.manifest, "status", "sync", "status")
        return word_of(SyncStatus, word) or SyncStatus.UNKNOWN

    @property
    def health_status(self) -> HealthStatus:
        """The health last written."""
        word = nested_text(self.manifest, "status", "health", "status")
        return word_of(HealthStatus, word) or HealthStatus.UNKNOWN

    @property
    def revisions(self) -> tuple[str, ...]:
        """The revisions last compared with, one a source."""
        many = nested_texts(self.manifest, "status", "sync", "revisions")
        one = nested_text(self.manifest, "status", "sync", "revision")
        return many or ((one,) if one else ())

    def qualified_name(self, control_namespace: str) -> str:
        """The name in tracking ids: bare in the control namespace, else `namespace_name`."""
        return self.name if self.namespace == control_namespace else f"{self.namespace}_{self.name}"

    def conditions(self) -> tuple[Condition, ...]:
        """InvalidSpecError for each problem, a warning for the fields without effect."""
        found = [Condition(type=ConditionType.INVALID_SPEC, sentence=problem.sentence) for problem in self.problems]
        if self.unknown:
            sentence = Sentence(code="fields-without-effect", parameters={"fields": list(self.unknown)})
            found.append(Condition(type=ConditionType.IGNORED_FIELD, sentence=sentence))
        return tuple(found)


def parse_application(manifest: Manifest, known: Application | None = None) -> Application:
    """The application of a manifest, with everything that is wrong with it.

    `known` is an earlier version: parts whose text did not change are taken from it instead of being read again.
    """
    metadata = nested_mapping(manifest, "metadata")
    if known is not None and _declares(known.manifest) == _declares(manifest):
        spec, pin, problems, unknown = known.spec, known.pin, known.problems, known.unknown
    else:
        spec, pin, problems, unknown = _parse_declared(manifest)
    operation = manifest.get("operation")
    return Application(
        name=str(metadata.get("name") or ""),
        namespace=str(metadata.get("namespace") or ""),
        uid=str(metadata.get("uid") or ""),
        manifest=manifest,
        spec=spec,
        problems=problems,
        unknown=unknown,
        operation=parse_operation(operation) if isinstance(operation, Mapping) else None,
        operation_state=_state_of(manifest, known),
        history=_history_of(manifest, known),
        pin=pin,
    )


def _state_of(manifest: Manifest, known: Application | None) -> OperationState | None:
    state = nested_mapping(manifest, "status", "operationState")
    if known is not None and nested_mapping(known.manifest, "status", "operationState") == state:
        return known.operation_state
    return parse_operation_state(state) if state else None


def _history_of(manifest: Manifest, known: Application | None) -> tuple[HistoryEntry, ...]:
    history = nested_list(manifest, "status", "history")
    if known is not None and nested_list(known.manifest, "status", "history") == history:
        return known.history
    return parse_history(history)


def _declares(manifest: Manifest) -> tuple[Any, Any]:
    return manifest.get("spec"), annotations_of(manifest).get(haori.PIN)


def _parse_declared(manifest: Manifest) -> tuple[ApplicationSpec, Pin | None, tuple[Problem, ...], tuple[str, ...]]:
    problems: list[Problem] = []
    unknown: list[str] = []
    pin = None
    if (text := annotations_of(manifest).get(haori.PIN)) is not None:
        pin, problem = parse_pin(text)
        problems.extend([problem] if problem else [])
    spec = _parse_spec(Fields(nested_mapping(manifest, "spec"), "spec", problems, unknown))
    return spec, pin, tuple(problems), tuple(unknown)


def _parse_spec(spec: Fields) -> ApplicationSpec:
    many = [_parse_source(source) for source in spec.children("sources")]
    one = spec.child("source")
    sources = (_parse_source(one),) if one is not None and not many else tuple(many)
    if not sources:
        spec.problem("source", "field-missing")
    if spec.raw.get("sourceHydrator") is not None and not sources:
        spec.problem("sourceHydrator", "field-not-supported")
    policy = spec.child("syncPolicy")
    parsed = ApplicationSpec(
        project=spec.text("project") or argo.DEFAULT_PROJECT,
        sources=sources,
        has_many=bool(many),
        destination=_parse_destination(spec),
        sync_policy=_parse_policy(policy) if policy is not None else SyncPolicy(),
        ignore_differences=tuple(parse_ignore_rule(rule) for rule in spec.children("ignoreDifferences")),
        info=tuple((item.text("name"), item.text("value")) for item in spec.children("info")),
        revision_history_limit=max(0, spec.integer("revisionHistoryLimit", 10)),
    )
    spec.done()
    return parsed


def parse_source(raw: Raw) -> Source:
    """A source from a mapping that was checked before (an operation's, a history entry's)."""
    return _parse_source(Fields(raw, "source", [], []))


def _parse_source(fields: Fields) -> Source:
    parts: dict[str, Raw | None] = {}
    for part in ("helm", "kustomize", "directory", "plugin"):
        value = fields.mapping(part)
        parts[part] = value if fields.raw.get(part) is not None else None
    source = Source(
        repo_url=fields.text("repoURL"),
        target_revision=fields.text("targetRevision") or "HEAD",
        # A chart is a folder of its own: Argo CD reads no path inside it.
        path="" if fields.text("chart") else fields.text("path"),
        chart=fields.text("chart"),
        ref=fields.text("ref"),
        name=fields.text("name"),
        raw=fields.raw,
        **parts,
    )
    if not source.repo_url:
        fields.problem("repoURL", "field-missing")
    if source.chart and not fields.text("targetRevision"):
        fields.problem("targetRevision", "field-missing")
    if not source.path and not source.chart and not source.ref:
        fields.problem("path", "source-without-path")
    if sum(value is not None for value in parts.values()) > 1:
        fields.problem("", "source-of-two-kinds", kinds=[part for part, value in parts.items() if value is not None])
    if source.path.startswith("/") or ".." in source.path.split("/"):
        fields.problem("path", "source-path-outside", value=source.path)
    fields.done()
    return source


def _parse_destination(spec: Fields) -> Destination:
    fields = spec.child("destination")
    if fields is None:
        spec.problem("destination", "field-missing")
        return Destination()
    destination = Destination(
        server=fields.text("server").rstrip("/"), name=fields.text("name"), namespace=fields.text("namespace")
    )
    if destination.server and destination.name:
        fields.problem("", "destination-twice")
    if not destination.server and not destination.name:
        fields.problem("server", "field-missing")
    fields.done()
    return destination


def _parse_policy(fields: Fields) -> SyncPolicy:
    automated = fields.child("automated")
    enabled = automated is not None and automated.optional_flag("enabled") is not False
    metadata = fields.child("managedNamespaceMetadata")
    retry = fields.child("retry")
    policy = SyncPolicy(
        automated=Automated(
            prune=automated.flag("prune"),
            self_heal=automated.flag("selfHeal"),
            allow_empty=automated.flag("allowEmpty"),
        )
        if automated is not None and enabled
        else None,
        option_texts=fields.texts("syncOptions"),
        retry=parse_retry(retry) if retry is not None else None,
        namespace_labels=None if metadata is None else metadata.text_mapping("labels"),
        namespace_annotations=None if metadata is None else metadata.text_mapping("annotations"),
    )
    for text in policy.options.unknown:
        fields.problem("syncOptions", "sync-option-unknown", option=text)
    if automated is not None and enabled:
        automated.done()
    fields.done()
    return policy


def parse_retry(fields: Fields) -> Retry:
    """A retry policy; a backoff without a maximum has three minutes."""
    backoff = fields.child("backoff")
    retry = Retry(
        limit=fields.integer("limit", 0),
        refresh=fields.flag("refresh"),
        duration_seconds=_seconds(backoff, "duration", 5.0),
        factor=backoff.integer("factor", 2) if backoff is not None else 2,
        max_seconds=_seconds(backoff, "maxDuration", 180.0),
    )
    fields.done()
    return retry


def _seconds(fields: Fields | None, key: str, default: float) -> float:
    if fields is None or not (text := fields.text(key)):
        return default
    try:
        return parse_duration(f"{text}s" if text.isdecimal() else text)
    except UserError:
        fields.problem(key, "duration-invalid", value=text)
        return default


def parse_ignore_rule(fields: Fields) -> IgnoreRule:
    """One rule; a rule without any of the three tools ignores nothing."""
    rule = IgnoreRule(
        group=fields.text("group"),
        kind=fields.text("kind"),
        name=fields.text("name"),
        namespace=fields.text("namespace"),
        json_pointers=fields.texts("jsonPointers"),
        jq_paths=fields.texts("jqPathExpressions"),
        managers=fields.texts("managedFieldsManagers"),
    )
    fields.done()
    return rule


def deletion_approved_at(application: Application) -> Any:
    """When pruning or deletion was confirmed (the annotation's time), None where it was not."""
    return parse_time(annotations_of(application.manifest).get(argo.DELETION_APPROVED))
