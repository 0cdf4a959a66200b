"""Helm's half of the sources: charts from repositories, their dependencies, values from elsewhere, all fields."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from haori.delivery.charts import Access, Charts, ChartSettings
from haori.delivery.model.application import parse_source
from haori.delivery.render import Renderer, RenderError, RenderRequest
from haori.delivery.render.dependencies import Dependencies
from haori.delivery.render.tools import Tool, find_tool
from haori.errors import HaoriError
from haori.jail import Limits
from haori.objects.yaml import load
from tests.delivery.charts.conftest import POLICY
from tests.delivery.charts.server import ChartServer, make_chart, serve_charts
from tests.delivery.render.conftest import Library

pytestmark = pytest.mark.tools

TEMPLATE = (
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "{{ .Release.Name }}", namespace: "{{ .Release.Namespace }}"}\n'
    "data: {values: {{ toJson .Values | quote }}}\n"
)
CHART = "apiVersion: v2\nname: shop\nversion: 0.1.0\n"


@pytest.fixture
async def server() -> AsyncIterator[ChartServer]:
    async with serve_charts() as serving:
        yield serving


@pytest.fixture
def charts(tmp_path: Path, server: ChartServer) -> Charts:
    access, names = Access(is_plain=True), {"company": server.url}
    return Charts(
        ChartSettings(
            folder=tmp_path / "charts", access=lambda url: access, policy=POLICY, named=lambda name: names.get(name, "")
        )
    )


@pytest_asyncio.fixture
async def renderer(make_renderer: Callable[..., Renderer], charts: Charts) -> AsyncIterator[Renderer]:
    made = make_renderer(charts=charts)
    yield made
    await made.aclose()


def chart_files(*dependencies: dict[str, Any], **more: str) -> dict[str, str]:
    """A chart in a repository."""
    rows = "dependencies: " + json.dumps(list(dependencies)) + "\n" if dependencies else ""
    files = {"Chart.yaml": CHART + rows, "templates/map.yaml": TEMPLATE, "values.yaml": "size: 1\n"}
    return {f"chart/{name}": text for name, text in {**files, **more}.items()}


async def rendered_names(renderer: Renderer, request: RenderRequest) -> list[str]:
    """The names of the objects, sorted."""
    return sorted(each["metadata"]["name"] for each in (await renderer.render(request)).manifests)


async def values_of(renderer: Renderer, request: RenderRequest) -> Any:
    """The values that the chart's template saw."""
    (manifest,) = (await renderer.render(request)).manifests
    return json.loads(manifest["data"]["values"])


# Charts that are sources themselves


async def test_a_chart_from_a_repository_takes_values_from_git(
    tools: None, library: Library, renderer: Renderer, charts: Charts, server: ChartServer
):
    server.add("web", "1.0.0")
    sha = await library.commit({"env/prod.yaml": "size: 7\n"})
    in_git = await library.request(sha, path="env")
    source = parse_source(
        {
            "repoURL": server.url,
            "chart": "web",
            "targetRevision": "1.0.0",
            "helm": {"valueFiles": ["$git/env/prod.yaml"]},
        }
    )
    tree = await charts.tree(server.url, "web", "1.0.0")
    request = replace(in_git, source=source, tree=tree, references={"git": in_git.tree})

    assert (await values_of(renderer, request))["size"] == 7
    assert (await rendered_names(renderer, request)) == ["shop-web"]
    assert renderer.statistics()["renders"] == 1


async def test_an_unchanged_version_renders_in_no_other_process(
    tools: None, library: Library, make_renderer: Callable[..., Renderer], charts: Charts, server: ChartServer
):
    server.add("web", "1.0.0")
    request = await library.request(await library.commit({"x": ""}))
    source = parse_source({"repoURL": server.url, "chart": "web", "targetRevision": "1.0.0"})
    request = replace(request, source=source, tree=await charts.tree(server.url, "web", "1.0.0"))
    renders = []
    for _ in range(2):
        renderer = make_renderer(charts=charts)
        await renderer.render(request)
        renders.append(renderer.statistics()["renders"])
        await renderer.aclose()

    assert renders == [1, 0]


# What charts depend on


@pytest.mark.parametrize("form", ["{url}", "{url}/", "oci://{host}/team", "@company", "alias:company"])
async def test_a_dependency_is_brought(
    tools: None, library: Library, renderer: Renderer, server: ChartServer, form: str
):
    for version in ("1.0.0", "1.4.0", "2.0.0"):
        server.push("team/cache", version, server.add("cache", version))
    repository = form.format(url=server.url, host=server.host)
    files = chart_files({"name": "cache", "version": "^1.0.0", "repository": repository})
    request = await library.request(await library.commit(files), path="chart")

    manifests = {each["metadata"]["name"]: each for each in (await renderer.render(request)).manifests}
    assert manifests["shop-cache"]["data"]["version"] == "1.4.0"
    assert sorted(manifests) == ["shop", "shop-cache"]


