from __future__ import annotations

import pytest

from haori.git import (
    Credentials,
    RepositoryRefusedError,
    credentials_from_secret,
    find_credentials,
    normalize_url,
    redact_url,
)
from haori.git.urls import parse_url


@pytest.mark.parametrize(
    "url",
    ["", "-oProxyCommand=x", "ext::sh -c x", "git://host/x", "http://example.test/x", "file:///etc", "/etc", "x y",
     "ssh://-oProxyCommand=x/y", "ssh://-x@host/y", "fd::7", "--upload-pack=x"],
)  # fmt: skip
def test_unsafe_urls_are_refused(url: str) -> None:
    with pytest.raises(RepositoryRefusedError):
        parse_url(url)


@pytest.mark.parametrize(
    ("url", "protocol"),
    [("https://u:p@host/x.git", "https"), ("git@host:x/y.git", "ssh"), ("ssh://git@host:22/x", "ssh"),
     ("http://haori:t@127.0.0.1:8080/platform.git", "http")],
)  # fmt: skip
def test_usual_urls_are_dialled_by_one_protocol(url: str, protocol: str) -> None:
    parsed = parse_url(url)
    assert parsed.protocol == protocol
    assert ":p@" not in parsed.address
    assert ":t@" not in parsed.address


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@host/x?token=1", "https://host/x"),
        ("https://token@host/x", "https://host/x"),
        ("ssh://git:p@host:22/x", "ssh://git@host:22/x"),
        ("ssh://git@host/x", "ssh://git@host/x"),
        ("ssh://host/x@v1", "ssh://host/x@v1"),
        ("git@host:x", "git@host:x"),
    ],
)
def test_no_password_is_left_in_what_people_read(url: str, shown: str) -> None:
    assert redact_url(url) == shown


def test_spellings_of_one_repository_are_one() -> None:
    spellings = ["git@host:team/x.git", "ssh://git@host/team/x", "ssh://host/Team/x/", "ssh://other:p@host/team/x.git"]
    assert {normalize_url(url) for url in spellings} == {"ssh://host/team/x"}


def test_a_template_answers_only_below_its_url() -> None:
    known = [Credentials(url="https://git.test/team", is_template=True, password="p")]
    assert find_credentials("https://git.test/team/x.git", known) is known[0]
    assert find_credentials("https://git.test/team-evil/x", known) is None


def test_a_secret_is_read_as_argo_writes_it() -> None:
    labels = {"argocd.argoproj.io/secret-type": "repo-creds"}
    found = credentials_from_secret({"metadata": {"labels": labels}, "data": {"url": "aA==", "password": "cHc="}})
    assert (found.url, found.password, found.is_template) == ("h", "pw", True)
    assert "pw" not in repr(found)
