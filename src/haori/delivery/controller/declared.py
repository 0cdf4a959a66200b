"""What people declared in the control namespace: Applications, projects, settings; whole, since they are read whole.

Fed by the cluster cache's watches and by the answers to our own writes; an older version never replaces a newer one. The
listener hears only of changes that ask for work: what we ourselves wrote into status is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from haori.cluster import EventType, WatchEvent
from haori.delivery.controller.memory import ApplicationKey
from haori.delivery.controller.queue import Level
from haori.delivery.model import Application, Project, Settings, parse_application, parse_project, parse_settings
from haori.delivery.model.globs import glob_matches
from haori.delivery.model.settings import parse_application_namespaces
from haori.objects import Manifest, annotations_of, nested, nested_mapping, nested_text
from haori.resources import argo, haori
from haori.resources.argo import OperationPhase

HIGHEST_TERM = 1 << 30
"""`leaseTransitions` is a 32-bit number; there is room above for the terms to come."""

Asked = Callable[[ApplicationKey, Level, str], None]
"""An application has to be looked at, how thoroughly, and why."""


class Declared:
    """The declared objects of one cluster."""

    def __init__(
        self,
        namespace: str,
        *,
        settings: Settings,
        on_ask: Asked,
        on_gone: Callable[[ApplicationKey], None],
        further: Sequence[str] = (),
    ) -> None:
        self.namespace = namespace
        self._further = tuple(further)
        self.settings = settings
        self.projects: dict[str, Project] = {}
        self.applications: dict[ApplicationKey, Application] = {}
        self.by_name: dict[str, ApplicationKey] = {}
        """By the name in tracking ids."""
        self._substance: dict[ApplicationKey, tuple[Any, ...]] = {}
        self._on_ask, self._on_gone = on_ask, on_gone
        self.on_settings: Callable[[Settings], None] = lambda settings: None
        self.term = 0
        """The highest term that an Application was seen to carry."""
        self.on_term: Callable[[int], None] = lambda term: None

    def observe_application(self, event: WatchEvent) -> None:
        """Takes in one event of an Application."""
        key = application_key(event.object)
        if key.namespace != self.namespace and not any(glob_matches(each, key.namespace) for each in self._further):
            return
        if event.type is EventType.DELETED:
            known = self.applications.get(key)
            uid = nested_text(event.object, "metadata", "uid")
            if known is not None and (not uid or uid == known.uid):
                del self.applications[key], self._substance[key]
                self.by_name.pop(known.qualified_name(self.namespace), None)
                self._on_gone(key)
        elif event.type is not EventType.BOOKMARK:
            self.put(event.object)

    def put(self, manifest: Manifest, *, is_own: bool = False) -> Application:
        """The newest known version of the application that `manifest` is a version of.

        `is_own`: it is the answer to our own write, which was made on the version known, so nobody has to look again.
        """
        key = application_key(manifest)
        known = self.applications.get(key)
        if known is not None and not is_newer(manifest, known.manifest):
            return known  # What our own write gave back comes by the watch once more.
        if (term := term_of(manifest)) > self.term:
            self.term = term
            self.on_term(term)
        application = self.applications[key] = parse_application(manifest, known)
        self.by_name[application.qualified_name(self.namespace)] = key
        before, after = self._substance.get(key), substance_of(manifest)
        self._substance[key] = after
        if not is_own and before != after and (level := level_of_change(before, after)) is not None:
            self._on_ask(key, level, "declared")
        return application

    def observe_project(self, event: WatchEvent) -> None:
        """Takes in one event of an AppProject; its applications are looked at again."""
        if nested_text(event.object, "metadata", "namespace") != self.namespace or event.type is EventType.BOOKMARK:
            return
        name = nested_text(event.object, "metadata", "name")
        before = self.projects.get(name)
        if event.type is EventType.DELETED:
            self.projects.pop(name, None)
        else:
            self.projects[name] = parse_project(event.object)
        after = self.projects.get(name)
        if before is None or after is None or before.manifest.get("spec") != after.manifest.get("spec"):
            for key, application in self.applications.items():
                if application.spec.project == name:
                    # While it was refused nothing was fetched, whatever was asked for.
                    self._on_ask(key, Level.FORCED, "project")

    def observe_config(self, event: WatchEvent) -> None:
        """Takes in one event of a ConfigMap; only the settings' own two count."""
        metadata = nested_mapping(event.object, "metadata")
        name = metadata.get("name")
        is_ours = name in (argo.CONFIG_MAP, argo.PARAMETERS_CONFIG_MAP)
        if metadata.get("namespace") == self.namespace and is_ours and event.type is not EventType.BOOKMARK:
            there = None if event.type is EventType.DELETED else event.object
            if name == argo.PARAMETERS_CONFIG_MAP:
                settings = replace(self.settings, application_namespaces=parse_application_namespaces(there))
            else:
                further = self.settings.application_namespaces
                settings = replace(parse_settings(there), application_namespaces=further)
            if settings != self.settings:
                self.settings = settings
                self.on_settings(settings)

    def project_of(self, application: Application) -> Project | None:
        """The project an application names."""
        return self.projects.get(application.spec.project)


