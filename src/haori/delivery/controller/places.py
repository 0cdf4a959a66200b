"""Git repositories, chart repositories and registries behind one door, each by the place where its changes show.

A place is a URL of Git, or what `Charts.watched` names.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from haori.delivery.charts import PLACE, Charts
from haori.delivery.model import Source
from haori.delivery.render import PLACE as BASE
from haori.delivery.render import Bases
from haori.git import Repositories


class Places:
    """Looks at whichever a place names."""

    def __init__(self, repositories: Repositories, charts: Charts, bases: Bases | None = None) -> None:
        self._repositories, self._charts, self._bases = repositories, charts, bases

    def of(self, sources: Iterable[Source]) -> list[str]:
        """Where what the sources mean may change, each once: a pinned chart changes nowhere."""
        found = (
            self._charts.watched(source.repo_url, source.chart, source.target_revision)
            if source.is_packed
            else source.repo_url
            for source in sources
        )
        return list(dict.fromkeys(place for place in found if place))

    async def refresh(self, place: str) -> Any:
        """What is there now; another value when it has changed."""
        if self._bases is not None and place.startswith(BASE):
            return await self._bases.refresh(place)
        return await (self._charts if place.startswith(PLACE) else self._repositories).refresh(place)

    async def resolve(self, source: Source, revision: str) -> str:
        """The commit, version or digest that `revision` of the source means by the last look."""
        if source.is_packed:
            return await self._charts.resolve(source.repo_url, source.chart, revision)
        return await self._repositories.resolve(source.repo_url, revision)

    def statistics(self) -> dict[str, int]:
        """Of both."""
        return {**self._repositories.statistics(), **self._charts.statistics()}
