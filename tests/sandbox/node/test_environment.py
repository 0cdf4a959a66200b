"""Variables of a real container."""

from __future__ import annotations

import pytest

from haori.cluster.well_known import CONFIG_MAPS
from haori.sandbox.node.environment import PodFacts, container_environment, expand, resource_value, service_links
from haori.sandbox.node.references import ConfigProblem

FACTS = PodFacts(pod_ip="127.80.0.1", host_ip="127.0.0.1", node_name="node")
POD = {
    "metadata": {"name": "p", "namespace": "ns", "uid": "u", "labels": {"app": "web", "a": 'q"x'}, "annotations": {}},
    "spec": {"containers": []},
}
ENTRIES = {
    ("configmaps", "settings"): {"LEVEL": b"info", "season.json": b"{}", "1bad": b""},
    ("secrets", "key"): {"k": b"s"},
}


def data(resource, name):
    return ENTRIES.get((resource.plural, name))


def environment(container, **given):
    return container_environment(POD, container, given=given, own={"OWN": "1"}, data=data, facts=FACTS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(A)-$(B)", "1-$(B)"),
        ("$$(A)", "$(A)"),
        ("$A $", "$A $"),
        ("$(A", "$(A"),
        ("$$$(A)", "$1"),
        ("$()", "$()"),
    ],
)
def test_expansion(text, expected):
    assert expand(text, {"A": "1"}) == expected


def test_later_variables_win_and_see_earlier_ones():
    found = environment(
        {
            "envFrom": [{"configMapRef": {"name": "settings"}, "prefix": "S_"}],
            "env": [{"name": "A", "value": "$(S_LEVEL)/$(OWN)"}, {"name": "G", "value": "mine"}],
        },
        G="given",
        H="kept",
    )

    assert found["A"] == "info/1"
    assert (found["G"], found["H"], found["OWN"]) == ("mine", "kept", "1")
    assert "S_season.json" in found


def test_keys_that_name_no_variable_are_passed_over():
    assert "1bad" not in environment({"envFrom": [{"configMapRef": {"name": "settings"}}]})


FIELDS = [
    ("metadata.name", "p"), ("metadata.namespace", "ns"), ("metadata.uid", "u"), ("status.podIP", "127.80.0.1"),
    ("status.hostIP", "127.0.0.1"), ("spec.nodeName", "node"), ("spec.serviceAccountName", "default"),
    ("metadata.labels['app']", "web"), ("metadata.annotations['x']", ""), ("metadata.labels", 'a="q\\"x"\napp="web"'),
]  # fmt: skip


@pytest.mark.parametrize(("path", "expected"), FIELDS, ids=[path for path, _ in FIELDS])
def test_fields(path, expected):
    found = environment({"env": [{"name": "V", "valueFrom": {"fieldRef": {"fieldPath": path}}}]})

    assert found["V"] == expected


def test_entries_of_config_maps_and_secrets():
    found = environment(
        {
            "env": [
                {"name": "L", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "LEVEL"}}},
                {"name": "S", "valueFrom": {"secretKeyRef": {"name": "key", "key": "k"}}},
                {"name": "O", "valueFrom": {"secretKeyRef": {"name": "none", "key": "k", "optional": True}}},
            ]
        }
    )

    assert (found["L"], found["S"]) == ("info", "s")
    assert "O" not in found


MISSING = [
    ({"envFrom": [{"secretRef": {"name": "none"}}]}, 'secret "none" not found'),
    ({"envFrom": [{"configMapRef": {"name": "none"}}]}, 'configmap "none" not found'),
    (
        {"env": [{"name": "V", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "none"}}}]},
        "couldn't find key none in ConfigMap ns/settings",
    ),
]


@pytest.mark.parametrize(("container", "message"), MISSING, ids=[each[1] for each in MISSING])
def test_what_is_missing_is_named(container, message):
    with pytest.raises(ConfigProblem) as caught:
        environment(container)

    assert (caught.value.reason, str(caught.value)) == ("CreateContainerConfigError", message)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ({"resource": "limits.memory", "divisor": "1Mi"}, "128"),
        ({"resource": "requests.cpu", "divisor": "1m"}, "250"),
        ({"resource": "requests.cpu"}, "1"),
        ({"resource": "limits.cpu"}, "64"),
        ({"resource": "requests.memory"}, "0"),
    ],
)
def test_resources(reference, expected):
    container = {"resources": {"limits": {"memory": "128Mi"}, "requests": {"cpu": "250m"}}}

    assert resource_value(POD, container, reference) == expected


def test_services_are_announced_as_kubernetes_does():
    service = {
        "metadata": {"name": "the-queue"},
        "spec": {"clusterIP": "127.64.0.5", "ports": [{"name": "http-x", "port": 9324}]},
    }
    headless = {"metadata": {"name": "none"}, "spec": {"clusterIP": "None", "ports": [{"port": 1}]}}

    assert service_links([service, headless]) == {
        "THE_QUEUE_SERVICE_HOST": "127.64.0.5",
        "THE_QUEUE_SERVICE_PORT": "9324",
        "THE_QUEUE_SERVICE_PORT_HTTP_X": "9324",
        "THE_QUEUE_PORT": "tcp://127.64.0.5:9324",
        "THE_QUEUE_PORT_9324_TCP": "tcp://127.64.0.5:9324",
        "THE_QUEUE_PORT_9324_TCP_PROTO": "tcp",
        "THE_QUEUE_PORT_9324_TCP_PORT": "9324",
        "THE_QUEUE_PORT_9324_TCP_ADDR": "127.64.0.5",
    }


def test_config_maps_are_told_from_secrets():
    assert data(CONFIG_MAPS, "key") is None
