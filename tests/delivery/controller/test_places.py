"""What sources mean and where that may change, Git and charts side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from haori.delivery.charts import ChartError, Charts, ChartSettings, ChartUnreachableError
from haori.delivery.controller.desired import DesiredStates
from haori.delivery.controller.places import Places
from haori.delivery.controller.polling import RepositoryWatches
from haori.delivery.model import parse_application
from haori.delivery.model.application import Source, parse_source
from haori.git import Repositories, RepositorySettings
from tests.delivery.charts.conftest import POLICY
from tests.delivery.charts.server import ChartServer, serve_charts
from tests.git.conftest import Origin


class Stand:
    """A Git repository and a chart repository."""

    def __init__(self, folder: Path, server: ChartServer) -> None:
        self.server, self.origin = server, Origin(folder / "origin")
        self.repositories = Repositories(RepositorySettings(folder=folder / "mirrors", allow_file=True))
        self.charts = Charts(ChartSettings(folder=folder / "charts", policy=POLICY))
        self.places = Places(self.repositories, self.charts)

    def desired(self) -> DesiredStates:
        return DesiredStates(self.repositories, None, charts=self.charts, control_namespace="argocd")  # type: ignore[arg-type]

    def chart(self, version: str, url: str = "") -> Source:
        return parse_source({"repoURL": url or self.server.url, "chart": "web", "targetRevision": version})


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with serve_charts() as server:
        made = Stand(tmp_path, server)
        yield made
        await made.repositories.aclose()


async def test_each_source_means_a_commit_or_a_version(stand: Stand):
    stand.server.add("web", "1.0.0")
    sha = stand.origin.commit({"a": "1"})
    git = parse_source({"repoURL": stand.origin.url, "targetRevision": "main", "path": "."})
    sources = (git, stand.chart("1.x"), stand.chart("0.9.0"))

    assert await stand.desired().resolve(sources) == (sha, "1.0.0", "0.9.0")
    assert stand.places.of(sources) == [stand.origin.url, f"chart+{stand.server.url}"]
    assert await stand.desired().resolve(sources, revisions=("", "1.0.0", "")) == (sha, "1.0.0", "0.9.0")


async def test_a_fresh_look_sees_what_was_published(stand: Stand):
    stand.server.add("web", "1.0.0")
    desired = stand.desired()
    await desired.resolve([stand.chart("*")])
    stand.server.add("web", "1.1.0")

    assert await desired.resolve([stand.chart("*")]) == ("1.0.0",)
    now = asyncio.get_running_loop().time()
    assert await desired.resolve([stand.chart("*")], fresh_after=now) == ("1.1.0",)


@pytest.mark.parametrize(("status", "kind"), [(503, ChartUnreachableError), (0, ChartError)])
async def test_a_shared_look_that_fails_names_each_chart(stand: Stand, status: int, kind: type[Exception]):
    stand.server.status = status
    url = stand.server.url if status else f"{stand.server.url}/none"
    now = asyncio.get_running_loop().time()

    with pytest.raises(kind) as caught:
        await stand.desired().resolve([stand.chart("^1", url)], fresh_after=now)
    assert all(word in str(caught.value) for word in ("web", "^1", url))


async def test_a_watch_tells_of_a_changed_index_and_of_nothing_else(stand: Stand):
    stand.server.add("web", "1.0.0")
    heard: list[str] = []
    told = asyncio.Event()

    def note(place: str) -> None:
        heard.append(place)
        told.set()

    watches: RepositoryWatches[str] = RepositoryWatches(stand.places, interval_seconds=0, on_change=note)
    place = f"chart+{stand.server.url}"
    running = asyncio.create_task(watches.run())
    watches.follow("shop", stand.places.of([stand.chart("^1")]))
    watches.follow("pinned", stand.places.of([stand.chart("1.0.0")]))
    try:
        await asyncio.wait_for(told.wait(), 10)
        assert (heard, watches.readers_of(heard[0])) == ([place], ["shop"])
        told.clear()
        stand.server.add("web", "1.1.0")
        watches.notify_below(f"chart+{stand.server.url}")
        await asyncio.wait_for(told.wait(), 10)
        assert heard == [place, place]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_a_chart_has_no_path():
    source = parse_source({"repoURL": "https://c.example", "chart": "web", "targetRevision": "1", "path": "inside"})
    assert (source.chart, source.path, source.raw["path"]) == ("web", "", "inside")


def test_a_chart_needs_a_revision():
    spec = {"source": {"repoURL": "https://c.example", "chart": "web"}, "destination": {"name": "in-cluster"}}
    problems = parse_application({"metadata": {"name": "a"}, "spec": spec}).problems
    assert [problem.path for problem in problems] == ["spec.source.targetRevision"]
