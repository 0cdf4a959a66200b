"""`haori app`, `repo` and `diff` as people call them: processes against a cluster and an engine that is one too."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from haori.cluster.kubeconfig import read_kubeconfig
from tests.e2e.delivery import Repository

pytestmark = pytest.mark.e2e
CONFIG_MAP = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {size: "%s"}\n'
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: creds}\nstringData: {password: %s}\n"
CANARY = "canary-in-a-coal-mine"
_TICK = threading.Event()  # Never set: waiting on it for a moment paces a poll that has a deadline.
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Said:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """Its JSON."""
        return json.loads(self.out)


class Stand:
    """An engine of its own control namespace, a repository, and the command."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        number = f"{os.getpid()}-{next(_numbers)}"
        self.kubeconfig, self.folder = kubeconfig, folder
        self.control, self.namespace = f"commands-{number}", f"target-{number}"
        self.app = f"shop-{number}"
        """Of its own: two control namespaces on one cluster would take each other's objects for theirs."""
        self.repository = Repository(folder / "repository")
        self._engine: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """The engine, until it answers."""
        with (self.folder / "engine.log").open("wb") as log:
            self._engine = subprocess.Popen(
                [sys.executable, "-m", "haori", "engine", "--kubeconfig", str(self.kubeconfig), "--data-dir",
                 str(self.folder / "data"), "--namespace", self.control, "--allow-file-repositories"],
                stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while b"The engine works" not in (self.folder / "engine.log").read_bytes():
            assert self._engine.poll() is None, (self.folder / "engine.log").read_text()[-3000:]
            assert time.monotonic() < deadline, "the engine did not become ready"
            _TICK.wait(0.05)

    def stop(self) -> None:
        """The engine, as Ctrl-C would."""
        if self._engine is not None:
            self._engine.send_signal(signal.SIGTERM)
            self._engine.wait(10)

    def run(self, *arguments: str, stdin: str = "") -> Said:
        """`haori ARGUMENTS` with the flags that name cluster, engine and namespace."""
        place = ["--kubeconfig", str(self.kubeconfig), "--data-dir", str(self.folder / "data"), "-N", self.control]
        done = subprocess.run(
            [sys.executable, "-m", "haori", *arguments, *place], input=stdin, capture_output=True, text=True,
            timeout=90, check=False, env={**os.environ, "HAORI_LANG": "en"},
        )  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)

    def ok(self, *arguments: str, stdin: str = "") -> Said:
        """As `run`, and it went well."""
        said = self.run(*arguments, stdin=stdin)
        assert said.code == 0, f"{arguments}: {said}"
        return said

    def cluster(self, *arguments: str) -> Said:
        """`haori cluster ARGUMENTS`, whose `--kubeconfig` says where the other cluster is."""
        place = [
            "--control-kubeconfig",
            str(self.kubeconfig),
            "--data-dir",
            str(self.folder / "data"),
            "-N",
            self.control,
        ]
        done = subprocess.run(
            [sys.executable, "-m", "haori", "cluster", *arguments, *place], capture_output=True, text=True,
            timeout=90, check=False, env={**os.environ, "HAORI_LANG": "en"},
        )  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)

    def create(self, *flags: str) -> None:
        """The application `shop`."""
        target = ["--dest-namespace", self.namespace, "--sync-option", "CreateNamespace=true", "--revision", "main"]
        self.ok("app", "create", self.app, "--repo", self.repository.url, "--path", "shop", *target, *flags)


@pytest.fixture
def stand(kubeconfig: Path, tmp_path: Path) -> Iterator[Stand]:
    made = Stand(kubeconfig, tmp_path)
    made.start()
    yield made
    made.stop()


def test_an_application_from_creation_to_deletion(stand: Stand) -> None:
    stand.repository.commit("One", {"shop/map.yaml": CONFIG_MAP % 1, "shop/secret.yaml": SECRET % CANARY})
    stand.create()
    stand.ok("app", "refresh", stand.app)

    waited = stand.run("app", "wait", stand.app, "--timeout", "1")
    assert waited.code == 1
    assert f"{stand.app} is OutOfSync, not Synced" in waited.err

    differs = stand.run("app", "diff", stand.app)
    assert differs.code == 1
    assert '+   size: "1"' in differs.out

    synced = stand.ok("app", "sync", stand.app)
    assert "Succeeded" in synced.err
    stand.ok("app", "wait", stand.app, "--timeout", "30")
    assert stand.ok("app", "diff", stand.app).out == ""
    (row,) = stand.ok("app", "list", "-o", "json").value
    assert (row["status"]["sync"]["status"], row["status"]["health"]["status"]) == ("Synced", "Healthy")
    assert stand.ok("app", "list", "-o", "name").out == f"{stand.control}/{stand.app}\n"
    assert "Sync Status:" in stand.ok("app", "get", stand.app, "--refresh").out
    assert f"ConfigMap {stand.namespace}/settings" in stand.ok("app", "tree", stand.app).out
    assert len(stand.ok("app", "resources", stand.app, "-o", "json").value) == 2
    for source in ("git", "live"):
        assert "kind: Secret" in stand.ok("app", "manifests", stand.app, "--source", source).out
    assert len(stand.ok("app", "history", stand.app, "-o", "json").value) == 1
    assert stand.run("app", "terminate-op", stand.app).code == 2

    stand.ok("app", "delete", stand.app, "--yes", "--wait", "--timeout", "30")
    assert stand.ok("app", "list").out == ""
    assert stand.run("app", "get", stand.app).code == 2


