"""Every rule in rules.yaml names tests that exist."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from haori.objects.yaml import load

_RULES = load(Path(__file__).with_name("rules.yaml").read_bytes())


@pytest.mark.parametrize("rule", list(_RULES), ids=list(_RULES))
def test_rule_is_held(rule: str) -> None:
    for name in _RULES[rule]:
        module, _, function = name.partition("::")
        assert callable(getattr(importlib.import_module(f"tests.delivery.plan.{module}"), function))
