"""A chart repository and an OCI registry on loopback, as far as Helm's clients ask for them; it notes what was asked."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml
from aiohttp import web

USER, PASSWORD = "shop", "open-sesame"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
TOKEN = "a-token"
CHART_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
IMAGE_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def make_archive(files: Mapping[str, str | bytes], *links: tuple[str, str]) -> bytes:
    """A gzipped tar of files and links, the same for the same files."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for name, goal in links:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, goal
            archive.addfile(member)
    return gzip.compress(raw.getvalue(), mtime=0)


def make_chart(name: str, version: str, files: Mapping[str, str] | None = None, **facts: Any) -> bytes:
    """A packed chart that renders to one ConfigMap named for the release and the chart."""
    template = (
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "{{ .Release.Name }}-{{ .Chart.Name }}"}\n'
        'data: {version: "{{ .Chart.Version }}", values: {{ toJson .Values | quote }}}\n'
    )
    chart = {"apiVersion": "v2", "name": name, "version": version, **facts}
    inside = {"Chart.yaml": yaml.safe_dump(chart), "templates/map.yaml": template, "values.yaml": "size: 1\n"}
    return make_archive({f"{name}/{path}": text for path, text in {**inside, **(files or {})}.items()})


@dataclass
class ChartServer:
    """What it serves may be changed at any time."""

    url: str = ""
    charts: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """By chart and version."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Anything else, by path."""
    index: bytes | None = None
    """In place of the index that would be made."""
    archives_at: str = ""
    """Where the index says that archives lie; empty: relative to itself."""
    blobs_at: str = ""
    """Where blobs of the registry are redirected to."""
    registry: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """Manifests by repository and tag."""
    blobs: dict[str, bytes] = field(default_factory=dict)
    challenge: str = ""
    """`basic` or `bearer`: how everything but the token is guarded."""
    status: int = 0
    """An answer to everything, if not 0."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """(path, Authorization) of each request, in order."""

    @property
    def host(self) -> str:
        """host:port."""
        return self.url.removeprefix("http://")

    def paths(self) -> list[str]:
        """What was asked for."""
        return [path for path, _ in self.asked]

    def add(self, name: str, version: str, content: bytes | None = None) -> bytes:
        """Publishes a chart in the repository."""
        made = make_chart(name, version) if content is None else content
        self.charts.setdefault(name, {})[version] = made
        return made

    def push(self, repository: str, tag: str, content: bytes, layer: str = CHART_LAYER) -> str:
        """Publishes an artifact in the registry; gives its digest."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.blobs[digest] = content
        manifest = {"schemaVersion": 2, "layers": [{"mediaType": layer, "digest": digest, "size": len(content)}]}
        self.registry.setdefault(repository, {})[tag] = manifest
        return f"sha256:{hashlib.sha256(json.dumps(manifest).encode()).hexdigest()}"

    def build_index(self) -> bytes:
        """The index.yaml of the charts."""
        entries = {
            name: [
                {"name": name, "version": version, "digest": hashlib.sha256(content).hexdigest(),
                 "urls": [f"{self.archives_at}charts/{name}-{version}.tgz"]}
                for version, content in versions.items()
            ]
            for name, versions in self.charts.items()
        }  # fmt: skip
        return self.index or yaml.safe_dump({"apiVersion": "v1", "entries": entries}).encode()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        authorization = request.headers.get("Authorization", "")
        self.asked.append((request.path, authorization))
        if self.status:
            raise web.HTTPException(text="told to") if self.status < 400 else _error(self.status)
        if request.path == "/token":
            wanted = {"service": "registry", "scope": request.query["scope"]}
            if authorization != BASIC or dict(request.query) != wanted:
                raise web.HTTPUnauthorized
            return web.json_response({"token": TOKEN, "expires_in": 300})
        is_open = {"": True, "basic": authorization == BASIC, "bearer": authorization == f"Bearer {TOKEN}"}
        if not is_open[self.challenge]:
            ways = {"basic": 'Basic realm="x"', "bearer": f'Bearer realm="{self.url}/token",service="registry"'}
            return web.Response(status=401, headers={"WWW-Authenticate": ways[self.challenge]})
        if request.path.startswith("/v2/"):
            return self._registry(request)
        return self._repository(request)

    def _repository(self, request: web.Request) -> web.Response:
        if request.path == "/index.yaml":
            body = self.build_index()
            tag = f'"{hashlib.sha256(body).hexdigest()}"'
            if request.headers.get("If-None-Match") == tag:
                return web.Response(status=304)
            return web.Response(body=body, headers={"ETag": tag})
        name = request.path.removeprefix("/charts/").removesuffix(".tgz")
        for chart, versions in self.charts.items():
            for version, content in versions.items():
                if name == f"{chart}-{version}":
                    return web.Response(body=content)
        if request.path in self.files:
            return web.Response(body=self.files[request.path])
        raise web.HTTPNotFound

    def _registry(self, request: web.Request) -> web.Response:
        repository, kind, reference = request.path.removeprefix("/v2/").rsplit("/", 2)
        if kind == "blobs":
            if self.blobs_at:
                raise web.HTTPTemporaryRedirect(f"{self.blobs_at}/blob/{reference}")
            if reference in self.blobs:
                return web.Response(body=self.blobs[reference])
        tags = self.registry.get(repository, {})
        if kind == "tags" and tags:
            return web.json_response({"name": repository, "tags": list(tags)})
        for tag, manifest in tags.items():
            body = json.dumps(manifest).encode()
            digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
            if reference in (tag, digest):
                return web.Response(body=body, headers={"Docker-Content-Digest": digest})
        raise web.HTTPNotFound


def _error(status: int) -> web.HTTPException:
    error = web.HTTPInternalServerError()
    error.set_status(status)
    return error


@asynccontextmanager
async def serve_charts() -> AsyncIterator[ChartServer]:
    """A server on a free port of loopback."""
    server = ChartServer()
    application = web.Application()
    application.router.add_get("/{path:.*}", server.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
