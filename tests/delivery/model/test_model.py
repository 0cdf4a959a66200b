"""Applications, projects, pins, tracking and settings are read whole, with everything wrong named by path."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from haori.delivery.model import (
    Pin,
    SyncOptions,
    Tracking,
    build_tracking_id,
    format_pin,
    parse_application,
    parse_pin,
    parse_project,
    parse_settings,
    parse_sync_options,
    parse_tracking_id,
)
from haori.delivery.model.globs import glob_matches
from haori.delivery.model.options import Permission, Propagation, object_options
from haori.delivery.model.pin import PinState
from haori.delivery.model.tracking import TrackingMethod
from haori.objects import GroupKind, ResourceKey
from haori.resources import ConditionType, default_project

NOW = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)


def _application(**spec: Any) -> dict[str, Any]:
    whole = {
        "project": "default",
        "source": {"repoURL": "https://git.example/a.git", "path": "app"},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
        **spec,
    }
    return {"metadata": {"name": "shop", "namespace": "argocd"}, "spec": whole}


def test_good_application_has_no_problem() -> None:
    application = parse_application(_application(syncPolicy={"automated": {"prune": True, "selfHeal": True}}))
    assert (application.problems, application.unknown) == ((), ())
    assert application.spec.sync_policy.automated is not None
    assert application.spec.sources[0].target_revision == "HEAD"


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        pytest.param({"source": None}, "spec.source", id="no source"),
        pytest.param({"source": {"path": "x"}}, "spec.source.repoURL", id="no repository"),
        pytest.param({"source": {"repoURL": "x"}}, "spec.source.path", id="no path"),
        pytest.param({"source": {"repoURL": "x", "path": "../y"}}, "spec.source.path", id="path leaves"),
        pytest.param(
            {"source": {"repoURL": "x", "path": "y", "helm": {}, "kustomize": {}}}, "spec.source", id="two kinds"
        ),
        pytest.param({"destination": {}}, "spec.destination.server", id="no cluster"),
        pytest.param({"destination": {"server": "s", "name": "n"}}, "spec.destination", id="cluster twice"),
        pytest.param(
            {"syncPolicy": {"automated": {"prune": "yes"}}}, "spec.syncPolicy.automated.prune", id="wrong type"
        ),
        pytest.param({"syncPolicy": {"syncOptions": ["Foo=1"]}}, "spec.syncPolicy.syncOptions", id="unknown option"),
        pytest.param(
            {"syncPolicy": {"retry": {"backoff": {"duration": "1 day"}}}},
            "spec.syncPolicy.retry.backoff.duration",
            id="bad duration",
        ),
    ],
)
def test_problem_names_its_path(spec: dict[str, Any], path: str) -> None:
    application = parse_application(_application(**spec))
    assert path in [problem.path for problem in application.problems]
    assert ConditionType.INVALID_SPEC in [condition.type for condition in application.conditions()]


def test_all_problems_come_together_and_unknown_fields_warn() -> None:
    application = parse_application(_application(source={}, destination={}, colour="red"))
    assert len(application.problems) == 3
    assert application.unknown == ("spec.colour",)
    assert ConditionType.IGNORED_FIELD in [condition.type for condition in application.conditions()]


def test_automated_switched_off_is_absent() -> None:
    policy = parse_application(_application(syncPolicy={"automated": {"enabled": False}})).spec.sync_policy
    assert policy.automated is None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["Prune=false"], SyncOptions(prune=Permission.NEVER)),
        (["Prune=confirm", "Delete=confirm"], SyncOptions(prune=Permission.CONFIRM, delete=Permission.CONFIRM)),
        (["Validate=false"], SyncOptions(validate=False)),
        (["PrunePropagationPolicy=orphan"], SyncOptions(propagation=Propagation.ORPHAN)),
        (["ServerSideApply=false"], SyncOptions(server_side_apply=False)),
        (["CreateNamespace=true", "CreateNamespace=false"], SyncOptions()),
    ],
)
def test_sync_options(texts: list[str], expected: SyncOptions) -> None:
    assert parse_sync_options(texts) == expected


def test_objects_own_option_wins() -> None:
    manifest = {"metadata": {"annotations": {"argocd.argoproj.io/sync-options": "Prune=true, Replace=true"}}}
    options = object_options(["Prune=false"], manifest)
    assert (options.prune, options.replace) == (Permission.ALLOWED, True)


def test_tracking_id_guards_against_copies() -> None:
    tracking = Tracking()
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}}
    marked = tracking.mark(manifest, "app")
    assert marked["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] == "app:/ConfigMap:shop/a"
    assert tracking.owner_of(marked) == "app"
    copied = {**marked, "metadata": {**marked["metadata"], "name": "b"}}
    assert tracking.owner_of(copied) is None
    assert Tracking(installation_id="x").owner_of(marked) is None


def test_tracking_id_of_cluster_scoped_and_odd_names() -> None:
    key = ResourceKey("rbac.authorization.k8s.io", "ClusterRole", "", "system:x")
    text = build_tracking_id("app", key, "shop")
    parsed = parse_tracking_id(text)
    assert text == "app:rbac.authorization.k8s.io/ClusterRole:shop/system:x"
    assert parsed is not None
    assert (parsed.name, parsed.namespace) == ("system:x", "shop")
    assert parse_tracking_id("nonsense") is None


@pytest.mark.parametrize(
    ("until", "wanted", "state"),
    [
        pytest.param(None, "b", PinState.ACTIVE, id="no end"),
        pytest.param(1, "b", PinState.ACTIVE, id="before its end"),
        pytest.param(-1, "a", PinState.OVERDUE, id="past its end, Git wants the same"),
        pytest.param(-1, "b", PinState.ENDED, id="past its end, Git moved on"),
    ],
)
def test_pin_ends_only_when_git_moved_on(until: int | None, wanted: str, state: PinState) -> None:
    end = None if until is None else NOW + timedelta(hours=until)
    pin = Pin(id=3, revisions=("r",), owner="yui", reason="5xx", since=NOW, until=end, wanted=("a",))
    assert pin.state(NOW, ["a" if wanted == "a" else "b"]) is state
    assert parse_pin(format_pin(pin)) == (pin, None)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"revision": "a", "until": "soon"}', '{"revision": 1}'])
def test_bad_pin_is_a_problem(text: str) -> None:
    pin, problem = parse_pin(text)
    assert pin is None
    assert problem is not None


def _project(**spec: Any) -> Any:
    return parse_project({"metadata": {"name": "team"}, "spec": spec})


def test_default_project_permits_all() -> None:
    project = parse_project(default_project())
    assert project.permits_source("ssh://git@x/y")
    assert project.permits_destination("https://s", "n", "ns")
    assert project.permits_kind(ResourceKey("", "Namespace", "", "a"), namespaced=False)
    assert not project.conditions()


def test_deny_beats_allow() -> None:
    project = _project(
        sourceRepos=["https://git.example/*", "!https://git.example/secret*"],
        destinations=[{"server": "*", "namespace": "team-*"}, {"server": "*", "namespace": "!team-prod"}],
        namespaceResourceBlacklist=[{"group": "", "kind": "Secret"}],
    )
    assert project.permits_source("https://GIT.example/a.git")
    assert not project.permits_source("https://git.example/secret-x")
    assert project.permits_destination("https://s", "", "team-dev")
    assert not project.permits_destination("https://s", "", "team-prod")
    assert not project.permits_kind(ResourceKey("", "Secret", "x", "a"), namespaced=True)
    assert not project.permits_kind(ResourceKey("", "Namespace", "", "a"), namespaced=False)


def test_refusal_says_why() -> None:
    project = _project(destinations=[{"server": "*", "namespace": "a"}])
    refusal = project.refuse_object(ResourceKey("apps", "Deployment", "b", "web"), "https://s", "", namespaced=True)
    assert refusal.sentence.code == "project-denies-namespace"
    assert "Deployment b/web" in refusal.sentence.text()


def test_restriction_that_is_not_enforced_blocks() -> None:
    project = _project(syncWindows=[{"kind": "deny", "schedule": "* * * * *", "duration": "1h"}])
    assert project.blocking == ("spec.syncWindows",)
    assert project.conditions()


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [("*", "a/b", True), ("a?c", "abc", True), ("{a,b}*", "bx", True), ("[!a]*", "ab", False), ("a.b", "axb", False)],
)
def test_globs(pattern: str, text: str, matches: bool) -> None:
    assert glob_matches(pattern, text) is matches


def test_settings_exclude_and_report() -> None:
    data = {"resource.exclusions": "- apiGroups: [cilium.io]\n  kinds: ['*']\n", "timeout.reconciliation": "never"}
    settings = parse_settings({"data": data})
    assert settings.is_excluded("cilium.io", "CiliumIdentity")
    assert settings.is_excluded("", "Event")
    assert not settings.is_excluded("", "Pod")
    assert [problem.path for problem in settings.problems] == ["data[timeout.reconciliation]"]
    assert str(GroupKind("", "Pod")) == "Pod"


@pytest.mark.parametrize("text", ["5", "true", "{a: b}", "text", "[1, null, [2]]"])
def test_exclusions_of_a_wrong_shape_exclude_nothing(text: str) -> None:
    settings = parse_settings({"data": {"resource.exclusions": text}})
    assert not settings.is_excluded("", "Pod")
    assert [problem.path for problem in settings.problems] == ["data[resource.exclusions]"]


IGNORE = "resource.customizations.ignoreDifferences.apps_Deployment"


@pytest.mark.parametrize(
    ("key", "text", "path"),
    [
        ("resource.customizations", "5", "data[resource.customizations]"),
        ("resource.customizations", "apps/Deployment: [1]", "data[resource.customizations].apps/Deployment"),
        ("resource.compareoptions", "[1]", "data[resource.compareoptions]"),
        (
            "resource.compareoptions",
            "ignoreResourceStatusField: [x]",
            "data[resource.compareoptions].ignoreResourceStatusField",
        ),
        (IGNORE, "5", f"data[{IGNORE}]"),
        (IGNORE, "jsonPointers: [5]", f"data[{IGNORE}].jsonPointers"),
        (IGNORE, "jqPathExpressions: [5]", f"data[{IGNORE}].jqPathExpressions"),
        (IGNORE, "managedFieldsManagers: kubectl", f"data[{IGNORE}].managedFieldsManagers"),
        (IGNORE, "jsonPointer: [/spec]", f"data[{IGNORE}].jsonPointer"),
        ("resource.customizations", "a/B: {healt.lua: x}", "data[resource.customizations].a/B.healt.lua"),
        ("resource.customizations", "a/B: {health.lua: [1]}", "data[resource.customizations].a/B.health.lua"),
        ("resource.compareoptions", "ignoreStatus: all", "data[resource.compareoptions].ignoreStatus"),
        (
            "resource.compareoptions",
            "ignoreResourceStatusField: some",
            "data[resource.compareoptions].ignoreResourceStatusField",
        ),
        ("resource.exclusions", "[{kinds: 5}]", "data[resource.exclusions][0].kinds"),
        ("resource.exclusions", "[{kind: [Pod]}]", "data[resource.exclusions][0].kind"),
        ("resource.exclusions", "[{apiGroups: [], kinds: [5]}]", "data[resource.exclusions][0].kinds"),
        ("timeout.reconciliation", "-5s", "data[timeout.reconciliation]"),
        ("application.resourceTrackingMethod", "labels", "data[application.resourceTrackingMethod]"),
    ],
)
def test_a_setting_of_a_wrong_shape_is_named_and_changes_nothing(key: str, text: str, path: str) -> None:
    settings = parse_settings({"data": {key: text}})
    assert [problem.path for problem in settings.problems] == [path]
    assert settings.ignore_status
    assert not settings.is_excluded("", "Pod")
    assert not settings.health_scripts
    assert settings.poll_seconds is None
    assert settings.tracking.method is TrackingMethod.ANNOTATION
    assert not any(rule.json_pointers or rule.jq_paths or rule.managers for rule in settings.ignore_rules)


@pytest.mark.parametrize(("text", "ignored"), [("off", False), ("'off'", False), ("none", False), ("all", True)])
def test_whether_status_counts_as_a_difference(text: str, ignored: bool) -> None:
    settings = parse_settings({"data": {"resource.compareoptions": f"ignoreResourceStatusField: {text}"}})
    assert (settings.ignore_status, settings.problems) == (ignored, ())


@pytest.mark.parametrize("duration", ["²", "9" * 5000 + "s", "9" * 400, "99999999h", "٣x"])
def test_a_pause_that_is_none_is_a_problem_and_the_default_counts(duration: str) -> None:
    retry = {"limit": 1, "backoff": {"duration": duration, "maxDuration": duration}}
    found = parse_application({"metadata": {"name": "a"}, "spec": {"syncPolicy": {"retry": retry}}})
    assert found.spec.sync_policy.retry is not None
    assert found.spec.sync_policy.retry.duration_seconds == 5.0
    assert [problem.path for problem in found.problems if "duration" in problem.path.lower()]


@pytest.mark.parametrize("junk", [5, "x", None, [1], True], ids=str)
def test_history_that_is_no_mapping_is_passed_over(junk: object) -> None:
    entry = {"id": 3, "revision": "abc"}
    found = parse_application({"metadata": {"name": "a"}, "status": {"history": [junk, entry]}})
    assert [item.id for item in found.history] == [3]
