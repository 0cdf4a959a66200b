"""Values as Go prints them, which is how the API server words some of its complaints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson


def go_text(value: Any) -> str:
    """With %v: `map[a:1 b:[x y]]`, `true`, `<nil>`."""
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{name}:{go_text(value[name])}" for name in sorted(value)) + "]"
    if isinstance(value, (list, tuple)):
        return "[" + " ".join(map(go_text, value)) + "]"
    return "true" if value is True else "false" if value is False else "<nil>" if value is None else str(value)


def go_syntax(value: Any) -> str:
    """With %#v: `map[string]interface {}{"a":1}`."""
    if isinstance(value, Mapping):
        fields = ", ".join(f"{go_syntax(name)}:{go_syntax(value[name])}" for name in sorted(value))
        return f"map[string]interface {{}}{{{fields}}}"
    if isinstance(value, (list, tuple)):
        return f"[]interface {{}}{{{', '.join(map(go_syntax, value))}}}"
    if isinstance(value, str):
        return orjson.dumps(value).decode()
    return "interface {}(nil)" if value is None else go_text(value)
