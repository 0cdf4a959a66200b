"""The algebra of fieldsV1 trees: plain nested dicts, never changed once made.

A key is one step: `f:NAME`, `k:{JSON}` (a list item by its keys), `v:JSON` (a set's member), `i:N`. Its value tells what
is in the set at and below that step: `{}` the step alone, `{".": {}, ...}` the step and some below it, `{...}` only some
below it. A root tree is no step itself, so there `{}` is the empty set. Results share structure with their inputs.
see: kubernetes-sigs/structured-merge-diff `fieldpath/` (v6).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import orjson

Tree = dict[str, Any]
LEAF: Tree = {}
"""The step alone. Shared: never change it."""


def is_member(node: Tree) -> bool:
    """Whether the step that `node` stands at is itself in the set."""
    return not node or "." in node


def with_member(node: Tree | None) -> Tree:
    """`node` with its own step in the set."""
    if not node or "." in node:
        return node or LEAF
    return {".": LEAF, **node}


def unite(first: Tree, second: Tree) -> Tree:
    """What is in either node."""
    if first is second:
        return first
    if not first:
        return with_member(second)
    if not second:
        return with_member(first)
    merged = dict(first)
    for step, node in second.items():
        known = merged.get(step)
        merged[step] = node if known is None else unite(known, node)
    return merged


def subtract(first: Tree, second: Tree) -> Tree | None:
    """What is in `first` and not, by the very same path, in `second`; None for nothing."""
    if not first:
        return None if is_member(second) else first
    if not second:
        return {step: node for step, node in first.items() if step != "."}
    left: Tree = {}
    for step, node in first.items():
        other = second.get(step)
        kept = node if other is None else subtract(node, other)
        if kept is not None:
            left[step] = kept
    return _canonical(left)


def subtract_below(first: Tree, second: Tree) -> Tree | None:
    """What is in `first` and neither in `second` nor below something in it; None for nothing."""
    if is_member(second):
        return None
    left: Tree = {}
    for step, node in first.items():
        other = second.get(step)
        kept = node if other is None else subtract_below(node, other)
        if kept is not None:
            left[step] = kept
    return _canonical(left) if first else first


def intersect(first: Tree, second: Tree) -> Tree | None:
    """What is in both nodes; None for nothing."""
    if not first or not second:
        return LEAF if is_member(first) and is_member(second) else None
    both: Tree = {}
    for step, node in first.items():
        other = second.get(step)
        if other is not None:
            kept = intersect(node, other)
            if kept is not None:
                both[step] = kept
    return _canonical(both)


def _canonical(node: Tree) -> Tree | None:
    if not node:
        return None
    return LEAF if len(node) == 1 and "." in node else node


def normalise(tree: Mapping[str, Any]) -> Tree:
    """A tree as written, in the one form that this module makes; what is no step is left out."""
    result: Tree = {}
    for step, below in tree.items():
        node = normalise(below) if below else LEAF
        kind = step[:2]
        if kind == "f:" or step == ".":
            result[step] = node
        elif kind in ("k:", "v:", "i:"):
            name = _canonical_step(step)
            if name:
                result[name] = node
    return LEAF if len(result) == 1 and "." in result else result


@lru_cache(maxsize=4096)
def _canonical_step(step: str) -> str:
    try:
        value = orjson.loads(step[2:])
    except orjson.JSONDecodeError:
        return ""
    return step[:2] + _json(value)


def copy_tree(tree: Tree) -> Tree:
    """A copy that shares nothing, its steps in order."""
    return {step: copy_tree(tree[step]) for step in sorted(tree)}


def key_step(keys: Mapping[str, Any]) -> str:
    """The step to the list item with these keys."""
    return "k:" + _json(keys)


def value_step(value: Any) -> str:
    """The step to a set's member."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "v:" + _json(value)


_GO_ESCAPES = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


def _json(value: Any) -> str:
    """JSON as Go writes it, who escapes what HTML or JavaScript might take amiss."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode().translate(_GO_ESCAPES)


def walk(tree: Tree, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every path in a root tree: of each level first its own, then those below, each in order."""
    steps = sorted((step for step in tree if step != "."), key=_order)
    for step in steps:
        if is_member(tree[step]):
            yield (*prefix, step)
    for step in steps:
        yield from walk(tree[step], (*prefix, step))


_RANKS = {"f": 0, "k": 1, "v": 2, "i": 3}


def _order(step: str) -> tuple[int, str]:
    return _RANKS.get(step[:1], 9), step[2:]


def format_path(steps: tuple[str, ...]) -> str:
    """`.spec.containers[name="app"].image`, as the API server writes a path."""
    return "".join(map(format_step, steps))


def format_step(step: str) -> str:
    """One step of it: `.image`, `[name="app"]`, `[="a"]`, `[0]`."""
    kind, text = step[:2], step[2:]
    if kind == "f:":
        return f".{text}"
    if kind == "v:":
        return f"[={orjson.dumps(orjson.loads(text)).decode()}]"
    if kind == "k:":
        pairs = orjson.loads(text).items()
        return "[" + ",".join(f"{name}={orjson.dumps(value).decode()}" for name, value in pairs) + "]"
    return f"[{text}]"
