"""Repositories and templates of credentials: the Secrets that the engine opens repositories with.

What is secret in them is written and never read: no answer holds it, and a change that does not name it keeps it.
see: argoproj/argo-cd `server/repository/repository.go`, `server/repocreds/repocreds.go` (3.x).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from haori.cluster import AlreadyExistsError, PatchType
from haori.cluster.well_known import SECRETS
from haori.delivery.controller.repositories import RepositoryEntry, build_secret, read_entry
from haori.git import normalize_url, redact_url
from haori.git.urls import parse_url
from haori.objects import Manifest, nested_text
from haori.objects.times import format_time
from haori.resources import argo
from haori.server.answering import answer_json
from haori.server.api.refreshing import MANAGER
from haori.server.api.writing import refuse_declared
from haori.server.asking import Ask
from haori.server.errors import Kind, RefusedError
from haori.server.routing import Filtered, Query, Route, Rule

FIELDS: Mapping[str, str] = {
    "username": "username", "password": "password", "bearerToken": "bearerToken", "sshPrivateKey": "sshPrivateKey",
    "insecure": "insecure", "insecureIgnoreHostKey": "insecureIgnoreHostKey", "enableOCI": "enableOCI",
    "enableOci": "enableOCI", "insecureOCIForceHttp": "insecureOCIForceHttp", "insecureOciForceHttp": "insecureOCIForceHttp",
    "tlsClientCertData": "tlsClientCertData", "tlsClientCertKey": "tlsClientCertKey", "name": "name", "type": "type",
}  # fmt: skip
"""Fields of a body to fields of a Secret."""
FLAGS = frozenset(
    {"insecure", "insecureIgnoreHostKey", "enableOCI", "enableOci", "insecureOCIForceHttp", "insecureOciForceHttp"}
)
KINDS = ("git", "helm", "oci")
NAMES = frozenset({"name", "username", "type"})
"""Fields that people read in one line."""
LONGEST_NAME = 253
UNKNOWN = {"status": "Unknown", "message": "", "attemptedAt": None}


@dataclass(frozen=True, slots=True)
class Shelf:
    """Repositories, or templates of credentials: the same things under two names."""

    is_template: bool

    @property
    def url_field(self) -> str:
        """What bodies call the URL."""
        return "url" if self.is_template else "repo"

    def to_json(self, entry: RepositoryEntry) -> dict[str, Any]:
        """One as Argo CD lists it."""
        told: dict[str, Any] = {self.url_field: entry.url, "username": entry.username, "type": entry.kind}
        told |= {"insecure": entry.insecure, "enableOCI": entry.enable_oci}
        if not self.is_template:
            told |= {"name": entry.name, "project": entry.project}
            told |= {"inheritedCreds": False, "connectionState": UNKNOWN}
        return told

    async def found(self, ask: Ask) -> list[tuple[RepositoryEntry, Manifest]]:
        """All there are, by URL."""
        word = "repo-creds" if self.is_template else "repository"
        listed = await ask.context.client.list(
            SECRETS, ask.context.namespace, label_selector=f"{argo.SECRET_TYPE}={word}"
        )
        pairs = [(entry, each) for each in listed.items if (entry := read_entry(each)) is not None]
        return sorted(pairs, key=lambda pair: (pair[0].url, pair[0].project))

    async def named(self, ask: Ask, *, or_shared: bool = False) -> tuple[RepositoryEntry, Manifest] | None:
        """The one whose URL is in the path; `project` of the query chooses between several.

        `or_shared`: where the project has none of its own, the one that all projects share.
        """
        wanted, project = normalize_url(ask.parameters["repo"]), ask.text("appProject") or ask.text("project")
        found = [pair for pair in await self.found(ask) if normalize_url(pair[0].url) == wanted]
        chosen = [pair for pair in found if project in ("", pair[0].project)]
        shared = [pair for pair in found if or_shared and not pair[0].project]
        return next(iter([*chosen, *shared]), None)

    async def list(self, ask: Ask) -> Response:
        """Those that may be seen; only the one of a URL where the query names one."""
        wanted, found = normalize_url(ask.text(self.url_field)), await self.found(ask)
        chosen = [pair for pair in found if wanted in ("", normalize_url(pair[0].url))]
        seen = [pair for pair in chosen if ask.may("repositories", "get", object_of(pair[0]))]
        items = await asyncio.gather(*(self._looked(ask, *pair) for pair in seen))
        return await answer_json(ask.request, {"metadata": {}, "items": items})

    async def _looked(self, ask: Ask, entry: RepositoryEntry, secret: Manifest) -> dict[str, Any]:
        """One as it is listed, with whether it can be opened; nobody opens a template."""
        told = self.to_json(entry)
        if self.is_template:
            return told
        found = await ask.context.openings.look(
            ask.context.engine,
            url=entry.url,
            kind=entry.kind,
            version=nested_text(secret, "metadata", "resourceVersion"),
            now=ask.context.clock(),
            is_fresh=ask.flag("forceRefresh"),
        )
        at = format_time(found.at)
        return told | {"connectionState": {"status": found.status, "message": found.message, "attemptedAt": at}}

    async def get(self, ask: Ask) -> Response:
        """One."""
        return await answer_json(ask.request, await self._looked(ask, *await self.demand(ask)))

    async def demand(self, ask: Ask) -> tuple[RepositoryEntry, Manifest]:
        """The one of the path. Raises RefusedError where there is none."""
        found = await self.named(ask)
        if found is None:
            raise RefusedError(Kind.NOT_FOUND, "repository-unknown", url=redact_url(ask.parameters["repo"])[:200])
        return found

    async def create(self, ask: Ask) -> Response:
        """Stores one."""
        secret = await self.given(ask)
        name, known = secret["metadata"]["name"], await self._same(ask, secret)
        if known is not None and not ask.flag("upsert"):
            raise RefusedError(Kind.INVALID, "repository-exists", secret=name)
        if known is not None:
            ask.demand("repositories", "update", await self.given_object(ask))
            return await self._told(ask, await self._merge(ask, known, secret["stringData"]))
        try:
            return await self._told(ask, await ask.context.client.create(SECRETS, secret, field_manager=MANAGER))
        except AlreadyExistsError as error:
            # Names are short hashes: this one is another repository's, which stays as it is.
            raise RefusedError(Kind.INVALID, "repository-exists", secret=name) from error

    async def _same(self, ask: Ask, wanted: Manifest) -> Manifest | None:
        """The Secret that is there of the very URL and project that `wanted` says."""
        meant = read_entry(wanted)
        for entry, secret in await self.found(ask) if meant is not None else ():
            if meant is not None and _place(entry) == _place(meant):
                return secret
        return None

    async def update(self, ask: Ask) -> Response:
        """Changes one; what the body does not say stays, and null takes a field away."""
        (entry, secret), body = await self.demand(ask), await ask.json(dict)
        kind = ("git" if body["type"] is None else body["type"]) if "type" in body else entry.kind
        self._check(ask, entry.url, kind)
        gone = {known for field, known in FIELDS.items() if field in body and body[field] is None}
        return await self._told(ask, await self._merge(ask, secret, values_of(body), gone))

    async def _merge(
        self, ask: Ask, secret: Manifest, values: Mapping[str, str], gone: Collection[str] = ()
    ) -> dict[str, Any]:
        refuse_declared(secret)
        name, namespace = nested_text(secret, "metadata", "name"), ask.context.namespace
        body = {"stringData": values, "data": dict.fromkeys(gone)}
        return await ask.context.client.patch(
            SECRETS, name, namespace, body, patch_type=PatchType.MERGE, field_manager=MANAGER
        )

    async def _told(self, ask: Ask, secret: Manifest) -> Response:
        entry = read_entry(secret)
        if entry is None:
            raise RefusedError(Kind.INVALID, "field-unusable", field=self.url_field)
        return await answer_json(ask.request, self.to_json(entry))

    async def delete(self, ask: Ask) -> Response:
        """Forgets one."""
        _, secret = await self.demand(ask)
        refuse_declared(secret)
        uid = nested_text(secret, "metadata", "uid")
        await ask.context.client.delete(SECRETS, secret["metadata"]["name"], ask.context.namespace, uid=uid)
        return await answer_json(ask.request, {})

    async def given(self, ask: Ask) -> dict[str, Any]:
        """The Secret for the body. Raises RefusedError, and what a URL that cannot be dialled raises."""
        body = await ask.json(dict)
        values = values_of(body)
        kind, url = values.pop("type", "git"), nested_text(body, self.url_field)
        if not url:
            raise RefusedError(Kind.INVALID, "field-unusable", field=self.url_field)
        self._check(ask, url, kind)
        project = "" if self.is_template else nested_text(body, "project")
        return build_secret(
            url, values, namespace=ask.context.namespace, kind=kind, is_template=self.is_template, project=project
        )

    def _check(self, ask: Ask, url: str, kind: Any) -> None:
        """Raises RefusedError, and what a URL that cannot be dialled raises."""
        if kind not in KINDS:
            raise RefusedError(Kind.INVALID, "field-unusable", field="type")
        if kind == "git":
            parse_url(url, allow_file=ask.context.settings.allow_file_repositories)

    async def given_object(self, ask: Ask) -> str:
        """What the body would store, as policies name it."""
        body = await ask.json(dict)
        project, url = nested_text(body, "project"), nested_text(body, self.url_field)
        return f"{project}/{url}" if project and not self.is_template else url

    async def named_object(self, ask: Ask) -> str:
        """What the path names, as policies name it."""
        found = await self.named(ask)
        return object_of(found[0]) if found is not None else ask.parameters["repo"]


def _place(entry: RepositoryEntry) -> tuple[str, str]:
    return normalize_url(entry.url), entry.project


def object_of(entry: RepositoryEntry) -> str:
    """`url`, or `project/url` for one of a project."""
    return f"{entry.project}/{entry.url}" if entry.project else entry.url


def values_of(body: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a Secret that a body says; flags as the words they are in a Secret. Raises RefusedError."""
    values: dict[str, str] = {}
    for field, known in FIELDS.items():
        value = body.get(field)
        if value is None or value == "":
            continue
        if field in FLAGS and isinstance(value, bool):
            values[known] = "true" if value else "false"
        elif field not in FLAGS and isinstance(value, str) and (field not in NAMES or _is_line(value)):
            values[known] = value
        else:
            raise RefusedError(Kind.INVALID, "field-unusable", field=field)
    return values


