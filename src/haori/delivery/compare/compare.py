"""The comparison itself: one walk over desired, live and what we own.

What we want must be there; what our manager owns must be wanted. A wanted empty mapping or list and an absent one are
the same, as the API drops some of them; null is absent. Lists are matched by the keys that ownership names, else by
those of the type, else by known fields, else by position as a whole. Inside a whole (atomic) list defaults make live
larger than desired: with the type (`options.type_of`) that is settled here, without it such an excess is let pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from haori.delivery.compare.given import as_given
from haori.delivery.compare.lists import has_twins, is_set, key_values, keys_for
from haori.delivery.compare.normalise import normalise
from haori.delivery.compare.ownership import (
    Tree,
    child,
    fields,
    format_keys,
    item_keys,
    owned_tree,
    owner_of,
    set_members,
)
from haori.delivery.compare.types import CompareOptions, Comparison, Difference, Path, Strategy
from haori.delivery.compare.values import leaves_alike
from haori.delivery.model.options import parse_sync_options
from haori.objects import Manifest, ResourceKey, annotations_of, key_of
from haori.objects.masking import LAST_APPLIED, Masks, is_secret
from haori.resources import argo
from haori.schema import TypeSchema, apply_defaults, prune_unknown, values_equal
from haori.schema.typed import field_schema

_SKIPPED_TREES = frozenset({"stringData"})


def compare(desired: Manifest | None, live: Manifest | None, options: CompareOptions) -> Comparison:
    """One object: its differences by the strategy that fits, never raising for what manifests hold.

    Raises `IgnoreRuleError` for a jq path we cannot read, ValueError where both are None.
    """
    if desired is None or live is None:
        if desired is None and live is None:
            raise ValueError("nothing to compare")
        key = key_of(desired if desired is not None else live or {})
        extra = live is not None
        counts = not (extra and "IgnoreExtraneous" in _compare_options(live or {}))
        strategy = options.strategy or Strategy.OWNERSHIP
        return Comparison(key=key, strategy=strategy, is_missing=not extra, is_extra=extra, counts=counts)
    owned, last = owned_tree(live, options.manager), _last_applied(live)
    # What Argo CD applied on the server and we never did is held against Git as if it were ours: it is about to be.
    adopted = owned_tree(live, argo.FIELD_MANAGER) if owned is None else None
    strategy = options.strategy or _fitting(owned or adopted, last)
    schema = options.type_of(str(desired.get("apiVersion")), str(desired.get("kind")))
    if schema is not None and not _validates(desired, options):
        desired = prune_unknown(schema, desired)
    first, second = normalise(as_given(schema, desired), live, options)
    walk = _Walk()
    match strategy:
        case Strategy.OWNERSHIP:
            walk.visit_mapping(first, second, owned or adopted or {}, schema, ())
            if adopted is not None and last is not None:
                walk.removed(normalise(last, live, options)[0], first, second, schema, ())
        case Strategy.WANTED_FIELDS:
            walk.visit_mapping(first, second, None, schema, ())
        case Strategy.THREE_WAY:
            walk.visit_mapping(first, second, None, schema, ())
            walk.removed(normalise(last or {}, live, options)[0], first, second, schema, ())
    masks = Masks(first, second) if walk.found and is_secret(desired) else None
    found = _differences(walk.found, live, masks, options)
    # Of one version in terms of another only the API can tell.
    in_doubt = walk.needs_dry_run or desired.get("apiVersion") != live.get("apiVersion")
    return Comparison(key=key_of(desired), strategy=strategy, differences=found, needs_dry_run=bool(found) and in_doubt)


def compare_all(
    desired: Mapping[ResourceKey, Manifest], live: Mapping[ResourceKey, Manifest], options: CompareOptions
) -> dict[ResourceKey, Comparison]:
    """Every object of either side, in the order of keys."""
    keys = sorted({*desired, *live})
    return {key: compare(desired.get(key), live.get(key), options) for key in keys}


def _validates(desired: Manifest, options: CompareOptions) -> bool:
    """Whether unknown fields of an object are a mistake, by its own word or else the application's."""
    spoken = str(annotations_of(desired).get(argo.SYNC_OPTIONS, ""))
    if "Validate=" not in spoken:
        return options.validates
    return parse_sync_options(spoken.split(",")).validate


def _fitting(owned: Tree | None, last: Manifest | None) -> Strategy:
    if owned is not None:
        return Strategy.OWNERSHIP
    return Strategy.THREE_WAY if last is not None else Strategy.WANTED_FIELDS


