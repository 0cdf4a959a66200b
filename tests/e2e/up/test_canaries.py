"""Secrets appear where they must and nowhere else."""

import base64
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.up.instance import Clone, Running

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("up"), pytest.mark.timeout(400)]

CANARIES = {where: f"canary-{where}-5d41402abc4b2a76" for where in ("repository", "cluster", "helm", "credential")}
SECRET = """apiVersion: v1
kind: Secret
metadata: {name: canary}
stringData: {token: %s}
"""
ALLOWED = ("sandbox/state.db", "git/platform.git", "engine/mirrors", "node/pods")
"""The sandbox's database, the served repository, its mirror and the folders of Pods may hold what they are for."""


def spellings(value: str) -> list[bytes]:
    """As written, and in base64 wherever it may start in a longer text."""
    plain = value.encode()
    middles = (base64.b64encode(b"x" * shift + plain)[4 if shift else 0 : -4] for shift in range(3))
    return [plain, base64.b64encode(plain), *middles]


@pytest.fixture(scope="module")
def planted(running: Running, clone: Clone) -> None:
    folder = clone.folder / "apps/wear-api/coordinate-api/base"
    (folder / "canary.yaml").write_text(SECRET % CANARIES["repository"])
    clone.replace("apps/wear-api/coordinate-api/base/kustomization.yaml", "service.yaml", "service.yaml, canary.yaml")
    chart = clone.folder / "apps/wear-push/queue"
    with (chart / "values.yaml").open("a") as values:
        values.write(f"\ncanary: {CANARIES['helm']}\n")
    (chart / "templates/canary.yaml").write_text(SECRET % "{{ .Values.canary }}")
    clone.push("Plant canaries")
    running.kubectl(
        "-n", "wear-api", "create", "secret", "generic", "stray-canary", f"--from-literal=a={CANARIES['cluster']}"
    )
    added = running.haori(
        "repo",
        "add",
        "https://git.wear.example/other.git",
        "--username",
        "deploy",
        "--password",
        CANARIES["credential"],
    )
    assert added.returncode == 0, added.stderr

    def arrived() -> tuple[bool, str]:
        found = [
            running.kubectl("-n", namespace, "get", "secret", "canary", "-o", "name", check=False)
            for namespace in ("wear-api", "wear-push")
        ]
        return all("NotFound" not in one and one.strip() for one in found), str(found)

    running.expect("the planted Secrets", arrived)
    running.expect_all_as_wanted()


def paths_below(folder: Path) -> Iterator[Path]:
    """All files; folders that others take away meanwhile are passed over."""
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)


def texts_outside(running: Running) -> Iterator[tuple[str, bytes]]:
    """Everything on disk and in the process table that may hold no secret, by where it is."""
    for folder in (running.data_dir, Path(os.environ.get("TMPDIR", "/tmp"))):
        for path in paths_below(folder):
            inside = path.is_relative_to(running.data_dir)
            place = str(path.relative_to(running.data_dir)) if inside else str(path)
            ours = inside or path.name.startswith("haori")
            if ours and not place.startswith(ALLOWED) and path.is_file() and not path.is_symlink():
                with suppress(FileNotFoundError):
                    yield place, path.read_bytes()
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield str(process), process.read_bytes()
        except OSError:
            continue


def outputs(running: Running) -> Iterator[tuple[str, bytes]]:
    """What commands print of the applications that hold the canaries."""
    yield "status", running.haori("status", "-o", "json").stdout.encode()
    for name in ("coordinate-api", "queue"):
        for verb in ("get", "manifests", "tree", "resources", "diff", "history"):
            done = running.haori("app", verb, name)
            yield f"app {verb} {name}", (done.stdout + done.stderr).encode()
    yield "repo list", running.haori("repo", "list", "-o", "json").stdout.encode()
    yield "applications", running.kubectl("get", "applications.argoproj.io", "-A", "-o", "yaml").encode()
    yield "events", running.kubectl("get", "events", "-A", "-o", "yaml").encode()


def test_canaries_are_nowhere_else(running, planted):
    for place, content in (*texts_outside(running), *outputs(running)):
        for where, value in CANARIES.items():
            assert not any(spelling in content for spelling in spellings(value)), f"the {where} canary is in {place}"


def test_a_reader_of_that_very_object_gets_it(running, planted):
    encoded = running.kubectl("-n", "wear-api", "get", "secret", "canary", "-o", "jsonpath={.data.token}")
    assert base64.b64decode(encoded).decode() == CANARIES["repository"]


def test_the_folder_of_a_pod_goes_with_the_pod(running, planted):
    def folders() -> set[str]:
        return {path.name for path in (running.data_dir / "node/pods").iterdir()}

    def uids() -> set[str]:
        return set(running.kubectl("get", "pods", "-A", "-o", "jsonpath={.items[*].metadata.uid}").split())

    running.kubectl("-n", "wear-push", "delete", "pod", "--all", "--wait=false")
    running.expect("no folder without its Pod", lambda: (folders() <= uids(), folders() - uids()))


def test_the_data_folder_is_private(running):
    listed = subprocess.run(
        ["find", str(running.data_dir), "-maxdepth", "1", "-perm", "/077", "-type", "d"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(running.data_dir) not in listed.stdout.splitlines()
    for secret in ("kubeconfig", "git/server.json", "engine/listener.json", "engine/instance.key"):
        assert (running.data_dir / secret).stat().st_mode & 0o077 == 0, secret
    assert not (running.data_dir / "git/seed").exists()
