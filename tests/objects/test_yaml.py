"""YAML means what kubectl says it means, and hostile YAML ends in an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haori.objects import YamlError
from haori.objects.yaml import YamlLimits, dump, dump_documents, load, load_documents

_CASES = load(Path(__file__).with_name("scalars.yaml").read_bytes())


@pytest.mark.parametrize(("text", "answer"), _CASES["scalars"], ids=[text for text, _ in _CASES["scalars"]])
def test_scalar_is_read_as_kubectl_reads_it(text: str, answer: str) -> None:
    value = load(f"k: {text}\n")["k"]
    expected = orjson.loads(answer)
    assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize(("text", "answer"), _CASES["keys"], ids=[text for text, _ in _CASES["keys"]])
def test_key_is_read_as_kubectl_reads_it(text: str, answer: str) -> None:
    assert list(load(f"{{{text}: 1}}")) == [answer]


@pytest.mark.parametrize("text", ["~: 1", ".inf: 1", "[a]: 1", "k: .nan", "k: -.inf", "k: !!int x", "a: &b [*b]", "*x"])
def test_what_json_cannot_hold_is_an_error(text: str) -> None:
    with pytest.raises(YamlError):
        load(text)


def test_error_names_file_and_line() -> None:
    with pytest.raises(YamlError) as caught:
        load_documents("a: 1\nb: [\n", source="deploy.yaml")
    assert caught.value.parameters["source"] == "deploy.yaml"
    assert caught.value.parameters["line"] == 3


def test_merge_behind_a_key_overrides_it_as_kubectl_does() -> None:
    assert load("a: &a {x: 1}\nb: {x: 2, <<: *a}\nc: {<<: [*a, {x: 3, w: 4}], z: 5}") == {
        "a": {"x": 1},
        "b": {"x": 1},
        "c": {"x": 1, "w": 4, "z": 5},
    }


def test_duplicate_key_keeps_the_last_and_is_told() -> None:
    warnings: list[tuple[int, str]] = []
    assert load_documents("a: 1\na: 2\n", warnings=warnings) == [{"a": 2}]
    assert warnings == [(2, "a")]


def test_empty_documents_are_left_out() -> None:
    assert load_documents("---\n# nothing\n---\na: 1\n---\n") == [{"a": 1}]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        pytest.param("[" * 200 + "]" * 200 + " #", "depth", id="depth"),
        pytest.param(
            "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(9)),
            "aliases",
            id="alias bomb",
        ),
        pytest.param("x" * 2_000_000, "size", id="size"),
        pytest.param("---\na\n" * 200, "documents", id="documents"),
    ],
)
def test_bounds_hold(text: str, what: str) -> None:
    with pytest.raises(YamlError) as caught:
        load_documents(text, limits=YamlLimits(size_bytes=1_000_000, documents=100))
    assert (caught.value.code, caught.value.parameters["what"]) == ("yaml-too-large", what)


_json: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(exclude_categories=("Cs", "Cc")))
    | st.sampled_from(
        ["on", "y", "1e3", "014", "1:20", "<<", "=", "~", "a\nb", "a\n", " a", "0x1F", ".5_0", "- a", "#"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abyn10.", max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(_json)
def test_what_is_dumped_reads_back(value: Any) -> None:
    assert load(dump({"v": value})) == {"v": value}


def test_documents_are_separated() -> None:
    assert load_documents(dump_documents([{"a": 1}, {"b": "2"}])) == [{"a": 1}, {"b": "2"}]
