"""ignoreDifferences: the fields that rules name are taken away on both sides; what is applied keeps them as they live.

Tools: JSON pointers, the fields of named managers, jq paths. Of jq only paths are read: `.a.b`, `.a["b"]`, `.a[0]`,
`.a[]`, `.a[]?`, pipes, and `select(PATH == LITERAL)` or `select(PATH != LITERAL)`; anything else raises
`jq-path-unsupported`, which becomes a condition, rather than ignore too much or too little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

import orjson

from haori.delivery.compare.ownership import Tree, fields, item_keys, trees_of
from haori.delivery.model import IgnoreRule
from haori.delivery.model.globs import glob_matches
from haori.errors import UserError
from haori.objects import Manifest, key_of

_STEP = re.compile(
    r"""\.?\[\s*(?:(-?\d+)|("(?:[^"\\]|\\.)*"))?\s*\]\??|\.([A-Za-z_][A-Za-z0-9_]*)\??|\.("(?:[^"\\]|\\.)*")\??"""
)
_SELECT = re.compile(r"select\(\s*(\.\S*?)\s*(==|!=)\s*(\"(?:[^\"\\]|\\.)*\"|-?\d+|true|false|null)\s*\)\Z")
Step = tuple[str, Any]


class IgnoreRuleError(UserError):
    """`jq-path-unsupported` (path)."""


def rule_matches(rule: IgnoreRule, manifest: Manifest) -> bool:
    """Whether a rule speaks of an object."""
    key = key_of(manifest)
    types = glob_matches(rule.group, key.group) and glob_matches(rule.kind, key.kind)
    return types and rule.name in ("", key.name) and rule.namespace in ("", key.namespace)


class _Ignored:
    """What stands in a marked copy where a rule ignores the value: positions in lists stay as they are."""


IGNORED: Final = _Ignored()


def remove_ignored(
    desired: dict[str, Any], live: dict[str, Any], original: Manifest, rules: Iterable[IgnoreRule]
) -> None:
    """Removes from the copies `desired` and `live` what the rules matching `original` (live as found) name."""
    for manifest in (desired, live):
        if mark_ignored(manifest, original, rules):
            sweep(manifest)


def mark_ignored(manifest: dict[str, Any], original: Manifest, rules: Iterable[IgnoreRule]) -> bool:
    """Puts IGNORED in place of what the rules matching `original` (live as found) name; whether any rule matched."""
    matched = False
    for rule in rules:
        if not rule_matches(rule, original):
            continue
        matched = True
        for pointer in rule.json_pointers:
            _mark(manifest, [("field", part) for part in parse_pointer(pointer)])
        for path in rule.jq_paths:
            _mark(manifest, list(parse_jq_path(path)))
        for tree in trees_of(original, rule.managers):
            _mark_owned(manifest, tree)
    return matched


def sweep(value: Any) -> None:
    """Removes every IGNORED below `value`, in place."""
    if isinstance(value, dict):
        for name in [name for name, item in value.items() if item is IGNORED]:
            del value[name]
        for item in value.values():
            sweep(item)
    elif isinstance(value, list):
        value[:] = [item for item in value if item is not IGNORED]
        for item in value:
            sweep(item)


def parse_pointer(pointer: str) -> list[str]:
    """The parts of a JSON pointer (RFC 6901)."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


@lru_cache(maxsize=512)
def parse_jq_path(path: str) -> tuple[Step, ...]:
    """The steps of a jq path: ("field", name or index), ("each", None), ("select", (steps, equal, value))."""
    steps: list[Step] = []
    for part in re.split(r"\|(?![^()]*\))", path):
        text = part.strip()
        if match := _SELECT.match(text):
            steps.append(("select", (parse_jq_path(match[1]), match[2] == "==", orjson.loads(match[3]))))
            continue
        position = 0
        while position < len(text) and (found := _STEP.match(text, position)):
            index, quoted, name, dotted = found.groups()
            if name or quoted or dotted:
                steps.append(("field", name or orjson.loads(quoted or dotted)))
            else:
                steps.append(("each", None) if index is None else ("field", index))
            position = found.end()
        if position != len(text) or not text:
            raise IgnoreRuleError("jq-path-unsupported", path=path)
    return tuple(steps)


def _mark(value: Any, steps: list[Step]) -> None:
    """Marks what `steps` lead to; a path that leads nowhere marks nothing."""
    if not steps:
        return
    (kind, what), rest = steps[0], steps[1:]
    if kind == "select":
        if _selected(value, what):
            _mark(value, rest)
        return
    if kind == "each":
        _mark_each(value, rest)
        return
    if isinstance(value, list):
        what = int(what) if re.fullmatch(r"-?\d+", str(what)) else None
        if what is None or not -len(value) <= what < len(value):
            return
    elif not isinstance(value, dict) or what not in value:
        return
    if rest:
        _mark(value[what], rest)
    else:
        value[what] = IGNORED


def _mark_each(value: Any, rest: list[Step]) -> None:
    if not isinstance(value, (dict, list)):
        return
    places = list(value) if isinstance(value, dict) else range(len(value))
    for place in places:
        if any(kind != "select" for kind, _ in rest):
            _mark(value[place], rest)
        elif all(_selected(value[place], what) for _, what in rest):
            value[place] = IGNORED


def _selected(value: Any, what: tuple[tuple[Step, ...], bool, Any]) -> bool:
    steps, equal, wanted = what
    for kind, name in steps:
        if kind != "field":
            return False
        value = value.get(name) if isinstance(value, Mapping) else None
    return (value == wanted) is equal


def _mark_owned(value: Any, tree: Tree) -> None:
    if isinstance(value, dict):
        for name in fields(tree):
            if name not in value:
                continue
            below = tree[f"f:{name}"]
            if not [key for key in below if key != "."]:
                value[name] = IGNORED
            else:
                _mark_owned(value[name], below)
    elif isinstance(value, list):
        for keys, below in item_keys(tree):
            for item in value:
                if isinstance(item, dict) and all(item.get(name) == wanted for name, wanted in keys.items()):
                    _mark_owned(item, below)
