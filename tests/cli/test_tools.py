"""Programs are found where they are, and installed only with the hash that is written down."""

import hashlib
import sys

import pytest

from haori.cli.tools import Binary, ToolsDownloadError, is_installed, put_binary
from haori.delivery.render.tools import Tool, ToolMissingError, find_tool

CONTENT = b"#!/bin/sh\necho helm\n"
BINARY = Binary(tool=Tool.HELM, member="helm/helm", version="0", sha256=hashlib.sha256(CONTENT).hexdigest())


def test_a_binary_with_the_right_hash_is_installed_executable(tmp_path):
    put_binary(CONTENT, BINARY, tmp_path)
    assert is_installed(BINARY, tmp_path)
    assert (tmp_path / "helm").stat().st_mode & 0o777 == 0o755
    assert [path.name for path in tmp_path.iterdir()] == ["helm"]


def test_a_binary_with_another_hash_is_not(tmp_path):
    with pytest.raises(ToolsDownloadError) as raised:
        put_binary(CONTENT + b"x", BINARY, tmp_path)
    assert raised.value.code == "tools-wrong-hash"
    assert list(tmp_path.iterdir()) == []


def test_a_changed_binary_counts_as_not_installed(tmp_path):
    put_binary(CONTENT, BINARY, tmp_path)
    (tmp_path / "helm").write_bytes(b"something else")
    assert not is_installed(BINARY, tmp_path)


def test_the_tools_folder_comes_before_path(tmp_path, monkeypatch):
    for name in ("tools", "path"):
        (tmp_path / name).mkdir()
        put_binary(CONTENT, BINARY, tmp_path / name)
    monkeypatch.setenv("HAORI_TOOLS", str(tmp_path / "tools"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    assert find_tool(Tool.HELM) == tmp_path / "tools" / "helm"


def test_a_missing_tool_is_named_with_the_way_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HAORI_TOOLS", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ToolMissingError) as raised:
        find_tool(Tool.HELM)
    assert raised.value.hint is not None