def test_a_pin_holds_until_it_is_ended_and_a_commit_ends_the_matter(stand: Stand) -> None:
    stand.repository.git("config", "receive.denyCurrentBranch", "ignore")
    stand.repository.commit("One", {"shop/map.yaml": CONFIG_MAP % 1, "other/x": "1"})
    stand.create("--sync-policy", "automated", "--self-heal", "--auto-prune")
    stand.ok("app", "wait", stand.app, "--timeout", "30")
    stand.repository.commit("Two", {"shop/map.yaml": CONFIG_MAP % 2, "other/x": "2"})
    stand.ok("app", "refresh", stand.app)
    stand.ok("app", "wait", stand.app, "--timeout", "30")

    stand.ok("app", "rollback", stand.app, "--reason", "errors", "--for", "2h")
    assert "by" in stand.ok("app", "get", stand.app).out
    assert live_size(stand) == "1"

    stand.ok("app", "rollback", stand.app, "--resume")
    stand.ok("app", "wait", stand.app, "--timeout", "30")
    assert live_size(stand) == "2"

    pushed = stand.ok("app", "rollback", stand.app, "0", "--git", "--reason", "errors", "-o", "json").value
    assert pushed["commits"][0]["paths"] == ["shop/map.yaml"]
    assert stand.repository.git("show", "main:other/x") == "2"
    stand.ok("app", "refresh", stand.app)
    stand.ok("app", "wait", stand.app, "--timeout", "30")
    assert live_size(stand) == "1"


def live_size(stand: Stand) -> str:
    """What the cluster holds."""
    manifests = stand.ok("app", "manifests", stand.app, "--source", "live", "-o", "json").value
    return str(manifests[0]["data"]["size"])


def test_flags_change_an_application_and_selectors_choose(stand: Stand) -> None:
    stand.repository.commit("One", {"shop/map.yaml": CONFIG_MAP % 1})
    stand.create("--label", "team=a")
    assert "already" in stand.run("app", "create", stand.app, "--repo", stand.repository.url, "--path", stand.app).err
    assert stand.ok("app", "set", stand.app, "--self-heal", "--sync-policy", "auto", "-o", "name").out.endswith(
        f"/{stand.app}\n"
    )
    assert "like that already" in stand.ok("app", "set", stand.app, "--self-heal").err
    stand.ok("app", "wait", "-l", "team=a", "--timeout", "30")
    assert stand.ok("app", "list", "-l", "team=b").out == ""
    refused = stand.run("app", "set", stand.app, "--sync-option", "Nonsense=true")
    assert refused.code == 2
    assert "Nonsense" in refused.err


def test_an_application_sees_what_was_pushed_just_before_it_was_created(stand: Stand) -> None:
    stand.repository.commit("One", {"other/map.yaml": CONFIG_MAP % 1})
    stand.ok(
        "app",
        "create",
        f"{stand.app}-other",
        "--repo",
        stand.repository.url,
        "--path",
        "other",
        "--dest-namespace",
        "x",
    )
    stand.ok("app", "refresh", f"{stand.app}-other")
    stand.repository.commit("Two", {"shop/map.yaml": CONFIG_MAP % 1})
    stand.create("--sync-policy", "auto")
    stand.ok("app", "wait", stand.app, "--timeout", "20")


def test_a_folder_is_compared_without_an_application(stand: Stand) -> None:
    stand.repository.commit("One", {"shop/map.yaml": CONFIG_MAP % 1, "shop/secret.yaml": SECRET % CANARY})
    folder = str(stand.repository.folder / "shop")
    stand.create("--sync-policy", "auto")
    stand.ok("app", "wait", stand.app, "--timeout", "30")

    assert stand.ok("diff", folder, "-n", stand.namespace).out == ""
    (stand.repository.folder / "shop/map.yaml").write_text(CONFIG_MAP % 2)
    (stand.repository.folder / "shop/secret.yaml").write_text(SECRET % f"{CANARY}-too")
    differs = stand.run("diff", folder, "-n", stand.namespace)
    assert differs.code == 1
    assert [line for line in differs.out.splitlines() if line[:1] in "+-"][:2] == ["- 1", "+ 2"]
    assert CANARY not in differs.out
    assert stand.run("diff", f"{folder}/none").code == 2


