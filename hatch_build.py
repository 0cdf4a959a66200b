"""Packs the built console into wheels and source archives, and builds it where that was not done.

A source archive carries the built files, so that an install from one needs no Node.js. An editable install serves
`console/dist` where it lies. Without Node.js, or with HAORI_BUILD_NO_CONSOLE in the environment, a wheel is made without
the console, and says so: everything but the pages works.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OPT_OUT = "HAORI_BUILD_NO_CONSOLE"
PACKED_AS = "haori/server/pages"


class ConsoleHook(BuildHookInterface):  # type: ignore[type-arg]
    """Hatchling's hook."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the console to what is packed."""
        if version == "editable" or os.environ.get(OPT_OUT):
            return
        built = Path(self.root, "console", "dist")
        self._build(built)
        if not (built / "index.html").is_file():
            self.app.display_warning("haori: packed without the console, which needs Node.js to be built")
            return
        where = PACKED_AS if self.target_name == "wheel" else "console/dist"
        build_data["force_include"][str(built)] = where

    def _build(self, built: Path) -> None:
        """Brings the built files up to date in a checkout; a source archive has them and no way to make them."""
        script = Path(self.root, "scripts", "console")
        if script.is_file():
            subprocess.run([script, "build", "try"], check=True)
