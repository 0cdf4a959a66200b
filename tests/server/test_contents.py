"""Who is told what a repository holds, before the engine is asked at all (there is none here: 503 means that it would be)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.server.conftest import application
from tests.server.talking import Talk

KNOWN = quote("https://git.example/platform.git", safe="")
UNKNOWN = quote("https://stranger.example/a.git", safe="")
ONE = "/api/v1/repositories"


@pytest.fixture(autouse=True)
def known(tell: Callable[..., None]) -> None:
    """An application of the repository."""
    tell(application("web"))


@pytest.mark.parametrize(
    ("who", "method", "path", "status", "code"),
    [
        ("reader", "GET", f"{ONE}/{KNOWN}/refs", 503, "engine-away"),
        ("reader", "GET", f"{ONE}/{UNKNOWN}/refs", 404, "repository-unknown"),
        ("reader", "GET", f"{ONE}/{UNKNOWN}/helmcharts", 404, "repository-unknown"),
        ("reader", "GET", f"{ONE}/{KNOWN}/apps", 403, "permission-denied"),
        ("reader", "POST", f"{ONE}/{KNOWN}/appdetails", 403, "permission-denied"),
        ("reader", "POST", f"{ONE}/{UNKNOWN}/validate", 403, "permission-denied"),
        ("member", "GET", f"{ONE}/{KNOWN}/refs", 403, "permission-denied"),
        ("admin", "GET", f"{ONE}/{KNOWN}/apps?appProject=default&appName=web", 503, "engine-away"),
        ("admin", "GET", f"{ONE}/{KNOWN}/apps?appName=../web", 400, "field-unusable"),
        ("admin", "GET", f"{ONE}/{UNKNOWN}/apps", 404, "repository-unknown"),
        ("admin", "POST", f"{ONE}/{KNOWN}/appdetails", 503, "engine-away"),
        ("admin", "POST", f"{ONE}/{UNKNOWN}/appdetails", 404, "repository-unknown"),
        ("admin", "POST", f"{ONE}/{UNKNOWN}/validate", 503, "engine-away"),
        ("admin", "POST", f"{ONE}/{UNKNOWN}/validate?type=svn", 400, "field-unusable"),
        ("admin", "POST", f"{ONE}/{quote('ext::sh -c id', safe='')}/validate", 400, "git-url-refused"),
    ],
)
async def test_who_may_ask_for_what(talk: Talk, who: str, method: str, path: str, status: int, code: str):
    answer = await talk.ask(method, path, who=who, body={} if method == "POST" else None)

    assert (answer.status, answer.code) == (status, code)


async def test_the_log_holds_no_credentials_of_a_check(talk: Talk, caplog: Any):
    await talk.ask("POST", f"{ONE}/{UNKNOWN}/validate?password=hidden-9", who="admin")

    assert "hidden-9" not in caplog.text + str([record.__dict__ for record in caplog.records])
