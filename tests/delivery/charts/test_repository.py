"""Charts from a repository over HTTP."""

from __future__ import annotations

import hashlib
import json

import pytest
import yaml

from haori.delivery.charts import Access, ArchiveLimits, ChartError, ChartRefusedError, Charts, ChartUnreachableError
from haori.outbound import OutboundError, OutboundPolicy
from tests.delivery.charts.conftest import MakeCharts
from tests.delivery.charts.server import BASIC, PASSWORD, USER, ChartServer, make_archive, make_chart

LOCKED = Access(username=USER, password=PASSWORD)


async def test_a_range_means_the_newest_version_and_its_files_are_a_tree(server: ChartServer, charts: Charts):
    for version in ("1.0.0", "1.2.0", "2.0.0-rc.1"):
        server.add("shop", version)

    version = await charts.resolve(server.url, "shop", "^1.0.0")
    tree = await charts.tree(server.url, "shop", version)

    assert version == "1.2.0"
    assert tree.commit == "1.2.0"
    assert [entry.path for entry in await tree.list(recursive=True)] == [
        "Chart.yaml", "templates/map.yaml", "values.yaml"
    ]  # fmt: skip
    assert b"version: 1.2.0" in await tree.read("Chart.yaml")


async def test_an_index_is_read_again_only_when_it_changed(server: ChartServer, charts: Charts):
    server.add("shop", "1.0.0")
    before = await charts.refresh(server.url)
    assert await charts.refresh(server.url) == before

    server.add("shop", "1.1.0")
    assert await charts.resolve(server.url, "shop", "*") == "1.0.0"
    assert await charts.refresh(server.url) != before
    assert await charts.resolve(server.url, "shop", "*") == "1.1.0"
    assert charts.statistics()["index_fetches"] == len(server.asked) == 3


async def test_a_version_is_fetched_once_by_whatever_process(server: ChartServer, make_charts: MakeCharts):
    server.add("shop", "1.0.0")
    first = await make_charts().tree(server.url, "shop", "1.0.0")
    asked = len(server.asked)
    server.status = 503

    again = make_charts()
    assert await again.resolve(server.url, "shop", "1.0.0") == "1.0.0"
    tree = await again.tree(server.url, "shop", "1.0.0")

    assert tree.object_id == first.object_id
    assert len(server.asked) == asked
    assert await again.resolve(server.url, "shop", ">=1") == "1.0.0", "the last index stands while a repository is away"


async def test_a_version_published_since_the_last_look_is_found(server: ChartServer, charts: Charts):
    server.add("shop", "1.0.0")
    await charts.refresh(server.url)
    server.add("shop", "1.0.1")

    assert (await charts.tree(server.url, "shop", "1.0.1")).commit == "1.0.1"


async def test_a_hard_refresh_fetches_a_version_anew(server: ChartServer, charts: Charts):
    server.add("shop", "1.0.0")
    before = await charts.tree(server.url, "shop", "1.0.0")
    server.add("shop", "1.0.0", make_chart("shop", "1.0.0", {"values.yaml": "size: 2\n"}))
    await charts.refresh(server.url)

    assert (await charts.tree(server.url, "shop", "1.0.0")).object_id == before.object_id
    assert (await charts.tree(server.url, "shop", "1.0.0", again=True)).object_id != before.object_id


async def test_the_same_files_are_the_same_tree_as_in_git(server: ChartServer, charts: Charts):
    """The ids are Git's, so that a chart keeps its render when it moves. `git hash-object` gave these."""
    server.add("shop", "1.0.0", make_archive({"shop/Chart.yaml": "name: shop\n", "shop/a/b": "x\n", "shop/a.b": "y\n"}))

    tree = await charts.tree(server.url, "shop", "1.0.0")

    head = b"blob 11\0name: shop\n"
    assert await tree.hash_of("Chart.yaml") == hashlib.sha1(head, usedforsecurity=False).hexdigest()
    assert [entry.path for entry in await tree.list()] == ["Chart.yaml", "a.b", "a"]