async def test_a_lock_pins_a_dependency(tools: None, library: Library, renderer: Renderer, server: ChartServer):
    server.add("cache", "1.0.0")
    server.add("cache", "1.4.0")
    lock = json.dumps({"dependencies": [{"name": "cache", "version": "1.0.0", "repository": server.url}]})
    files = chart_files({"name": "cache", "version": "^1.0.0", "repository": server.url}, **{"Chart.lock": lock})
    request = await library.request(await library.commit(files), path="chart")

    manifests = {each["metadata"]["name"]: each for each in (await renderer.render(request)).manifests}
    assert manifests["shop-cache"]["data"]["version"] == "1.0.0"


async def test_a_new_version_within_the_range_renders_again(
    tools: None, library: Library, renderer: Renderer, charts: Charts, server: ChartServer
):
    server.add("cache", "1.0.0")
    files = chart_files({"name": "cache", "version": "*", "repository": server.url})
    request = await library.request(await library.commit(files), path="chart")
    before = await renderer.render(request)
    server.add("cache", "1.1.0")
    await charts.refresh(f"chart+{server.url}")

    after = await renderer.render(request)
    assert before.key != after.key
    assert {each["metadata"]["name"]: each for each in after.manifests}["shop-cache"]["data"]["version"] == "1.1.0"


@pytest.mark.parametrize(
    ("dependency", "values", "names"),
    [
        pytest.param({"alias": "store"}, "", ["shop", "shop-store"], id="alias"),
        pytest.param({"condition": "store.enabled"}, "store: {enabled: false}\n", ["shop"], id="condition-off"),
        pytest.param(
            {"condition": "store.enabled"}, "store: {enabled: true}\n", ["shop", "shop-cache"], id="condition-on"
        ),
        pytest.param({"tags": ["heavy"]}, "tags: {heavy: false}\n", ["shop"], id="tag-off"),
    ],
)
async def test_helm_decides_what_counts(
    tools: None,
    library: Library,
    renderer: Renderer,
    server: ChartServer,
    dependency: dict[str, Any],
    values: str,
    names: list[str],
):
    server.add("cache", "1.0.0")
    given = {"name": "cache", "version": "1.0.0", "repository": server.url, **dependency}
    request = await library.request(await library.commit(chart_files(given, **{"values.yaml": values})), path="chart")

    assert await rendered_names(renderer, request) == names


async def test_a_folder_of_the_repository_may_be_a_dependency(tools: None, library: Library, renderer: Renderer):
    files = chart_files({"name": "common", "version": "0.x", "repository": "file://../common"})
    common = {
        "common/Chart.yaml": "apiVersion: v2\nname: common\nversion: 0.3.0\n",
        "common/templates/map.yaml": TEMPLATE.replace("{{ .Release.Name }}", "{{ .Release.Name }}-common"),
    }
    sha = await library.commit({**files, **common, "elsewhere.txt": "1"})
    request = await library.request(sha, path="chart")

    assert await rendered_names(renderer, request) == ["shop", "shop-common"]
    inputs = await renderer.inputs(request)
    assert (inputs.is_whole, "common" in inputs.paths) == (False, True)
    again = await library.request(await library.commit({"elsewhere.txt": "2"}), path="chart")
    assert (await renderer.render(again)).key == (await renderer.render(request)).key
    changed = await library.commit({"common/templates/map.yaml": TEMPLATE.replace("{{ .Release.Name }}", "other")})
    assert await rendered_names(renderer, await library.request(changed, path="chart")) == ["other", "shop"]


async def test_what_is_vendored_is_used_as_it_is(
    tools: None, library: Library, renderer: Renderer, server: ChartServer
):
    inner = {
        "charts/cache/Chart.yaml": "apiVersion: v2\nname: cache\nversion: 0.0.1\n",
        "charts/cache/templates/map.yaml": TEMPLATE.replace("{{ .Release.Name }}", "vendored"),
    }
    files = chart_files({"name": "cache", "version": "^1", "repository": server.url}, **inner)
    request = await library.request(await library.commit(files), path="chart")

    assert await rendered_names(renderer, request) == ["shop", "vendored"]
    assert server.asked == []


async def test_requirements_of_old_charts(tools: None, library: Library, renderer: Renderer, server: ChartServer):
    server.add("cache", "1.0.0", make_chart("cache", "1.0.0"))
    rows = json.dumps({"dependencies": [{"name": "cache", "version": "1.x", "repository": server.url}]})
    files = chart_files(**{"requirements.yaml": rows, "Chart.yaml": "apiVersion: v1\nname: shop\nversion: 0.1.0\n"})
    request = await library.request(await library.commit(files), path="chart")

    assert await rendered_names(renderer, request) == ["shop", "shop-cache"]


