"""Cluster Secrets: which clusters are known, and how each is reached.

Argo CD's own Secrets, in the control namespace: label `argocd.argoproj.io/secret-type: cluster`, fields `name`, `server`,
`config` (JSON), `namespaces`, `clusterResources`, `project`; `shard` says nothing here. What cannot be used is a problem of
that entry, never an exception, and no word of it repeats what is secret.
see: argoproj/argo-cd `docs/operator-manual/declarative-setup.md` "Clusters" (3.6).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from haori.cluster.credentials import tls_context
from haori.cluster.kubeconfig import ClusterSettings, ExecPlugin
from haori.objects import Manifest, labels_of, nested_mapping, nested_text
from haori.resources import argo
from haori.words import Sentence

CLUSTER = "cluster"
CONFIG_LIMIT_BYTES = 1 << 20
EXEC_API = "client.authentication.k8s.io/v1beta1"
"""What Argo CD takes where `execProviderConfig` names no version."""
MANAGED_BY = {"managed-by": "argocd.argoproj.io"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterEntry:
    """What one Secret says of a cluster."""

    secret: str
    """The Secret's name."""
    server: str
    name: str
    settings: ClusterSettings | None = None
    """How it is reached; None where that is not said in a way we can use."""
    namespaces: tuple[str, ...] = ()
    """The only namespaces to look at; empty: all."""
    cluster_resources: bool = True
    """Whether cluster-scoped objects are looked at too; where `namespaces` says some, only if the Secret says so."""
    project: str = ""
    problem: Sentence | None = None

    def to_json(self) -> dict[str, Any]:
        """As `haori cluster list -o json` shows it: nothing secret."""
        return {
            "name": self.name, "server": self.server, "secret": self.secret, "project": self.project,
            "namespaces": list(self.namespaces), "clusterResources": self.cluster_resources,
            "problem": self.problem.text() if self.problem is not None else "",
        }  # fmt: skip


class _UnusableError(Exception):
    """A config that cannot be used; never leaves this module."""

    def __init__(self, code: str, **parameters: Any) -> None:
        super().__init__(code)
        self.code, self.parameters = code, parameters


def read_cluster(secret: Manifest, *, allow_exec: bool = False) -> ClusterEntry | None:
    """What a Secret says of a cluster; None where it is about none. `allow_exec`: whether programs may be run for it."""
    if labels_of(secret).get(argo.SECRET_TYPE) != CLUSTER:
        return None
    server = normalize_server(_field(secret, "server"))
    namespaces = tuple(name.strip() for name in _field(secret, "namespaces").split(",") if name.strip())
    entry = ClusterEntry(
        secret=nested_text(secret, "metadata", "name"),
        server=server,
        name=_field(secret, "name") or server,
        namespaces=namespaces,
        cluster_resources=not namespaces or _field(secret, "clusterResources").lower() == "true",
        project=_field(secret, "project"),
    )
    try:
        settings, problem = _settings(entry, _field(secret, "config"), allow_exec), None
    except _UnusableError as error:
        named = {"cluster": entry.name, "server": server or "-", "secret": entry.secret}
        settings, problem = None, Sentence(code=error.code, parameters={**named, **error.parameters})
    return ClusterEntry(
        secret=entry.secret,
        server=server,
        name=entry.name,
        settings=settings,
        namespaces=namespaces,
        cluster_resources=entry.cluster_resources,
        project=entry.project,
        problem=problem,
    )


def normalize_server(server: str) -> str:
    """A server's URL as destinations name it: without a slash at the end."""
    return server.strip().rstrip("/")


def _settings(entry: ClusterEntry, config: str, allow_exec: bool) -> ClusterSettings:
    try:
        address = urlsplit(entry.server)
        is_usable = address.scheme in ("https", "http") and bool(address.hostname) and address.port != 0
    except ValueError as error:  # Brackets that do not match, a port that is none.
        raise _invalid("server") from error
    if not is_usable or any(character.isspace() or ord(character) < 32 for character in entry.server):
        raise _invalid("server")
    if "@" in address.netloc:
        raise _invalid("server: user")
    found = _config(config)
    tls = nested_mapping(found, "tlsClientConfig")
    if not isinstance(insecure := tls.get("insecure") or False, bool):
        raise _invalid("tlsClientConfig: insecure")  # The text "false" must not switch checking off.
    settings = ClusterSettings(
        name=entry.name,
        server=entry.server,
        certificate_authority=_bytes(tls, "caData"),
        insecure=insecure,
        tls_server_name=nested_text(tls, "serverName"),
        proxy_url=nested_text(found, "proxyUrl"),
        client_certificate=_bytes(tls, "certData"),
        client_key=_bytes(tls, "keyData"),
        token=nested_text(found, "bearerToken"),
        username=nested_text(found, "username"),
        password=nested_text(found, "password"),
        exec_plugin=_exec_plugin(found, allow_exec),
    )
    if settings.insecure and settings.certificate_authority:
        raise _invalid("tlsClientConfig: insecure, caData")
    pair = (settings.client_certificate, settings.client_key)
    if (pair[0] is None) != (pair[1] is None):
        raise _invalid("tlsClientConfig: certData, keyData")
    try:
        tls_context(settings, pair if pair[0] is not None and pair[1] is not None else None)  # type: ignore[arg-type]
    except (OSError, ValueError) as error:  # SSLError is an OSError.
        raise _invalid("tlsClientConfig: caData, certData, keyData") from error
    return settings


