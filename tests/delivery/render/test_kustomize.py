"""Every field of `spec.source.kustomize`, as `kustomize edit` in the source's folder would have it, by the real tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from haori.delivery.model.problems import Problem
from haori.delivery.model.settings import BuildOptions, parse_build_options
from haori.delivery.render import Renderer, RenderError
from haori.delivery.render.kustomize_edit import edit_kustomization, parse_image
from haori.delivery.render.tools import Tool, ToolMissingError, find_tool
from tests.delivery.render.conftest import CONFIG_MAP, Library

pytestmark = pytest.mark.tools

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: shop}]}
"""
KUSTOMIZATION = """\
resources: [web.yaml]
namePrefix: old-
commonLabels: {team: shop}
images: [{name: shop, newName: reg.example/shop, newTag: "1"}]
replicas: [{name: web, count: 2}]
"""
FILES = {
    "app/kustomization.yaml": KUSTOMIZATION,
    "app/web.yaml": DEPLOYMENT,
    "parts/note/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [n.yaml]\n",
    "parts/note/n.yaml": CONFIG_MAP % "note",
}


@pytest.fixture(autouse=True)
def tools() -> None:
    try:
        for tool in Tool:
            find_tool(tool)
    except ToolMissingError as error:
        pytest.skip(str(error))


def dig(value: Any, path: str) -> Any:
    for part in path.split("/"):
        value = value[int(part)] if isinstance(value, list) else value.get(part)
    return value


IMAGE = "spec/template/spec/containers/0/image"
CASES = [
    pytest.param({}, {"metadata/name": "old-web", IMAGE: "reg.example/shop:1", "spec/replicas": 2}, id="none"),
    pytest.param({"namePrefix": "new-"}, {"metadata/name": "new-web"}, id="prefix-in-place-of-the-one-there"),
    pytest.param({"nameSuffix": "-x"}, {"metadata/name": "old-web-x"}, id="suffix"),
    pytest.param({"namespace": "far"}, {"metadata/namespace": "far"}, id="namespace"),
    pytest.param({"images": ["shop:2"]}, {IMAGE: "shop:2"}, id="image-tag-in-place-of-the-entry"),
    pytest.param({"images": ["shop=b.example:5000/s"]}, {IMAGE: "b.example:5000/s"}, id="image-name"),
    pytest.param({"images": ["shop=*:3"]}, {IMAGE: "reg.example/shop:3"}, id="image-star-keeps-the-name"),
    pytest.param({"images": ["shop=b.example/s:3"]}, {IMAGE: "b.example/s:3"}, id="image-name-and-tag"),
    pytest.param({"images": ["shop@sha256:ab"]}, {IMAGE: "shop@sha256:ab"}, id="image-digest"),
    pytest.param({"images": ["shop=$ARGOCD_APP_NAME:4"]}, {IMAGE: "shop:4"}, id="image-variables"),
    pytest.param({"replicas": [{"name": "web", "count": "5"}]}, {"spec/replicas": 5}, id="replicas"),
    pytest.param({"patches": [{"target": {"kind": "Deployment"}, "patch": "- {op: replace, path: /spec/replicas, value: 7}"}]},
                 {"spec/replicas": 2}, id="a-patch-comes-before-replicas"),
    pytest.param({"commonLabels": {"a": "b-$ARGOCD_APP_NAME"}},
                 {"metadata/labels/a": "b-shop", "spec/selector/matchLabels/a": "b-shop", "metadata/labels/team": "shop"},
                 id="labels-with-variables"),
    pytest.param({"commonLabels": {"team": "new"}, "forceCommonLabels": True}, {"metadata/labels/team": "new"},
                 id="forced-labels"),
    pytest.param({"commonLabels": {"a": "b"}, "labelWithoutSelector": True},
                 {"metadata/labels/a": "b", "spec/selector/matchLabels/a": None, "spec/template/metadata/labels/a": None},
                 id="labels-without-selector"),
    pytest.param({"commonLabels": {"a": "b"}, "labelWithoutSelector": True, "labelIncludeTemplates": True},
                 {"spec/selector/matchLabels/a": None, "spec/template/metadata/labels/a": "b"}, id="labels-in-templates"),
    pytest.param({"commonAnnotations": {"a": "$ARGOCD_APP_NAME"}}, {"metadata/annotations/a": "$ARGOCD_APP_NAME"},
                 id="annotations"),
    pytest.param({"commonAnnotations": {"a": "$ARGOCD_APP_NAME"}, "commonAnnotationsEnvsubst": True},
                 {"metadata/annotations/a": "shop"}, id="annotations-with-variables"),
    pytest.param({"components": ["../parts/none"], "ignoreMissingComponents": True}, {"metadata/name": "old-web"},
                 id="a-missing-component-ignored"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "expected"), CASES)
