"""The table of rules.yaml and the cases hold each other: a rule without a case and a case without a rule are mistakes."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from haori.objects.yaml import load

TABLE: dict[str, list[dict[str, Any]]] = load(Path(__file__).with_name("rules.yaml").read_bytes())
RULES = [(section.split()[0], row) for section, rows in TABLE.items() for row in rows]
WHOLE = (
    "plan/test_plan",
    "plan/test_next",
    "plan/test_timeouts",
    "plan/test_deletion_hooks",
    "plan/test_validation",
    "plan/test_automation",
    "compare/test_keep",
    "e2e/test_delivery_options",
    "e2e/test_delivery_validation",
)
"""Modules that hold nothing but cases of rules."""


def module_of(name: str) -> ModuleType:
    room, _, module = name.partition("/")
    return importlib.import_module(f"tests.e2e.{module}" if room == "e2e" else f"tests.delivery.{room}.{module}")


def cases_in(name: str) -> Iterator[str]:
    module = module_of(name)
    for function, value in inspect.getmembers(module, inspect.isfunction):
        if function.startswith("test_") and value.__module__ == module.__name__:
            yield f"{name}::{function}"


@pytest.mark.parametrize(("section", "row"), RULES, ids=[f"{section} {row['rule']}" for section, row in RULES])
def test_every_rule_has_a_case(section: str, row: dict[str, Any]) -> None:
    assert set(row) <= {"rule", "ours", "cases"}
    assert row["cases"]
    for case in row["cases"]:
        module, _, function = case.partition("::")
        assert callable(getattr(module_of(module), function, None)), f"there is no {case}"


@pytest.mark.parametrize("module", WHOLE)
def test_every_case_has_a_rule(module: str) -> None:
    named = {case for _, row in RULES for case in row["cases"]}
    assert [case for case in cases_in(module) if case not in named] == []


def test_a_rule_stands_once() -> None:
    texts = [row["rule"] for _, row in RULES]
    assert len(texts) == len(set(texts))
