"""Each content is rendered once: counters prove it, and a law holds the key to what comes out."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from haori.delivery.render import Renderer, RenderError, SourceType, load_instance_key
from haori.delivery.render.inputs import leads_out
from haori.delivery.render.sealing import InstanceKeyError
from tests.delivery.render.conftest import CONFIG_MAP, Library

CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\n",
    "chart/values.yaml": "size: 1\n",
    "chart/templates/map.yaml": CONFIG_MAP % '"{{ .Release.Name }}"' + 'data: {size: "{{ .Values.size }}"}\n',
}
OVERLAY = {
    "base/kustomization.yaml": "resources: [map.yaml]\n",
    "base/map.yaml": CONFIG_MAP % "map",
    "overlays/prod/kustomization.yaml": "resources: [../../base]\nnamePrefix: prod-\n",
    "overlays/staging/kustomization.yaml": "resources: [../../base]\nnamePrefix: staging-\n",
}


def names(rendered) -> list[str]:
    return [manifest["metadata"]["name"] for manifest in rendered.manifests]


async def test_what_was_rendered_is_not_rendered_again(library: Library, renderer: Renderer) -> None:
    request = await library.request(await library.commit({"a/x.yaml": CONFIG_MAP % "x"}), path="a")
    first = await renderer.render(request)
    second = await renderer.render(request)

    assert first == second
    assert (names(second), second.source_type) == (["x"], SourceType.DIRECTORY)
    assert (renderer.statistics()["renders"], renderer.statistics()["hits"]) == (1, 1)


async def test_a_commit_elsewhere_renders_nothing(library: Library, renderer: Renderer) -> None:
    old = await library.request(await library.commit({"a/x.yaml": CONFIG_MAP % "x", "b/y.yaml": "1"}), path="a")
    new = await library.request(await library.commit({"b/y.yaml": "2", "README.md": "new"}), path="a")

    assert (await renderer.render(old)).key == (await renderer.render(new)).key
    assert renderer.statistics()["renders"] == 1


async def test_applications_of_one_directory_share_a_render(library: Library, renderer: Renderer) -> None:
    sha = await library.commit({"a/x.yaml": CONFIG_MAP % "x"})
    for name in ("one", "two", "three"):
        await renderer.render(await library.request(sha, name=name, namespace=name, path="a"))
    assert renderer.statistics()["renders"] == 1


async def test_many_who_ask_at_once_share_a_render(library: Library, renderer: Renderer) -> None:
    request = await library.request(await library.commit({"a/x.yaml": CONFIG_MAP % "x"}), path="a")
    found = await asyncio.gather(*[renderer.render(request) for _ in range(20)])
    assert {each.key for each in found} == {found[0].key}
    assert renderer.statistics()["renders"] == 1


async def test_one_who_leaves_does_not_take_the_render_from_the_others(library: Library, renderer: Renderer) -> None:
    request = await library.request(await library.commit({"a/x.yaml": CONFIG_MAP % "x"}), path="a")
    leaving, staying = [asyncio.create_task(renderer.render(request)) for _ in range(2)]
    for _ in range(20):
        await asyncio.sleep(0)
    leaving.cancel()
    assert names(await staying) == ["x"]


async def test_the_cache_survives_a_restart(library: Library, make_renderer) -> None:
    request = await library.request(await library.commit({"a/x.yaml": CONFIG_MAP % "x"}), path="a")
    first, second = make_renderer(), make_renderer()
    await first.render(request)

    assert names(await second.render(request)) == ["x"]
    assert (second.statistics()["renders"], second.statistics()["disk_hits"]) == (0, 1)


async def test_what_lies_on_disk_tells_nothing(library: Library, renderer: Renderer, tmp_path: Path) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: canary}\nstringData: {password: canary-in-a-coal-mine}\n"
    await renderer.render(await library.request(await library.commit({"a/x.yaml": secret}), path="a"))
    files = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]

    assert len(files) == 1
    assert b"canary" not in files[0].read_bytes()
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 500], ids=["empty", "cut", "foreign"])
async def test_a_broken_entry_is_rendered_anew(library: Library, make_renderer, tmp_path, caplog, content) -> None:
    request = await library.request(await library.commit({"a/x.yaml": CONFIG_MAP % "x"}), path="a")
    await make_renderer().render(request)
    (path,) = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    path.write_bytes(content)

    renderer = make_renderer()
    with caplog.at_level(logging.WARNING):
        assert names(await renderer.render(request)) == ["x"]

    assert "render cache entry unusable" in caplog.text
    assert names(await make_renderer().render(request)) == ["x"]
    assert (renderer.statistics()["renders"], renderer.statistics()["unreadable"]) == (1, 1)


async def test_an_entry_of_another_instance_is_not_opened(library: Library, make_renderer) -> None:
    request = await library.request(await library.commit({"a/x.yaml": CONFIG_MAP % "x"}), path="a")
    await make_renderer().render(request)
    other = make_renderer(key=b"k" * 32)
    await other.render(request)
    assert other.statistics()["renders"] == 1


async def test_the_longest_unused_goes_first(library: Library, make_renderer) -> None:
    sha = await library.commit({f"{name}/x.yaml": CONFIG_MAP % name for name in "abc"})
    requests = {name: await library.request(sha, path=name) for name in "abc"}
    probe = make_renderer()
    await probe.render(requests["a"])
    size = int(probe.statistics()["bytes"])

    renderer = make_renderer(disk_bytes=size * 2 + size // 2, memory_bytes=0)
    for name in ("a", "b", "a", "c", "a", "b"):
        await renderer.render(requests[name])

    # `a` came from the probe; `c` pushed out `b`, which then had to be made anew and pushed out `c`.
    assert (renderer.statistics()["renders"], renderer.statistics()["evictions"]) == (3, 2)


async def test_a_failure_is_remembered_and_forgotten(library: Library, make_renderer) -> None:
    now = 0.0
    renderer = make_renderer(clock=lambda: now)
    request = await library.request(
        await library.commit({"a/x.yaml": "apiVersion: v1\nmetadata: {}\nkind: [\n"}), path="a"
    )
    for _ in range(3):
        with pytest.raises(Exception, match=r"x\.yaml"):
            await renderer.render(request)
    assert (renderer.statistics()["errors"], renderer.statistics()["error_hits"]) == (1, 2)

    now = 3600.0
    with pytest.raises(Exception, match=r"x\.yaml"):
        await renderer.render(request)
    assert renderer.statistics()["errors"] == 2


async def test_a_hard_refresh_renders_what_is_known(library: Library, renderer: Renderer) -> None:
    request = await library.request(await library.commit({"a/x.yaml": CONFIG_MAP % "x"}), path="a")
    await renderer.render(request)
    await renderer.render(request, again=True)
    assert renderer.statistics()["renders"] == 2


@pytest.mark.parametrize(
    ("parts", "change", "renders"),
    [
        pytest.param({"path": "overlays/prod"}, {"base/map.yaml": CONFIG_MAP % "new"}, 2, id="kustomize-base"),
        pytest.param({"path": "overlays/prod"}, {"base/other.yaml": CONFIG_MAP % "new"}, 1, id="kustomize-unnamed"),
        pytest.param(
            {"path": "overlays/prod"},
            {"overlays/staging/kustomization.yaml": "resources: [../../base]\nnamePrefix: new-\n"},
            1,
            id="kustomize-sibling",
        ),
        pytest.param(
            {"path": "overlays/prod"}, {"base/kustomization.yml": "resources: []\n"}, 2, id="kustomize-second"
        ),
        pytest.param({"path": "chart"}, {"chart/templates/NOTES.txt": "hello"}, 2, id="helm-chart"),
        pytest.param({"path": "chart"}, {"values/prod.yaml": "size: 3"}, 1, id="helm-unnamed"),
        pytest.param(
            {"path": "chart", "helm": {"valueFiles": ["/values/prod.yaml"]}},
            {"values/prod.yaml": "size: 3"},
            2,
            id="helm-values",
        ),
        pytest.param(
            {"path": "chart", "helm": {"valueFiles": ["../values/*.yaml"]}},
            {"values/more.yaml": "size: 3"},
            2,
            id="helm-glob-finds-more",
        ),
        pytest.param(
            {"path": "chart", "helm": {"valueFiles": ["../values/absent.yaml"], "ignoreMissingValueFiles": True}},
            {"values/absent.yaml": "size: 3"},
            2,
            id="helm-missing-appears",
        ),
        pytest.param(
            {"path": "chart", "helm": {"parameters": [{"name": "size", "value": "4"}]}},
            {"README.md": "x"},
            1,
            id="outside",
        ),
        pytest.param(
            {"path": "chart", "helm": {"parameters": [{"name": "size", "value": "$ARGOCD_APP_REVISION_SHORT"}]}},
            {"README.md": "x"},
            2,
            id="helm-shows-the-revision",
        ),
    ],
)
async def test_only_what_is_read_counts(
    tools: None, library: Library, renderer: Renderer, parts, change, renders: int
) -> None:
    before = await library.commit({**CHART, **OVERLAY, "values/prod.yaml": "size: 2\n"})
    await renderer.render(await library.request(before, **parts))
    after = await library.request(await library.commit(change), **parts)
    try:
        await renderer.render(after)
    except RenderError:
        assert renderer.statistics()["errors"] == renders - 1
    else:
        assert renderer.statistics()["renders"] == renders


@pytest.mark.parametrize(
    ("told", "renders"),
    [({"name": "other"}, 2), ({"namespace": "other"}, 2), ({}, 1)],
    ids=["name", "namespace", "same"],
)
async def test_what_helm_is_told_counts(tools: None, library: Library, renderer: Renderer, told, renders) -> None:
    sha = await library.commit(CHART)
    await renderer.render(await library.request(sha, path="chart"))
    await renderer.render(await library.request(sha, path="chart", **told))
    assert renderer.statistics()["renders"] == renders


async def test_value_files_come_from_another_source(tools: None, library: Library, renderer: Renderer) -> None:
    sha = await library.commit(CHART | {"envs/prod.yaml": "size: 7\n"})
    request = await library.request(sha, path="chart", helm={"valueFiles": ["$values/envs/prod.yaml"]})
    rendered = await renderer.render(replace(request, references={"values": request.tree}))
    assert rendered.manifests[0]["data"] == {"size": "7"}


async def test_a_patch_of_the_application_may_be_a_file(tools: None, library: Library, renderer: Renderer) -> None:
    patched = CONFIG_MAP % "map" + "data: {patched: 'yes'}\n"
    sha = await library.commit(OVERLAY | {"base/unnamed.yaml": patched})
    request = await library.request(sha, path="base", kustomize={"patches": [{"path": "unnamed.yaml"}]})
    assert (await renderer.render(request)).manifests[0]["data"] == {"patched": "yes"}
    again = await library.request(await library.commit({"base/unnamed.yaml": patched + "# new\n"}), path="base",
                                  kustomize={"patches": [{"path": "unnamed.yaml"}]})  # fmt: skip
    await renderer.render(again)
    assert renderer.statistics()["renders"] == 2


async def test_a_remote_base_is_refused(library: Library, renderer: Renderer) -> None:
    files = {"a/kustomization.yaml": "resources: ['https://git.example/base?ref=v1']\n"}
    request = await library.request(await library.commit(files), path="a")
    with pytest.raises(RenderError, match="another place"):
        await renderer.render(request)


async def test_links_make_the_whole_repository_count(library: Library, renderer: Renderer) -> None:
    library.origin.commit({"shared/x.yaml": CONFIG_MAP % "x"})
    (library.origin.folder / "a").mkdir()
    os.symlink("../shared/x.yaml", library.origin.folder / "a/x.yaml")
    os.symlink("shared", library.origin.folder / "alias")
    before = await library.commit({"README.md": "1"})
    after = await library.commit({"README.md": "2"})

    for path in ("a", "alias"):
        request = await library.request(before, path=path)
        assert (await renderer.inputs(request)).is_whole
        assert names(await renderer.render(request)) == ["x"]
        await renderer.render(await library.request(after, path=path))
    assert renderer.statistics()["renders"] == 4


async def test_nothing_stays_behind(tools: None, library: Library, renderer: Renderer) -> None:
    await renderer.render(await library.request(await library.commit(CHART), path="chart"))
    assert [name for name in os.listdir(tempfile.gettempdir()) if name.startswith(f"haori-render-{os.getpid()}-")] == []


def test_the_instance_key_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "engine" / "instance.key"
    first, second = load_instance_key(path), load_instance_key(path)
    assert first == second
    assert len(first) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["instance.key"]

    path.write_bytes(b"short")
    with pytest.raises(InstanceKeyError, match="5 bytes"):
        load_instance_key(path)


@pytest.mark.parametrize(
    ("path", "goal", "expected"),
    [
        pytest.param("a.yaml", "b.yaml", False, id="beside"),
        pytest.param("app/a.yaml", "../b.yaml", False, id="to-the-root"),
        pytest.param("app/a.yaml", "../../b.yaml", True, id="above-the-root"),
        pytest.param("a.yaml", "..", True, id="the-parent-of-the-root"),
        pytest.param("app/a.yaml", "./.././../b", True, id="with-dots-between"),
        pytest.param("app/a.yaml", "x/../../b", False, id="through-what-may-be-a-link"),
        pytest.param("app/a.yaml", "/etc/passwd", True, id="absolute"),
    ],
)
def test_links_that_surely_lead_out(path, goal, expected):
    assert leads_out(path, goal) is expected


async def test_an_object_that_no_api_takes_is_refused_by_name_and_not_rendered_again(library, make_renderer):
    made = make_renderer()
    large = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: large}}\ndata: {{x: {'v' * (3 << 20)}}}\n"
    request = await library.request(await library.commit({"a/large.yaml": large}), path="a")
    for _ in range(2):
        with pytest.raises(RenderError, match=r"ConfigMap large of a is 3\d+ bytes"):
            await made.render(request)
    assert made.statistics()["misses"] == 1
    assert made.statistics()["entries"] == 0
    await made.aclose()


async def test_the_size_of_what_was_rendered_is_known_again(library, make_renderer):
    made = make_renderer()
    request = await library.request(
        await library.commit({"a/x.yaml": "apiVersion: v1\nkind: A\nmetadata: {name: a}\n"}), path="a"
    )
    first, second = await made.render(request), await made.render(request)
    assert first.size_bytes == second.size_bytes > 0
    await made.aclose()