def _is_line(text: str) -> bool:
    return text.isprintable() and len(text) <= LONGEST_NAME


FRESH = Query(name="forceRefresh", help="Whether what was found out lately is found out anew.", type="boolean")


def _routes(shelf: Shelf, path: str, what: str) -> tuple[Route, ...]:
    def rule(action: str) -> Rule:
        return Rule(resource="repositories", action=action, object_of=shelf.named_object, shown="repo")

    query = (Query(name="appProject", help="Of which project, where several know the same."),)
    fresh = () if shelf.is_template else (FRESH,)
    one = f"{path}/{{repo}}"
    body = "RepositoryCredentials" if shelf.is_template else "Repository"
    return (
        Route(
            method="GET",
            path=path,
            handler=shelf.list,
            access=Filtered(resource="repositories"),
            summary=f"{what}, without what is secret",
            query=(Query(name=shelf.url_field, help="Only this one."), *fresh),
        ),
        Route(
            method="POST",
            path=path,
            handler=shelf.create,
            access=Rule(resource="repositories", action="create", object_of=shelf.given_object),
            summary=f"Adds one of: {what}",
            query=(Query(name="upsert", help="Whether one that is there is changed.", type="boolean"),),
            body=body,
        ),
        Route(
            method="GET",
            path=one,
            handler=shelf.get,
            access=rule("get"),
            summary=f"One of: {what}",
            query=(*query, *fresh),
        ),
        Route(
            method="PUT",
            path=one,
            handler=shelf.update,
            access=rule("update"),
            summary=f"Changes one of: {what}",
            query=query,
            body=body,
        ),
        Route(
            method="DELETE",
            path=one,
            handler=shelf.delete,
            access=rule("delete"),
            summary=f"Forgets one of: {what}",
            query=query,
        ),
    )


ROUTES = (
    *_routes(Shelf(is_template=False), "/api/v1/repositories", "Repositories"),
    *_routes(Shelf(is_template=True), "/api/v1/repocreds", "Templates of credentials"),
)
