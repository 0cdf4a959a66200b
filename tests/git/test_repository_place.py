from __future__ import annotations

import pytest

from haori.git import repository_place

SPELLINGS = (
    "https://github.com/wear/Platform",
    "https://github.com/wear/platform.git",
    "https://ann:secret@github.com/wear/platform.git/",
    "https://github.com:443/wear/platform",
    "git@github.com:wear/platform.git",
    "ssh://git@github.com/wear/platform.git",
    "ssh://git@ssh.github.com:443/wear/platform.git",
    "ssh://git@altssh.github.com:443/wear/platform.git",
)


@pytest.mark.parametrize("url", SPELLINGS)
def test_all_spellings_of_a_repository_share_a_place(url: str):
    assert repository_place(url) == "github.com/wear/platform"


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/wear/platform-2",
        "https://github.com.evil.example/wear/platform",
        "https://evil.example/github.com/wear/platform",
        "https://sshgithub.com/wear/platform",
    ],
)
def test_another_repository_has_another_place(url: str):
    assert repository_place(url) != "github.com/wear/platform"