async def test_what_a_field_changes(library: Library, renderer: Renderer, options, expected) -> None:
    request = await library.request(await library.commit(FILES), path="app", kustomize=options)
    (deployment,) = (await renderer.render(request)).manifests
    assert {path: dig(deployment, path) for path in expected} == expected


async def test_a_component_s_objects_get_the_kustomization_s_prefix(library: Library, renderer: Renderer) -> None:
    request = await library.request(
        await library.commit(FILES), path="app", kustomize={"components": ["../parts/note"]}
    )
    assert [each["metadata"]["name"] for each in (await renderer.render(request)).manifests] == ["old-note", "old-web"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param({"version": "v1.2.3"}, "render-kustomize-version", id="version"),
        pytest.param({"components": ["../parts/none"]}, "render-no-kustomization", id="component"),
        pytest.param({"commonLabels": {"team": "x"}}, "render-kustomize-present", id="label-there-already"),
        pytest.param({"images": ["shop"]}, "render-image-invalid", id="image-without-change"),
        pytest.param({"images": "shop:1"}, "render-option-invalid", id="images-of-another-shape"),
        pytest.param({"replicas": [{"name": "web", "count": "many"}]}, "render-option-invalid", id="count"),
    ],
)
async def test_what_is_refused(library: Library, renderer: Renderer, options, code) -> None:
    request = await library.request(await library.commit(FILES), path="app", kustomize=options)
    with pytest.raises(RenderError) as raised:
        await renderer.render(request)
    assert raised.value.code == code


async def test_the_version_that_is_there_may_be_asked_for(library: Library, renderer: Renderer) -> None:
    sha = await library.commit(FILES)
    with pytest.raises(RenderError) as raised:
        await renderer.render(await library.request(sha, path="app", kustomize={"version": "v0"}))
    present = raised.value.parameters["present"]
    rendered = await renderer.render(await library.request(sha, path="app", kustomize={"version": present}))
    assert len(rendered.manifests) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", BuildOptions(), id="none"),
        pytest.param("--enable-helm", BuildOptions(inflates_charts=True), id="helm"),
        pytest.param("--load-restrictor LoadRestrictionsNone", BuildOptions(loads_anywhere=True), id="restrictor"),
        pytest.param("--load-restrictor=LoadRestrictionsRootOnly --enable-helm=true", BuildOptions(inflates_charts=True),
                     id="default"),
    ],
)  # fmt: skip
def test_build_options(text, expected):
    problems: list[Problem] = []
    assert parse_build_options(text, problems) == expected
    assert problems == []


def test_build_options_that_run_programs_are_refused():
    problems: list[Problem] = []
    assert parse_build_options("--enable-alpha-plugins --enable-exec --enable-helm", problems).inflates_charts
    (problem,) = problems
    assert problem.sentence.parameters["options"] == ["--enable-alpha-plugins", "--enable-exec"]


def with_build(request, build: BuildOptions):
    return replace(request, context=replace(request.context, build=build, kube_version="1.30.0"))


