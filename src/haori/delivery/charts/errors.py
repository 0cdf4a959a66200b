"""What can go wrong with charts.

ChartError             (user)       no such chart or version, a wrong digest, an archive or address we do not accept
ChartRefusedError      (peer)       the repository or registry said no: credentials, rights
ChartUnreachableError  (transient)  it did not answer now

Each names the chart, its repository, the version asked for and the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from haori.errors import PeerError, TransientError, UserError
from haori.git import redact_url
from haori.words import Sentence


class ChartError(UserError):
    """The application's or the repository's author has to change something."""


class ChartRefusedError(PeerError):
    """The repository refused."""


class ChartUnreachableError(TransientError):
    """The repository could not be reached now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is fetched, for errors."""

    url: str
    """The repository's."""
    chart: str = ""
    version: str = ""

    def facts(self) -> dict[str, Any]:
        """Parameters of any error about it; an artifact of manifests goes by the name of its repository."""
        url = redact_url(self.url)
        return {"url": url, "chart": self.chart or url.rpartition("/")[2], "version": self.version or "*"}

    def bad_archive(self, code: str, **parameters: Any) -> ChartError:
        """The archive cannot be used; `code` is the sentence that says why."""
        return ChartError("chart-archive-bad", **self.facts(), reason=Sentence(code=code, parameters=parameters))
