"""Tokens of service accounts for Pods, asked of the API (TokenRequest) and renewed before they expire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from haori.cluster import ApiError, NotFoundError
from haori.cluster.well_known import SERVICE_ACCOUNTS
from haori.objects import nested_text
from haori.objects.times import parse_time
from haori.sandbox.node.references import ConfigProblem

if TYPE_CHECKING:
    from haori.cluster import HttpClient

RENEW_PART = 0.8
"""A kubelet renews a token after 80 % of its life."""
SHORTEST_SECONDS = 600


class ServiceAccountTokens:
    """The tokens of one Pod, by audience."""

    def __init__(self, client: HttpClient, *, now: Callable[[], datetime]) -> None:
        self._client = client
        self._now = now
        self._known: dict[str, tuple[str, float]] = {}

    def seconds_until_renewal(self) -> float | None:
        """When the first token has to be renewed; None where none is out."""
        if not self._known:
            return None
        return max(1.0, min(renew for _, renew in self._known.values()) - self._now().timestamp())

    async def token(self, pod: Mapping[str, Any], *, audience: str, seconds: int) -> str:
        """A token bound to the Pod; ConfigProblem where the API does not give one."""
        known = self._known.get(audience)
        if known is not None and self._now().timestamp() < known[1]:
            return known[0]
        account = nested_text(pod, "spec", "serviceAccountName") or "default"
        bound = {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": nested_text(pod, "metadata", "name"),
            "uid": nested_text(pod, "metadata", "uid"),
        }
        spec: dict[str, Any] = {"expirationSeconds": max(seconds, SHORTEST_SECONDS), "boundObjectRef": bound}
        if audience:
            spec["audiences"] = [audience]
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        path = f"{SERVICE_ACCOUNTS.path(account, nested_text(pod, 'metadata', 'namespace'))}/token"
        try:
            answer = orjson.loads(await self._client.raw("POST", path, body=orjson.dumps(body)))
        except NotFoundError as problem:
            raise ConfigProblem("CreateContainerConfigError", f'serviceaccount "{account}" not found') from problem
        except ApiError as problem:
            raise ConfigProblem("CreateContainerConfigError", f"failed to fetch token: {problem.message}") from problem
        status = answer.get("status") or {}
        start = self._now().timestamp()
        expires = parse_time(status.get("expirationTimestamp"))
        life = expires.timestamp() - start if expires else float(seconds)
        self._known[audience] = (str(status.get("token") or ""), start + life * RENEW_PART)
        return self._known[audience][0]
