"""`services/NAME/proxy` and `pods/NAME/proxy`: HTTP to what runs in the cluster, through the API.

A name may carry scheme and port, `https:web:metrics`. What is dialled is looked up in the cluster, never taken from the
request: a ready endpoint of the Service, or the Pod's own address, and only on loopback.
see: https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/#manually-constructing-apiserver-proxy-urls
"""

from __future__ import annotations

import random
import ssl
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from haori.objects import labels_of, nested_list, nested_text
from haori.sandbox.api import errors
from haori.sandbox.api.exchange import Receive, Scope, Send
from haori.sandbox.api.forward import NotReachableError, Upstream, dial, forward, is_loopback, unreachable
from haori.sandbox.node.ports import bindable_port

if TYPE_CHECKING:
    from haori.sandbox.api.app import Target

SERVICE_LABEL = "kubernetes.io/service-name"
DEFAULT_PORT = 80


async def proxy_service(scope: Scope, receive: Receive, send: Send, target: Target) -> None:
    """Hands the request on to a ready endpoint of the Service; 503 where there is none."""
    scheme, name, port = split_name(target.name)
    service = target.api.get(target.type, name, target.namespace).decode()
    slices = [
        each
        for each in target.api.all_of("endpointslices.discovery.k8s.io", target.namespace)
        if labels_of(each).get(SERVICE_LABEL) == name
    ]
    found = list(service_endpoints(service, slices, port))
    if not found:
        raise errors.ApiStatusError(
            503, "ServiceUnavailable", f'no endpoints available for service "{target.name}"', {}
        )
    random.shuffle(found)
    await _hand_on(scope, receive, send, target, scheme, found)


async def proxy_pod(scope: Scope, receive: Receive, send: Send, target: Target) -> None:
    """Hands the request on to the Pod itself."""
    scheme, name, port = split_name(target.name)
    pod = target.api.get(target.type, name, target.namespace).decode()
    address = nested_text(pod, "status", "podIP")
    if not address:
        raise errors.bad_request("address not allowed")
    await _hand_on(scope, receive, send, target, scheme, [(address, pod_port(pod, port))])


async def _hand_on(
    scope: Scope, receive: Receive, send: Send, target: Target, scheme: str, places: list[tuple[str, int]]
) -> None:
    if scope["type"] != "http":
        raise errors.bad_request("only HTTP is proxied")
    query = scope["query_string"].decode("latin-1")
    path = (target.rest or "/") + (f"?{query}" if query else "")
    problem = NotReachableError("no address of this machine")
    for host, port in places:
        for tried in dict.fromkeys((port, bindable_port(port))):
            try:
                reader, writer = await dial(Upstream(host=host, port=tried, tls=_TLS if scheme == "https" else None))
            except NotReachableError as error:
                problem = error
                continue
            more = {"host": f"{host}:{port}", "x-forwarded-uri": target.rest or "/"}
            return await forward(scope, receive, send, reader, writer, path, more)
    raise unreachable(problem)


def _unverified() -> ssl.SSLContext:
    # As the API server of Kubernetes does for proxied backends: nobody knows by whom a Pod's certificate is signed.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


_TLS = _unverified()


def split_name(text: str) -> tuple[str, str, str]:
    """(scheme, name, port) of `name`, `name:port` or `scheme:name:port`; 400 for anything else."""
    parts = text.split(":")
    match parts:
        case [name]:
            found = ("", name, "")
        case [name, port]:
            found = ("", name, port)
        case [("" | "http" | "https") as scheme, name, port]:
            found = (scheme, name, port)
        case _:
            raise errors.bad_request(f'invalid service request "{text[:256]}"')
    if not found[1]:
        raise errors.bad_request(f'invalid service request "{text[:256]}"')
    return found


def service_endpoints(
    service: Mapping[str, Any], slices: list[dict[str, Any]], wanted: str
) -> Iterator[tuple[str, int]]:
    """Address and port of each ready endpoint for the Service's port `wanted` (name or number; "": its only one)."""
    ports = nested_list(service, "spec", "ports")
    named = [
        str(each.get("name") or "")
        for each in ports
        if wanted in (str(each.get("name") or ""), str(each.get("port"))) or (not wanted and len(ports) == 1)
    ]
    if not named:
        return
    for each in slices:
        numbers = [port["port"] for port in each.get("ports") or () if str(port.get("name") or "") == named[0]]
        for endpoint in each.get("endpoints") or ():
            is_ready = (endpoint.get("conditions") or {}).get("ready") is not False
            for address in endpoint.get("addresses") or ():
                if is_ready and numbers and numbers[0] and is_loopback(address):
                    yield address, int(numbers[0])


def pod_port(pod: Mapping[str, Any], wanted: str) -> int:
    """The port of a Pod by number or name; the first it declares where none is asked for, else 80. 400."""
    declared = [port for each in nested_list(pod, "spec", "containers") for port in each.get("ports") or ()]
    if not wanted:
        return int(declared[0]["containerPort"]) if declared else DEFAULT_PORT
    if wanted.isdecimal() and 0 < int(wanted) < 65536:
        return int(wanted)
    for port in declared:
        if port.get("name") == wanted:
            return int(port["containerPort"])
    raise errors.bad_request(f'no port "{wanted[:64]}" in pod {nested_text(pod, "metadata", "name")}')
