"""Where helm and kubectl are: the real binaries, which render what their projects say they render.

Looked for in the folder that `haori tools install` fills, then beside this interpreter (a wheel may bring kubectl),
then on PATH. Found anew each time, so that a tool installed while an engine runs is used at once.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from enum import StrEnum
from pathlib import Path

from haori.errors import UserError


class Tool(StrEnum):
    """The programs Haori renders with."""

    HELM = "helm"
    KUBECTL = "kubectl"


class ToolMissingError(UserError):
    """A program that a source needs is not on this machine."""


def tools_folder() -> Path:
    """HAORI_TOOLS, else `tools` in this interpreter's virtual environment, else `haori/tools` under the XDG data home."""
    if given := os.environ.get("HAORI_TOOLS"):
        return Path(given)
    if sys.prefix != sys.base_prefix:
        return Path(sys.prefix) / "tools"
    home = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return Path(home) / "haori" / "tools"


def find_tool(tool: Tool) -> Path:
    """The path of `tool`. Raises ToolMissingError, which says how to install it."""
    folders = (tools_folder(), Path(sys.executable).parent)
    path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", os.defpath)])
    found = shutil.which(tool.value, path=path)
    if found is None:
        raise ToolMissingError("tool-missing", tool=tool.value)
    return Path(found)


def find_jsonnet() -> Path:
    """The extension module of the package gojsonnet, which is never loaded here. Raises ToolMissingError."""
    found = importlib.util.find_spec("_gojsonnet")
    if found is None or found.origin is None:
        raise ToolMissingError("tool-missing-jsonnet")
    return Path(found.origin)
