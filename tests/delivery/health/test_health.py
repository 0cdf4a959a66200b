"""Every kind's rule, one file a case: FOLDER/STATE.yaml with the status in FOLDER/STATE.expected (None: no check)."""

from __future__ import annotations

from pathlib import Path

import pytest

from haori.delivery.health import Culprit, Health, HealthOptions, assess, roll_up, worst
from haori.delivery.health.kinds import GROUPS, KINDS
from haori.delivery.health.rules import RULES
from haori.objects import ResourceKey, gvk_of
from haori.objects.yaml import load
from haori.resources.argo import HealthStatus
from haori.words import Language

_FOLDER = Path(__file__).with_name("cases")
_CASES = sorted(_FOLDER.glob("*/*.yaml"))
_TABLE: dict[str, dict[str, str]] = load(Path(__file__).with_name("rules.yaml").read_bytes())
WITH_CHILDREN = HealthOptions(applications=True)


@pytest.mark.parametrize("path", _CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_case(path: Path) -> None:
    expected = path.with_suffix(".expected").read_text().strip()
    health = assess(load(path.read_bytes()), WITH_CHILDREN)
    assert (health.status.value if health else "None") == expected, _TABLE[path.parent.name][path.stem]
    if health and health.status is not HealthStatus.HEALTHY:
        assert health.sentence is not None
        assert "{" not in health.message
        assert health.sentence.text(Language.JAPANESE) != health.message


def test_every_case_shows_a_rule_and_every_rule_has_its_case() -> None:
    assert {(folder, name) for folder, rules in _TABLE.items() for name in rules} == {
        (path.parent.name, path.stem) for path in _CASES
    }


def test_no_two_cases_of_a_kind_show_the_same_rule() -> None:
    assert [folder for folder, rules in _TABLE.items() if len(set(rules.values())) < len(rules)] == []


def test_every_kind_with_a_rule_has_cases() -> None:
    shown = {gvk_of(load(path.read_bytes())).group_kind for path in _CASES}
    assert set(RULES) | set(KINDS) <= shown
    assert [end for end, _ in GROUPS if not any(type_.group.endswith(end) for type_ in shown)] == []


def test_settings_turn_the_rule_for_unknown_kinds_off() -> None:
    widget = load((_FOLDER / "unknown-kind/not-ready.yaml").read_bytes())
    assert assess(widget, HealthOptions(by_conditions=False)) is None
    assert assess(widget) is not None


@pytest.mark.parametrize("name", ["healthy", "degraded", "new"])
def test_a_child_application_is_not_judged_unless_settings_ask_for_it(name: str) -> None:
    assert assess(load((_FOLDER / f"Application/{name}.yaml").read_bytes())) is None


def _object(name: str, status: HealthStatus | None, kind: str = "Deployment", live: bool = True) -> Culprit:
    group = "argoproj.io" if kind == "Application" else "apps"
    health = None if status is None else Health(status=status)
    return Culprit(key=ResourceKey(group, kind, "shop", name), health=health, is_live=live)


H = HealthStatus
_ROLL_UPS = [
    pytest.param([], H.HEALTHY, id="nothing"),
    pytest.param([_object("a", None)], H.HEALTHY, id="no check counts as healthy"),
    pytest.param([_object("a", H.DEGRADED), _object("b", H.PROGRESSING)], H.DEGRADED, id="worst wins"),
    pytest.param(
        [_object("a", H.SUSPENDED), _object("b", H.HEALTHY)], H.SUSPENDED, id="suspended is worse than healthy"
    ),
    pytest.param([_object("a", None, live=False), _object("b", H.HEALTHY)], H.HEALTHY, id="one missing does not count"),
    pytest.param([_object("a", None, live=False)], H.MISSING, id="none live is missing"),
    pytest.param([_object("a", H.UNKNOWN, "Application"), _object("b", None)], H.HEALTHY, id="unknown child"),
    pytest.param([_object("a", H.DEGRADED, "Application")], H.DEGRADED, id="degraded child counts"),
]


@pytest.mark.parametrize(("objects", "expected"), _ROLL_UPS)
def test_roll_up(objects: list[Culprit], expected: HealthStatus) -> None:
    assert roll_up(objects).status is expected
    assert roll_up(reversed(objects)) == roll_up(objects)


def test_application_does_not_count_itself() -> None:
    itself = _object("a", H.DEGRADED, "Application")
    assert roll_up([itself, _object("b", None)], itself=itself.key).status is H.HEALTHY


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        pytest.param([("a", True, True), ("b", False, False)], H.HEALTHY, id="live-and-ignored-is-live"),
        pytest.param([("a", True, True)], H.HEALTHY, id="nothing-counts"),
        pytest.param([("a", False, False), ("b", False, False)], H.MISSING, id="none-live"),
    ],
)
def test_what_is_ignored_still_shows_that_something_is_live(
    objects: list[tuple[str, bool, bool]], expected: HealthStatus
) -> None:
    degraded = Health(status=H.DEGRADED)
    culprits = [
        Culprit(key=ResourceKey("apps", "Deployment", "shop", name), health=degraded, is_live=live, is_ignored=ignored)
        for name, live, ignored in objects
    ]
    assert roll_up(culprits).status is expected


def test_the_message_names_three_objects_at_most() -> None:
    many = [_object(name, H.DEGRADED) for name in "dcba"]
    found = roll_up(many).sentence
    assert found is not None
    assert found.parameters["object"] == "Deployment shop/a"
    assert found.parameters["others"] == ["Deployment shop/b", "Deployment shop/c"]
    assert found.parameters["count"] == 4


def test_worst_is_argos_order() -> None:
    assert worst(H) is H.UNKNOWN
    assert worst([]) is H.HEALTHY


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "PersistentVolumeClaim shop/db waits for a volume", "ボリュームを待っています", id="as-we-wrote-it"
        ),
        pytest.param("written by another", "written by another", id="another-wrote-it"),
    ],
)
def test_a_childs_reason_is_told_in_the_reader_s_language(text: str, expected: str) -> None:
    parameters = {"object": "PersistentVolumeClaim shop/db"}
    why = {
        "code": "why-claim-pending",
        "parameters": parameters,
        "text": "PersistentVolumeClaim shop/db waits for a volume",
    }
    status = {"health": {"status": "Degraded", "message": text}, "haori": {"why": why}}
    child = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "a", "namespace": "argocd"},
        "status": status,
    }
    found = assess(child, WITH_CHILDREN)
    assert found is not None
    assert found.sentence is not None
    assert expected in found.sentence.text(Language.JAPANESE)
    assert found.message == f"the application is Degraded: {text}"
