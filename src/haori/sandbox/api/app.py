"""The API over HTTP: an ASGI application that turns requests into the layer's calls and its answers into bytes.

Who asks stands in `scope["haori.user"]` (whoever serves the application puts it there); whether they may is decided here.
Handlers for what needs more than objects (logs, exec, tokens, proxies) are handed in by the server as a table keyed by
`plural/subresource`; they get the raw ASGI call, for websockets too.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

import orjson

from haori.cluster import PatchType
from haori.errors import HaoriError
from haori.objects import nested_text
from haori.sandbox.api import deletion, discovery, errors, reviews, scaling, special
from haori.sandbox.api.authorization import Authorizer
from haori.sandbox.api.exchange import Accepted, Receive, Request, Scope, Send, parse_body
from haori.sandbox.api.layer import Api
from haori.sandbox.api.openapi import answer_openapi
from haori.sandbox.api.options import Attributes, Page, User
from haori.sandbox.api.registry import ServedType
from haori.sandbox.api.routing import GroupPath, ResourcePath, parse_path
from haori.sandbox.api.shapes import FORMS, select_events, shape_events, shape_object, shape_page
from haori.sandbox.api.store import StoreFailedError

_log = logging.getLogger(__name__)

_AGGREGATED = "APIGroupDiscoveryList"
PLAIN_TEXT = "text/plain; charset=utf-8"
_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What an extra handler is asked for."""

    api: Api
    type: ServedType
    namespace: str
    name: str
    subresource: str
    rest: str
    """What follows the subresource in the path, still quoted."""
    user: User


Handler = Callable[[Scope, Receive, Send, Target], Awaitable[None]]
Answerer = Callable[[Request], Awaitable[None]]


def build_app(
    api: Api, handlers: Mapping[str, Handler] | None = None, *, user_of_token: reviews.UserOfToken | None = None
) -> App:
    """The application; `handlers` is keyed by `pods/log`, `services/proxy`, `serviceaccounts/token`, ...

    `user_of_token` answers TokenReviews; without it no token is known.
    """
    return App(api, handlers or {}, user_of_token)


