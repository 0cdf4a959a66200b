"""The command reference says what the commands say."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_command_reference_is_what_the_commands_say():
    command = [sys.executable, "scripts/write_reference.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "HAORI_LANG": "ja"})
    assert done.returncode == 0, done.stderr