LOCK = {"Chart.lock": json.dumps({"dependencies": [{"name": "cache", "version": "0.9.0", "repository": "URL"}]})}


@pytest.mark.parametrize(
    ("dependency", "more", "code"),
    [
        ({"version": "^9"}, {}, "chart-version-missing"),
        ({"name": "nothing", "version": "1"}, {}, "chart-unknown"),
        ({"version": "^1"}, LOCK, "render-lock-stale"),
        ({"version": "1", "repository": "s3://bucket"}, {}, "render-dependency-repository"),
        ({"version": "1", "repository": "@nobody"}, {}, "render-dependency-name"),
        ({"version": "1", "repository": "file://../../out"}, {}, "render-path-outside"),
        ({"version": "1", "repository": "file://../none"}, {}, "render-path-missing"),
        ({"version": "^7", "repository": "file://."}, {}, "render-dependency-version"),
    ],
)
async def test_what_is_wrong_with_a_dependency_is_named(
    library: Library,
    renderer: Renderer,
    server: ChartServer,
    dependency: dict[str, Any],
    more: dict[str, str],
    code: str,
):
    server.add("cache", "1.0.0")
    more = {name: text.replace("URL", server.url) for name, text in more.items()}
    files = chart_files({"name": "cache", "repository": server.url, **dependency}, **more)
    request = await library.request(await library.commit(files), path="chart")

    with pytest.raises(HaoriError) as caught:
        await renderer.render(request)
    assert caught.value.code == code


async def test_without_a_way_out_a_dependency_is_refused(library: Library, make_renderer: Callable[..., Renderer]):
    files = chart_files({"name": "cache", "version": "1", "repository": "https://charts.example"})
    request = await library.request(await library.commit(files), path="chart")
    with pytest.raises(RenderError) as caught:
        await make_renderer().render(request)
    assert (caught.value.code, caught.value.hint is not None) == ("render-dependency-missing", True)


async def test_what_a_chart_says_is_read_once(library: Library, charts: Charts):
    """Every look at every application asks; only new content is read."""
    request = await library.request(await library.commit(chart_files()), path="chart")
    dependencies = Dependencies(charts)
    await dependencies.find(request.tree, "chart")
    reads: list[str] = []
    load = Dependencies._load

    async def counted(tree: Any, entry: Any) -> Any:
        reads.append(entry.path)
        return await load(tree, entry)

    dependencies._load = counted  # type: ignore[method-assign]
    await dependencies.find(request.tree, "chart")
    assert reads == []


# Values from elsewhere


async def test_value_files_at_urls(tools: None, library: Library, renderer: Renderer, server: ChartServer):
    server.files["/prod.yaml"] = b"size: 5\n"
    helm = {"valueFiles": [f"{server.url}/prod.yaml"], "parameters": [{"name": "name", "value": "x"}]}
    request = await library.request(await library.commit(chart_files()), path="chart", helm=helm)

    assert await values_of(renderer, request) == {"size": 5, "name": "x"}
    before = (await renderer.render(request)).key
    other = await library.request(
        request.tree.commit, path="chart", helm={**helm, "valueFiles": [f"{server.url}/b.yaml"]}
    )
    server.files["/b.yaml"] = b"size: 6\n"
    assert (await renderer.render(other)).key != before


@pytest.mark.parametrize(
    ("url", "schemes", "code"),
    [
        ("s3://bucket/prod.yaml", ("https", "http"), "render-values-scheme"),
        ("s3://bucket/prod.yaml", ("s3",), "render-values-scheme"),
        ("http://127.0.0.1:1/prod.yaml", ("https",), "render-values-scheme"),
        ("http://169.254.169.254/latest", ("https", "http"), "chart-address-refused"),
        ("http://127.0.0.1:1/prod.yaml", ("https", "http"), "chart-unreachable"),
    ],
)
async def test_urls_that_give_no_values(
    library: Library, renderer: Renderer, url: str, schemes: tuple[str, ...], code: str
):
    request = await library.request(await library.commit(chart_files()), path="chart", helm={"valueFiles": [url]})
    with pytest.raises(HaoriError) as caught:
        await renderer.render(replace(request, value_schemes=schemes))
    assert caught.value.code == code


async def test_a_file_parameter_may_come_from_another_source(tools: None, library: Library, renderer: Renderer):
    helm = {"fileParameters": [{"name": "text", "path": "$git/notes/$ARGOCD_APP_NAME.txt"}]}
    sha = await library.commit({**chart_files(), "notes/$ARGOCD_APP_NAME.txt": "hello"})
    request = await library.request(sha, path="chart", helm=helm)
    assert (await values_of(renderer, replace(request, references={"git": request.tree})))["text"] == "hello"