def test_repositories_are_added_listed_and_forgotten_without_their_secrets(stand: Stand) -> None:
    url = "https://git.example/shop.git"
    told = [stand.ok("repo", "add", url, "--username", "bot", "--password", "-", stdin=f"{CANARY}\n")]
    again = stand.run("repo", "add", url, "--password", "-", stdin=CANARY)
    assert again.code == 2
    told += [again, stand.ok("repo", "add", url, "--upsert", "--username", "ana", "--password", "-", stdin=CANARY)]
    listed = stand.ok("repo", "list", "-o", "json")
    assert [(entry["url"], entry["username"], entry["credentials"]) for entry in listed.value] == [(url, "ana", True)]
    told += [listed, stand.ok("repo", "rm", url, "--yes")]
    assert stand.ok("repo", "list", "-o", "json").value == []
    assert stand.run("repo", "rm", url, "--yes").code == 2
    assert all(CANARY not in said.out + said.err for said in told)


def test_chart_repositories_are_added_as_argo_cd_spells_it(stand: Stand, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(CANARY)
    (tmp_path / "cert.pem").write_text("CERT")
    files = ["--tls-client-cert-path", f"{tmp_path}/cert.pem", "--tls-client-cert-key-path", f"{tmp_path}/key.pem"]
    told = [
        stand.ok("repo", "add", "https://charts.example", "--type", "helm", "--name", "company", *files),
        stand.ok("repo", "add", "registry.example/charts", "--type", "helm", "--enable-oci", "--password", "-",
                 stdin=CANARY),
    ]  # fmt: skip
    listed = stand.ok("repo", "list", "-o", "json")
    rows = [(entry["url"], entry["type"], entry["name"], entry["credentials"]) for entry in listed.value]
    assert rows == [
        ("https://charts.example", "helm", "company", True), ("registry.example/charts", "helm", "", True)
    ]  # fmt: skip
    for url, _, _, _ in rows:
        told.append(stand.ok("repo", "rm", url, "--yes"))
    assert all(CANARY not in said.out + said.err for said in (*told, listed))


def test_no_secret_leaves_by_a_command(stand: Stand) -> None:
    stand.repository.commit("One", {"shop/secret.yaml": SECRET % CANARY})
    stand.create("--sync-policy", "auto")
    stand.ok("app", "wait", stand.app, "--timeout", "30")
    stand.repository.commit(
        "Two", {"shop/secret.yaml": SECRET % f"{CANARY}-too", "shop/map.yaml": "apiVersion: v1\nmetadata:\nkind: [\n"}
    )
    stand.ok("app", "refresh", stand.app, "--hard")
    encoded = "Y2FuYXJ5LWluLWEt"
    for command in ("get", "diff", "manifests", "tree", "resources", "history"):
        for output in ("json", "yaml"):
            said = stand.run("app", command, stand.app, "-o", output)
            assert CANARY not in said.out + said.err, command
            assert encoded not in said.out + said.err, command
    for path in (stand.folder / "data").rglob("*"):
        if path.is_file() and "mirrors" not in path.parts:
            assert CANARY.encode() not in path.read_bytes(), path
    assert CANARY not in (stand.folder / "engine.log").read_text()


def test_a_cluster_is_added_looked_at_and_forgotten(stand: Stand) -> None:
    context = read_kubeconfig([stand.kubeconfig])
    assert "There is no cluster here" in stand.ok("cluster", "list").err
    arguments = ["add", context.name, "--kubeconfig", str(stand.kubeconfig), "--name", "edge", "--project", "shop"]
    added = stand.cluster(*arguments)
    assert (added.code, f"Added edge ({context.server}, Kubernetes v" in added.err) == (0, True), added
    assert stand.cluster(*arguments).code == 2
    assert stand.cluster(*arguments, "--upsert").code == 0

    deadline = time.monotonic() + 60
    while (rows := stand.ok("cluster", "list", "-o", "json").value)[0]["state"] != "up":
        assert time.monotonic() < deadline, rows
    assert [(row["name"], row["server"], row["project"]) for row in rows] == [("edge", context.server, "shop")]
    table = stand.ok("cluster", "list", "-o", "wide")
    secrets = [context.token, *(each.decode() for each in (context.client_key,) if each)]
    assert not any(each and each in table.out + json.dumps(rows) for each in secrets)

    assert stand.run("cluster", "rm", "nobody", "--yes").code == 2
    stand.ok("cluster", "rm", "edge", "--yes")
    assert stand.ok("cluster", "list", "-o", "server").out == ""