def application_key(manifest: Manifest) -> ApplicationKey:
    """Which application a manifest is."""
    return ApplicationKey(nested_text(manifest, "metadata", "namespace"), nested_text(manifest, "metadata", "name"))


def term_of(manifest: Manifest) -> int:
    """The term under which an Application was last written; 0 where none is readable.

    Anybody may write the annotation: a number beyond what a Lease can count to says nothing.
    """
    text = annotations_of(manifest).get(haori.TERM)
    if not isinstance(text, str) or not text.isdecimal() or len(text) > 10:
        return 0
    term = int(text)
    return term if term <= HIGHEST_TERM else 0


def is_newer(one: Manifest, other: Manifest) -> bool:
    """Whether `one` is a later version than `other` of the same object, or another object; equal versions are one.

    resourceVersions of one object may be compared as numbers (Kubernetes says so since 1.35; etcd made it so always).
    """
    first, second = (nested_mapping(each, "metadata") for each in (one, other))
    if first.get("uid") != second.get("uid"):
        return True
    left, right = str(first.get("resourceVersion") or ""), str(second.get("resourceVersion") or "")
    if left.isdecimal() and right.isdecimal():
        return int(left) > int(right)
    return not left or left != right


def substance_of(manifest: Manifest) -> tuple[Any, ...]:
    """What of an Application others change and we act on: (spec, annotations, deletion, finalizers, operation)."""
    annotations = {name: value for name, value in annotations_of(manifest).items() if name != haori.TERM}
    metadata = nested_mapping(manifest, "metadata")
    is_terminating = nested_text(manifest, "status", "operationState", "phase") == OperationPhase.TERMINATING
    deletion = (metadata.get("deletionTimestamp"), tuple(metadata.get("finalizers") or ()))
    return metadata.get("uid"), manifest.get("spec"), annotations, deletion, manifest.get("operation"), is_terminating


def level_of_change(before: tuple[Any, ...] | None, after: tuple[Any, ...]) -> Level | None:
    """How thoroughly to look after a change; None where it asks for nothing (an operation taken, a refresh answered)."""
    refresh = after[2].get(argo.REFRESH)
    if refresh is not None and (before is None or before[2].get(argo.REFRESH) != refresh):
        return Level.HARD if refresh == "hard" else Level.FORCED
    is_new = before is None or before[0] != after[0]
    if before is None or is_new or _sources(before[1]) != _sources(after[1]):
        return Level.FORCED  # What it reads may have been pushed a moment ago.
    if before[1] != after[1] or before[2].get(haori.PIN) != after[2].get(haori.PIN):
        return Level.NEWEST
    answered = {name: value for name, value in before[2].items() if name != argo.REFRESH}
    if before[3:] == after[3:] and answered == after[2]:
        return None
    return Level.LIVE


def _sources(spec: Any) -> tuple[Any, Any]:
    return nested(spec, "source"), nested(spec, "sources")