class App:
    """The ASGI application."""

    def __init__(
        self, api: Api, handlers: Mapping[str, Handler], user_of_token: reviews.UserOfToken | None = None
    ) -> None:
        self._api = api
        self._user_of_token = user_of_token
        self._handlers = handlers
        self._authorizer = Authorizer(api)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request or websocket."""
        request = Request.of(scope, receive, send)
        try:
            await self._route(request)
        except errors.ApiStatusError as error:
            await self._refuse(request, error)
        except ConnectionResetError:
            return
        except StoreFailedError as error:
            await self._refuse(request, errors.internal(str(error)))
        except HaoriError as error:
            _log.error("sandbox request failed", exc_info=error, extra={"facts": {"path": request.path}})
            await self._refuse(request, errors.internal(str(error)))
        except Exception as error:
            # The border of the server: one request's fault is told to its client and to the log, and ends nothing else.
            _log.exception("sandbox request failed", extra={"facts": {"path": request.path}})
            await self._refuse(request, errors.internal(type(error).__name__))

    async def _refuse(self, request: Request, error: errors.ApiStatusError) -> None:
        if request.scope["type"] == "websocket":
            return await self._refuse_upgrade(request, error)
        headers = {"retry-after": str(error.retry_after)} if error.retry_after else {}
        await request.answer(error.to_status(), error.status, headers)

    async def _refuse_upgrade(self, request: Request, error: errors.ApiStatusError) -> None:
        """Answers as to any request: kubectl shows the Status of an upgrade that was refused."""
        if "websocket.http.response" not in request.scope.get("extensions", {}):
            await request.send({"type": "websocket.close", "code": 1008, "reason": error.message[:120]})
            return
        body = orjson.dumps(error.to_status())
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        start = {"type": "websocket.http.response.start", "status": error.status, "headers": headers}
        await request.send(start)
        await request.send({"type": "websocket.http.response.body", "body": body})

    async def _route(self, request: Request) -> None:
        place = parse_path(request.path)
        if isinstance(place, ResourcePath):
            await self._resource(request, place)
        elif isinstance(place, GroupPath):
            await self._discover(request, place)
        else:
            await self._plain(request)

    # Discovery and what is no resource

    async def _plain(self, request: Request) -> None:
        path = request.path.rstrip("/")
        if path in ("/livez", "/readyz", "/healthz"):
            await request.send_body(b"ok", PLAIN_TEXT)
        elif path == "/version":
            if request.method not in ("GET", "HEAD"):
                raise errors.method_not_allowed()
            await request.answer(discovery.VERSION)
        else:
            self._authorizer.require_path(request.user, request.path)
            if path == "":
                paths = ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"]
                return await request.answer({"paths": paths})
            if not path.startswith("/openapi"):
                return await request.send_body(errors.not_found_text(), PLAIN_TEXT, 404)
            await answer_openapi(self._api.schemas, request, path)

    async def _discover(self, request: Request, place: GroupPath) -> None:
        self._authorizer.require_path(request.user, request.path)
        registry = self._api.registry
        if not place.group and not place.version:
            accepted = request.accepted((_AGGREGATED,))
            if accepted.as_ == _AGGREGATED:
                await self._aggregated(request, accepted, is_core=place.is_core)
            else:
                await request.answer(discovery.core_versions() if place.is_core else discovery.group_list(registry))
            return
        found = (
            discovery.resource_list(registry, place.group, place.version)
            if place.version
            else discovery.group_document(registry, place.group)
        )
        if found is None and not registry.has_group(place.group):
            return await request.send_body(errors.not_found_text(), PLAIN_TEXT, 404)
        if found is None:
            raise errors.no_such_path()
        await request.answer(found)

    async def _aggregated(self, request: Request, accepted: Accepted, *, is_core: bool) -> None:
        body = orjson.dumps(discovery.aggregated(self._api.registry, is_core=is_core))
        etag = f'"{hashlib.sha256(body).hexdigest().upper()}"'
        media = f"application/json;g={accepted.group};v={accepted.version};as={accepted.as_}"
        headers = {"etag": etag, "vary": "Accept", "cache-control": "public"}
        if request.headers.get("if-none-match") == etag:
            return await request.send_body(b"", media, 304, headers)
        await request.send_body(body, media, 200, headers)

    # Resources

    async def _resource(self, request: Request, place: ResourcePath) -> None:
        is_watch = request.method == "GET" and not place.subresource and request.is_set("watch")
        verb = _VERBS.get(request.method, "")
        if not place.name:
            verb = {"get": "watch" if is_watch else "list", "delete": "deletecollection"}.get(verb, verb)
        self._authorizer.require(
            request.user,
            Attributes(
                verb=verb,
                group=place.group,
                resource=place.plural,
                subresource=place.subresource,
                namespace=place.namespace,
                name=place.name,
                field_selector=request.query.get("fieldSelector", ""),
            ),
        )
        if not self._api.registry.has_group(place.group):
            return await request.send_body(errors.not_found_text(), PLAIN_TEXT, 404)
        type_ = self._api.served(place.group, place.version, place.plural)
        if place.subresource:
            return await self._subresource(request, type_, place)
        if type_.namespaced and not place.namespace and (place.name or verb == "create"):
            raise errors.no_such_path() if place.name else errors.method_not_allowed()
        if not type_.namespaced and place.namespace:
            raise errors.no_such_path()
        if not type_.is_stored:
            if verb != "create":
                raise errors.method_not_allowed()
            value = await request.value()
            if type_.kind == "Binding":
                bound = await special.bind_named(self._api, type_, place.namespace, value, request.write_options())
                return await request.answer(bound, 201)
            review = reviews.answer(self._authorizer, request.user, type_, value, place.namespace, self._user_of_token)
            return await request.answer(review, 201)
        match verb:
            case "watch":
                await self._watch(request, type_, place.namespace)
            case "list":
                await self._list(request, type_, place.namespace)
            case "get":
                await self._answer_object(request, type_, self._api.get(type_, place.name, place.namespace).body)
            case "create" if not place.name:
                value = special.mapping(await request.value())
                name = nested_text(value, "metadata", "name")
                self._authorizer.require_made(request.user, type_, name, place.namespace)
                written = await self._api.create(type_, value, place.namespace, request.write_options())
                request.warnings += written.warnings
                await self._answer_object(request, type_, written.stored.body, 201)
            case "update" | "patch" if place.name:
                await self._change(request, type_, place)
            case "delete":
                await self._delete(request, type_, place)
            case "deletecollection":
                await self._delete_collection(request, type_, place)
            case _:
                raise errors.method_not_allowed()

    async def _change(self, request: Request, type_: ServedType, place: ResourcePath) -> None:
        if request.method == "PUT":
            value = special.mapping(await request.value())
            options = request.write_options()
            written = await self._api.replace(
                type_, place.name, value, place.namespace, options, subresource=place.subresource
            )
        else:
            patch_type, body = await read_patch(request)
            options = request.write_options()
            written = await self._api.patch(
                type_,
                place.name,
                body,
                place.namespace,
                options,
                patch_type=patch_type,
                subresource=place.subresource,
            )
        request.warnings += written.warnings
        await self._answer_object(request, type_, written.stored.body, 201 if written.is_created else 200)

    async def _delete(self, request: Request, type_: ServedType, place: ResourcePath) -> None:
        options = await request.delete_options()
        deleted = await self._api.delete(type_, place.name, place.namespace, options)
        if not deleted.is_gone:
            return await self._answer_object(request, type_, deleted.stored.body)
        if type_.storage in deletion.SHOWN_WHEN_GONE:
            seen = deletion.last_seen(type_, deleted.stored.decode(), self._api.now())
            return await self._answer_object(request, type_, orjson.dumps(seen))
        uid = deleted.stored.decode()["metadata"].get("uid")
        details = {"name": place.name, "group": type_.group, "kind": type_.plural, "uid": uid}
        await request.answer(errors.success_status(**{key: value for key, value in details.items() if value}))

    async def _delete_collection(self, request: Request, type_: ServedType, place: ResourcePath) -> None:
        options = await request.delete_options()
        page = await self._api.delete_collection(type_, place.namespace, request.list_options(), options)
        await self._answer_page(request, type_, page, Accepted())

    async def _list(self, request: Request, type_: ServedType, namespace: str) -> None:
        accepted = request.accepted(FORMS)
        options = request.list_options()
        if is_shown := self._authorizer.shown(request.user, type_):
            # In one page: how many there are beyond, and their names, are nothing to this user.
            page = self._api.objects(type_, namespace, replace(options, limit=0))
            page = replace(page, items=[each for each in page.items if is_shown(each.decode())], remaining=None)
        else:
            page = self._api.objects(type_, namespace, options)
        await self._answer_page(request, type_, page, accepted)

    async def _answer_page(self, request: Request, type_: ServedType, page: Page, accepted: Accepted) -> None:
        await request.answer(shape_page(type_, page, accepted, request.query.get("includeObject", ""), self._api.now()))

    async def _answer_object(self, request: Request, type_: ServedType, body: bytes, status: int = 200) -> None:
        accepted = request.accepted(FORMS)
        shaped = shape_object(type_, body, accepted, request.query.get("includeObject", ""), self._api.now())
        await request.answer(shaped, status)

    async def _watch(self, request: Request, type_: ServedType, namespace: str) -> None:
        accepted = request.accepted(FORMS)
        events = self._api.watch(type_, namespace, request.watch_options())
        if is_shown := self._authorizer.shown(request.user, type_):
            events = select_events(events, is_shown)
        lines: AsyncGenerator[bytes, None] = shape_events(
            type_, events, accepted, request.query.get("includeObject", ""), self._api.now
        )
        await request.stream(lines)

    async def _subresource(self, request: Request, type_: ServedType, place: ResourcePath) -> None:
        handler = self._handlers.get(f"{type_.full_name}/{place.subresource}")
        if handler is not None:
            target = Target(
                api=self._api,
                type=type_,
                namespace=place.namespace,
                name=place.name,
                subresource=place.subresource,
                rest=place.rest,
                user=request.user,
            )
            return await handler(request.scope, request.receive, request.send, target)
        if place.subresource not in type_.subresources or place.rest:
            raise errors.no_such_path()
        if place.subresource == "scale":
            return await self._scale(request, type_, place)
        if place.subresource in special.CREATED and request.method == "POST":
            value = special.mapping(await request.value())
            answered = await special.CREATED[place.subresource](self._api, type_, place, value, request)
            return await request.answer(answered, 201)
        if place.subresource not in special.PLAIN:
            raise errors.method_not_allowed()
        match request.method:
            case "GET":
                await self._answer_object(request, type_, self._api.get(type_, place.name, place.namespace).body)
            case "PUT" | "PATCH":
                await self._change(request, type_, place)
            case _:
                raise errors.method_not_allowed()

    async def _scale(self, request: Request, type_: ServedType, place: ResourcePath) -> None:
        match request.method:
            case "GET":
                value = scaling.get_scale(self._api, type_, place.name, place.namespace)
            case "PUT":
                wanted = special.mapping(await request.value())
                value = await scaling.replace_scale(
                    self._api, type_, place.name, place.namespace, wanted, request.write_options()
                )
            case "PATCH":
                patch_type, body = await read_patch(request)
                value = await scaling.patch_scale(
                    self._api, type_, place.name, place.namespace, body, patch_type, request.write_options()
                )
            case _:
                raise errors.method_not_allowed()
        await request.answer(value)


async def read_patch(request: Request) -> tuple[PatchType, object]:
    """(form, value) of a patch; 415 for a form that is none."""
    if request.content_type not in set(PatchType):
        raise errors.no_patch_type()
    return PatchType(request.content_type), parse_body(await request.body(), request.content_type)
