"""What proves who we are, kept fresh: fixed tokens, token files read again, exec plugins with their expiry.

`current()` is asked before every request and answers from memory while the answer is good; `invalidate()` is called
when the server said 401, so that the next one is fetched anew. Secrets stay in memory and in the headers made of them.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from haori.cluster.errors import KubeconfigError
from haori.cluster.kubeconfig import ClusterSettings, ExecPlugin

TOKEN_FILE_SECONDS = 60.0
"""How long a token file's content is trusted; kubelets rotate it long before it expires."""
EXEC_SECONDS = 60.0
"""How long an exec plugin may take (some open a browser or ask a cloud)."""
EXPIRY_MARGIN_SECONDS = 30.0
OUTPUT_LIMIT_BYTES = 1 << 20
SHORTEST_SECRET = 4
"""What is shorter is no secret, and would be found in every second word."""

SHORTEST_ENVIRONMENT = 8
"""A plugin's environment holds secrets and plain words; what is shorter is taken for a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What one request carries: an Authorization header, or a client certificate (PEM, PEM)."""

    authorization: str = field(default="", repr=False)
    certificate: tuple[bytes, bytes] | None = field(default=None, repr=False)


class Credentials:
    """The credentials of one cluster's user."""

    def __init__(self, settings: ClusterSettings, *, clock: Callable[[], float], now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock
        self._now = now
        self._known: Credential | None = None
        self._good_until = 0.0
        self._fetching = asyncio.Lock()

    async def current(self) -> Credential:
        """The credential to use now; KubeconfigError where a file or a plugin does not give one."""
        if self._known is not None and self._clock() < self._good_until:
            return self._known
        async with self._fetching:
            if self._known is None or self._clock() >= self._good_until:
                self._known, self._good_until = await self._fetch()
            return self._known

    def invalidate(self) -> bool:
        """Forget what is known; False where asking again cannot give anything else."""
        self._good_until = 0.0
        return self._settings.exec_plugin is not None or self._settings.token_file is not None

    def secrets(self) -> list[bytes]:
        """Everything that must not be repeated, the longest first."""
        settings = self._settings
        proxy = urlsplit(settings.proxy_url).password if settings.proxy_url else None
        texts = [settings.token, settings.password, proxy or ""]
        if self._known is not None:
            texts.append(self._known.authorization.partition(" ")[2])
        texts += [json.dumps(each)[1:-1] for each in texts]
        found = {each.encode() for each in texts if len(each) >= SHORTEST_SECRET}
        return sorted(found, key=len, reverse=True)

    async def _fetch(self) -> tuple[Credential, float]:
        settings = self._settings
        if settings.exec_plugin is not None:
            reply = await run_exec_plugin(settings.exec_plugin, settings)
            return _credential_of(reply), self._clock() + self._seconds_left(reply)
        certificate = _fixed_certificate(settings)
        if settings.token_file is not None:
            try:
                token = settings.token_file.read_text().strip()
            except OSError as error:
                problem = error.strerror or ""
                raise KubeconfigError(
                    "kubeconfig-unreadable", path=str(settings.token_file), problem=problem
                ) from error
            return Credential(authorization=f"Bearer {token}", certificate=certificate), (
                self._clock() + TOKEN_FILE_SECONDS
            )
        if settings.token:
            return Credential(authorization=f"Bearer {settings.token}", certificate=certificate), float("inf")
        if settings.username:
            pair = base64.b64encode(f"{settings.username}:{settings.password}".encode()).decode()
            return Credential(authorization=f"Basic {pair}", certificate=certificate), float("inf")
        return Credential(certificate=certificate), float("inf")

    def _seconds_left(self, reply: Mapping[str, Any]) -> float:
        stamp = reply.get("expirationTimestamp")
        if not stamp:
            return float("inf")
        left = (datetime.fromisoformat(str(stamp)) - self._now()).total_seconds()
        return max(left - EXPIRY_MARGIN_SECONDS, 0.0)


def _fixed_certificate(settings: ClusterSettings) -> tuple[bytes, bytes] | None:
    if settings.client_certificate is None or settings.client_key is None:
        return None
    return settings.client_certificate, settings.client_key


def _credential_of(reply: Mapping[str, Any]) -> Credential:
    token, certificate, key = (reply.get(name) for name in ("token", "clientCertificateData", "clientKeyData"))
    return Credential(
        authorization=f"Bearer {token}" if token else "",
        certificate=(str(certificate).encode(), str(key).encode()) if certificate and key else None,
    )


async def run_exec_plugin(plugin: ExecPlugin, settings: ClusterSettings) -> Mapping[str, Any]:
    """The `status` of the ExecCredential that the plugin prints; KubeconfigError `exec-plugin-failed` (what it said).

    The plugin gets our own environment, as kubectl gives it, and KUBERNETES_EXEC_INFO.
    """
    environment = {**os.environ, **plugin.environment, "KUBERNETES_EXEC_INFO": json.dumps(_exec_info(plugin, settings))}

    def failed(problem: str) -> KubeconfigError:
        for value in plugin.environment.values():
            if len(value) >= SHORTEST_ENVIRONMENT:
                problem = problem.replace(value, "******")
        return KubeconfigError("exec-plugin-failed", command=plugin.command, problem=problem[:2000])

    try:
        process = await asyncio.create_subprocess_exec(
            plugin.command,
            *plugin.arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
        )
    except OSError as error:
        raise failed(f"{error.strerror}. {plugin.install_hint}".strip()) from error
    try:
        async with asyncio.timeout(EXEC_SECONDS):
            output, said = await process.communicate()
    except TimeoutError as error:
        raise failed(f"no answer within {EXEC_SECONDS:g} s") from error
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        raise failed(said.decode(errors="replace").strip() or f"exit code {process.returncode}")
    try:
        status = json.loads(output[:OUTPUT_LIMIT_BYTES])["status"]
    except (ValueError, KeyError, TypeError) as error:
        raise failed("it did not print an ExecCredential") from error
    if not isinstance(status, dict):
        raise failed("its ExecCredential has no status")
    return status


def _exec_info(plugin: ExecPlugin, settings: ClusterSettings) -> dict[str, Any]:
    spec: dict[str, Any] = {"interactive": False}
    if plugin.provide_cluster_info:
        authority = settings.certificate_authority
        spec["cluster"] = {
            "server": settings.server,
            "tls-server-name": settings.tls_server_name,
            "insecure-skip-tls-verify": settings.insecure,
            "certificate-authority-data": base64.b64encode(authority).decode() if authority else "",
        }
    return {"kind": "ExecCredential", "apiVersion": plugin.api_version, "spec": spec}


def tls_context(settings: ClusterSettings, certificate: tuple[bytes, bytes] | None) -> ssl.SSLContext:
    """The TLS side of the connection: whom we trust, and the certificate we show."""
    if settings.insecure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        authority = settings.certificate_authority
        context = ssl.create_default_context(cadata=authority.decode() if authority else None)
        # Cluster authorities are often made without the extensions that RFC 5280 asks for; kubectl takes them.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if certificate is not None:
        _load_certificate(context, *certificate)
    return context


def _load_certificate(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Python reads keys from files only; an anonymous one in memory keeps the key off every disk."""
    pem = certificate + b"\n" + key
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("client-certificate", os.MFD_CLOEXEC)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            context.load_cert_chain(f"/proc/self/fd/{descriptor}")
        return
    with tempfile.NamedTemporaryFile() as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name)
