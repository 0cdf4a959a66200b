"""The environment of a real container: exactly what its Pod says, the Services of its namespace, and a few of our own.

Nothing of the node's own environment is in it. see: kubernetes pkg/kubelet/kubelet_pods.go `makeEnvironmentVariables`,
third_party/forked/golang/expansion, pkg/kubelet/envvars.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from haori.cluster import ApiResource
from haori.cluster.well_known import CONFIG_MAPS, SECRETS
from haori.objects import annotations_of, labels_of, nested, nested_list, nested_mapping, nested_text
from haori.objects.quantities import parse_quantity
from haori.sandbox.node.references import ConfigProblem, missing

Data = Callable[[ApiResource, str], Mapping[str, bytes] | None]
"""The entries of a ConfigMap or Secret of the Pod's namespace by name, None where it is not there."""

_VARIABLE = re.compile(r"\$(?:\$|\(([^()]*)\))")
_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*\Z")
_QUOTED_KEY = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]\Z")
NODE_CPU, NODE_MEMORY = 64, 256 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFacts:
    """What a container can be told of its Pod beyond the manifest."""

    pod_ip: str
    host_ip: str
    node_name: str


def expand(text: str, known: Mapping[str, str]) -> str:
    """`$(NAME)` replaced where NAME is known and left as it stands where it is not; `$$` is one dollar."""

    def replace(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return known.get(match[1], match[0])

    return _VARIABLE.sub(replace, text)


def service_links(services: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """`<NAME>_SERVICE_HOST`, `_SERVICE_PORT`, `_SERVICE_PORT_<port>` and the Docker link names of Services with an address."""
    links: dict[str, str] = {}
    for service in services:
        host = nested_text(service, "spec", "clusterIP")
        ports = nested_list(service, "spec", "ports")
        if not host or host == "None" or not ports:
            continue
        prefix = nested_text(service, "metadata", "name").upper().replace("-", "_")
        links[f"{prefix}_SERVICE_HOST"] = host
        links[f"{prefix}_SERVICE_PORT"] = str(ports[0].get("port"))
        first = str(ports[0].get("protocol") or "TCP").lower()
        links[f"{prefix}_PORT"] = f"{first}://{host}:{ports[0].get('port')}"
        for each in ports:
            number, protocol = str(each.get("port")), str(each.get("protocol") or "TCP")
            if each.get("name"):
                links[f"{prefix}_SERVICE_PORT_{str(each['name']).upper().replace('-', '_')}"] = number
            base = f"{prefix}_PORT_{number}_{protocol}"
            links[base] = f"{protocol.lower()}://{host}:{number}"
            links |= {f"{base}_PROTO": protocol.lower(), f"{base}_PORT": number, f"{base}_ADDR": host}
    return links


def container_environment(
    pod: Mapping[str, Any],
    container: Mapping[str, Any],
    *,
    given: Mapping[str, str],
    own: Mapping[str, str],
    data: Data,
    facts: PodFacts,
) -> dict[str, str]:
    """All variables: `given` (Services) below envFrom below env; `own` can be referred to, and wins.

    ConfigProblem where something that is not optional is missing.
    """
    result: dict[str, str] = dict(given)
    for source in nested_list(container, "envFrom"):
        result |= _from_source(source, data)
    known = {**result, **own}
    for variable in nested_list(container, "env"):
        name = str(variable.get("name"))
        if "valueFrom" in variable:
            value = _value_from(variable["valueFrom"] or {}, pod, container, data, facts)
            if value is None:
                continue
        else:
            value = expand(str(variable.get("value") or ""), known)
        result[name] = known[name] = value
    return {**result, **own}


def _from_source(source: Mapping[str, Any], data: Data) -> dict[str, str]:
    prefix = nested_text(source, "prefix")
    found: dict[str, str] = {}
    for field, resource in (("configMapRef", CONFIG_MAPS), ("secretRef", SECRETS)):
        reference = nested_mapping(source, field)
        if not reference:
            continue
        name = nested_text(reference, "name")
        entries = data(resource, name)
        if entries is None:
            if reference.get("optional"):
                continue
            raise missing(resource, name)
        # Keys that cannot be a variable's name (a file's, say) are passed over, as the kubelet does.
        found |= {prefix + key: _text(value) for key, value in entries.items() if _NAME.match(prefix + key)}
    return found


def _value_from(
    source: Mapping[str, Any], pod: Mapping[str, Any], container: Mapping[str, Any], data: Data, facts: PodFacts
) -> str | None:
    for field, resource in (("configMapKeyRef", CONFIG_MAPS), ("secretKeyRef", SECRETS)):
        if reference := nested_mapping(source, field):
            return _entry(resource, reference, pod, data)
    if field_reference := nested_mapping(source, "fieldRef"):
        return field_value(pod, nested_text(field_reference, "fieldPath"), facts)
    if resource_reference := nested_mapping(source, "resourceFieldRef"):
        return resource_value(pod, container, resource_reference)
    return None


def _entry(resource: ApiResource, reference: Mapping[str, Any], pod: Mapping[str, Any], data: Data) -> str | None:
    name, key = nested_text(reference, "name"), nested_text(reference, "key")
    entries = data(resource, name)
    if entries is not None and key in entries:
        return _text(entries[key])
    if reference.get("optional"):
        return None
    if entries is None:
        raise missing(resource, name)
    place = f"{nested_text(pod, 'metadata', 'namespace')}/{name}"
    raise ConfigProblem("CreateContainerConfigError", f"couldn't find key {key} in {resource.kind} {place}")


def _text(value: bytes) -> str:
    # A null byte cannot stand in an environment; the process would not start at all.
    return value.decode(errors="surrogateescape").replace("\0", "")


def field_value(pod: Mapping[str, Any], path: str, facts: PodFacts) -> str:
    """What a fieldRef gives; ConfigProblem for a path that is none."""
    if match := _QUOTED_KEY.match(path):
        entries = labels_of(pod) if match[1] == "labels" else annotations_of(pod)
        return str(entries.get(match[2], ""))
    special = {
        "status.podIP": facts.pod_ip,
        "status.podIPs": facts.pod_ip,
        "status.hostIP": facts.host_ip,
        "status.hostIPs": facts.host_ip,
        "spec.nodeName": facts.node_name,
        "spec.serviceAccountName": nested_text(pod, "spec", "serviceAccountName") or "default",
        "metadata.labels": _pairs(labels_of(pod)),
        "metadata.annotations": _pairs(annotations_of(pod)),
    }
    if path in special:
        return special[path]
    if path in ("metadata.name", "metadata.namespace", "metadata.uid"):
        return str(nested(pod, *path.split(".")) or "")
    raise ConfigProblem("CreateContainerConfigError", f"unsupported fieldPath: {path}")


def _pairs(entries: Mapping[str, str]) -> str:
    return "\n".join(f'{key}="{_quoted(value)}"' for key, value in sorted(entries.items()))


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def resource_value(pod: Mapping[str, Any], container: Mapping[str, Any], reference: Mapping[str, Any]) -> str:
    """What a resourceFieldRef gives: rounded up to the divisor; a limit that is not set is the node's capacity."""
    if named := nested_text(reference, "containerName"):
        containers = (*nested_list(pod, "spec", "containers"), *nested_list(pod, "spec", "initContainers"))
        container = next((each for each in containers if each.get("name") == named), container)
    kind, _, resource = nested_text(reference, "resource").partition(".")
    value = nested(container, "resources", kind, resource)
    if value is None and kind == "limits":
        value = {"cpu": NODE_CPU, "memory": NODE_MEMORY}.get(resource, 0)
    divisor = parse_quantity(str(reference.get("divisor") or 1)) or 1
    return str(math.ceil(parse_quantity(str(value or 0)) / divisor))
