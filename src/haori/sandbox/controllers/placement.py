"""Which node a Pod may and should run on.

Pure. Required rules only: readiness, `unschedulable`, taints, nodeSelector, required node affinity, resources. Among the
nodes that fit, the one that is least asked of. Preferences, affinity between Pods and topology spread do not count: one
machine has one or two nodes. see: Kubernetes scheduler plugins (NodeAffinity, TaintToleration, NodeResourcesFit).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from haori.objects import labels_of, nested_list, nested_mapping
from haori.objects.errors import QuantityError, SelectorError
from haori.objects.quantities import parse_quantity
from haori.objects.selectors import LabelSelector, Operator, Requirement

Item = Mapping[str, Any]
Amounts = dict[str, Fraction]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The node's name, or why there is none."""

    node: str = ""
    message: str = ""


def place(pod: Item, nodes: Sequence[Item], pods_of: Mapping[str, Sequence[Item]]) -> Placement:
    """Where `pod` goes; `pods_of` gives the live Pods of each node by its name."""
    if not nodes:
        return Placement(message="no nodes available to schedule pods")
    wanted = requests_of(pod)
    reasons: Counter[str] = Counter()
    fitting: list[tuple[Fraction, int, str]] = []
    for node in nodes:
        name = node["metadata"]["name"]
        there = pods_of.get(name, ())
        if why := why_not(pod, node):
            reasons[why] += 1
            continue
        used = sum_of(requests_of(each) for each in there)
        if missing := _missing(wanted, used, len(there), node):
            reasons.update(missing)
            continue
        fitting.append((_load(used, node), len(there), name))
    if fitting:
        return Placement(node=min(fitting)[2])
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    return Placement(message=f"0/{len(nodes)} nodes are available: {told}.")


def why_not(pod: Item, node: Item, *, resources_aside: bool = True) -> str:
    """Why the Pod may not run on the node, whatever room there is; empty where it may."""
    spec = pod["spec"]
    if spec.get("nodeName") not in (None, "", node["metadata"]["name"]):
        return "node(s) didn't match the requested node name"
    tolerations = nested_list(spec, "tolerations")
    if node["spec"].get("unschedulable") and not is_tolerated(
        {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}, tolerations
    ):
        return "node(s) were unschedulable"
    for taint in nested_list(node, "spec", "taints"):
        if taint.get("effect") != "PreferNoSchedule" and not is_tolerated(taint, tolerations):
            return f"node(s) had untolerated taint(s) {{{taint.get('key')}: {taint.get('value', '')}}}"
    if not matches_affinity(spec, node):
        return "node(s) didn't match Pod's node affinity/selector"
    return ""


def is_tolerated(taint: Item, tolerations: Iterable[Item]) -> bool:
    """Whether one of the tolerations covers the taint."""
    return any(_tolerates(each, taint) for each in tolerations)


def _tolerates(toleration: Item, taint: Item) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(toleration.get("key")) and toleration.get("value", "") == taint.get("value", "")


def matches_affinity(spec: Item, node: Item) -> bool:
    """Whether nodeSelector and the required node affinity of a Pod's spec choose the node."""
    labels = labels_of(node)
    if any(labels.get(key) != value for key, value in nested_mapping(spec, "nodeSelector").items()):
        return False
    path = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    required = nested_mapping(spec, *path)
    if not required:
        return True
    return any(_matches_term(term, node) for term in nested_list(required, "nodeSelectorTerms"))


def _matches_term(term: Item, node: Item) -> bool:
    expressions, fields = nested_list(term, "matchExpressions"), nested_list(term, "matchFields")
    if not expressions and not fields:
        return False
    try:
        by_labels = LabelSelector(requirements=tuple(map(_requirement, expressions)))
        by_fields = LabelSelector(requirements=tuple(map(_requirement, fields)))
    except (ValueError, KeyError, SelectorError):
        return False
    return by_labels.matches(labels_of(node)) and by_fields.matches({"metadata.name": node["metadata"]["name"]})


def _requirement(expression: Item) -> Requirement:
    values = tuple(map(str, expression.get("values") or ()))
    return Requirement(key=expression["key"], operator=Operator(expression["operator"]), values=values)


def requests_of(pod: Item) -> Amounts:
    """What a Pod asks of a node: its containers together, or its largest init container where that is more."""
    spec = pod["spec"]
    together = sum_of(_container_requests(each) for each in nested_list(spec, "containers"))
    sidecars: Amounts = {}
    for each in nested_list(spec, "initContainers"):
        asked = _container_requests(each)
        if each.get("restartPolicy") == "Always":
            sidecars = sum_of([sidecars, asked])
            continue
        for name, amount in sum_of([sidecars, asked]).items():
            together[name] = max(together.get(name, Fraction(0)), amount)
    if not sidecars:
        return together
    return sum_of([together, sidecars])


def _container_requests(container: Item) -> Amounts:
    resources = nested_mapping(container, "resources")
    asked = {**nested_mapping(resources, "limits"), **nested_mapping(resources, "requests")}
    return {name: _amount(value) for name, value in asked.items()}


def _amount(value: Any) -> Fraction:
    try:
        return parse_quantity(value)
    except QuantityError:
        return Fraction(0)


def sum_of(amounts: Iterable[Mapping[str, Fraction]]) -> Amounts:
    """All amounts added up by name."""
    together: Amounts = {}
    for each in amounts:
        for name, amount in each.items():
            together[name] = together.get(name, Fraction(0)) + amount
    return together


def _allocatable(node: Item) -> Amounts:
    status = nested_mapping(node, "status")
    return {
        name: _amount(value)
        for name, value in {**nested_mapping(status, "capacity"), **nested_mapping(status, "allocatable")}.items()
    }


def _missing(wanted: Amounts, used: Amounts, pods: int, node: Item) -> list[str]:
    offered = _allocatable(node)
    missing = ["Too many pods"] if "pods" in offered and pods + 1 > offered["pods"] else []
    for name, amount in wanted.items():
        if amount and used.get(name, Fraction(0)) + amount > offered.get(name, Fraction(0)):
            missing.append(f"Insufficient {name}")
    return missing


def _load(used: Amounts, node: Item) -> Fraction:
    offered = _allocatable(node)
    shares = [used.get(name, Fraction(0)) / offered[name] for name in ("cpu", "memory") if offered.get(name)]
    return sum(shares, Fraction(0))
