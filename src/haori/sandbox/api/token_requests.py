"""`serviceaccounts/token`: issues tokens for service accounts.

A token may be bound to a Pod, Secret or Node, whose end is then its own. A node may ask for the tokens of the Pods that
are bound to it and for no others, as Kubernetes' node restriction has it.
see: https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from haori.objects import nested_list, nested_mapping, nested_text
from haori.objects.times import format_time
from haori.sandbox.api import errors
from haori.sandbox.api.exchange import Receive, Request, Scope, Send
from haori.sandbox.api.node_access import NODES_GROUP
from haori.sandbox.api.options import User
from haori.sandbox.api.special import mapping
from haori.sandbox.api.tokens import (
    DEFAULT_AUDIENCE,
    DEFAULT_SECONDS,
    LONGEST_SECONDS,
    SHORTEST_SECONDS,
    Bound,
    TokenIssuer,
)

if TYPE_CHECKING:
    from haori.sandbox.api.app import Target

BINDABLE = {"Pod": "pods", "Secret": "secrets", "Node": "nodes"}


class TokenRequests:
    """The handler of POST `serviceaccounts/NAME/token`."""

    def __init__(self, issuer: TokenIssuer) -> None:
        self._issuer = issuer

    async def __call__(self, scope: Scope, receive: Receive, send: Send, target: Target) -> None:
        """Answers with the TokenRequest, its status filled in."""
        request = Request.of(scope, receive, send)
        if scope["type"] != "http" or request.method != "POST" or target.rest:
            raise errors.method_not_allowed()
        await request.answer(self.issue(target, mapping(await request.value())), 201)

    def issue(self, target: Target, value: Mapping[str, Any]) -> dict[str, Any]:
        """The TokenRequest with its token; 404, 409, 422, 403."""
        account = target.api.get(target.type, target.name, target.namespace).decode()
        spec = nested_mapping(value, "spec")
        seconds = _seconds(spec)
        audiences = [str(each) for each in nested_list(spec, "audiences")] or [DEFAULT_AUDIENCE]
        bound, node = _bound(target, nested_mapping(spec, "boundObjectRef"))
        _check_node(target.user, bound, node)
        now = target.api.now()
        token = self._issuer.issue(
            namespace=target.namespace,
            name=target.name,
            uid=account["metadata"]["uid"],
            audiences=audiences,
            seconds=seconds,
            now=now,
            bound=bound,
            node=node,
        )
        return {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {
                "name": target.name,
                "namespace": target.namespace,
                "uid": str(uuid.uuid4()),
                "creationTimestamp": format_time(now),
            },
            "spec": {**spec, "audiences": audiences, "expirationSeconds": seconds},
            "status": {"token": token, "expirationTimestamp": format_time(now + timedelta(seconds=seconds))},
        }


def _seconds(spec: Mapping[str, Any]) -> int:
    found = spec.get("expirationSeconds")
    seconds = DEFAULT_SECONDS if found is None else found
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < SHORTEST_SECONDS:
        problem = f"Invalid value: {seconds}: may not specify a duration less than 10 minutes"
    elif seconds > LONGEST_SECONDS:
        problem = f"Invalid value: {seconds}: may not specify a duration larger than 2^32 seconds"
    else:
        return seconds
    cause = errors.invalid_field("spec.expirationSeconds", problem)
    raise errors.invalid("TokenRequest", "authentication.k8s.io", "", [cause])


def _bound(target: Target, reference: Mapping[str, Any]) -> tuple[Bound | None, Mapping[str, str] | None]:
    """(what the token is bound to, the node of a bound Pod)."""
    if not reference:
        return None, None
    kind, name = nested_text(reference, "kind"), nested_text(reference, "name")
    plural = BINDABLE.get(kind)
    if plural is None:
        problem = f'cannot bind token for serviceaccount "{target.name}" to kind {kind}'
        raise errors.bad_request(problem)
    found = target.api.find(plural, name, "" if kind == "Node" else target.namespace)
    if found is None:
        raise errors.not_found(plural, "", name)
    uid = found["metadata"]["uid"]
    wanted = nested_text(reference, "uid")
    if wanted and wanted != uid:
        problem = f"the UID in the bound object reference ({wanted}) does not match the UID in record ({uid})"
        raise errors.conflict(plural, "", name, problem)
    if kind == "Pod":
        account = nested_text(found, "spec", "serviceAccountName") or "default"
        if account != target.name:
            problem = f'cannot bind token for serviceaccount "{target.name}" to pod running with different serviceaccount name.'
            raise errors.bad_request(problem)
    return Bound(kind=kind, name=name, uid=uid), _node_of(target, found) if kind == "Pod" else None


def _node_of(target: Target, pod: Mapping[str, Any]) -> Mapping[str, str] | None:
    name = nested_text(pod, "spec", "nodeName")
    if not name:
        return None
    node = target.api.find("nodes", name)
    return {"name": name} | ({"uid": node["metadata"]["uid"]} if node else {})


def _check_node(user: User, bound: Bound | None, node: Mapping[str, str] | None) -> None:
    if NODES_GROUP not in user.groups or user.is_master:
        return
    if bound is None or bound.kind != "Pod" or node is None or user.name != f"system:node:{node['name']}":
        problem = "node requested token not bound to a pod on it"
        raise errors.forbidden("serviceaccounts/token", "", "", problem)
