"""One request as handlers see it: who asks, for what, and what they may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request

from haori.cluster import NotFoundError
from haori.cluster.well_known import APPLICATIONS
from haori.delivery.model.globs import glob_matches
from haori.errors import TransientError
from haori.objects import Manifest, nested_text
from haori.server.context import ServerContext
from haori.server.errors import Kind, RefusedError
from haori.server.hosts import sender_address
from haori.server.who import Decision, Identity
from haori.words import Language

T = TypeVar("T")
BODY_BYTES = 2 << 20
"""The largest body taken: an Application with its parameters, a patch, a manifest."""
NOBODYS_BYTES = 16 << 10
"""The largest of who is not signed in: a name and a password, a code. A thousand connections may send one at once."""


class Ask:
    """A request, its route found and its sender known (None: nobody)."""

    def __init__(
        self,
        context: ServerContext,
        request: Request,
        identity: Identity | None,
        parameters: Mapping[str, str],
        *,
        unknown: TransientError | None = None,
    ) -> None:
        self.context, self.request, self.identity, self.parameters = context, request, identity, parameters
        self.unknown = unknown
        """Why nobody could tell whose request it is; only public routes go on then."""
        # Taken apart here, since Starlette would build its own map of it anew for every handler.
        self.query = parse_qsl(request.url.query, keep_blank_values=True)
        for name, value in (*self.query, *parameters.items()):
            if "\x00" in value:  # In no name of anything; PostgreSQL takes none.
                raise RefusedError(Kind.INVALID, "parameter-unreadable", parameter=name[:100])
        self._body: bytes | None = None
        self._application: dict[str, Any] | None = None
        self.given_in_body: Mapping[str, Any] = {}
        """The fields of a body that say what is meant, once it was read for that."""
        self.given_text = ""
        """A body that is one text, once it was read for that."""
        self.value: Any = None
        """The body, once it was read as JSON."""
        self.demanded: list[tuple[str, str, str, Decision]] = []
        """(resource, action, object, decision) of every permission that was demanded, in order."""
        self.actor: Identity | None = None
        """Who has done it, where that is known only afterwards: who has just signed in."""
        self.about = ""
        """What it is about (`Kind name`), where no permission says it."""

    @property
    def language(self) -> Language:
        """The reader's: the parameter `language`, since a browser's EventSource sends no headers, else Accept-Language."""
        return language_of(self.text("language") or self.request.headers.get("accept-language", ""))

    @property
    def who(self) -> Identity:
        """Who asks, on routes that nobody may use unnamed."""
        if self.identity is None:
            raise RefusedError(Kind.UNAUTHENTICATED, "not-signed-in")
        return self.identity

    def text(self, name: str, default: str = "") -> str:
        """A query parameter, the last one where there are several."""
        return next((value for key, value in reversed(self.query) if key == name), default)

    def texts(self, *names: str) -> tuple[str, ...]:
        """All values of repeated query parameters; empty ones count for nothing."""
        return tuple(value for key, value in self.query if key in names and value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A query flag: `true` or `1`."""
        given = self.text(name).lower()
        return given in ("true", "1") if given else default

    def number(self, name: str, default: int, *, least: int = 0, most: int = 1 << 31) -> int:
        """A whole number within bounds. Raises RefusedError."""
        given = self.text(name)
        if not given:
            return default
        # Longer ones are no numbers that anybody means, and int() refuses them in its own way.
        value = int(given) if given.lstrip("-").isascii() and given.lstrip("-").isdigit() and len(given) < 20 else None
        if value is None or not least <= value <= most:
            raise RefusedError(Kind.INVALID, "parameter-out-of-range", parameter=name, least=least, most=most)
        return value

    async def body(self, *, limit: int = 0) -> bytes:
        """The whole body; 0: of the size that who sends it may take. Raises RefusedError where it is too large."""
        if self._body is None:
            limit = limit or (BODY_BYTES if self.identity is not None else NOBODYS_BYTES)
            content = bytearray()
            async for chunk in self.request.stream():
                content += chunk
                if len(content) > limit:
                    raise RefusedError(Kind.TOO_LARGE, "body-too-large", limit=limit)
            self._body = bytes(content)
        return self._body

    async def json(self, type_: type[T]) -> T:
        """The body as a JSON value of `type_`; an empty one is an empty value. Raises RefusedError."""
        content = await self.body()
        if not content:
            return type_()
        try:
            value = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise RefusedError(Kind.INVALID, "body-unreadable", problem=str(error)[:200]) from error
        if not isinstance(value, type_):
            raise RefusedError(Kind.INVALID, "body-of-another-shape", wanted=_SHAPES.get(type_, type_.__name__))
        self.value = value
        return value

    def may(self, resource: str, action: str, object_: str) -> bool:
        """Whether the sender may do that."""
        return self.identity is not None and self.context.policy().decide(
            self.identity, resource, action, object_
        ).allowed  # fmt: skip

    def demand(self, resource: str, action: str, object_: str, *, shown: str = "") -> None:
        """Raises RefusedError where the sender may not do that; it says `shown` where the object says more than they know."""
        decision = self.context.policy().decide(self.who, resource, action, object_)
        self.demanded.append((resource, action, object_, decision))
        if not decision.allowed:
            raise RefusedError(
                Kind.FORBIDDEN,
                "permission-denied",
                resource=resource,
                action=action,
                object=shown or object_,
                subject=self.who.subject,
            )

    async def is_still_known(self) -> bool:
        """Whether the credentials of the request are still those of its sender."""
        headers = self.request.headers.get("authorization"), self.request.cookies
        try:
            return await self.context.authenticator.identify(*headers) == self.identity
        except TransientError:
            # Nobody can tell now; streams end after half an hour anyway.
            return True

    @property
    def address(self) -> str:
        """Where the request came from, as far as that can be known."""
        peer = self.request.client.host if self.request.client is not None else ""
        # A proxy may add a header of its own below the one that its client made up.
        forwarded = ", ".join(self.request.headers.getlist("x-forwarded-for"))
        return sender_address(peer, forwarded, self.context.settings.trusted_proxies)

    @property
    def application_name(self) -> str:
        """Of the path."""
        return self.parameters["name"]

    @property
    def application_namespace(self) -> str:
        """`appNamespace` of the query, or of the body once the application was asked for, else the control namespace."""
        return self.text("appNamespace") or nested_text(self.given_in_body, "appNamespace") or self.context.namespace

    async def application(self) -> dict[str, Any]:
        """The Application of the path, as the cluster has it now; read once. Raises RefusedError.

        One that is not there, or in a project other than `project` says, looks to somebody who may not read it like one
        that is forbidden: else names could be guessed.
        """
        if self._application is None:
            await self.read_named()
            found = await self._find_application()
            if (project := self._project()) and project != project_of(found):
                raise self._missing()
            if not self.may("applications", "get", object_name(self.context, found)):
                raise self._hidden()
            self._application = found
        return self._application

    async def read_application_anew(self) -> None:
        """As it is now, for what is decided by it. Raises RefusedError where it has become one that was not asked about."""
        before = await self.application()
        self._application = None
        now = await self.application()
        uids = [nested_text(each, "metadata", "uid") for each in (before, now)]
        if project_of(now) != project_of(before) or uids[0] != uids[1]:
            raise self._hidden()

    def known_application(self) -> str:
        """The application of the path as policies name it, by its row; empty where that row might not be true.

        Raises RefusedError where the sender may not read it.
        """
        table, key = self.context.table, (self.application_namespace, self.application_name)
        kept = table.get(key) if table.is_listed and not table.problem else None
        if kept is None or not self.is_application_namespace(key[0]) or self._project() not in ("", kept.row.project):
            return ""
        object_ = format_object_name(self.context.namespace, kept.row.project, *key)
        if not self.may("applications", "get", object_):
            raise self._hidden()
        return object_

    async def read_named(self) -> None:
        """Reads what a POST names in its body: grpc-gateway takes these fields from there as well. Raises RefusedError."""
        if self.request.method != "POST":
            return
        match (await self.body()).lstrip()[:1]:
            case b"{":
                self.given_in_body = await self.json(dict)
            case b'"':
                self.given_text = await self.json(str)

    def _project(self) -> str:
        return self.text("project") or nested_text(self.given_in_body, "project")

    async def _find_application(self) -> dict[str, Any]:
        namespace, name = self.application_namespace, self.application_name
        if not self.is_application_namespace(namespace) or not is_name(name) or not is_name(namespace):
            raise self._missing()
        try:
            return await self.context.client.get(APPLICATIONS, name, namespace)
        except NotFoundError as error:
            raise self._missing() from error

    def is_application_namespace(self, namespace: str) -> bool:
        """Whether Applications of a namespace count."""
        settings = self.context.settings
        further = settings.application_namespaces
        return namespace == settings.namespace or any(glob_matches(each, namespace) for each in further)

    def _missing(self) -> RefusedError:
        object_ = f"{self._project() or '*'}/{self.application_name}"
        if self.may("applications", "get", object_):
            return RefusedError(Kind.NOT_FOUND, "application-not-found", application=self.application_name)
        return self._hidden()

    def _hidden(self) -> RefusedError:
        """The very same for what is there and for what is not: neither name nor project is told."""
        facts = {"resource": "applications", "action": "get", "object": self.application_name}
        return RefusedError(Kind.FORBIDDEN, "permission-denied", **facts, subject=self.who.subject)


