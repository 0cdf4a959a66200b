"""Chromium as Debian packages it, or the one that HAORI_CHROMIUM names. Nothing is ever downloaded."""

from __future__ import annotations

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def find_chromium() -> str:
    """Its path. Skips where there is none, or fails where CI_REQUIRE_BROWSER=1."""
    named = os.environ.get("HAORI_CHROMIUM", "")
    found = named or next((path for name in NAMES if (path := shutil.which(name))), "")
    if found:
        return found
    return missing("no Chromium: install the package `chromium`, or name one in HAORI_CHROMIUM")


def missing(reason: str) -> str:
    """Skips, or fails where the lane is required."""
    if os.environ.get("CI_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
