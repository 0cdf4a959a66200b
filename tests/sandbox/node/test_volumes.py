"""Configuration volumes on disk, Pod folders and what containers see of them."""

from __future__ import annotations

import os
from typing import cast

import pytest

from haori.cluster.well_known import CONFIG_MAPS, SECRETS
from haori.sandbox.node import launcher
from haori.sandbox.node import pod_files as pod_files_module
from haori.sandbox.node.environment import PodFacts
from haori.sandbox.node.isolation import Isolation
from haori.sandbox.node.pod_files import HOME, PodFiles
from haori.sandbox.node.references import ConfigProblem, References, data_of
from haori.sandbox.node.tokens import ServiceAccountTokens
from haori.sandbox.node.volumes import VolumeContents, VolumeFile, VolumeProblem, make_empty, write_files

FACTS = PodFacts(pod_ip="127.80.0.1", host_ip="127.0.0.1", node_name="node")
POD = {"metadata": {"name": "p", "namespace": "ns", "labels": {"app": "web"}}, "spec": {}}


def file(text, mode=0o644):
    return VolumeFile(content=text.encode(), mode=mode)


def names(folder):
    return {each.name for each in folder.iterdir() if not each.name.startswith("..")}


def test_files_appear_through_one_link_that_is_switched(tmp_path):
    folder = tmp_path / "v"
    assert write_files(folder, {"a": file("1"), "sub/b": file("2", 0o600)}, uid=None)
    first = os.readlink(folder / "..data")

    assert (folder / "a").read_text() == "1"
    assert (folder / "sub/b").stat().st_mode & 0o777 == 0o600
    assert os.readlink(folder / "a") == "..data/a"

    assert write_files(folder, {"a": file("9"), "c": file("3")}, uid=None)

    assert (folder / "a").read_text() == "9"
    assert names(folder) == {"a", "c"}
    assert os.readlink(folder / "..data") != first
    assert not (folder / first).exists()


def test_nothing_is_written_where_nothing_changed(tmp_path):
    folder = tmp_path / "v"
    write_files(folder, {"a": file("1")}, uid=None)
    before = os.readlink(folder / "..data")

    assert not write_files(folder, {"a": file("1")}, uid=None)
    assert os.readlink(folder / "..data") == before


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "..data"])
def test_no_file_leaves_its_volume(tmp_path, path):
    with pytest.raises(VolumeProblem):
        write_files(tmp_path / "v", {path: file("x")}, uid=None)


class Objects:
    """References that hold what a test says."""

    def __init__(self, **entries):
        self.entries = entries

    async def data(self, resource, namespace, name):
        return self.entries.get(f"{resource.plural}_{name}")


class Token:
    async def token(self, pod, *, audience, seconds):
        return f"token for {audience or 'the API'} {seconds}"


def contents():
    return VolumeContents(cast(References, OBJECTS), cast(ServiceAccountTokens, Token()), FACTS)


OBJECTS = Objects(configmaps_settings={"a": b"1", "b": b"2"}, secrets_key={"k": b"s"})
CONTENTS = [
    ("config map", {"configMap": {"name": "settings"}}, {"a": file("1"), "b": file("2")}),
    (
        "items and modes",
        {
            "configMap": {
                "name": "settings",
                "items": [{"key": "a", "path": "x/y", "mode": 0o400}],
                "defaultMode": 0o755,
            }
        },
        {"x/y": file("1", 0o400)},
    ),
    ("secret", {"secret": {"secretName": "key"}}, {"k": file("s", 0o600)}),
    ("secret with a mode", {"secret": {"secretName": "key", "defaultMode": 0o440}}, {"k": file("s", 0o440)}),
    ("optional", {"secret": {"secretName": "none", "optional": True}}, {}),
    (
        "downward API",
        {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
        {"labels": file('app="web"')},
    ),
    (
        "projected",
        {
            "projected": {
                "sources": [
                    {"serviceAccountToken": {"path": "token", "expirationSeconds": 700}},
                    {"configMap": {"name": "settings", "items": [{"key": "a", "path": "ca"}]}},
                    {"secret": {"name": "key"}},
                ]
            }
        },
        {"token": file("token for the API 700", 0o600), "ca": file("1"), "k": file("s", 0o600)},
    ),
]


@pytest.mark.parametrize(("volume", "expected"), [c[1:] for c in CONTENTS], ids=[c[0] for c in CONTENTS])
async def test_contents(volume, expected):
    assert await contents().files(POD, {"name": "v", **volume}) == expected


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"configMap": {"name": "none"}}, 'configmap "none" not found'),
        ({"secret": {"secretName": "none"}}, 'secret "none" not found'),
        (
            {"configMap": {"name": "settings", "items": [{"key": "z", "path": "z"}]}},
            "references non-existent configmap key: z",
        ),
    ],
)
async def test_what_a_volume_lacks_is_named(volume, message):
    with pytest.raises(VolumeProblem, match=message):
        await contents().files(POD, {"name": "v", **volume})


def test_entries_are_read_as_bytes():
    assert data_of(CONFIG_MAPS, {"data": {"a": "ü"}, "binaryData": {"b": "AAE="}}) == {"a": "ü".encode(), "b": b"\0\1"}
    assert data_of(SECRETS, {"data": {"a": "cw=="}}) == {"a": b"s"}


def pod_files(tmp_path, *, own_root=False):
    isolation = Isolation(own_root=own_root, drops_privileges=False, files=tmp_path)
    files = PodFiles("uid", pods_folder=tmp_path / "pods", isolation=isolation, owner=None)
    files.make()
    return files


MOUNTED = {"name": "web", "volumeMounts": [{"name": "code", "mountPath": "/app"}]}


