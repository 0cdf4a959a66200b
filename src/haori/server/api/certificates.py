"""Certificates and host keys that repositories are known by: two ConfigMaps of Argo CD's.

see: argoproj/argo-cd `docs/operator-manual/declarative-setup.md` "Repositories using self-signed TLS certificates" and "SSH
known host public keys"; `server/certificate/certificate.go` (3.x).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from haori.cluster import NotFoundError, PatchType
from haori.cluster.well_known import CONFIG_MAPS
from haori.delivery.controller.repositories import AUTHORITIES, KNOWN_HOSTS
from haori.delivery.model.globs import glob_matches
from haori.objects import nested_list, nested_mapping, nested_text
from haori.server.answering import answer_json
from haori.server.api.refreshing import MANAGER
from haori.server.api.writing import refuse_declared
from haori.server.asking import Ask
from haori.server.errors import Kind, RefusedError
from haori.server.routing import Query, Route, Rule

SSH, HTTPS = "ssh", "https"
HOSTS_KEY = "ssh_known_hosts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One certificate, or one host key."""

    host: str
    type: str
    subtype: str
    info: str
    line: str = ""
    """As it stands in the list of host keys."""

    def to_json(self) -> dict[str, Any]:
        """As Argo CD lists it; the certificate itself is left out there."""
        return {
            "serverName": self.host, "certType": self.type, "certSubType": self.subtype, "certInfo": self.info,
            "certData": None,
        }  # fmt: skip


def read_host_keys(text: str) -> list[Certificate]:
    """The keys of a known_hosts file; comments and what is no key are left out."""
    found = []
    for line in text.splitlines():
        parts = line.split()
        if len(parts) < 3 or line.startswith(("#", "@", "|")):
            continue
        try:
            key = base64.b64decode(parts[2], validate=True)
        except binascii.Error:
            continue
        print_ = base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
        found += [
            Certificate(host=host, type=SSH, subtype=parts[1], info=f"SHA256:{print_}", line=line)
            for host in parts[0].split(",")
        ]
    return found


def read_certificates(data: Mapping[str, Any]) -> list[Certificate]:
    """The certificates of hosts, the first of each chain."""
    if not data:
        return []
    # Eight megabytes that only installations with certificates of their own pay for.
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    found = []
    for host, text in sorted(data.items()):
        try:
            first = x509.load_pem_x509_certificates(str(text).encode())[0]
        except ValueError:
            continue
        name, print_ = first.subject.rfc4514_string(), first.fingerprint(SHA256()).hex()
        found.append(Certificate(host=host, type=HTTPS, subtype="", info=f"{name} SHA256:{print_}"))
    return found


async def _read(ask: Ask, name: str) -> dict[str, Any] | None:
    try:
        return await ask.context.client.get(CONFIG_MAPS, name, ask.context.namespace)
    except NotFoundError:
        return None


async def _write(ask: Ask, name: str, data: Mapping[str, str | None]) -> None:
    known, client, namespace = await _read(ask, name), ask.context.client, ask.context.namespace
    if known is None:
        kept = {key: value for key, value in data.items() if value is not None}
        manifest = {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": kept,
        }  # fmt: skip
        await client.create(CONFIG_MAPS, manifest, field_manager=MANAGER)
        return
    refuse_declared(known)
    version = {"resourceVersion": nested_text(known, "metadata", "resourceVersion")}
    body = {"metadata": version, "data": dict(data)}
    await client.patch(CONFIG_MAPS, name, namespace, body, patch_type=PatchType.MERGE, field_manager=MANAGER)


async def _known(ask: Ask) -> list[Certificate]:
    hosts, authorities = await _read(ask, KNOWN_HOSTS), await _read(ask, AUTHORITIES)
    keys = read_host_keys(nested_text(hosts or {}, "data", HOSTS_KEY))
    return [*keys, *read_certificates(nested_mapping(authorities or {}, "data"))]


