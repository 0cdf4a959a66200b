"""The command finds its commands lazily, explains itself and ends with the documented exit codes."""

import subprocess
import sys

import pytest

from haori.cli.main import COMMANDS, HIDDEN, cli, run_command
from haori.words import has_code


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_can_be_imported_and_has_words(name):
    command = cli.get_command(None, name)  # type: ignore[arg-type]
    assert command is not None
    assert has_code(f"cli.{name}.short")
    assert run_command([name, "--help"]) == 0


def test_help_lists_every_command(capsys):
    assert run_command(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(f"  {name}" in printed for name in COMMANDS if name not in HIDDEN)


def test_a_mistyped_command_names_the_nearest(capsys):
    assert run_command(["completio"]) == 2
    assert "Did you mean 'completion'?" in capsys.readouterr().err


def test_completion_prints_a_script(capsys):
    assert run_command(["completion", "bash"]) == 0
    assert "_HAORI_COMPLETE" in capsys.readouterr().out


@pytest.mark.parametrize("heavy", ["aiohttp", "asyncio", "cryptography", "rich", "yaml", "uvicorn"])
def test_help_imports_nothing_heavy(heavy):
    run = "import sys; from haori.cli.main import run_command; run_command(['--help'])"
    probe = f"{run}; sys.exit('{heavy}' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], stdout=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, f"{heavy} is imported for --help"
