"""One list, asked with the standard library alone, for commands whose answer is worth less than loading a whole client.

Knows certificates and tokens and nothing else; whatever is more than a plain answer is left to `HttpClient`, which
retries, explains and speaks to exec plugins and proxies.
"""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from haori.cluster.client import ApiResource
from haori.cluster.credentials import tls_context
from haori.cluster.kubeconfig import ClusterSettings

SECONDS = 5.0
PAGE = 500


def list_quickly(
    settings: ClusterSettings, resource: ApiResource, namespace: str, *, label_selector: str = ""
) -> list[dict[str, Any]] | None:
    """The objects, in the API's order; None where this way of asking does not suffice."""
    address = urlsplit(settings.server)
    if _needs_more(settings) or address.scheme != "https" or not address.hostname:
        return None
    pair = None
    if settings.client_certificate and settings.client_key:
        pair = (settings.client_certificate, settings.client_key)
    prefix = f"/apis/{resource.group}" if resource.group else "/api"
    path = f"{address.path.rstrip('/')}{prefix}/{resource.version}/namespaces/{namespace}/{resource.plural}"
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {settings.token}"} if settings.token else {})
    try:
        context = tls_context(settings, pair)
        connection = http.client.HTTPSConnection(
            address.hostname, address.port or 443, timeout=SECONDS, context=context
        )
        try:
            return _read(connection, path, {"labelSelector": label_selector, "limit": str(PAGE)}, headers)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError):
        return None


def _needs_more(settings: ClusterSettings) -> bool:
    """Whether the settings hold what only the whole client knows."""
    return bool(
        settings.exec_plugin
        or settings.proxy_url
        or settings.token_file
        or settings.username
        or settings.impersonate
        or settings.tls_server_name
    )


def _read(
    connection: http.client.HTTPConnection, path: str, query: Mapping[str, str], headers: Mapping[str, str]
) -> list[dict[str, Any]] | None:
    found: list[dict[str, Any]] = []
    further = ""
    while True:
        asked = {name: value for name, value in {**query, "continue": further}.items() if value}
        connection.request("GET", f"{path}?{urlencode(asked)}", headers=dict(headers))
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            return None
        page = orjson.loads(body)
        found += page.get("items") or []
        further = str((page.get("metadata") or {}).get("continue") or "")
        if not further:
            return found
