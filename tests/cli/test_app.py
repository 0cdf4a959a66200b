"""What the commands about applications make of their flags and of what they are told, without a cluster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import pytest

from haori.cli import app, repo
from haori.cli.app_create import build_application, check_spec
from haori.cli.app_engine import walk_tree
from haori.cli.app_logs import print_line
from haori.cli.app_rollback import author
from haori.cli.app_show import describe, is_chosen, policy_of, print_applications, print_history
from haori.cli.app_source import FlagError, change_spec
from haori.cli.app_sync import SyncOptions, build_operation, parse_resource, print_synced
from haori.cli.app_wait import Wanted, find_missing, parse_wanted, print_waited
from haori.cli.diffs import format_diff, print_diff
from haori.cli.engine_client import EngineUnreachableError
from haori.cli.instance import Instance, InstanceError
from haori.cli.main import cli, run_command
from haori.cli.settings import InstanceSettings
from haori.cli.target import Target, complete_application
from haori.delivery.controller.pins import PinError, parse_lasting
from haori.objects.trees import pods_below
from haori.words import has_code

SOURCE = {"repoURL": "https://git.example/shop.git", "path": "shop"}


def application(**status: Any) -> dict[str, Any]:
    """An Application with a status."""
    sync, health = status.pop("sync", "Synced"), status.pop("health", "Healthy")
    return {
        "metadata": {"name": "shop", "namespace": "argocd"},
        "spec": {"project": "default", "source": SOURCE, "destination": {"name": "in-cluster", "namespace": "shop"}},
        "status": {"sync": {"status": sync, "revision": "a" * 40}, "health": {"status": health}, **status},
    }


@pytest.mark.parametrize(
    ("before", "flags", "expected"),
    [
        pytest.param({}, {"repo": "u", "path": "p"}, {"source": {"repoURL": "u", "path": "p"}}, id="source"),
        pytest.param({"source": {"path": "p"}}, {}, {"source": {"path": "p"}}, id="nothing-given"),
        pytest.param(
            {},
            {
                "repo": "u",
                "helm_chart": "web",
                "revision": "^1",
                "helm_skip_tests": True,
                "helm_pass_credentials": True,
                "helm_kube_version": "1.30.0",
                "helm_api_versions": ("x/v1",),
                "helm_skip_schema_validation": True,
            },
            {
                "source": {
                    "repoURL": "u",
                    "chart": "web",
                    "targetRevision": "^1",
                    "helm": {
                        "skipTests": True,
                        "passCredentials": True,
                        "kubeVersion": "1.30.0",
                        "apiVersions": ["x/v1"],
                        "skipSchemaValidation": True,
                    },
                }
            },
            id="chart",
        ),
        pytest.param(
            {"destination": {"server": "s"}},
            {"dest_name": "prod"},
            {"destination": {"name": "prod"}, "source": {}},
            id="a-name-replaces-a-server",
        ),
        pytest.param(
            {},
            {"sync_policy": "auto", "self_heal": True},
            {"source": {}, "syncPolicy": {"automated": {"selfHeal": True}}},
            id="automated",
        ),
        pytest.param(
            {"syncPolicy": {"automated": {"prune": True}}},
            {"sync_policy": "none"},
            {"source": {}, "syncPolicy": {}},
            id="manual",
        ),
        pytest.param(
            {"syncPolicy": {"syncOptions": ["Prune=false", "Validate=false"]}},
            {"sync_option": ("Prune=true", "!Validate=false")},
            {"source": {}, "syncPolicy": {"syncOptions": ["Prune=true"]}},
            id="options",
        ),
        pytest.param(
            {"source": {"helm": {"parameters": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]}}},
            {"helm_set": ("a=3",), "helm_set_string": ("c=4=5",)},
            {
                "source": {
                    "helm": {
                        "parameters": [
                            {"name": "b", "value": "2"},
                            {"name": "a", "value": "3"},
                            {"name": "c", "value": "4=5", "forceString": True},
                        ]
                    }
                }
            },
            id="helm-parameters",
        ),
        pytest.param(
            {"source": {"kustomize": {"images": ["web:1", "reg.test:5000/api:1"]}}},
            {"kustomize_image": ("reg.test:5000/api:2",)},
            {"source": {"kustomize": {"images": ["web:1", "reg.test:5000/api:2"]}}},
            id="kustomize-image",
        ),
        pytest.param(
            {}, {"directory_recurse": False}, {"source": {"directory": {"recurse": False}}}, id="a-flag-may-say-no"
        ),
    ],
)
def test_flags_change_what_they_name(before, flags, expected) -> None:
    assert change_spec(before, flags) == expected


def test_the_spec_handed_in_stays_as_it_is() -> None:
    before: dict[str, Any] = {"source": {"helm": {"parameters": []}}}
    change_spec(before, {"helm_set": ("a=1",), "path": "p"})
    assert before == {"source": {"helm": {"parameters": []}}}


def test_a_flag_that_is_no_pair_is_named() -> None:
    with pytest.raises(FlagError, match=r"--helm-set wants NAME=VALUE"):
        change_spec({}, {"helm_set": ("a",)})


def target(tmp_path, **given: Any) -> Target:
    return Target(instance=Instance(tmp_path), **given)


def test_an_application_is_built_from_flags(tmp_path) -> None:
    flags = {"repo": SOURCE["repoURL"], "path": "shop", "label": ("team=a",), "set_finalizer": True}
    built = build_application(target(tmp_path), "apps/shop", flags)
    assert built["metadata"] == {
        "name": "shop", "namespace": "apps", "labels": {"team": "a"},
        "finalizers": ["resources-finalizer.argocd.argoproj.io"],
    }  # fmt: skip
    assert built["spec"]["destination"] == {"server": "https://kubernetes.default.svc"}
    check_spec(built)


def test_an_application_is_built_from_a_file_that_flags_change(tmp_path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(json.dumps(application()))
    built = build_application(target(tmp_path), None, {"file": file, "revision": "v2"})
    assert (built["metadata"]["name"], built["spec"]["source"]["targetRevision"]) == ("shop", "v2")


def test_everything_wrong_with_an_application_is_said(tmp_path) -> None:
    with pytest.raises(FlagError) as caught:
        check_spec(build_application(target(tmp_path), "shop", {"sync_option": ("Nonsense=1",)}))
    assert "Nonsense=1" in str(caught.value)
    assert "repoURL" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (SyncOptions(), {"prune": False, "dryRun": False}),
        (SyncOptions(force=True), {"prune": False, "dryRun": False, "syncStrategy": {"hook": {"force": True}}}),
        (SyncOptions(strategy="apply"), {"prune": False, "dryRun": False, "syncStrategy": {"apply": {}}}),
        (
            SyncOptions(replace=True),
            {"prune": False, "dryRun": False, "syncOptions": ["Validate=false", "Replace=true"]},
        ),
        (
            SyncOptions(resources=("apps:Deployment:web",), prune=True),
            {"prune": True, "dryRun": False, "resources": [{"group": "apps", "kind": "Deployment", "name": "web"}]},
        ),
    ],
    ids=["plain", "force", "apply", "options-keep-those-of-the-spec", "selective"],
)
def test_a_sync_asks_for_what_the_flags_say(options, expected) -> None:
    wanted = application()
    wanted["spec"]["syncPolicy"] = {"syncOptions": ["Validate=false"]}
    operation = build_operation(wanted, options, who="ana")
    assert operation == {"sync": expected, "initiatedBy": {"username": "ana"}}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (":Service:web", {"group": "", "kind": "Service", "name": "web"}),
        ("apps:Deployment:shop/web", {"group": "apps", "kind": "Deployment", "name": "web", "namespace": "shop"}),
        ("Deployment/web", None),
        ("apps:Deployment:", None),
    ],
)
def test_resources_are_written_as_in_argo_cd(written, expected) -> None:
    if expected is None:
        with pytest.raises(FlagError):
            parse_resource(written)
    else:
        assert parse_resource(written) == expected


RUNNING = {"operationState": {"phase": "Running", "message": "waiting for a hook"}}
ALL = Wanted(sync=True, healths=("Healthy",), operation=True)


@pytest.mark.parametrize(
    ("seen", "wanted", "missing"),
    [
        (application(), ALL, []),
        (application(sync="OutOfSync"), ALL, ["sync"]),
        (application(health="Degraded"), ALL, ["health"]),
        (application(health="Degraded"), Wanted(healths=("Healthy", "Degraded")), []),
        (application(**RUNNING), ALL, ["operation"]),
        ({**application(), "operation": {"sync": {}}}, ALL, ["operation"]),
        (application(sync="OutOfSync", health="Missing", **RUNNING), ALL, ["operation", "sync", "health"]),
        (application(sync="OutOfSync", **RUNNING), Wanted(healths=("Healthy",)), []),
        (None, ALL, ["gone"]),
        (None, Wanted(delete=True), []),
        (application(), Wanted(delete=True), ["still-there"]),
    ],
)
def test_a_wait_knows_what_is_missing(seen, wanted, missing) -> None:
    codes = [sentence.code.rpartition(".")[2] for sentence in find_missing("shop", seen, wanted)]
    assert codes == missing


def test_a_wait_is_not_answered_by_what_was_known_before_it() -> None:
    seen = application()
    seen["metadata"]["annotations"] = {"argocd.argoproj.io/refresh": "normal"}
    assert [sentence.code for sentence in find_missing("shop", seen, ALL)] == ["cli.app.wait.missing.look"]


def test_a_wait_without_flags_wants_everything() -> None:
    flags = dict.fromkeys(("sync", "health", "suspended", "degraded", "operation", "delete"), False)
    assert parse_wanted(**flags) == ALL
    assert parse_wanted(**{**flags, "suspended": True}) == Wanted(healths=("Suspended",))


def test_a_wait_that_was_in_vain_says_why_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    why = {"why": {"code": "cli.app.wait.missing.gone", "parameters": {"application": "base"}}}
    seen = application(health="Progressing", haori=why)
    assert print_waited({"shop": seen}, ALL, 5, None) == 1
    assert "shop is Progressing, not Healthy. base does not exist" in capsys.readouterr().err
    assert print_waited({"shop": application()}, ALL, 5, "json") == 0
    assert json.loads(capsys.readouterr().out)["done"] is True


@pytest.mark.parametrize(
    ("done", "code"),
    [
        ([(True, application(operationState={"phase": "Succeeded"}))], 0),
        ([(True, application(operationState={"phase": "Failed", "message": "no"}))], 1),
        ([(False, application(operationState={"phase": "Running"}))], 1),
        ([], 0),
    ],
    ids=["succeeded", "failed", "late", "none"],
)
def test_a_sync_ends_with_how_it_went(done, code, capsys) -> None:
    assert print_synced(done, None, is_async=False) == code


def test_a_list_shows_why_and_pins(capsys: pytest.CaptureFixture[str]) -> None:
    seen = application(sync="OutOfSync", haori={"why": {"code": "operation-none", "parameters": {"application": "x"}}})
    seen["metadata"]["annotations"] = {"haori.dev/pin": "{}"}
    print_applications([seen], None)
    header, row = capsys.readouterr().out.splitlines()
    assert header.split() == ["NAME", "PROJECT", "SYNC", "HEALTH", "REVISION", "WHY"]
    assert row.split()[:6] == ["argocd/shop", "default", "OutOfSync", "Healthy", "aaaaaaaa", "(pinned)"]
    assert row.endswith("no operation of x runs")


@pytest.mark.parametrize("output", ["json", "yaml", "wide", "name", None])
def test_nothing_to_list_is_no_error(output: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    print_applications([], output)
    assert capsys.readouterr().out in ("", "[]\n")


@pytest.mark.parametrize(
    ("projects", "repository", "expected"),
    [((), "", True), (("default",), "", True), (("other",), "", False), ((), "https://GIT.example/shop", True),
     ((), "https://git.example/other", False)],
)  # fmt: skip
def test_a_list_is_narrowed_by_project_and_repository(projects, repository, expected) -> None:
    assert is_chosen(application(), projects, repository) is expected


@pytest.mark.parametrize(
    ("policy", "expected"),
    [({}, "Manual"), ({"automated": {}}, "Auto"), ({"automated": {"prune": True}}, "Auto-Prune"),
     ({"automated": {"enabled": False, "prune": True}}, "Manual")],
)  # fmt: skip
def test_the_policy_reads_as_in_argo_cd(policy, expected) -> None:
    assert policy_of({"spec": {"syncPolicy": policy}}) == expected


def test_get_shows_the_pin_its_owner_and_its_end() -> None:
    seen = application(resources=[{"kind": "Service", "name": "web", "status": "Synced"}])
    pin = {"revision": "b" * 40, "owner": "ana", "reason": "errors", "until": "2026-11-24T14:00:00Z"}
    seen["metadata"]["annotations"] = {"haori.dev/pin": json.dumps(pin)}
    lines = describe(seen, with_operation=False)
    assert any("bbbbbbbb, by ana (errors) until 2026-11-24T14:00:00Z" in line for line in lines)
    assert lines[-1].split() == ["Service", "web", "Synced"]


def test_get_speaks_japanese_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAORI_LANG", "ja")
    reason = {"code": "why-claim-pending", "parameters": {"object": "PersistentVolumeClaim shop/db"}}
    commit = {"revision": "abc1234", "subject": "s", "author": "Ann", "ago": "5s", "application": "shop"}
    why = {"code": "why-with-commit", "parameters": {**commit, "reason": reason}}
    coded = {"type": "ComparisonError", "code": "target-state-failed", "parameters": {"reason": reason}}
    message = "Failed to load target state: PersistentVolumeClaim shop/db waits for a volume"
    rows = [{"type": "ComparisonError", "message": message}, {"type": "SyncError", "message": "written by others"}]
    seen = application(haori={"why": why, "conditions": [coded]}, conditions=rows)

    lines = "\n".join(describe(seen, with_operation=False))

    assert lines.count("PersistentVolumeClaim shop/db がボリュームを待っています") == 2
    assert "waits for" not in lines
    assert "SyncError: written by others" in lines


def test_history_names_who_began_each_release(capsys: pytest.CaptureFixture[str]) -> None:
    entries = [
        {"id": 0, "revision": "a" * 40, "deployedAt": "2026-11-24T12:00:00Z", "initiatedBy": {"automated": True}},
        {"id": 1, "revisions": ["b" * 40, "c" * 40], "initiatedBy": {"username": "ana"}},
    ]
    print_history(entries, None)
    rows = capsys.readouterr().out.splitlines()[1:]
    assert [row.split()[-1] for row in rows] == ["automated", "ana"]
    print_history(entries, "id")
    assert capsys.readouterr().out == "0\n1\n"


NODES: list[dict[str, Any]] = [
    {"uid": "p", "kind": "Pod", "namespace": "n", "name": "web-1", "parents": ["r"]},
    {"uid": "d", "group": "apps", "kind": "Deployment", "namespace": "n", "name": "web", "parents": []},
    {"uid": "r", "group": "apps", "kind": "ReplicaSet", "namespace": "n", "name": "web-a", "parents": ["d"]},
    {"uid": "q", "group": "apps", "kind": "ReplicaSet", "namespace": "n", "name": "web-b", "parents": ["d"]},
    {"uid": "j", "kind": "Pod", "namespace": "n", "name": "job-1", "parents": []},
    {"uid": "", "kind": "Service", "namespace": "n", "name": "lost", "parents": []},
]


def test_the_tree_stands_below_its_roots_in_one_order() -> None:
    drawn = [f"{prefix}{node['name']}" for prefix, node in walk_tree(NODES)]
    assert drawn == ["job-1", "lost", "web", "├─ web-a", "│  └─ web-1", "└─ web-b"]
    assert [f"{prefix}{node['name']}" for prefix, node in walk_tree(NODES[::-1])] == drawn


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, ["job-1", "web-1"]),
        ({"kind": "Deployment"}, ["web-1"]),
        ({"name": "web-b"}, []),
        ({"name": "job-1"}, ["job-1"]),
    ],
)
def test_logs_are_those_of_the_pods_below_what_was_chosen(chosen, expected) -> None:
    everything = {"group": "", "kind": "", "namespace": "", "name": "", **chosen}
    assert [name for _, name in pods_below(NODES, everything)] == expected


@pytest.mark.parametrize(("wanted", "shown"), [("", True), ("err", True), ("!err", False), ("other", False)])
def test_log_lines_pass_the_filter(wanted, shown, capsys) -> None:
    print_line("[a] ", b"an error \xff", wanted)
    assert capsys.readouterr().out == ("[a] an error \ufffd\n" if shown else "")


DIFFERENCES: list[dict[str, Any]] = [
    {
        "group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web", "differences": [
            {"path": "spec.replicas", "desired": 2, "live": 1, "manager": "kubectl-edit", "masked": False},
            {"path": "spec.paused", "desired": None, "live": True, "manager": "", "time": "", "masked": False},
            {"path": "spec.x", "desired": None, "live": 1, "manager": "hpa", "time": "2026-01-02T03:04:05Z", "masked": False},
        ],
    },
    {"group": "", "kind": "Secret", "namespace": "shop", "name": "new", "missing": True,
     "desired": {"kind": "Secret", "metadata": {"name": "new", "uid": "u"}, "data": {"key": "++++++++"}}},
]  # fmt: skip


def test_a_diff_shows_each_field_and_who_set_it() -> None:
    assert list(format_diff(DIFFERENCES)) == [
        "===== apps/Deployment shop/web =====",
        "  spec.replicas  (live value set by kubectl-edit)",
        "- 1",
        "+ 2",
        "  spec.paused",
        "- true",
        "  spec.x  (live value set by hpa, 2026-01-02T03:04:05Z)",
        "- 1",
        "",
        "===== /Secret shop/new =====",
        "+ kind: Secret",
        "+ metadata:",
        "+   name: new",
        "+ data:",
        "+   key: ++++++++",
        "",
    ]


def test_a_pipe_gets_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    print_diff(DIFFERENCES)
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(("written", "expected"), [("shop", ("argocd", "shop")), ("team/shop", ("team", "shop"))])
def test_a_name_may_carry_its_namespace(tmp_path, written, expected) -> None:
    assert target(tmp_path).split(written) == expected


def test_without_an_instance_there_is_no_cluster(tmp_path) -> None:
    with pytest.raises(InstanceError):
        target(tmp_path).cluster()


def test_the_instance_names_its_cluster(tmp_path) -> None:
    instance = Instance(tmp_path)
    InstanceSettings(git_port=1).save(instance)
    assert Target(instance=instance).cluster() == (str(tmp_path / "kubeconfig"), "")
    InstanceSettings(git_port=1, kubeconfig="/k", context="prod").save(instance)
    assert Target(instance=instance).cluster() == ("/k", "prod")


def test_the_engine_of_another_cluster_is_not_asked(tmp_path) -> None:
    instance = Instance(tmp_path)
    InstanceSettings(git_port=1).save(instance)
    instance.listener.parent.mkdir()
    instance.listener.write_text('{"url": "http://127.0.0.1:1", "token": "t"}')
    assert Target(instance=instance).engine().token == "t"
    with pytest.raises(EngineUnreachableError):
        Target(instance=instance, context="prod").engine()


def test_what_needs_an_engine_says_that_none_runs(tmp_path, capsys) -> None:
    for command in (["diff", "x"], ["tree", "x"], ["manifests", "x"], ["resources", "x"], ["rollback", "x", "--git"]):
        assert run_command(["app", *command, "--data-dir", str(tmp_path)]) == 2
        assert "error[engine-unreachable]" in capsys.readouterr().err


def test_a_pin_lasts_as_long_as_was_said() -> None:
    assert parse_lasting("90m") == timedelta(minutes=90)
    assert datetime(2026, 1, 1, tzinfo=UTC) + parse_lasting("2h") == datetime(2026, 1, 1, 2, tzinfo=UTC)


def test_a_pin_that_would_be_over_at_once_is_refused() -> None:
    with pytest.raises(PinError, match="0s"):
        parse_lasting("0s")


@pytest.mark.parametrize(
    ("content", "field"),
    [("- a list", "."), ("spec: text", "spec"), ("spec: {destination: here}", "spec.destination"),
     ("metadata: {name: shop, labels: [a]}", "metadata.labels")],
)  # fmt: skip
def test_a_file_that_is_no_application_names_the_field(tmp_path, content: str, field: str) -> None:
    file = tmp_path / "app.yaml"
    file.write_text(content)
    with pytest.raises(FlagError) as caught:
        build_application(target(tmp_path), "shop", {"file": file})
    assert caught.value.parameters == {"file": str(file), "field": field}


def test_a_commit_has_an_author(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    assert all(author().values())


@pytest.mark.parametrize("flags", [["--resume", "--git"], ["3", "--resume"], ["--git", "--for", "2h"]])
def test_rollback_flags_that_clash_are_refused(flags, capsys) -> None:
    assert run_command(["app", "rollback", "shop", *flags]) == 2
    assert "error[rollback-flags-clash]" in capsys.readouterr().err


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("group", ["app", "repo"])
def test_every_command_explains_itself_in_both_languages(group: str, language: str) -> None:
    commands = {"app": app.COMMANDS, "repo": repo.COMMANDS}[group]
    script = (
        "import sys; from haori.cli.main import run_command; "
        f"sys.exit(any(run_command(['{group}', name, '--help']) for name in {list(commands)}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "HAORI_LANG": language},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert all(has_code(f"cli.{group}.{name}.short") for name in commands)
    assert ("終了コード" if language == "ja" else "Exit codes") in done.stdout
    assert "cli." not in done.stdout


def test_completion_without_a_cluster_gives_nothing(tmp_path) -> None:
    command = cli.get_command(click.Context(cli), "app")
    assert command is not None
    context = click.Context(command)
    context.params["instance"] = Instance(tmp_path)
    assert complete_application(context, command.params[0] if command.params else None, "") == []  # type: ignore[arg-type]


def test_a_dry_run_is_called_one() -> None:
    state = {"phase": "Succeeded", "operation": {"sync": {"dryRun": True}}}
    lines = "\n".join(describe(application(operationState=state), with_operation=True))
    assert "Succeeded (dry run: nothing was changed)" in lines
    asked = {**application(operationState=state), "operation": {"sync": {}}}
    assert "dry run" not in "\n".join(describe(asked, with_operation=True))