def _is_wanted(ask: Ask, each: Certificate) -> bool:
    pattern = ask.text("hostNamePattern") or "*"
    words = (ask.text("certType"), each.type), (ask.text("certSubType"), each.subtype)
    return glob_matches(pattern, each.host) and all(not wanted or wanted == there for wanted, there in words)


async def _list(ask: Ask) -> Response:
    items = [each.to_json() for each in await _known(ask) if _is_wanted(ask, each)]
    return await answer_json(ask.request, {"metadata": {}, "items": items})


async def _create(ask: Ask) -> Response:
    given = [each for each in nested_list(await ask.json(dict), "items") if isinstance(each, Mapping)]
    hosts = nested_text(await _read(ask, KNOWN_HOSTS) or {}, "data", HOSTS_KEY)
    authorities: dict[str, str | None] = {}
    made: list[Certificate] = []
    for each in given:
        host, text = nested_text(each, "serverName"), _text(each)
        if nested_text(each, "certType") == SSH:
            line = f"{host} {nested_text(each, 'certSubType')} {text.strip().split()[-1] if text.strip() else ''}"
            found = read_host_keys(line)
            kept = [known for known in hosts.splitlines() if known.split()[:2] != line.split()[:2]]
            hosts = "\n".join([*kept, line]) + "\n"
        else:
            found = read_certificates({host: text})
            authorities[host] = text
        if not found or not host or any(char.isspace() for char in host):
            raise RefusedError(Kind.INVALID, "certificate-unreadable", host=host[:200])
        made += found
    if any(each.type == SSH for each in made):
        await _write(ask, KNOWN_HOSTS, {HOSTS_KEY: hosts})
    if authorities:
        await _write(ask, AUTHORITIES, authorities)
    return await answer_json(ask.request, {"metadata": {}, "items": [each.to_json() for each in made]})


def _text(item: Mapping[str, Any]) -> str:
    """`certData`: bytes, so base64 in JSON."""
    try:
        return base64.b64decode(nested_text(item, "certData"), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


async def _delete(ask: Ask) -> Response:
    if not ask.text("hostNamePattern"):
        raise RefusedError(Kind.INVALID, "field-unusable", field="hostNamePattern")
    gone = [each for each in await _known(ask) if _is_wanted(ask, each)]
    lines = {each.line for each in gone if each.type == SSH}
    if lines:
        hosts = nested_text(await _read(ask, KNOWN_HOSTS) or {}, "data", HOSTS_KEY)
        kept = [line for line in hosts.splitlines() if line not in lines]
        await _write(ask, KNOWN_HOSTS, {HOSTS_KEY: "".join(f"{line}\n" for line in kept)})
    if names := [each.host for each in gone if each.type == HTTPS]:
        await _write(ask, AUTHORITIES, dict.fromkeys(names))
    return await answer_json(ask.request, {"metadata": {}, "items": [each.to_json() for each in gone]})


async def _all(ask: Ask) -> str:
    """Argo CD names no single certificate in policies."""
    return ""


def _rule(action: str) -> Rule:
    return Rule(resource="certificates", action=action, object_of=_all)


_CHOICE = (
    Query(name="hostNamePattern", help="A glob of hosts."),
    Query(name="certType", help="ssh or https."),
    Query(name="certSubType", help="Of ssh: the kind of key."),
)
_PATH = "/api/v1/certificates"
ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        handler=_list,
        access=_rule("get"),
        summary="Certificates and host keys",
        query=_CHOICE,
    ),
    Route(
        method="POST",
        path=_PATH,
        handler=_create,
        access=_rule("create"),
        summary="Adds certificates",
        body="Certificates",
    ),
    Route(
        method="DELETE",
        path=_PATH,
        handler=_delete,
        access=_rule("delete"),
        summary="Forgets certificates",
        query=_CHOICE,
    ),
)