CHART: Mapping[str, str] = {
    "app/kustomization.yaml": "helmCharts: [{name: c, releaseName: r, valuesInline: {word: inflated}}]\n",
    "app/charts/c/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n",
    "app/charts/c/values.yaml": "word: default\n",
    "app/charts/c/templates/m.yaml": CONFIG_MAP % "'{{ .Values.word }}-{{ .Capabilities.KubeVersion.Minor }}'",
}


async def test_charts_in_the_repository_are_inflated_where_it_is_switched_on(
    library: Library, renderer: Renderer
) -> None:
    request = await library.request(await library.commit(dict(CHART)), path="app")
    with pytest.raises(RenderError, match="enable-helm"):
        await renderer.render(request)
    (made,) = (await renderer.render(with_build(request, BuildOptions(inflates_charts=True)))).manifests
    assert made["metadata"]["name"] == "inflated-30"


OUTSIDE = {
    "app/kustomization.yaml": "configMapGenerator: [{name: a, files: [../shared/x.txt]}]\n",
    "shared/x.txt": "x",
}


async def test_files_anywhere_in_the_repository_where_it_is_switched_on(library: Library, renderer: Renderer) -> None:
    request = await library.request(await library.commit(OUTSIDE), path="app")
    with pytest.raises(RenderError, match="not in or below"):
        await renderer.render(request)
    (made,) = (await renderer.render(with_build(request, BuildOptions(loads_anywhere=True)))).manifests
    assert made["data"] == {"x.txt": "x"}


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"app/kustomization.yaml": "configMapGenerator: [{name: a, files: [/etc/hostname]}]\n"}, id="named"),
        pytest.param({
            "app/kustomization.yaml": "generators: [g.yaml]\n",
            "app/g.yaml": "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: a}\nfiles: [/etc/hostname]\n",
        }, id="named-by-a-plugin-s-configuration"),
    ],
)  # fmt: skip
async def test_no_file_outside_the_repository_whatever_is_switched_on(
    library: Library, renderer: Renderer, files
) -> None:
    request = with_build(
        await library.request(await library.commit(files), path="app"), BuildOptions(loads_anywhere=True)
    )
    with pytest.raises(RenderError):
        await renderer.render(request)


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        pytest.param("shop:1.2", {"name": "shop", "newTag": "1.2"}, id="tag"),
        pytest.param("a.example:5000/shop:1", {"name": "a.example:5000/shop", "newTag": "1"}, id="port-is-no-tag"),
        pytest.param("shop=b/shop:2", {"name": "shop", "newName": "b/shop", "newTag": "2"}, id="new-name"),
        pytest.param("shop=b/shop", {"name": "shop", "newName": "b/shop"}, id="new-name-alone"),
        pytest.param("shop@sha256:ab", {"name": "shop", "digest": "sha256:ab"}, id="digest"),
        pytest.param("shop:1@sha256:ab", {"name": "shop", "newTag": "1", "digest": "sha256:ab"}, id="tag-and-digest"),
        pytest.param("shop=*:*", {"name": "shop", "newName": "*", "newTag": "*"}, id="stars"),
    ],
)
def test_image_overrides(text, entry):
    assert parse_image(text) == entry


def test_no_change_leaves_the_kustomization_as_it_is():
    assert edit_kustomization({"resources": ["a"]}, {"version": "v5"}, exists=lambda path: True) is None


def test_what_stands_in_a_kustomization_is_not_changed_in_place():
    given = {"images": [{"name": "a", "newTag": "1"}], "labels": [{"pairs": {"a": "b"}}]}
    options = {"images": ["a:2"], "commonLabels": {"a": "c"}, "labelWithoutSelector": True, "forceCommonLabels": True}
    edited = edit_kustomization(given, options, exists=lambda path: True)
    assert given == {"images": [{"name": "a", "newTag": "1"}], "labels": [{"pairs": {"a": "b"}}]}
    assert edited == {
        "images": [{"name": "a", "newTag": "2"}],
        "labels": [{"pairs": {"a": "c"}, "includeSelectors": False, "includeTemplates": False}],
    }
