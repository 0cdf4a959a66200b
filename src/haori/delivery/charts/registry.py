"""OCI registries: tags, manifests, blobs, by the distribution API.

A registry says with 401 how it wants to be asked: by a password, or by a token that another server gives out. A token is
kept as long as it lasts. The password goes to the registry and to the token server it names, over TLS where the registry
is; where a blob really lies is a redirect, and credentials do not follow it.
see: OCI distribution specification 1.1; distribution `docs/spec/auth/token.md`.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import orjson

from haori.delivery.charts.access import FOUND, MISSING, Access, Door, refusal
from haori.delivery.charts.errors import ChartError, Subject
from haori.outbound import Fetched

MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
CHART_LAYERS = ("application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip")
ARCHIVE_LAYERS = (
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    *CHART_LAYERS,
)
MANIFEST_BYTES = 4 << 20
TAG_PAGES = 50
"""Of 1,000 tags each, where the registry gives that many."""
TOKEN_SECONDS = 60.0
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_PARAMETER = re.compile(r'([a-z_]+)="([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A repository of a registry."""

    host: str
    name: str
    is_plain: bool = False

    def url(self, *parts: str) -> str:
        """The API's URL for `parts`."""
        return f"{'http' if self.is_plain else 'https'}://{self.host}/v2/{self.name}/{'/'.join(parts)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Where the archive of an artifact lies."""

    digest: str
    size: int


def is_digest(text: str) -> bool:
    """Whether `text` names content by its sha256."""
    return _DIGEST.fullmatch(text) is not None


def parse_place(url: str, chart: str, access: Access, subject: Subject) -> Place:
    """The registry's repository of `chart` below `url` (`oci://…`, or without a scheme). Raises ChartError."""
    rest = re.sub(r"^(oci|https?)://", "", url).strip("/")
    host, _, path = rest.partition("/")
    name = "/".join(part for part in (path, chart.strip("/")) if part).lower()
    if not host or "@" in host or not _NAME.fullmatch(name):
        raise ChartError("chart-registry-url", **subject.facts())
    # Docker Hub answers its API under another name than the one people write.
    host = "registry-1.docker.io" if host in ("docker.io", "index.docker.io") else host
    return Place(host=host, name=name, is_plain=access.is_plain)


def tag_of(version: str) -> str:
    """The tag of a version: `+` is no letter of tags. see: Helm `pkg/registry`."""
    return version.replace("+", "_")