def _compare_options(manifest: Manifest) -> list[str]:
    return [text.strip() for text in str(annotations_of(manifest).get(argo.COMPARE_OPTIONS, "")).split(",")]


def _last_applied(live: Manifest) -> Manifest | None:
    text = annotations_of(live).get(LAST_APPLIED)
    try:
        found = orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


class _Walk:
    """Collects (path, desired, live) while it goes down."""

    def __init__(self) -> None:
        self.found: list[tuple[Path, Any, Any]] = []
        self.needs_dry_run = False

    def visit(self, desired: Any, live: Any, tree: Tree | None, schema: TypeSchema | None, path: Path) -> None:
        """Any value."""
        if isinstance(desired, dict) and isinstance(live, dict):
            if schema is not None and schema.is_atomic:
                self._whole(desired, live, schema, path)
            else:
                self.visit_mapping(desired, live, tree, schema, path)
        elif isinstance(desired, list) and isinstance(live, list):
            self.visit_list(desired, live, tree, schema, path)
        elif not leaves_alike(schema, path, desired, live) and not (_is_empty(desired) and _is_empty(live)):
            self.found.append((path, desired, live))

    def visit_mapping(
        self,
        desired: Mapping[str, Any],
        live: Mapping[str, Any],
        tree: Tree | None,
        schema: TypeSchema | None,
        path: Path,
    ) -> None:
        """A mapping: each wanted field, then each owned one that is not wanted."""
        for name, wanted in desired.items():
            below = field_schema(schema, name)[0]
            self.visit(wanted, live.get(name), child(tree, name), below, (*path, name))
        for name in fields(tree):
            if desired.get(name) is None and name in live and not (not path and name in _SKIPPED_TREES):
                self._unwanted(child(tree, name), live[name], field_schema(schema, name)[0], (*path, name))

    def visit_list(
        self, desired: list[Any], live: list[Any], tree: Tree | None, schema: TypeSchema | None, path: Path
    ) -> None:
        """A list, by keys, as a set, or as a whole."""
        owned_items, members = item_keys(tree), set_members(tree)
        keys = tuple(owned_items[0][0]) if owned_items else ()
        if not keys and not members:
            guess = schema is not None or tree is None or not desired
            keys = keys_for(schema, path[-1] if path else "", desired, live) if guess else ()
        items = schema.items if schema is not None else None
        if keys and (has_twins(desired, keys, items) or has_twins(live, keys, items)):
            self._by_position(desired, live, schema, path)
        elif keys:
            self._keyed(desired, live, owned_items, keys, schema, path)
        elif not keys and (members or is_set(schema, path[-1] if path else "")):
            for wanted in desired:
                if wanted not in live:
                    self.found.append(((*path, f"[{wanted}]"), wanted, None))
            for member in members:
                if member not in desired and member in live:
                    self.found.append(((*path, f"[{member}]"), None, member))
        else:
            self._whole(desired, live, schema, path)

    def _keyed(
        self,
        desired: list[Any],
        live: list[Any],
        owned: list[tuple[dict[str, Any], Tree]],
        keys: tuple[str, ...],
        schema: TypeSchema | None,
        path: Path,
    ) -> None:
        items = schema.items if schema is not None else None
        by_key = {format_keys(key_values(item, keys, items)): item for item in live}
        trees = {format_keys(values): tree for values, tree in owned}
        wanted_keys = set()
        for item in desired:
            text = format_keys(key_values(item, keys, items))
            wanted_keys.add(text)
            self.visit(item, by_key.get(text), trees.get(text, {} if owned else None), items, (*path, text))
        for text, tree in trees.items():
            if text not in wanted_keys and text in by_key:
                self._unwanted(tree, by_key[text], items, (*path, text))

    def _whole(self, desired: Any, live: Any, schema: TypeSchema | None, path: Path) -> None:
        """A list, or an atomic mapping, of which nobody owns parts: more in live than is wanted is a difference too."""
        before = len(self.found)
        if schema is not None:
            if not (values_equal(schema, desired, live) or values_equal(schema, desired, apply_defaults(schema, live))):
                self._both_ways(desired, live, schema, path)
        else:
            self._by_position(desired, live, None, path)
        # Admission may have added to it what no schema tells, but never to a list of words.
        if len(self.found) > before and any(isinstance(item, (dict, list)) for item in _items(live)):
            self.needs_dry_run = True

    def _by_position(self, desired: list[Any], live: list[Any], schema: TypeSchema | None, path: Path) -> None:
        if len(desired) != len(live):
            self.found.append((path, desired, live))
            return
        items = schema.items if schema is not None else None
        for index, (wanted, is_) in enumerate(zip(desired, live, strict=True)):
            self.visit(wanted, is_, None, items, (*path, f"[{index}]"))

    def _both_ways(self, desired: Any, live: Any, schema: TypeSchema | None, path: Path) -> None:
        if isinstance(desired, dict) and isinstance(live, dict):
            for name in {**desired, **live}:
                self._both_ways(desired.get(name), live.get(name), field_schema(schema, name)[0], (*path, name))
        elif isinstance(desired, list) and isinstance(live, list) and len(desired) == len(live):
            items = schema.items if schema is not None else None
            for index, (wanted, is_) in enumerate(zip(desired, live, strict=True)):
                self._both_ways(wanted, is_, items, (*path, f"[{index}]"))
        elif not leaves_alike(schema, path, desired, live) and not (_is_empty(desired) and _is_empty(live)):
            self.found.append((path, desired, live))

    def _unwanted(self, tree: Tree | None, live: Any, schema: TypeSchema | None, path: Path) -> None:
        """Reports what we own below `path`: the leaves, so that other managers' parts of it are not blamed."""
        below = [key for key in (tree or {}) if key != "."]
        if not below:
            if not _is_empty(live):
                self.found.append((path, None, live))
        elif isinstance(live, dict):
            for name in fields(tree):
                if name in live:
                    self._unwanted(child(tree, name), live[name], field_schema(schema, name)[0], (*path, name))
        elif isinstance(live, list):
            self.visit_list([], live, tree, schema, path)

    def removed(self, last: Any, desired: Any, live: Any, schema: TypeSchema | None, path: Path) -> None:
        """What was applied last, is not wanted now and still stands."""
        if not isinstance(last, dict) or not isinstance(live, dict):
            return
        wanted = desired if isinstance(desired, dict) else {}
        for name, before in last.items():
            if name not in live:
                continue
            if wanted.get(name) is None:
                if not _is_empty(live[name]) and not _is_empty(before):
                    self.found.append(((*path, name), None, live[name]))
            else:
                below = field_schema(schema, name)[0]
                self._removed_below(before, wanted[name], live[name], below, (*path, name))

    def _removed_below(self, last: Any, desired: Any, live: Any, schema: TypeSchema | None, path: Path) -> None:
        if not (isinstance(last, list) and isinstance(desired, list) and isinstance(live, list)):
            self.removed(last, desired, live, schema, path)
            return
        keys = keys_for(schema, path[-1], last, desired, live)
        if not keys:
            return
        items = schema.items if schema is not None else None
        wanted = {format_keys(key_values(item, keys, items)): item for item in desired}
        standing = {format_keys(key_values(item, keys, items)): item for item in live}
        for item in last:
            text = format_keys(key_values(item, keys, items))
            if text in standing and text not in wanted:
                self.found.append(((*path, text), None, standing[text]))
            elif text in standing:
                self.removed(item, wanted[text], standing[text], items, (*path, text))


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, (dict, list)) and all(_is_empty(item) for item in _items(value)))