# Parameters, held against Helm itself

GIVEN = "hosts: [{name: a, port: 1}, {name: b}]\nplain: [x, y]\ndeep: {list: [1, 2, 3]}\n"


@pytest.mark.parametrize(
    "parameters",
    [
        [("hosts[0].name", "new")],
        [("hosts[2].name", "third")],
        [("plain[1]", "z"), ("plain[0]", "2")],
        [("deep.list[2]", "9"), ("deep.more", "true")],
        [("deep.list", "{7,8}")],
        [("none[1].a", "1")],
        [("hosts[0]", "text")],
        [("a", r"x\,y"), ("b", r"back\\slash"), ("c", "0x10"), ("d", "007"), ("e", "null"), ("f", "{}")],
        [("a.b", "1"), ("a.b", "2"), (r"dotted\.name", "v")],
        [("plain[0]", "1"), ("plain", "{q}")],
    ],
)
async def test_parameters_do_what_set_does(
    tools: None, library: Library, renderer: Renderer, tmp_path: Path, parameters: list[tuple[str, str]]
):
    files = {**chart_files(), "chart/prod.yaml": GIVEN}
    helm = {"valueFiles": ["prod.yaml"], "parameters": [{"name": name, "value": value} for name, value in parameters]}
    request = await library.request(await library.commit(files), path="chart", helm=helm)

    command = [str(find_tool(Tool.HELM)), "template", "shop", "chart", "--namespace", "shop", "-f", "chart/prod.yaml"]
    sets = [part for name, value in parameters for part in ("--set", f"{name}={value}")]
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    process = await asyncio.create_subprocess_exec(
        *command, *sets, cwd=library.origin.folder, env=environment, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()

    assert await values_of(renderer, request) == json.loads(load(output)["data"]["values"])


# Fields


@pytest.mark.parametrize(
    ("helm", "code"),
    [({"version": "v2"}, "render-helm-version"), ({"namespace": "--x"}, "render-helm-namespace"),
     ({"releaseName": "-x"}, "render-helm-release-name")],
)  # fmt: skip
async def test_fields_that_cannot_hold(
    tools: None, library: Library, renderer: Renderer, helm: dict[str, str], code: str
):
    request = await library.request(await library.commit(chart_files()), path="chart", helm=helm)
    with pytest.raises(RenderError) as caught:
        await renderer.render(request)
    assert caught.value.code == code


async def test_fields_that_helm_is_told(tools: None, library: Library, renderer: Renderer):
    extra = {
        "templates/test.yaml": TEMPLATE.replace("metadata: {name", "metadata: {annotations: {helm.sh/hook: test}, name"),
        "crds/crd.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.x}\n",
        "values.schema.json": '{"type": "object", "required": ["never"]}',
        "templates/told.yaml": 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: told}\n'
        'data: {kube: "{{ .Capabilities.KubeVersion }}", has: "{{ .Capabilities.APIVersions.Has "x.io/v1" }}"}\n',
    }  # fmt: skip
    sha = await library.commit(chart_files(**extra))
    helm = {
        "version": "v3", "releaseName": "other", "namespace": "elsewhere", "skipTests": True, "skipCrds": True,
        "skipSchemaValidation": True, "kubeVersion": "1.30.0", "apiVersions": ["x.io/v1"], "passCredentials": True,
        "values": "size: 3", "valueFiles": ["none-*.yaml", "none.yaml"], "ignoreMissingValueFiles": True,
        "parameters": [{"name": "app", "value": "$ARGOCD_APP_NAME"}],
    }  # fmt: skip
    manifests = (await renderer.render(await library.request(sha, path="chart", helm=helm))).manifests

    by_name = {each["metadata"]["name"]: each for each in manifests}
    assert sorted(by_name) == ["other", "told"]
    assert by_name["other"]["metadata"]["namespace"] == "elsewhere"
    assert json.loads(by_name["other"]["data"]["values"]) == {"size": 3, "app": "shop"}
    assert by_name["told"]["data"] == {"kube": "v1.30.0", "has": "true"}


@pytest.mark.parametrize(
    ("template", "limits"),
    [
        pytest.param(
            "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}", Limits(seconds=2.0), id="endless"
        ),
        pytest.param("{{ until 1000000000 | len }}", Limits(seconds=60.0, memory_bytes=300 << 20), id="eats-memory"),
    ],
)
async def test_a_chart_without_bound_is_stopped(tools: None, library: Library, renderer: Renderer, template, limits):
    files = {"app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n", "app/templates/a.yaml": template}
    request = await library.request(await library.commit(files), path="app")
    request = replace(request, context=replace(request.context, limits=limits))
    with pytest.raises(RenderError) as raised:
        await renderer.render(request)
    assert (raised.value.code, raised.value.parameters["tool"]) == ("render-stopped", "Helm")