class Registries:
    """Speaks to registries; remembers their tokens."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._tokens: dict[tuple[str, str, str], tuple[float, str]] = {}

    async def tags(self, place: Place, access: Access, subject: Subject) -> list[str]:
        """All tags. Raises ChartError `chart-unknown` where there is no such repository."""
        url, found = place.url("tags", "list") + "?n=1000", list[str]()
        for _ in range(TAG_PAGES):
            answer = await self._get(url, place, access, subject, limit_bytes=MANIFEST_BYTES)
            if answer.status != FOUND:
                raise ChartError("chart-unknown", **subject.facts())
            body = _json(answer.body, subject)
            found += [tag for tag in body.get("tags") or () if isinstance(tag, str)]
            following = re.match(r'\s*<([^>]+)>\s*;\s*rel="?next"?', answer.headers.get("link", ""))
            if following is None:
                break
            url = urljoin(url, following[1])
            if urlsplit(url).netloc != place.host:
                raise ChartError("chart-registry-answer", **subject.facts())
        return found

    async def manifest(self, place: Place, reference: str, access: Access, subject: Subject) -> tuple[str, Any]:
        """(digest, manifest) of a tag or digest. Raises ChartError where it is missing, or is not what was asked for."""
        if not _TAG.fullmatch(reference) and not is_digest(reference):
            raise ChartError("chart-version-absent", **subject.facts())
        headers = {"Accept": ", ".join(MANIFESTS)}
        answer = await self._get(
            place.url("manifests", reference), place, access, subject, headers=headers, limit_bytes=MANIFEST_BYTES
        )
        if answer.status == MISSING:
            raise ChartError("chart-version-absent", **subject.facts())
        digest = f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
        wanted = reference if is_digest(reference) else answer.headers.get("docker-content-digest", "")
        if digest != wanted and wanted.startswith("sha256:"):
            raise ChartError("chart-digest-wrong", **subject.facts(), wanted=wanted[:100], found=digest)
        return digest, _json(answer.body, subject)

    async def blob(self, place: Place, layer: Layer, access: Access, subject: Subject, limit_bytes: int) -> bytes:
        """The content of a layer, its digest checked."""
        if layer.size > limit_bytes:
            raise subject.bad_archive("archive-too-large", path=layer.digest, limit=limit_bytes)
        answer = await self._get(place.url("blobs", layer.digest), place, access, subject, limit_bytes=limit_bytes)
        if answer.status == MISSING:
            raise ChartError("chart-version-absent", **subject.facts())
        return check_digest(answer.body, layer.digest, subject)

    async def _get(
        self,
        url: str,
        place: Place,
        access: Access,
        subject: Subject,
        *,
        headers: dict[str, str] | None = None,
        limit_bytes: int,
    ) -> Fetched:
        given, key = dict(headers or {}), (place.host, place.name, access.basic)
        if authorization := self._known(key):
            given["Authorization"] = authorization
        answer = await self._door.get(url, subject, tls=access.tls, headers=given, limit_bytes=limit_bytes)
        if answer.status != 401:
            return answer
        given["Authorization"] = await self._authorize(answer, place, access, subject, key)
        answer = await self._door.get(url, subject, tls=access.tls, headers=given, limit_bytes=limit_bytes)
        if answer.status == 401:
            self._tokens.pop(key, None)
            raise refusal(subject, answer.status)
        return answer

    def _known(self, key: tuple[str, str, str]) -> str:
        until, authorization = self._tokens.get(key, (0.0, ""))
        return authorization if until > asyncio.get_running_loop().time() else ""

    async def _authorize(
        self, answer: Fetched, place: Place, access: Access, subject: Subject, key: tuple[str, str, str]
    ) -> str:
        """What the registry's challenge is answered with, remembered for as long as it lasts."""
        challenge = answer.headers.get("www-authenticate", "")
        scheme, _, rest = challenge.partition(" ")
        loop = asyncio.get_running_loop()
        if scheme.lower() == "basic" and access.basic:
            self._tokens[key] = (loop.time() + TOKEN_SECONDS, access.basic)
            return access.basic
        parameters = dict(_PARAMETER.findall(rest))
        realm = parameters.get("realm", "")
        if scheme.lower() != "bearer" or not realm:
            raise refusal(subject, answer.status)
        if not place.is_plain and urlsplit(realm).scheme != "https":
            raise ChartError("chart-registry-answer", **subject.facts())
        asked = {"service": parameters.get("service", ""), "scope": f"repository:{place.name}:pull"}
        separator = "&" if "?" in realm else "?"
        headers = {"Authorization": access.basic} if access.basic else {}
        tls = access.tls if urlsplit(realm).netloc == place.host else None
        told = await self._door.get(
            realm + separator + urlencode({name: value for name, value in asked.items() if value}),
            subject, tls=tls, headers=headers,
        )  # fmt: skip
        body = _json(told.body, subject) if told.status == FOUND else {}
        token = body.get("token") or body.get("access_token")
        if not isinstance(token, str) or not token.isprintable():
            raise refusal(subject, told.status)
        lasts = body.get("expires_in")
        seconds = float(lasts) if isinstance(lasts, int) and 0 < lasts < 86400 else TOKEN_SECONDS
        self._tokens[key] = (loop.time() + seconds * 0.8, f"Bearer {token}")
        while len(self._tokens) > 500:
            del self._tokens[next(iter(self._tokens))]
        return f"Bearer {token}"


def find_layer(manifest: Any, types: tuple[str, ...], subject: Subject) -> Layer:
    """The one layer that is an archive of `types`. Raises ChartError where there is none, or more than one."""
    layers = [
        layer
        for layer in (manifest.get("layers") if isinstance(manifest.get("layers"), list) else ())
        if isinstance(layer, dict) and layer.get("mediaType") in types
    ]
    if len(layers) != 1 or not is_digest(str(layers[0].get("digest"))):
        raise ChartError("chart-no-layer", **subject.facts(), types=list(types[:2]))
    size = layers[0].get("size")
    return Layer(digest=layers[0]["digest"], size=size if isinstance(size, int) else 0)


def check_digest(content: bytes, wanted: str, subject: Subject) -> bytes:
    """`content`, whose sha256 is `wanted` (with or without `sha256:`). Raises ChartError where it is another."""
    found = hashlib.sha256(content).hexdigest()
    if found != wanted.removeprefix("sha256:"):
        raise ChartError("chart-digest-wrong", **subject.facts(), wanted=wanted[:100], found=f"sha256:{found}")
    return content


def _json(body: bytes, subject: Subject) -> Any:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ChartError("chart-registry-answer", **subject.facts()) from error
    if not isinstance(value, dict):
        raise ChartError("chart-registry-answer", **subject.facts())
    return value
