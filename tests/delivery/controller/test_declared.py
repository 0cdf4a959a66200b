"""Which changes of what people declared ask for how thorough a look."""

from __future__ import annotations

from typing import Any

import pytest

from haori.cluster import EventType, WatchEvent
from haori.delivery.controller.declared import Declared, is_newer
from haori.delivery.controller.memory import ApplicationKey
from haori.delivery.controller.queue import Level
from haori.delivery.model import Settings, parse_settings

KEY = ApplicationKey("argocd", "shop")


def make(version: int = 1, *, namespace: str = "argocd", **changes: Any) -> dict[str, Any]:
    source = {"repoURL": "https://git.example/r", "path": "app", "targetRevision": changes.pop("revision", "main")}
    spec = {"project": "default", "source": source, "destination": {"name": "in-cluster"}, **changes.pop("spec", {})}
    metadata = {"name": "shop", "namespace": namespace, "uid": "u", "resourceVersion": str(version)}
    metadata |= changes.pop("metadata", {})
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": spec, **changes}


class Asked(list[tuple[ApplicationKey, Level, str]]):
    def __call__(self, key: ApplicationKey, level: Level, reason: str) -> None:
        self.append((key, level, reason))

    @property
    def levels(self) -> list[Level]:
        return [level for _, level, _ in self]


def build(asked: Asked) -> Declared:
    return Declared("argocd", settings=parse_settings(None), on_ask=asked, on_gone=lambda key: None)


def see(declared: Declared, manifest: dict[str, Any], type_: EventType = EventType.MODIFIED) -> None:
    declared.observe_application(WatchEvent(type=type_, object=manifest))


@pytest.mark.parametrize(
    ("change", "level"),
    [
        pytest.param({"revision": "other"}, Level.FORCED, id="source"),
        pytest.param({"spec": {"project": "team"}}, Level.NEWEST, id="spec"),
        pytest.param(
            {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}}, Level.FORCED, id="refresh"
        ),
        pytest.param({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "hard"}}}, Level.HARD, id="hard"),
        pytest.param({"metadata": {"annotations": {"haori.dev/pin": "{}"}}}, Level.NEWEST, id="pin"),
        pytest.param({"metadata": {"deletionTimestamp": "2026-11-24T05:00:00Z"}}, Level.LIVE, id="deletion"),
        pytest.param({"operation": {"sync": {}}}, Level.LIVE, id="operation"),
        pytest.param({"status": {"operationState": {"phase": "Terminating"}}}, Level.LIVE, id="terminate"),
        pytest.param({"status": {"health": {"status": "Healthy"}}}, None, id="our-status"),
        pytest.param({"metadata": {"annotations": {"haori.dev/term": "3"}}}, None, id="our-term"),
        pytest.param({"metadata": {"labels": {"team": "a"}}}, None, id="labels"),
    ],
)
def test_a_change_asks_for_what_it_needs(change: dict[str, Any], level: Level | None):
    asked = Asked()
    declared = build(asked)
    see(declared, make())
    assert asked.levels == [Level.FORCED]

    see(declared, make(2, **change))
    assert asked.levels[1:] == ([] if level is None else [level])


def test_an_answered_refresh_asks_for_nothing():
    asked = Asked()
    declared = build(asked)
    see(declared, make(metadata={"annotations": {"argocd.argoproj.io/refresh": "normal"}}))
    see(declared, make(2))
    assert asked.levels == [Level.FORCED]


def test_an_older_version_never_replaces_a_newer_one():
    declared = build(Asked())
    declared.put(make(10, revision="new"), is_own=True)
    see(declared, make(9, revision="old"))
    assert declared.applications[KEY].spec.sources[0].target_revision == "new"


def test_what_we_wrote_ourselves_asks_for_nothing():
    asked = Asked()
    declared = build(asked)
    see(declared, make(operation={"sync": {}}))
    declared.put(make(2), is_own=True)
    see(declared, make(2))
    assert asked.levels == [Level.FORCED]


def test_applications_of_other_namespaces_are_not_looked_at():
    asked = Asked()
    see(build(asked), make(namespace="elsewhere"))
    assert asked == []


def test_the_end_of_an_earlier_life_does_not_take_a_new_application():
    gone: list[ApplicationKey] = []
    declared = Declared("argocd", settings=parse_settings(None), on_ask=Asked(), on_gone=gone.append)
    see(declared, make(5, metadata={"uid": "second"}))
    see(declared, make(4, metadata={"uid": "first"}), EventType.DELETED)
    assert gone == []
    see(declared, make(6, metadata={"uid": "second"}), EventType.DELETED)
    assert gone == [KEY]
    assert declared.by_name == {}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param(("u", "9"), ("u", "10"), False, id="earlier-as-numbers"),
        pytest.param(("u", "10"), ("u", "9"), True, id="later-as-numbers"),
        pytest.param(("u", "10"), ("u", "10"), False, id="same"),
        pytest.param(("v", "9"), ("u", "10"), True, id="another-object"),
        pytest.param(("u", "abc"), ("u", "10"), True, id="opaque"),
        pytest.param(("u", "abc"), ("u", "abc"), False, id="same-opaque"),
        pytest.param(("u", ""), ("u", ""), True, id="absent"),
    ],
)
def test_versions_are_compared_for_one_object_only(one: tuple[str, str], other: tuple[str, str], expected: bool):
    first, second = ({"metadata": {"uid": uid, "resourceVersion": version}} for uid, version in (one, other))
    assert is_newer(first, second) is expected


def test_further_namespaces_are_named_by_globs():
    asked = Asked()
    declared = Declared(
        "argocd", settings=parse_settings(None), on_ask=asked, on_gone=lambda key: None, further=["team-*", "/.*/"]
    )
    see(declared, make(namespace="team-a"))
    see(declared, make(namespace="tools"))
    assert [key.namespace for key in declared.applications] == ["team-a"]
    assert list(declared.by_name) == ["team-a_shop"]


def test_parameters_name_further_namespaces_and_the_settings_stay():
    heard: list[Settings] = []
    declared = build(Asked())
    declared.on_settings = heard.append

    def see_config(name: str, **data: str) -> None:
        metadata = {"name": name, "namespace": "argocd"}
        manifest = {"kind": "ConfigMap", "metadata": metadata, "data": data}
        declared.observe_config(WatchEvent(type=EventType.ADDED, object=manifest))

    see_config("argocd-cmd-params-cm", **{"application.namespaces": "a, b-*,"})
    see_config("argocd-cm", installationID="x")
    assert [each.application_namespaces for each in heard] == [("a", "b-*"), ("a", "b-*")]
    assert heard[-1].tracking.installation_id == "x"
