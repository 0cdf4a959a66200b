"""Jsonnet as Argo CD evaluates it: variables, libraries, imports that stay inside, and a key that knows all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from haori.delivery.render import Renderer, RenderError
from haori.delivery.render import jsonnet as jsonnet_module
from haori.delivery.render.jsonnet import imports_of
from haori.delivery.render.tools import ToolMissingError, find_jsonnet
from haori.jail import Limits
from tests.delivery.render.conftest import CONFIG_MAP, Library

try:
    find_jsonnet()
except ToolMissingError as missing:
    pytestmark = pytest.mark.skip(reason=str(missing))

MAP = "{apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: %s}}"


def names(rendered) -> list[str]:
    return [manifest["metadata"]["name"] for manifest in rendered.manifests]


@pytest.mark.parametrize(
    ("files", "options", "expected"),
    [
        pytest.param({"app/a.jsonnet": MAP % "'a'"}, {}, ["a"], id="one"),
        pytest.param({"app/a.jsonnet": f"[{MAP}, {MAP}]" % ("'a'", "'b'")}, {}, ["a", "b"], id="array"),
        pytest.param({"app/a.jsonnet": "{apiVersion: 'v1', kind: 'List', items: [%s]}" % (MAP % "'a'")}, {}, ["a"], id="list"),
        pytest.param({"app/b.jsonnet": MAP % "'b'", "app/a.yaml": CONFIG_MAP % "a", "app/c.json": "{}"},
                     {"exclude": "*.json"}, ["a", "b"], id="beside-yaml-in-order"),
        pytest.param({"app/a.jsonnet": "import 'l.libsonnet'", "app/l.libsonnet": MAP % "'l'"}, {}, ["l"], id="import-beside"),
        pytest.param({"app/sub/a.jsonnet": "import 'l.libsonnet'", "app/l.libsonnet": MAP % "'l'"},
                     {"recurse": True}, ["l"], id="import-from-the-source-s-folder"),
        pytest.param({"app/a.jsonnet": "import '../lib/l.libsonnet'", "lib/l.libsonnet": MAP % "importstr 'n'", "lib/n": "n"},
                     {}, ["n"], id="import-above-and-text"),
        pytest.param({"app/a.jsonnet": "import 'l.libsonnet'", "one/l.libsonnet": MAP % "'1'", "two/l.libsonnet": MAP % "'2'"},
                     {"jsonnet": {"libs": ["one", "two"]}}, ["2"], id="the-last-library-wins"),
        pytest.param({"app/a.jsonnet": MAP % "std.extVar('a') + std.extVar('b')"},
                     {"jsonnet": {"extVars": [{"name": "a", "value": "x"}, {"name": "b", "value": "1 + 1", "code": True}]}},
                     ["x2"], id="external-variables"),
        pytest.param({"app/a.jsonnet": "function(a, b) " + MAP % "a + b"},
                     {"jsonnet": {"tlas": [{"name": "a", "value": "x"}, {"name": "b", "value": "1 + 1", "code": True}]}},
                     ["x2"], id="arguments"),
        pytest.param({"app/a.jsonnet": MAP % "std.extVar('app')"},
                     {"jsonnet": {"extVars": [{"name": "app", "value": "${ARGOCD_APP_NAME}-1"}]}}, ["shop-1"],
                     id="build-variables"),
    ],
)  # fmt: skip
async def test_jsonnet_gives_objects(library: Library, renderer: Renderer, files, options, expected) -> None:
    request = await library.request(await library.commit(files), path="app", directory=options)
    assert names(await renderer.render(request)) == expected


@pytest.mark.parametrize(
    ("script", "options", "parts"),
    [
        pytest.param("{", {}, ["app/a.jsonnet"], id="syntax"),
        pytest.param("error 'no size'", {}, ["no size"], id="error"),
        pytest.param("import 'gone.libsonnet'", {}, ["gone.libsonnet", "neither"], id="import-missing"),
        pytest.param("importstr '/etc/hostname'", {}, ["/etc/hostname", "leads out"], id="import-absolute"),
        pytest.param("importstr '../../../etc/hostname'", {}, ["etc/hostname", "leads out"], id="import-above"),
        pytest.param("1", {"jsonnet": {"libs": ["../.."]}}, ["../..", "leads out"], id="library-outside"),
        pytest.param("1", {}, ["a.jsonnet", "Kubernetes object"], id="no-object"),
        pytest.param("{}", {"jsonnet": {"tlas": "x"}}, ["directory.jsonnet.tlas"], id="options-of-another-shape"),
        pytest.param("{}", {"jsonnet": ["x"]}, ["directory.jsonnet"], id="options-that-are-a-list"),
        pytest.param("local f(x) = f(x + 1) + 1; f(0)", {}, ["stack"], id="endless-recursion"),
    ],
)
async def test_jsonnet_that_fails_says_where_and_why(
    library: Library, renderer: Renderer, script, options, parts
) -> None:
    request = await library.request(await library.commit({"app/a.jsonnet": script}), path="app", directory=options)
    with pytest.raises(RenderError) as raised:
        await renderer.render(request)
    assert [part for part in parts if part not in str(raised.value)] == [], str(raised.value)


@pytest.mark.parametrize(
    ("script", "limits"),
    [
        pytest.param("std.foldl(function(a, i) std.length(std.range(0, 9999)), std.range(0, 999999), 0)",
                     Limits(seconds=2.0), id="endless"),
        pytest.param("std.length(std.makeArray(100000000, function(i) std.toString(i) + 'xxxxxxxxxxxxxxxxxxxx'))",
                     Limits(seconds=30.0, memory_bytes=200 << 20), id="eats-memory"),
        pytest.param("std.join('', std.makeArray(30000000, function(i) 'xxxxxxxxxxxxxxxxxxxx'))",
                     Limits(seconds=30.0, memory_bytes=200 << 20), id="grows"),
    ],
)  # fmt: skip
async def test_jsonnet_without_bound_is_stopped(library: Library, make_renderer, script, limits) -> None:
    made = make_renderer()
    request = await library.request(await library.commit({"app/a.jsonnet": script}), path="app")
    request = replace(request, context=replace(request.context, limits=limits))
    with pytest.raises(RenderError) as raised:
        await made.render(request)
    assert (raised.value.code, raised.value.parameters["tool"]) == ("render-stopped", "Jsonnet")
    await made.aclose()


async def test_a_link_out_is_not_imported(library: Library, renderer: Renderer) -> None:
    (library.origin.folder / "app").mkdir()
    (library.origin.folder / "app" / "l.libsonnet").symlink_to("/etc/hostname")
    request = await library.request(await library.commit({"app/a.jsonnet": "importstr 'l.libsonnet'"}), path="app")
    with pytest.raises(RenderError) as raised:
        await renderer.render(request)
    assert raised.value.code == "render-path-outside"


@pytest.mark.parametrize(
    ("edit", "renders"),
    [
        pytest.param({"lib/l.libsonnet": MAP % "'new'"}, 2, id="a-library"),
        pytest.param({"lib/deep/m.libsonnet": "'new'"}, 2, id="what-a-library-imports"),
        pytest.param({"app/l.libsonnet": MAP % "'nearer'"}, 2, id="a-file-that-is-found-first"),
        pytest.param({"lib/other.libsonnet": "1", "app/README": "x", "b/a.jsonnet": "1"}, 1, id="others"),
    ],
)
async def test_what_is_imported_counts(library: Library, renderer: Renderer, edit, renders) -> None:
    files = {
        "app/a.jsonnet": "import /* a comment */ 'l.libsonnet'",
        "lib/l.libsonnet": MAP % "(import 'deep/m.libsonnet')",
        "lib/deep/m.libsonnet": "'m'",
    }
    options = {"jsonnet": {"libs": ["lib"]}}
    await renderer.render(await library.request(await library.commit(files), path="app", directory=options))
    await renderer.render(await library.request(await library.commit(edit), path="app", directory=options))
    assert renderer.statistics()["renders"] == renders


async def test_without_the_package_it_says_what_to_install(library: Library, renderer: Renderer, monkeypatch) -> None:
    def find() -> None:
        raise ToolMissingError("tool-missing-jsonnet")

    monkeypatch.setattr(jsonnet_module, "find_jsonnet", find)
    request = await library.request(await library.commit({"app/a.jsonnet": "{}"}), path="app")
    with pytest.raises(ToolMissingError) as raised:
        await renderer.render(request)
    assert raised.value.hint is not None
    assert "haori[jsonnet]" in raised.value.hint.text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("import 'a'", ("a",), id="one-quote"),
        pytest.param('importstr "a"', ("a",), id="two-quotes"),
        pytest.param("importbin @'a''b'", ("a'b",), id="verbatim"),
        pytest.param('import @"a""b"', ('a"b',), id="verbatim-two"),
        pytest.param("import // why\n # and\n /* so */ 'a'", ("a",), id="comments-between"),
        pytest.param("(import 'a') + (import'b') + import 'a'", ("a", "b"), id="each-once"),
        pytest.param("local important = 'a'; important", (), id="a-longer-word"),
        pytest.param("# import 'a'", ("a",), id="a-comment-is-taken-for-one"),
        pytest.param(r"import 'a\u0062'", None, id="escapes"),
    ],
)
def test_imports(text, expected):
    assert imports_of(text.encode()) == expected
