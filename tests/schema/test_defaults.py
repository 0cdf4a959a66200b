"""What `apply_defaults` gives is what a real API server of the recorded version gave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from haori.schema import Schemas, apply_defaults
from haori.schema.canonical import canonical_quantity
from haori.schema.crd import structural

CASES = sorted((Path(__file__).parent / "cases" / "defaults").glob("*.yaml"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_defaults_are_those_of_the_api_server(path: Path):
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    given = case["given"]
    schema = Schemas.builtin().type_for(given["apiVersion"], given["kind"])
    assert schema is not None
    before = yaml.safe_dump(given)

    filled = apply_defaults(schema, given)

    assert without_status(filled, case) == case["expected"]
    assert yaml.safe_dump(given) == before
    assert apply_defaults(schema, filled) == filled


def without_status(filled: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    """Where the recording left it out, because it tells what the server did rather than what it fills in."""
    return {key: value for key, value in filled.items() if key != "status" or "status" in case["expected"]}


@pytest.mark.parametrize(
    ("given", "canonical"),
    [("1000m", "1"), ("1.5Gi", "1536Mi"), (0.5, "500m"), (1, "1"), ("1024Mi", "1Gi"), ("0.5Ki", "512"), ("1e3", "1e3"),
     ("12e6", "12e6"), ("100000", "100k"), ("0", "0"), ("-1500m", "-1500m"), ("1.5Mi", "1536Ki"), ("0.1Ki", "102400m")],
)  # fmt: skip
def test_quantities_are_written_in_one_way(given: Any, canonical: str):
    assert canonical_quantity(given) == canonical


def test_defaults_of_a_custom_resource_are_filled_where_their_parent_is():
    schema = structural({
        "type": "object",
        "properties": {
            "a": {"type": "string", "default": "x"},
            "n": {"type": "string", "nullable": True},
            "o": {"type": "object", "default": {}, "properties": {"b": {"type": "integer", "default": 1}}},
            "p": {"type": "object", "properties": {"c": {"type": "boolean", "default": False}}},
            "l": {"type": "array", "items": {"type": "object", "properties": {"d": {"type": "string", "default": ""}}}},
            "m": {"type": "object", "additionalProperties": {"type": "object", "properties": {"e": {"default": 2}}}},
        },
    })  # fmt: skip
    given: dict[str, Any] = {"a": None, "n": None, "l": [{}], "m": {"k": {}}, "free": 1}
    assert apply_defaults(schema, given) == {
        "a": "x", "n": None, "o": {"b": 1}, "l": [{"d": ""}], "m": {"k": {"e": 2}}, "free": 1,
    }  # fmt: skip
