"""What `status` tells people to do next."""

from __future__ import annotations

from pathlib import Path

import pytest

from haori.cli.status import activation


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """A virtual environment with the command in it."""
    made = tmp_path / "venv"
    (made / "bin").mkdir(parents=True)
    for name in ("activate", "haori"):
        (made / "bin" / name).touch(mode=0o755)
    return made


def test_an_environment_that_is_not_activated_is_named_first(prefix: Path):
    assert activation({"PATH": "/nowhere"}, str(prefix)) == [f"source {prefix}/bin/activate"]


def test_make_puts_it_on_its_own_path_and_not_on_that_of_the_shell(prefix: Path):
    assert activation({"PATH": f"{prefix}/bin:/nowhere"}, str(prefix)) == [f"source {prefix}/bin/activate"]


def test_an_activated_one_is_not(prefix: Path):
    assert activation({"PATH": f"{prefix}/bin", "VIRTUAL_ENV": str(prefix)}, str(prefix)) == []


def test_a_command_that_is_reachable_otherwise_is_enough(prefix: Path, tmp_path: Path):
    elsewhere = tmp_path / "bin"
    elsewhere.mkdir()
    (elsewhere / "haori").touch(mode=0o755)
    assert activation({"PATH": f"/nowhere:{elsewhere}"}, str(prefix)) == []


def test_what_is_no_virtual_environment_has_nothing_to_activate(tmp_path: Path):
    assert activation({"PATH": "/nowhere"}, str(tmp_path)) == []
