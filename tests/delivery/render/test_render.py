"""Folders become manifests by the real helm and kubectl, under each isolation; hostile ones end in clear errors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from haori.cli.platform import example_platform
from haori.delivery.model.application import Source
from haori.delivery.render import RenderContext, RenderError, SourceType, detect_source_type, render_folder
from haori.delivery.render.helm import parameter_values, parse_key, typed
from haori.delivery.render.tools import Tool, ToolMissingError, find_tool
from haori.jail import Isolation, JailFailedError, run

CONTEXT = RenderContext(name="shop", namespace="shop")
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"


def source(path: str = ".", **parts) -> Source:
    return Source(repo_url="https://git.example/shop.git", path=path, **parts)


def write(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def names(rendered) -> list[str]:
    return [manifest["metadata"]["name"] for manifest in rendered.manifests]


@pytest.fixture(params=[Isolation.NAMESPACE, Isolation.SECCOMP])
async def context(request, tmp_path):
    try:
        await run(["true"], cwd=tmp_path, env={}, using=request.param)
        for tool in Tool:
            find_tool(tool)
    except JailFailedError:
        pytest.skip(f"this machine refuses {request.param}")
    except ToolMissingError as error:
        pytest.skip(str(error))
    return RenderContext(name="shop", namespace="shop", isolation=request.param)


@pytest.mark.parametrize(
    ("parts", "files", "expected"),
    [
        pytest.param({}, {"a.yaml"}, SourceType.DIRECTORY, id="only-yaml"),
        pytest.param({}, {"kustomization.yaml"}, SourceType.KUSTOMIZE, id="kustomization.yaml"),
        pytest.param({}, {"kustomization.yml"}, SourceType.KUSTOMIZE, id="kustomization.yml"),
        pytest.param({}, {"Kustomization"}, SourceType.KUSTOMIZE, id="Kustomization"),
        pytest.param({}, {"Chart.yaml", "kustomization.yaml"}, SourceType.HELM, id="chart-before-kustomization"),
        pytest.param({"directory": {}}, {"Chart.yaml"}, SourceType.DIRECTORY, id="the-source-decides"),
        pytest.param({"kustomize": {}}, {"Chart.yaml"}, SourceType.KUSTOMIZE, id="the-source-decides-kustomize"),
        pytest.param({"plugin": {}}, {"Chart.yaml"}, SourceType.PLUGIN, id="the-source-decides-plugin"),
        pytest.param({}, set(), SourceType.DIRECTORY, id="empty"),
    ],
)
def test_detection(parts, files, expected):
    assert detect_source_type(source(**parts), files) is expected


async def test_a_directory_is_read_in_the_order_of_its_files(tmp_path):
    write(
        tmp_path, {"b.yaml": CONFIG_MAP % "b", "a.yml": CONFIG_MAP % "a", "sub/c.yaml": CONFIG_MAP % "c", "n.txt": "x"}
    )
    assert names(await render_folder(tmp_path, source(), CONTEXT)) == ["a", "b"]


@pytest.mark.parametrize(
    ("directory", "expected"),
    [
        pytest.param({"recurse": True}, ["a", "c"], id="recurse"),
        pytest.param({"recurse": True, "include": "sub/*"}, ["c"], id="include"),
        pytest.param({"recurse": True, "include": "*.yaml"}, ["a", "c"], id="a-star-passes-slashes"),
        pytest.param({"recurse": True, "include": "**/c.yaml"}, ["c"], id="two-stars"),
        pytest.param({"recurse": True, "include": "{a,sub/?}.yaml"}, ["a", "c"], id="include-braces"),
        pytest.param({"include": "sub/*"}, [], id="no-recursion-whatever-is-included"),
        pytest.param({"recurse": True, "exclude": "{a,b}.yaml"}, ["c"], id="exclude-braces"),
        pytest.param({"recurse": True, "include": "*.yaml", "exclude": "a.yaml"}, ["c"], id="exclude-wins"),
    ],
)
async def test_directory_options(tmp_path, directory, expected):
    write(tmp_path, {"a.yaml": CONFIG_MAP % "a", "sub/c.yaml": CONFIG_MAP % "c"})
    assert names(await render_folder(tmp_path, source(directory=directory), CONTEXT)) == expected


async def test_lists_are_opened_and_empty_documents_skipped(tmp_path):
    item = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "%s"}}'
    content = '{"apiVersion": "v1", "kind": "List", "items": [' + f"{item % 'one'}, {item % 'two'}" + "]}"
    write(tmp_path, {"list.json": content, "empty.yaml": "---\n---\n"})
    assert names(await render_folder(tmp_path, source(), CONTEXT)) == ["one", "two"]


@pytest.mark.parametrize(
    ("files", "code"),
    [
        pytest.param({"a.json": '"just text"'}, "render-no-object", id="no-object"),
        pytest.param({"kustomization.yaml": "resources: [missing.yaml]"}, "render-path-missing", id="missing-resource"),
        pytest.param({"kustomization.yaml": "resources: [../../etc]"}, "render-path-outside", id="base-outside"),
        pytest.param(
            {"kustomization.yaml": "resources: ['https://169.254.169.254/latest']"},
            "render-remote-base",
            id="remote-base",
        ),
        pytest.param({"kustomization.yaml": "- not a mapping"}, "render-no-object", id="broken-kustomization"),
    ],
)
async def test_what_cannot_be_rendered_says_why(tmp_path, files, code):
    with pytest.raises(RenderError) as raised:
        await render_folder(write(tmp_path, files), source(), CONTEXT)
    assert raised.value.code == code


@pytest.mark.parametrize("path", ["../outside", "link"])
async def test_a_path_that_leads_out_is_refused(tmp_path, path):
    (tmp_path / "outside").mkdir()
    root = tmp_path / "repository"
    root.mkdir()
    (root / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(RenderError) as raised:
        await render_folder(root, source(path), CONTEXT)
    assert raised.value.code == "render-path-outside"


async def test_a_file_that_links_out_is_refused(tmp_path):
    (tmp_path / "secret").write_text(CONFIG_MAP % "stolen")
    root = tmp_path / "repository"
    root.mkdir()
    (root / "a.yaml").symlink_to(tmp_path / "secret")
    with pytest.raises(RenderError) as raised:
        await render_folder(root, source(), CONTEXT)
    assert raised.value.code == "render-path-outside"


@pytest.mark.tools
@pytest.mark.parametrize(
    ("path", "source_type", "expected"),
    [
        pytest.param(
            "apps/wear-api/coordinate-api/overlays/staging", SourceType.KUSTOMIZE, "coordinate-api", id="kustomize"
        ),
        pytest.param("apps/wear-push/queue", SourceType.HELM, "shop", id="helm"),
    ],
)
async def test_the_example_platform_renders(context, path, source_type, expected):
    rendered = await render_folder(example_platform(), source(path), context)
    assert rendered.source_type is source_type
    assert expected in names(rendered)


@pytest.mark.tools
async def test_rendering_leaves_the_repository_as_it_was(context, tmp_path):
    files = {"kustomization.yaml": "resources: [a.yaml]", "a.yaml": CONFIG_MAP % "a"}
    write(tmp_path, files)
    rendered = await render_folder(tmp_path, source(kustomize={"namePrefix": "x-"}), context)
    assert names(rendered) == ["x-a"]
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == files


@pytest.mark.tools
async def test_helm_takes_values_in_argo_s_order(context, tmp_path):
    """Value files, then inline values, then parameters: the later wins."""
    template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: v}\ndata: {a: '{{.Values.a}}', b: '{{.Values.b}}', "
    write(
        tmp_path,
        {
            "Chart.yaml": "apiVersion: v2\nname: c\nversion: 0.1.0\n",
            "templates/v.yaml": template + "c: '{{.Values.c}}', r: '{{.Release.Name}}/{{.Release.Namespace}}'}\n",
            "values.yaml": "{a: default, b: default, c: default}",
            "over.yaml": "{a: file, b: file, c: file}",
        },
    )
    parameters = [{"name": "c", "value": "parameter"}]
    helm = {"valueFiles": ["over.yaml"], "valuesObject": {"b": "inline", "c": "inline"}, "parameters": parameters}
    rendered = await render_folder(tmp_path, source(helm=helm), context)
    assert rendered.manifests[0]["data"] == {"a": "file", "b": "inline", "c": "parameter", "r": "shop/shop"}


@pytest.mark.tools
async def test_a_broken_chart_says_what_helm_said(context, tmp_path):
    write(
        tmp_path,
        {"Chart.yaml": "apiVersion: v2\nname: c\nversion: 0.1.0\n", "templates/v.yaml": '{{ fail "no database set" }}'},
    )
    with pytest.raises(RenderError) as raised:
        await render_folder(tmp_path, source(), context)
    assert "no database set" in str(raised.value)
    assert "/tmp/" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("true", True, id="true"),
        pytest.param("null", None, id="null"),
        pytest.param("12", 12, id="number"),
        pytest.param("012", "012", id="leading-zero-stays-text"),
        pytest.param("1.5", "1.5", id="fraction-stays-text"),
        pytest.param("{a,2}", ["a", 2], id="list"),
        pytest.param("a,b", "a,b", id="comma"),
    ],
)
def test_parameter_types(text, value):
    assert typed(text) == value


def test_parameters_build_nested_values():
    parameters: list[Mapping[str, Any]] = [
        {"name": "image.tag", "value": "1", "forceString": True},
        {"name": "hosts[1].name", "value": "b"},
        {"name": r"labels.app\.kubernetes\.io/name", "value": "shop"},
    ]
    assert parameter_values(parameters) == {
        "image": {"tag": "1"},
        "hosts": [None, {"name": "b"}],
        "labels": {"app.kubernetes.io/name": "shop"},
    }


@pytest.mark.parametrize("name", ["", "[0]", "a[99999]", "a["])
def test_a_bad_parameter_name_is_refused(name):
    with pytest.raises(RenderError):
        parse_key(name)