async def test_credentials_open_a_repository(server: ChartServer, make_charts: MakeCharts):
    server.challenge = "basic"
    server.add("shop", "1.0.0")

    with pytest.raises(ChartRefusedError) as caught:
        await make_charts().refresh(server.url)
    assert caught.value.code == "chart-refused"
    await make_charts(LOCKED).tree(server.url, "shop", "1.0.0")


@pytest.mark.parametrize("passes", [False, True])
async def test_credentials_reach_another_host_only_where_the_source_says_so(
    server: ChartServer, other: ChartServer, make_charts: MakeCharts, passes: bool
):
    server.add("shop", "1.0.0", other.add("shop", "1.0.0"))
    server.archives_at = f"{other.url}/"

    await make_charts(LOCKED).tree(server.url, "shop", "1.0.0", pass_credentials=passes)

    assert other.asked == [("/charts/shop-1.0.0.tgz", BASIC if passes else "")]


def _index(**facts: object) -> bytes:
    return yaml.safe_dump(
        {"entries": {"shop": [{"version": "1.0.0", "urls": ["charts/shop-1.0.0.tgz"], **facts}]}}
    ).encode()


@pytest.mark.parametrize(
    ("index", "version", "code"),
    [
        (None, "1.0.9", "chart-version-missing"),
        (None, "^2", "chart-version-missing"),
        (b"entries: {other: []}", "1.0.0", "chart-unknown"),
        (b"entries: {shop: []}", "1.0.0", "chart-version-absent"),
        (b"entries: [", "1.0.0", "chart-index-unreadable"),
        (b"- no mapping", "1.0.0", "chart-index-unreadable"),
        (b"a: &a [x]\nb: *a\n", "1.0.0", "chart-index-unreadable"),
        (_index(digest="0" * 64), "1.0.0", "chart-digest-wrong"),
        (_index(urls=["charts/gone.tgz"]), "1.0.0", "chart-archive-missing"),
        (_index(urls=["http://169.254.169.254/latest"]), "1.0.0", "chart-address-refused"),
        (_index(urls=["file:///etc/passwd"]), "1.0.0", "chart-address-refused"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named(
    server: ChartServer, charts: Charts, index: bytes | None, version: str, code: str
):
    server.add("shop", "1.0.0")
    server.index = index

    with pytest.raises(ChartError) as caught:
        await charts.tree(server.url, "shop", version)

    assert caught.value.code == code
    assert {"shop", version} <= {str(value) for value in caught.value.parameters.values()}
    assert server.url in str(caught.value)


async def test_no_index_means_no_repository(server: ChartServer, charts: Charts):
    with pytest.raises(ChartError) as caught:
        await charts.refresh(f"{server.url}/elsewhere")
    assert (caught.value.code, caught.value.hint is not None) == ("chart-no-index", True)


@pytest.mark.parametrize(("status", "code"), [(500, "chart-server-busy"), (429, "chart-server-busy")])
async def test_a_busy_repository_is_tried_again(server: ChartServer, charts: Charts, status: int, code: str):
    server.status = status
    with pytest.raises(ChartUnreachableError) as caught:
        await charts.refresh(server.url)
    assert caught.value.code == code


async def test_a_dead_repository_is_tried_again(charts: Charts):
    with pytest.raises(ChartUnreachableError) as caught:
        await charts.refresh("http://127.0.0.1:1")
    assert caught.value.code == "chart-unreachable"


async def test_loopback_is_refused_unless_allowed(server: ChartServer, make_charts: MakeCharts):
    with pytest.raises(ChartError, match="loopback") as caught:
        await make_charts(policy=OutboundPolicy(allow_private=True)).refresh(server.url)
    assert (caught.value.code, server.asked) == ("chart-address-refused", [])


SHOP = make_chart("shop", "1.0.0")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(SHOP[:-40], "archive-broken", id="truncated"),
        pytest.param(b"not a tar", "archive-broken", id="no-archive"),
        pytest.param(make_archive({}), "archive-empty", id="empty"),
        pytest.param(make_archive({"shop/values.yaml": ""}), "archive-no-chart", id="no-chart"),
        pytest.param(make_archive({"shop/../../etc/x": ""}), "archive-member", id="climbs"),
        pytest.param(make_archive({"/etc/x": ""}), "archive-member", id="absolute"),
        pytest.param(make_archive({"shop\\..\\..\\x": ""}), "archive-member", id="backslash"),
        pytest.param(make_archive({"shop/.git/config": ""}), "archive-member", id="git"),
        pytest.param(make_archive({"shop/Chart.yaml": ""}, ("shop/x", "/etc/passwd")), "archive-member", id="link"),
        pytest.param(make_archive({"shop/bomb": b"\0" * 200_000}), "archive-too-large", id="large-file"),
        pytest.param(make_archive({f"shop/{n}": b"\0" * 90_000 for n in range(9)}), "archive-too-large", id="bomb"),
        pytest.param(make_archive({f"shop/{n}": "" for n in range(30)}), "archive-too-many", id="many-files"),
        pytest.param(make_archive({"shop/" + "x" * 200_000: ""}), "archive-broken", id="huge-header"),
    ],
)
async def test_hostile_archives(server: ChartServer, make_charts: MakeCharts, content: bytes, why: str):
    server.add("shop", "1.0.0", content)
    limits = ArchiveLimits(packed_bytes=1 << 20, unpacked_bytes=500_000, file_bytes=100_000, files=20)

    with pytest.raises(ChartError) as caught:
        await make_charts(limits=limits).tree(server.url, "shop", "1.0.0")

    assert (caught.value.code, caught.value.parameters["reason"].code) == ("chart-archive-bad", why)


async def test_an_archive_that_is_too_long_is_not_read_to_its_end(server: ChartServer, make_charts: MakeCharts):
    server.add("shop", "1.0.0")
    with pytest.raises(ChartError, match="more than the 100 bytes"):
        await make_charts(limits=ArchiveLimits(packed_bytes=100)).tree(server.url, "shop", "1.0.0")


async def test_a_large_index_is_read_by_a_process_of_its_own(server: ChartServer, charts: Charts):
    server.add("shop", "1.0.0")
    rows = {f"other-{number}": [{"version": "1.0.0", "urls": ["x.tgz"], "home": "x" * 50}] for number in range(3000)}
    shop = [{"version": version, "urls": ["charts/shop.tgz"]} for version in ("1.0.0", "1.1.0")]
    server.index = json.dumps({"entries": {**rows, "shop": shop}}).encode()

    assert len(server.index) > 256 << 10
    assert await charts.resolve(server.url, "shop", "*") == "1.1.0"


async def test_value_files_at_urls_are_kept_by_content(server: ChartServer, charts: Charts):
    server.files["/values.yaml"] = b"size: 3\n"

    digest, path = await charts.values(f"{server.url}/values.yaml")
    await charts.values(f"{server.url}/values.yaml")

    assert (digest, path.read_bytes()) == (hashlib.sha256(b"size: 3\n").hexdigest(), b"size: 3\n")
    assert len(server.asked) == 1
    with pytest.raises(ChartError, match="404"):
        await charts.values(f"{server.url}/none.yaml")


async def test_a_host_that_is_away_is_left_alone_for_a_moment(
    server: ChartServer, charts: Charts, monkeypatch: pytest.MonkeyPatch
):
    """A hundred applications of a dead repository wait for it once, and others not at all."""
    tried: list[str] = []

    async def dial(url: str, policy: OutboundPolicy, **given: object) -> None:
        tried.append(url)
        raise OutboundError("outbound-failed", url=url, why="it does not answer")

    monkeypatch.setattr("haori.delivery.charts.access.fetch", dial)
    for number in range(5):
        with pytest.raises(ChartUnreachableError) as caught:
            await charts.tree("https://dead.example/charts", "shop", f"1.0.{number}")
        assert caught.value.parameters["version"] == f"1.0.{number}"
    assert len(tried) == 1

    monkeypatch.undo()
    server.add("shop", "1.0.0")
    assert await charts.tree(server.url, "shop", "1.0.0")
