"""Globs as gobwas/glob reads them without separators; regular expressions as Go's."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haori.access.patterns import PatternError, compile_glob, compile_regex


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        pytest.param("shop/web", "shop/web", True, id="plain text is itself"),
        pytest.param("shop/web", "shop/web2", False, id="plain text is the whole text"),
        pytest.param("*", "", True, id="a star is nothing too"),
        pytest.param("shop/*", "shop/ns/web", True, id="a star crosses slashes"),
        pytest.param("*/*", "web", False, id="a slash is wanted where it is written"),
        pytest.param("*/web", "shop/web", True, id="a star in front"),
        pytest.param("**", "a/b", True, id="two stars are one"),
        pytest.param("shop/w?b", "shop/web", True, id="a question mark is one character"),
        pytest.param("shop?web", "shop/web", True, id="a question mark is a slash too"),
        pytest.param("shop/w?b", "shop/wb", False, id="a question mark is not nothing"),
        pytest.param("shop/[ab]", "shop/b", True, id="a list"),
        pytest.param("shop/[ab]", "shop/c", False, id="not in the list"),
        pytest.param("shop/[a-c]", "shop/b", True, id="a range"),
        pytest.param("shop/[!a-c]", "shop/b", False, id="a negated range"),
        pytest.param("shop/[!a-c]", "shop/d", True, id="outside a negated range"),
        pytest.param("shop/[^a]", "shop/^", True, id="a caret is a character"),
        pytest.param("{get,sync}", "sync", True, id="alternatives"),
        pytest.param("{get,sync}", "synced", False, id="alternatives are whole"),
        pytest.param("{shop/*,{ops,data}/web}", "data/web", True, id="nested alternatives with stars"),
        pytest.param("get,sync", "get,sync", True, id="a comma outside braces is a comma"),
        pytest.param("a}b", "a}b", True, id="a brace that closes nothing is a brace"),
        pytest.param(r"shop/\*", "shop/*", True, id="an escaped star is a star"),
        pytest.param(r"shop/\*", "shop/web", False, id="an escaped star is nothing else"),
        pytest.param("a.b*c", "aXbc", False, id="a dot is a dot"),
        pytest.param("a(b)*|c", "a(b)x|c", True, id="what regular expressions know is plain text"),
        pytest.param("店/*", "店/web", True, id="beyond ASCII"),
        pytest.param("a*c", "a\nc", True, id="a star is a line end too"),
    ],
)
def test_globs(pattern, text, expected):
    assert compile_glob(pattern)(text) is expected


@given(pattern=st.text("ab*/", max_size=8), text=st.text("ab/", max_size=10))
def test_stars_mean_what_a_regular_expression_of_them_means(pattern: str, text: str):
    expression = ".*".join(re.escape(piece) for piece in pattern.split("*"))
    assert compile_glob(pattern)(text) is (re.fullmatch(expression, text, re.DOTALL) is not None)


@pytest.mark.parametrize("pattern", ["{a", "[a", "a\\", "[]", "[!]", "*" + "a?" * 1000])
def test_a_glob_that_is_none_is_refused(pattern):
    with pytest.raises(PatternError):
        compile_glob(pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        pytest.param("shop/.*", "myshop/web", True, id="found anywhere"),
        pytest.param("^shop/.*$", "myshop/web", False, id="anchored where written so"),
        pytest.param("(get|sync)", "sync", True, id="alternatives"),
    ],
)
def test_regular_expressions(pattern, text, expected):
    assert compile_regex(pattern)(text) is expected


@pytest.mark.parametrize("pattern", ["*/*", "(a", "(?=a)"])
def test_a_regular_expression_that_go_does_not_know_is_refused(pattern):
    with pytest.raises(PatternError):
        compile_regex(pattern)


def test_no_pattern_takes_more_than_linear_time():
    assert compile_regex("^(a+)+$")("a" * 10_000 + "b") is False
    assert compile_glob("*a" * 50 + "?c")("a" * 10_000) is False