def _items(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _differences(
    found: list[tuple[Path, Any, Any]], live: Manifest, masks: Masks | None, options: CompareOptions
) -> tuple[Difference, ...]:
    seen: dict[str, Difference] = {}
    for path, desired, is_ in found:
        text = format_path(path)
        is_masked = masks is not None and path[:1] == ("data",)
        if masks is not None and is_masked:
            desired, is_ = _mask(masks, path, desired), _mask(masks, path, is_)
        manager, time = owner_of(live, path, options.manager)
        found_here = Difference(path=text, desired=desired, live=is_, manager=manager, time=time, is_masked=is_masked)
        seen.setdefault(text, found_here)
    return tuple(seen[text] for text in sorted(seen))


def _mask(masks: Masks, path: Path, value: Any) -> Any:
    """A value below `data`, or all of them, with the runs that they have in the Secret."""
    if value is None:
        return None
    if len(path) == 1 and isinstance(value, dict):
        return {key: masks.mask_value(str(key), each) for key, each in value.items()}
    return masks.mask_value(path[1] if len(path) > 1 else "", value)


def format_path(path: Path) -> str:
    """`spec.template.spec.containers[name=web].image`; a name with dots stands in brackets and quotes."""
    text = ""
    for step in path:
        if step.startswith("["):
            text += step
        elif "." in step or "/" in step:
            text += f'["{step}"]'
        else:
            text += f".{step}" if text else step
    return text
