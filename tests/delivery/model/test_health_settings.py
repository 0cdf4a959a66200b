"""Where health scripts come from, and which of them judges a kind."""

from __future__ import annotations

import pytest

from haori.delivery.model import HealthScript, Settings, parse_settings
from haori.objects import GroupKind

BLOCK = """
apps/Deployment:
  health.lua: return {status = "Suspended"}
"*.example.com/*":
  health.lua: |
    return {status = "Healthy"}
  health.lua.useOpenLibs: true
"*.example.com/W*":
  health.lua: return nil
shop.example.com/Plain:
  ignoreDifferences: |
    jsonPointers: [/spec/seen]
"""


def settings(**data: str) -> Settings:
    return parse_settings({"data": {name.replace("__", "."): value for name, value in data.items()}})


def health(name: str, text: str) -> dict[str, str]:
    return {f"resource.customizations.health.{name}": text}


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("argoproj.io_Application", GroupKind("argoproj.io", "Application")),
        ("Pod", GroupKind("", "Pod")),
        ("apps_Deployment", GroupKind("apps", "Deployment")),
    ],
)
def test_a_key_of_its_own(name: str, type_: GroupKind) -> None:
    found = parse_settings({"data": health(name, "return nil")})
    assert found.health_script(type_) == HealthScript(text="return nil")
    assert found.health_script(GroupKind("other", type_.kind)) is None


def test_the_block_of_old() -> None:
    found = settings(resource__customizations=BLOCK)
    assert found.health_script(GroupKind("apps", "Deployment")) == HealthScript(text='return {status = "Suspended"}')
    assert [rule.kind for rule in found.ignore_rules] == ["Plain"]
    assert found.ignore_rules[0].json_pointers == ("/spec/seen",)
    assert found.problems == ()


@pytest.mark.parametrize(
    ("kind", "has_libraries"),
    [
        pytest.param("Plain", True, id="only-the-wider-fits"),
        pytest.param("Widget", True, id="the-first-by-its-text-of-two"),
    ],
)
def test_wildcards(kind: str, has_libraries: bool) -> None:
    script = settings(resource__customizations=BLOCK).health_script(GroupKind("shop.example.com", kind))
    assert script is not None
    assert script.has_libraries is has_libraries


def test_the_very_name_wins_over_wildcards_and_a_key_over_the_block() -> None:
    data = {
        "resource.customizations": BLOCK,
        **health("shop.example.com_Widget", "1"),
        **health("apps_Deployment", "2"),
    }
    found = parse_settings({"data": data})
    for type_, text in ((GroupKind("shop.example.com", "Widget"), "1"), (GroupKind("apps", "Deployment"), "2")):
        script = found.health_script(type_)
        assert script is not None
        assert script.text == text


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("false", False), ("", False)])
def test_libraries_by_key(value: str, expected: bool) -> None:
    data = {**health("apps_Deployment", "x"), "resource.customizations.useOpenLibs.apps_Deployment": value}
    script = parse_settings({"data": data}).health_script(GroupKind("apps", "Deployment"))
    assert script == HealthScript(text="x", has_libraries=expected)


def test_a_block_that_is_no_yaml_is_a_problem_and_the_keys_hold() -> None:
    found = parse_settings({"data": {"resource.customizations": "a: [", **health("Pod", "x")}})
    assert [problem.path for problem in found.problems] == ["data[resource.customizations]"]
    assert found.health_script(GroupKind("", "Pod")) is not None


@pytest.mark.parametrize(
    ("value", "by_conditions", "applications"),
    [("true", True, True), ("false", False, False), ("", True, False), ("odd", True, False)],
)
def test_switches(value: str, by_conditions: bool, applications: bool) -> None:
    found = settings(haori__health__byConditions=value, haori__health__applications=value)
    assert (found.judges_by_conditions, found.judges_applications) == (by_conditions, applications)


def test_other_text_changes_settings_so_that_all_is_judged_anew() -> None:
    assert parse_settings({"data": health("Pod", "a")}) != parse_settings({"data": health("Pod", "b")})
