"""Values made up for a type, for laws that hold whatever an object says."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from haori.schema import Kind, ListType, Schemas, TypeSchema

_WORDS = st.sampled_from(["", "a", "b", "web", "1", "5m", "TCP"])
_SCALARS: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.INTEGER: st.integers(0, 3),
    Kind.NUMBER: st.sampled_from([0, 1, 1.0, 2.5]),
    Kind.BOOLEAN: st.booleans(),
    Kind.INT_OR_STRING: st.sampled_from([0, 80, "80", "25%", "http"]),
    Kind.QUANTITY: st.sampled_from([0, 1, "1", "1000m", 0.5, "500m", "1Gi", "1024Mi", "1e3"]),
}
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | _WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_WORDS, inner, max_size=2),
    max_leaves=4,
)
TYPES = [
    ("v1", "Service"), ("v1", "Pod"), ("v1", "Secret"), ("v1", "ConfigMap"), ("v1", "PersistentVolumeClaim"),
    ("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("batch/v1", "CronJob"), ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("networking.k8s.io/v1", "Ingress"), ("networking.k8s.io/v1", "NetworkPolicy"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"), ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
]  # fmt: skip


def values(schema: TypeSchema | None, depth: int = 6, *, wild: bool = False) -> st.SearchStrategy[Any]:
    """Values of a type, few fields at each level; `wild` mixes in what does not fit."""
    fitting = _fitting(schema, depth, wild)
    return st.one_of(fitting, fitting, fitting, ANYTHING) if wild else fitting


def _fitting(schema: TypeSchema | None, depth: int, wild: bool) -> st.SearchStrategy[Any]:
    if schema is None or schema.kind is Kind.ANY:
        return ANYTHING
    if schema.kind is Kind.OBJECT:
        return st.deferred(lambda: _objects(schema, depth, wild))
    if schema.kind is Kind.MAP:
        return st.dictionaries(_WORDS, values(schema.items, depth - 1, wild=wild), max_size=2)
    if schema.kind is Kind.LIST:
        items = values(schema.items, depth - 1, wild=wild)
        if schema.list_type is ListType.SET:
            return st.lists(items, max_size=2, unique_by=repr)
        return st.lists(items, max_size=2 if depth > 0 else 0)
    if schema.format == "byte":
        return st.sampled_from(["YQ==", "Yg==", "Y\nQ=="])
    if schema.format == "date-time":
        return st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"])
    return _SCALARS.get(schema.kind, _WORDS)


def _objects(schema: TypeSchema, depth: int, wild: bool) -> st.SearchStrategy[Any]:
    names = sorted(schema.fields)
    needed = sorted(schema.required | set(schema.patch_strategies & set(names)))
    if depth <= 0 or not names:
        names = needed

    def build(chosen: list[str]) -> st.SearchStrategy[Any]:
        wanted = sorted({*needed, *chosen} & set(schema.fields))
        return st.fixed_dictionaries({name: values(schema.fields[name], depth - 1, wild=wild) for name in wanted})

    return st.lists(st.sampled_from(names), max_size=4, unique=True).flatmap(build) if names else st.just({})


def manifests(*, wild: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of Kubernetes' own types."""

    def build(type_: tuple[str, str]) -> st.SearchStrategy[dict[str, Any]]:
        schema = Schemas.builtin().type_for(*type_)
        assert schema is not None
        head = {"apiVersion": type_[0], "kind": type_[1], "metadata": {"name": "a", "namespace": "b"}}
        names = [name for name in schema.fields if name not in (*head, "status")]
        fields = {name: values(schema.fields[name], wild=wild) for name in names}
        return st.fixed_dictionaries({}, optional=fields).map(lambda body: {**body, **head})

    return st.sampled_from(TYPES).flatmap(build)
