"""Where a Pod may run: tolerations, affinity, spreading.

see: Kubernetes `pkg/apis/core/validation/validation.go`, ValidateTolerations and validateAffinity (1.37).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haori.schema.checks import words
from haori.schema.checks.common import Problems, entries, one_of, part, said, selector
from haori.schema.problems import duplicate, forbidden, invalid, required

_REQUIRED, _PREFERRED = (
    "requiredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
)
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def check_placement(spec: Mapping[str, Any], path: str) -> Problems:
    """A Pod's tolerations, affinity and topology spread constraints."""
    for position, toleration in entries(spec, "tolerations"):
        yield from _toleration(toleration, f"{path}.tolerations[{position}]")
    affinity = part(spec, "affinity")
    yield from _node_affinity(part(affinity, "nodeAffinity"), f"{path}.affinity.nodeAffinity")
    for name in ("podAffinity", "podAntiAffinity"):
        yield from _pod_affinity(part(affinity, name), f"{path}.affinity.{name}")
    constraints = list(entries(spec, "topologySpreadConstraints"))
    for position, constraint in constraints:
        place = f"{path}.topologySpreadConstraints[{position}]"
        yield from _spread(constraint, place)
        mark = _spread_mark(constraint)
        if any(_spread_mark(later) == mark for _, later in constraints[position + 1 :]):
            yield duplicate(f"{place}.{{topologyKey, whenUnsatisfiable}}", mark)


def _toleration(toleration: Mapping[str, Any], path: str) -> Problems:
    key, operator, value = (toleration.get(name) or "" for name in ("key", "operator", "value"))
    if key:
        yield from said(f"{path}.key", key, words.qualified_name(key))
    if not key and operator != "Exists":
        detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        yield invalid(f"{path}.operator", operator, detail)
    effect = toleration.get("effect") or ""
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        yield invalid(f"{path}.effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
    if operator in ("Equal", ""):
        if complaints := words.label_value(value):
            yield invalid(f"{path}.operator", value, ";".join(complaints))
    elif operator == "Exists":
        if value:
            yield invalid(f"{path}.operator", value, "value must be empty when `operator` is 'Exists'")
    else:
        yield from one_of(f"{path}.operator", operator, ("Equal", "Exists"))
    if effect:
        yield from one_of(f"{path}.effect", effect, _EFFECTS)


def _node_affinity(affinity: Mapping[str, Any], path: str) -> Problems:
    if affinity.get(_REQUIRED) is not None:
        terms = part(affinity, _REQUIRED)
        if not terms.get("nodeSelectorTerms"):
            yield required(f"{path}.{_REQUIRED}.nodeSelectorTerms", "must have at least one node selector term")
        for position, term in entries(terms, "nodeSelectorTerms"):
            yield from _node_term(term, f"{path}.{_REQUIRED}.nodeSelectorTerms[{position}]")
    for position, term in entries(affinity, _PREFERRED):
        place = f"{path}.{_PREFERRED}[{position}]"
        yield from _weight(term, place)
        yield from _node_term(part(term, "preference"), f"{place}.preference")


def _node_term(term: Mapping[str, Any], path: str) -> Problems:
    for position, expression in entries(term, "matchExpressions"):
        place = f"{path}.matchExpressions[{position}]"
        operator, values = expression.get("operator") or "", expression.get("values") or ()
        if operator in ("In", "NotIn"):
            if not values:
                yield required(f"{place}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                yield forbidden(f"{place}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
        elif operator in ("Gt", "Lt"):
            if len(values) != 1:
                yield required(f"{place}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
        else:
            yield invalid(f"{place}.operator", operator, "not a valid selector operator")
        key = expression.get("key") or ""
        yield from said(f"{place}.key", key, words.qualified_name(key))


def _weight(term: Mapping[str, Any], path: str) -> Problems:
    weight = term.get("weight") or 0
    if not 1 <= weight <= 100:
        yield invalid(f"{path}.weight", weight, "must be in the range 1-100")


def _pod_affinity(affinity: Mapping[str, Any], path: str) -> Problems:
    for position, term in entries(affinity, _REQUIRED):
        yield from _pod_term(term, f"{path}.{_REQUIRED}[{position}]")
    for position, weighted in entries(affinity, _PREFERRED):
        place = f"{path}.{_PREFERRED}[{position}]"
        yield from _weight(weighted, place)
        yield from _pod_term(part(weighted, "podAffinityTerm"), f"{place}.podAffinityTerm")


def _pod_term(term: Mapping[str, Any], path: str) -> Problems:
    yield from selector(term.get("labelSelector"), f"{path}.labelSelector")
    yield from selector(term.get("namespaceSelector"), f"{path}.namespaceSelector")
    for name in term.get("namespaces") or ():
        yield from said(f"{path}.namespace", name, words.label(name))
    key = term.get("topologyKey") or ""
    if not key:
        yield required(f"{path}.topologyKey", "can not be empty")
    yield from said(f"{path}.topologyKey", key, words.qualified_name(key))


def _spread_mark(constraint: Mapping[str, Any]) -> str:
    return f"{{{constraint.get('topologyKey')}, {constraint.get('whenUnsatisfiable')}}}"


def _spread(constraint: Mapping[str, Any], path: str) -> Problems:
    skew = constraint.get("maxSkew") or 0
    if skew <= 0:
        yield invalid(f"{path}.maxSkew", skew, "must be greater than zero")
    key = constraint.get("topologyKey") or ""
    if not key:
        yield required(f"{path}.topologyKey", "can not be empty")
    else:
        yield from said(f"{path}.topologyKey", key, words.qualified_name(key))
    action = constraint.get("whenUnsatisfiable") or ""
    yield from one_of(f"{path}.whenUnsatisfiable", action, ("DoNotSchedule", "ScheduleAnyway"))
    domains = constraint.get("minDomains")
    if domains is not None and domains <= 0:
        yield invalid(f"{path}.minDomains", domains, "must be greater than zero")
    yield from selector(constraint.get("labelSelector"), f"{path}.labelSelector")
