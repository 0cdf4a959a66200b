"""The room's door: every public name is there, and knocking loads nothing."""

from __future__ import annotations

import subprocess
import sys

import haori.schema


def test_every_public_name_has_a_home():
    assert all(getattr(haori.schema, name) is not None for name in haori.schema.__all__)
    assert set(haori.schema.__all__) == {name for names in haori.schema._MODULES.values() for name in names}


def test_importing_the_room_loads_none_of_its_modules():
    program = "import sys, haori.schema; print([name for name in sys.modules if name.startswith('haori.schema.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
