"""What a further rule of ignoreDifferences would do: which differences it takes away, and how far it reaches.

Both comparisons are of the same objects at the same moment, once as the application is and once with the rule, so that
nothing but the rule can be the reason of what vanishes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from haori.delivery.compare import CompareOptions, compare
from haori.delivery.compare.ignore import parse_jq_path, rule_matches
from haori.delivery.model import IgnoreRule
from haori.delivery.model.application import parse_ignore_rule
from haori.delivery.model.globs import glob_matches
from haori.delivery.model.problems import Fields, Problem
from haori.errors import UserError
from haori.objects import Manifest, ResourceKey

_TOOLS = ("jsonPointers", "jqPathExpressions", "managedFieldsManagers")


class RuleRefusedError(UserError):
    """`ignore-rule-refused` (problem): a field is missing, unknown or of another type; what jq cannot read raises its own."""


def parse_rule(given: Mapping[str, Any]) -> IgnoreRule:
    """The rule that is asked about. Raises RuleRefusedError, IgnoreRuleError."""
    problems: list[Problem] = []
    unknown: list[str] = []
    rule = parse_ignore_rule(Fields(given, "rule", problems, unknown))
    if problems or unknown:
        raise RuleRefusedError("ignore-rule-refused", problem=problems[0].sentence if problems else unknown[0])
    if not rule.kind or not (rule.json_pointers or rule.jq_paths or rule.managers):
        raise RuleRefusedError("ignore-rule-refused", problem=", ".join(("kind", *_TOOLS)))
    if wrong := next((each for each in rule.json_pointers if not each.startswith("/")), None):
        raise RuleRefusedError("ignore-rule-refused", problem=wrong)
    for path in rule.jq_paths:
        parse_jq_path(path)
    return rule


def fits_type(rule: IgnoreRule, key: ResourceKey) -> bool:
    """Whether a rule may speak of an object, by its key alone."""
    return glob_matches(rule.group, key.group) and glob_matches(rule.kind, key.kind)


def preview_rule(
    rule: IgnoreRule, pairs: Mapping[ResourceKey, tuple[Manifest | None, Manifest | None]], options: CompareOptions
) -> dict[str, Any]:
    """{items: [{group, kind, namespace, name, vanishes: [difference], stays: [difference]}], reach}.

    Items are objects of which something vanishes; `reach` is how many objects the rule speaks of.
    """
    wider = replace(options, ignore_rules=(*options.ignore_rules, rule))
    items, reach = [], 0
    for key, (desired, live) in sorted(pairs.items()):
        if live is None or not rule_matches(rule, live):
            continue
        reach += 1
        before, after = compare(desired, live, options), compare(desired, live, wider)
        left = {each.path for each in after.differences}
        vanishes = [each.to_json() for each in before.differences if each.path not in left]
        if vanishes:
            name = {"group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name}
            items.append({**name, "vanishes": vanishes, "stays": [each.to_json() for each in after.differences]})
    return {"items": items, "reach": reach}
