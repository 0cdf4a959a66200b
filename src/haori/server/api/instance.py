"""What clients have to know of the installation before anybody is signed in."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from haori.access.accounts import Capability
from haori.cluster import NotFoundError
from haori.cluster.well_known import CONFIG_MAPS
from haori.delivery.model import parse_settings
from haori.objects import nested_mapping
from haori.resources import argo
from haori.server.answering import answer_json
from haori.server.api.terminal import ENABLED as EXEC_ENABLED
from haori.server.asking import Ask
from haori.server.routing import Open, Route


async def _settings(ask: Ask) -> Response:
    try:
        found = await ask.context.client.get(CONFIG_MAPS, argo.CONFIG_MAP, ask.context.namespace)
    except NotFoundError:
        found = None
    accounts = ask.context.entrance.book.accounts
    data, settings = nested_mapping(found or {}, "data"), parse_settings(found)
    told: dict[str, Any] = {
        "url": str(data.get("url") or ""),
        "appLabelKey": settings.tracking.label,
        "trackingMethod": settings.tracking.method.value,
        "controllerNamespace": ask.context.namespace,
        "resourceOverrides": {},
        "statusBadgeEnabled": False,
        "execEnabled": str(data.get(EXEC_ENABLED, "")).strip().lower() == "true",
        "plugins": [],
        "kustomizeVersions": [],
        "passwordPattern": accounts.password_pattern,
        "userLoginsDisabled": not any(each.may_use(Capability.LOGIN) for each in accounts.by_name.values()),
        "oidcConfig": _oidc(ask),
        "help": {"chatUrl": str(data.get("help.chatUrl") or ""), "chatText": str(data.get("help.chatText") or "")},
    }
    if ask.identity is None:
        # As in Argo CD: before signing in only what the page of signing in needs.
        kept = ("url", "userLoginsDisabled", "oidcConfig")
        told = {"controllerNamespace": "", "plugins": [], **{field: told[field] for field in kept}}
    return await answer_json(ask.request, told)


def _oidc(ask: Ask) -> dict[str, Any] | None:
    """The identity provider, as Argo CD's clients are told of it."""
    provider = ask.context.entrance.sign_on.provider()
    if provider is None:
        return None
    settings = provider.settings
    return {
        "name": settings.name,
        "issuer": settings.issuer,
        "clientID": settings.client_id,
        "scopes": list(settings.scopes),
        "enablePKCEAuthentication": True,
    }


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/settings",
        handler=_settings,
        access=Open.PUBLIC,
        summary="Settings of the installation",
    ),
)