def _config(text: str) -> Mapping[str, Any]:
    if len(text) > CONFIG_LIMIT_BYTES:
        raise _invalid("config")
    try:
        found = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError as error:
        raise _invalid("config: JSON") from error
    if not isinstance(found, dict):
        raise _invalid("config: JSON")
    if found.get("awsAuthConfig"):
        raise _UnusableError("cluster-aws-unsupported")
    return found


def _exec_plugin(config: Mapping[str, Any], allow_exec: bool) -> ExecPlugin | None:
    entry = nested_mapping(config, "execProviderConfig")
    if not entry:
        return None
    command = nested_text(entry, "command")
    if not allow_exec:
        raise _UnusableError("cluster-exec-refused", command=command or "-")
    arguments, environment = entry.get("args") or [], entry.get("env") or {}
    if not command or not isinstance(arguments, list) or not isinstance(environment, dict):
        raise _invalid("execProviderConfig")
    return ExecPlugin(
        command=command,
        arguments=tuple(str(each) for each in arguments),
        environment={str(name): str(value) for name, value in environment.items()},
        api_version=nested_text(entry, "apiVersion") or EXEC_API,
        install_hint=nested_text(entry, "installHint"),
    )


def _invalid(field: str) -> _UnusableError:
    return _UnusableError("cluster-secret-invalid", field=field)


def _bytes(entry: Mapping[str, Any], name: str) -> bytes | None:
    text = entry.get(name)
    if not text:
        return None
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid(f"tlsClientConfig: {name}") from error


def _field(secret: Manifest, name: str) -> str:
    """A field out of `stringData` or `data`; what is no text is as good as nothing."""
    if name in nested_mapping(secret, "stringData"):
        return nested_text(secret, "stringData", name)
    try:
        return base64.b64decode(nested_text(secret, "data", name)).decode()
    except (binascii.Error, ValueError):
        return ""


def build_cluster_secret(
    settings: ClusterSettings,
    *,
    name: str,
    namespace: str,
    namespaces: Sequence[str] = (),
    cluster_resources: bool = False,
    project: str = "",
) -> dict[str, Any]:
    """The Secret for a cluster in Argo CD's own form, `settings` told whole in its `config`."""
    data = {
        "name": name,
        "server": settings.server,
        "config": orjson.dumps(build_config(settings)).decode(),
        "namespaces": ",".join(namespaces),
        "clusterResources": "true" if namespaces and cluster_resources else "",
        "project": project,
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": secret_name(settings.server),
            "namespace": namespace,
            "labels": {argo.SECRET_TYPE: CLUSTER},
            "annotations": dict(MANAGED_BY),
        },
        "type": "Opaque",
        "stringData": {field: value for field, value in data.items() if value},
    }


def build_config(settings: ClusterSettings) -> dict[str, Any]:
    """`config` as a Secret holds it; empty values left out."""

    def encoded(value: bytes | None) -> str:
        return base64.b64encode(value).decode() if value else ""

    plugin = settings.exec_plugin
    tls = {
        "insecure": settings.insecure,
        "serverName": settings.tls_server_name,
        "caData": encoded(settings.certificate_authority),
        "certData": encoded(settings.client_certificate),
        "keyData": encoded(settings.client_key),
    }
    config: dict[str, Any] = {
        "bearerToken": settings.token,
        "username": settings.username,
        "password": settings.password,
        "proxyUrl": settings.proxy_url,
        "tlsClientConfig": {name: value for name, value in tls.items() if value},
    }
    if plugin is not None:
        described = {
            "command": plugin.command,
            "args": list(plugin.arguments),
            "env": dict(plugin.environment),
            "apiVersion": plugin.api_version,
            "installHint": plugin.install_hint,
        }
        config["execProviderConfig"] = {name: value for name, value in described.items() if value}
    return {name: value for name, value in config.items() if value}


def secret_name(server: str) -> str:
    """`cluster-HOST-N`, where N tells servers of one host apart; the same server has the same name."""
    host = (urlsplit(server).hostname or "unknown").replace(":", "-").replace("_", "-").lower()[:200]
    return f"cluster-{host.strip('.-') or 'unknown'}-{hashlib.sha256(server.encode()).hexdigest()[:8]}"