_SHAPES: Mapping[type, str] = {dict: "object", list: "list", str: "text"}


def is_name(text: str) -> bool:
    """Whether it may be the name of an object: then it is one segment of a path and nothing else."""
    return 0 < len(text) <= 253 and text.isascii() and all(each.isalnum() or each in "-." for each in text)


def project_of(application: Manifest) -> str:
    """The project that an application says."""
    return nested_text(application, "spec", "project") or "default"


def object_name(context: ServerContext, application: Manifest) -> str:
    """An application as policies name it: `project/name`, with its namespace between where that is another one."""
    return format_object_name(
        context.namespace,
        project_of(application),
        nested_text(application, "metadata", "namespace"),
        nested_text(application, "metadata", "name"),
    )


def format_object_name(control_namespace: str, project: str, namespace: str, name: str) -> str:
    """`project/name`, or `project/namespace/name` outside the control namespace."""
    return f"{project}/{name}" if namespace in ("", control_namespace) else f"{project}/{namespace}/{name}"


async def application_object(ask: Ask) -> str:
    """The application of the request's path, as policies name it."""
    return object_name(ask.context, await ask.application())


async def known_application(ask: Ask) -> str:
    """As `application_object`, for answers that tell nothing of the Application itself and so need not wait for it: one with
    a large tree names each of its objects twice."""
    return ask.known_application() or await application_object(ask)


def language_of(accepted: str) -> Language:
    """The language that comes first in an Accept-Language header."""
    first = accepted.split(",", 1)[0].strip().lower()
    return Language.JAPANESE if first.startswith("ja") else Language.ENGLISH