def test_without_a_root_of_its_own_mounts_stand_below_sandbox_root(tmp_path):
    files = pod_files(tmp_path)
    write_files(files.volume("code"), {"server.py": file("x")}, uid=None)
    view = files.view({**MOUNTED, "workingDir": "/srv"}, {"code": files.volume("code")}, {})

    assert view.root is None
    with open(f"{view.sandbox_root}/app/server.py") as stream:
        assert stream.read() == "x"
    assert view.working_folder == f"{view.sandbox_root}/srv"


def test_with_a_root_of_its_own_mounts_stand_at_their_paths(tmp_path):
    files = pod_files(tmp_path, own_root=True)
    make_empty(files.volume("code"), uid=None)
    view = files.view(MOUNTED, {"code": files.volume("code")}, {})

    assert (view.sandbox_root, view.home) == ("", HOME)
    assert (str(files.volume("code")), "/app", False) in view.mounts


@pytest.mark.parametrize(
    ("interpreter", "place"),
    [("/srv/haori/.venv", "first"), ("/tmp/haori/.venv", "last"), ("/app/.venv", "last"), ("/application", "first")],
)
def test_no_mount_covers_the_interpreter(tmp_path, monkeypatch, interpreter, place):
    found = (interpreter, interpreter, True)
    monkeypatch.setattr("haori.sandbox.node.pod_files.interpreter_mounts", lambda: [found])
    files = pod_files(tmp_path, own_root=True)
    make_empty(files.volume("code"), uid=None)
    view = files.view(MOUNTED, {"code": files.volume("code")}, {})
    assert view.mounts.index(found) == {"first": 0, "last": len(view.mounts) - 1}[place]


@pytest.mark.parametrize(
    "mount",
    [
        {"name": "code", "mountPath": "/a", "subPath": "../other"},
        {"name": "code", "mountPath": "/a", "subPath": "/etc"},
        {"name": "code", "mountPath": "/a", "subPath": "out"},
        {"name": "none", "mountPath": "/a"},
    ],
)
def test_a_mount_stays_in_its_volume(tmp_path, mount):
    files = pod_files(tmp_path)
    make_empty(files.volume("code"), uid=None)
    (files.volume("code") / "out").symlink_to("/etc")

    with pytest.raises(ConfigProblem):
        files.view({"name": "web", "volumeMounts": [mount]}, {"code": files.volume("code")}, {})


def test_a_sub_path_is_made_and_may_be_named_by_a_variable(tmp_path):
    files = pod_files(tmp_path)
    make_empty(files.volume("data"), uid=None)
    mount = {"name": "data", "mountPath": "/data", "subPathExpr": "of-$(POD_NAME)"}
    view = files.view({"name": "web", "volumeMounts": [mount]}, {"data": files.volume("data")}, {"POD_NAME": "p"})

    assert (files.volume("data") / "of-p").is_dir()
    assert os.path.isdir(f"{view.sandbox_root}/data")


def test_nothing_of_a_pod_stays(tmp_path):
    files = pod_files(tmp_path)
    files.remove()

    assert not files.folder.exists()


def test_a_folder_that_became_a_link_makes_nothing_outside(tmp_path, monkeypatch):
    files = pod_files(tmp_path)
    volume, outside = files.volume("data"), tmp_path / "outside"
    make_empty(volume, uid=None)
    outside.mkdir()
    (volume / "a").mkdir()
    make_below = pod_files_module._make_below

    def swap(base, names):
        (volume / "a").rmdir()
        (volume / "a").symlink_to(outside)
        make_below(base, names)

    monkeypatch.setattr(pod_files_module, "_make_below", swap)
    mount = {"name": "data", "mountPath": "/data", "subPath": "a/b"}
    with pytest.raises(ConfigProblem, match="subPath a/b") as problem:
        files.view({"name": "web", "volumeMounts": [mount]}, {"data": volume}, {})

    assert not list(outside.iterdir())
    assert str(tmp_path) not in str(problem.value)


def test_a_sub_path_below_a_file_is_a_problem_of_the_container(tmp_path):
    files = pod_files(tmp_path)
    make_empty(files.volume("data"), uid=None)
    (files.volume("data") / "a").write_text("")
    mount = {"name": "data", "mountPath": "/data", "subPath": "a/b"}

    with pytest.raises(ConfigProblem, match="Not a directory"):
        files.view({"name": "web", "volumeMounts": [mount]}, {"data": files.volume("data")}, {})


def test_no_link_on_the_way_to_a_mount_is_followed(tmp_path):
    base = tmp_path.resolve()
    (base / "a" / "b").mkdir(parents=True)
    (base / "link").symlink_to("a")
    (base / "end").symlink_to("a")

    os.close(launcher.open_unfollowed(str(base / "a" / "b")))
    for path in ("link/b", "end"):
        with pytest.raises(OSError, match=r"link|Not a directory"):
            launcher.open_unfollowed(str(base / path))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_files_are_taken_without_following_links_and_only_where_asked(tmp_path):
    folder, outside = tmp_path / "claim", tmp_path / "outside"
    make_empty(folder, uid=None)
    outside.mkdir()
    (outside / "f").write_text("")
    (folder / "sub").mkdir()
    (folder / "sub" / "f").write_text("")
    (folder / "link").symlink_to(outside)

    make_empty(folder, uid=64321, is_shared=True, takes=False)
    assert (folder / "sub" / "f").stat().st_uid == 0
    make_empty(folder, uid=64321, is_shared=True)
    assert (folder / "sub" / "f").stat().st_uid == 64321
    assert (folder / "link").lstat().st_uid == 64321
    assert (outside.stat().st_uid, (outside / "f").stat().st_uid) == (0, 0)
