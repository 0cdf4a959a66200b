"""Globs match as Argo CD's do, and no pattern makes them slow."""

from __future__ import annotations

import pytest

from haori.delivery.model import globs
from haori.delivery.model.globs import glob_matches, glob_problem, is_permitted


@pytest.mark.parametrize(
    ("pattern", "text", "separator", "matches"),
    [
        pytest.param("*", "a/b", "", True, id="star crosses without a separator"),
        pytest.param("*", "a/b", "/", False, id="star stops at a separator"),
        pytest.param("**", "a/b/c", "/", True, id="two stars cross"),
        pytest.param("a/**/z", "a/b/c/z", "/", True, id="two stars within"),
        pytest.param("a*z", "az", "", True, id="star may be nothing"),
        pytest.param("a?c", "abc", "", True, id="one character"),
        pytest.param("a?c", "a/c", "/", False, id="one character is no separator"),
        pytest.param("a?c", "ac", "", False, id="one character is not none"),
        pytest.param("{a,b}*", "bx", "", True, id="alternatives"),
        pytest.param("x{a,{b,c}d}", "xcd", "", True, id="alternatives in alternatives"),
        pytest.param("{a,}b", "b", "", True, id="empty alternative"),
        pytest.param("[a-c]x", "bx", "", True, id="range"),
        pytest.param("[!a]*", "ab", "", False, id="negated"),
        pytest.param("[!a]x", "bx", "", True, id="negated that fits"),
        pytest.param("a.b", "axb", "", False, id="a dot is a dot"),
        pytest.param(r"a\*b", "a*b", "", True, id="escaped"),
        pytest.param(r"a\*b", "axb", "", False, id="escaped is no star"),
        pytest.param("a}b", "a}b", "", True, id="an end alone is text"),
        pytest.param("[a", "[a", "", True, id="unreadable matches itself"),
        pytest.param("[a", "a", "", False, id="unreadable matches nothing else"),
    ],
)
def test_glob(pattern: str, text: str, separator: str, matches: bool) -> None:
    assert glob_matches(pattern, text, separator=separator) is matches


@pytest.mark.parametrize("pattern", ["[a", "{a,b", "[]", "[!]", "a\\", "x" * 513 + "*", "{" * 9 + "a" + "}" * 9])
def test_what_is_no_glob_is_told(pattern: str) -> None:
    assert glob_problem(pattern)
    assert not glob_problem("a{b,c}[d-f]?**")


@pytest.mark.parametrize(
    "pattern", ["*a" * 250, "{a,a}" * 100 + "!", "{a*,*a}" * 60 + "!", "(a+)+$" * 80, "**?" * 150 + "!"]
)
def test_no_pattern_costs_more_than_its_length_times_the_text(pattern: str) -> None:
    steps = 0
    inner = globs._Machine._closure

    def count(self: globs._Machine, states: set[int]) -> set[int]:
        nonlocal steps
        found = inner(self, states)
        steps += len(found)
        return found

    text = "a" * 250 + "b"
    machine = globs._Machine(pattern, "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(globs._Machine, "_closure", count)
        assert not machine.accepts(text)

    assert steps <= (2 * len(pattern) + 2) * (len(text) + 1)


def test_a_denial_beats_and_allows_nothing_by_itself() -> None:
    assert is_permitted(["*", "!https://git.example/secret"], "https://git.example/open", separator="/")
    assert not is_permitted(["!https://git.example/secret", "*"], "https://git.example/secret", separator="/")
    assert not is_permitted(["!https://git.example/secret"], "https://git.example/open", separator="/")
