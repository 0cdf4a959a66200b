"""Directories of YAML and JSON, file by file as Argo CD takes them, however large."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from haori.delivery.model.application import Source
from haori.delivery.render import RenderContext, RenderError, directory, parsing, render_folder
from haori.delivery.render.parsing import Bounds, parse_files
from haori.jail import Limits
from haori.objects.errors import YamlError
from tests.delivery.render.test_render import CONFIG_MAP, names, write

CONTEXT = RenderContext(name="shop", namespace="shop")
HEAD = "apiVersion: v1\nkind: ConfigMap\n"
ITEM = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "%s"}}'


def source(**parts) -> Source:
    return Source(repo_url="https://git.example/shop.git", path=".", directory=parts or None)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({"b.yaml": CONFIG_MAP % "b", "a/z.yaml": CONFIG_MAP % "z", "c/a.yaml": CONFIG_MAP % "a"},
                     ["z", "b", "a"], id="files-and-folders-together-by-name"),
        pytest.param({"a.yaml": CONFIG_MAP % "one" + "---\n---\n" + CONFIG_MAP % "two"}, ["one", "two"], id="documents"),
        pytest.param({"a.json": '{"apiVersion": "v1", "kind": "List", "items": [' + ITEM % "one" + "]}"}, ["one"], id="list"),
        pytest.param({"a.json": '{"apiVersion": "v1", "kind": "ConfigMapList", "items": null}'}, [], id="list-of-null"),
        pytest.param({"a.json": '{"apiVersion": "x/v1", "kind": "Cart", "metadata": {"name": "a"}, "items": null, "spec": {}}'},
                     ["a"], id="no-list"),
        pytest.param({"values.yaml": "replicas: 2\n", "a.yaml": CONFIG_MAP % "a"}, ["a"], id="values-beside"),
        pytest.param({"a.yaml": "# +argocd:skip-file-rendering\n" + CONFIG_MAP % "a"}, [], id="skip-mark"),
        pytest.param({"broken.yaml": "# +argocd:skip-file-rendering\nkind: {{ x }}\n"}, [], id="skip-mark-on-a-template"),
        pytest.param({"a.txt": "x", "b.yaml.bak": "x"}, [], id="other-suffixes"),
    ],
)  # fmt: skip
async def test_what_a_directory_holds(tmp_path, files, expected):
    rendered = await render_folder(write(tmp_path, files), source(recurse=True), CONTEXT)
    assert names(rendered) == expected
    assert rendered.warnings == ()


@pytest.mark.parametrize(
    ("files", "code"),
    [
        pytest.param({"a.yaml": CONFIG_MAP % "a" + "x: [\n"}, "yaml-invalid", id="a-broken-manifest"),
        pytest.param({"a.yaml": CONFIG_MAP % "a" + "---\nx: 1\n"}, "render-no-object", id="a-manifest-and-something"),
        pytest.param({"a.json": f"{ITEM % 'a'}\n---\n{ITEM % 'b'}"}, "yaml-invalid", id="two-objects-in-json"),
        pytest.param({"a.json": "[" + ITEM % "a" + "]"}, "render-no-object", id="json-array"),
        pytest.param(
            {"a.yaml": "apiVersion: 1\nkind: ConfigMap\nmetadata: {name: a}"},
            "render-no-object",
            id="a-number-for-a-version",
        ),
        pytest.param(
            {"a.yaml": CONFIG_MAP % "a" + "---\n" + HEAD + "metadata: x\n"}, "render-bad-metadata", id="metadata-a-word"
        ),
        pytest.param(
            {"a.yaml": HEAD + "metadata: {name: a, annotations: [1]}\n"}, "render-bad-metadata", id="annotations-a-list"
        ),
        pytest.param({"a.yaml": HEAD + "metadata: {name: a, labels: x}\n"}, "render-bad-metadata", id="labels-a-word"),
        pytest.param(
            {"a.yaml": HEAD + "metadata: {name: a, annotations: {x: 1}}\n"},
            "render-bad-annotation",
            id="annotation-a-number",
        ),
        pytest.param({"a.yaml": "a: " + "[" * 200 + "]" * 200}, "yaml-too-large", id="too-deep-whatever-it-is"),
    ],
)
async def test_what_is_wrong_is_said(tmp_path, files, code):
    with pytest.raises((RenderError, YamlError)) as raised:
        await render_folder(write(tmp_path, files), source(), CONTEXT)
    assert raised.value.code == code


async def test_a_key_that_stands_twice_counts_by_its_last_value_and_is_told(tmp_path):
    write(tmp_path, {"a.yaml": CONFIG_MAP % "a" + "data: {x: one}\ndata: {x: two}\n"})
    rendered = await render_folder(tmp_path, source(), CONTEXT)
    assert rendered.manifests[0]["data"] == {"x": "two"}
    (warning,) = rendered.warnings
    assert (warning.code, warning.parameters) == ("render-duplicate-key", {"path": "a.yaml", "line": 5, "key": "data"})


async def test_a_broken_file_that_is_no_manifest_is_passed_over_and_told(tmp_path):
    write(tmp_path, {"notes.yaml": "a: [\n", "a.yaml": CONFIG_MAP % "a"})
    rendered = await render_folder(tmp_path, source(), CONTEXT)
    assert (names(rendered), [each.code for each in rendered.warnings]) == (["a"], ["render-passed-over"])


async def test_all_files_together_are_bounded_but_jsonnet(tmp_path, monkeypatch):
    monkeypatch.setattr(directory, "LARGEST_TOTAL_BYTES", 150)
    write(tmp_path, {"a.yaml": CONFIG_MAP % "a"})
    assert names(await render_folder(tmp_path, source(), CONTEXT)) == ["a"]
    write(tmp_path, {"b.yaml": f"# {'x' * 100}\n{CONFIG_MAP % 'b'}"})
    with pytest.raises(RenderError) as raised:
        await render_folder(tmp_path, source(), CONTEXT)
    assert raised.value.code == "render-too-large"


async def test_a_link_to_nothing_and_one_to_a_folder_are_passed_over(tmp_path):
    write(tmp_path, {"a.yaml": CONFIG_MAP % "a", "sub/b.yaml": CONFIG_MAP % "b"})
    (tmp_path / "gone.yaml").symlink_to("nowhere.yaml")
    (tmp_path / "folder.yaml").symlink_to("sub")
    (tmp_path / "again.yaml").symlink_to("sub/b.yaml")
    assert names(await render_folder(tmp_path, source(), CONTEXT)) == ["a", "b"]


SMALL = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {n: 123456789012345678901234567890}\nx: 1\nx: 2\n"


async def test_small_medium_and_large_files_are_read_alike(monkeypatch):
    bounds = Bounds(limits=Limits())
    files = [("a.yaml", SMALL), ("b.json", b'{"a": 1}'), ("c.yaml", b"---\n")]
    small = await parse_files(files, bounds)
    monkeypatch.setattr(parsing, "INLINE_BYTES", 0)
    assert await parse_files(files, bounds) == small
    monkeypatch.setattr(parsing, "THREAD_BYTES", 0)
    large = await parse_files(files, bounds)
    assert [each.documents for each in large] == [each.documents for each in small]
    assert json.dumps([each.warnings for each in large]) == json.dumps([each.warnings for each in small])


async def test_a_large_file_that_cannot_be_read_says_the_same(monkeypatch):
    monkeypatch.setattr(parsing, "INLINE_BYTES", 0)
    monkeypatch.setattr(parsing, "THREAD_BYTES", 0)
    with pytest.raises(YamlError) as raised:
        await parse_files([("a.yaml", SMALL + b"\xff: [\n")], Bounds(limits=Limits()))
    assert raised.value.parameters["source"] == "a.yaml"


async def test_a_large_file_that_takes_too_long_is_stopped(monkeypatch):
    monkeypatch.setattr(parsing, "THREAD_BYTES", 0)
    content = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n" + b"".join(
        b" k%d: v\n" % n for n in range(400_000)
    )
    with pytest.raises(RenderError) as raised:
        await parse_files([("a.yaml", content)], Bounds(limits=Limits(seconds=0.3)))
    assert (raised.value.code, raised.value.parameters["path"]) == ("render-stopped", "a.yaml")


def test_the_reading_process_is_a_module_of_ours():
    assert Path(parsing.PROGRAM).is_file()
