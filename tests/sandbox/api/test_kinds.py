"""What the API server itself adds to Services, Pods, Secrets, Jobs, and refuses of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from haori.sandbox.api.pod_admission import quality_of_service
from haori.sandbox.api.services import ADDRESSES
from tests.sandbox.api.support import Caller, running

PLACE = "/api/v1/namespaces/default"
POD: dict[str, Any] = {"metadata": {"name": "web"}, "spec": {"containers": [{"name": "app", "image": "web:1"}]}}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Caller]:
    async with running(tmp_path) as caller:
        yield caller


def service(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], "selector": {"app": name}} | spec}


async def test_services_get_addresses_of_their_own(api: Caller) -> None:
    made = [await api.ok("POST", f"{PLACE}/services", service(name)) for name in ("a", "b")]

    addresses = [each["spec"]["clusterIP"] for each in made]
    assert all(ip_address(address) in ADDRESSES for address in addresses)
    assert len(set(addresses)) == 2
    assert made[0]["spec"]["clusterIPs"] == [addresses[0]]
    assert made[0]["spec"]["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]


@pytest.mark.parametrize(
    ("spec", "address"),
    [({"clusterIP": "None"}, "None"), ({"type": "ExternalName", "externalName": "example.com"}, None)],
)
async def test_some_services_get_no_address(api: Caller, spec: dict[str, Any], address: str | None) -> None:
    made = await api.ok("POST", f"{PLACE}/services", service("a", **spec))

    assert made["spec"].get("clusterIP") == address


async def test_an_update_keeps_what_was_allocated(api: Caller) -> None:
    made = await api.ok("POST", f"{PLACE}/services", service("a", type="NodePort"))

    changed = service("a", type="NodePort", selector={"app": "b"})
    again = await api.ok("PUT", f"{PLACE}/services/a", changed)
    plain = await api.ok("PUT", f"{PLACE}/services/a", service("a", type="ClusterIP"))

    assert 30000 <= made["spec"]["ports"][0]["nodePort"] <= 32767
    assert again["spec"]["ports"] == made["spec"]["ports"]
    assert again["spec"]["clusterIP"] == made["spec"]["clusterIP"]
    assert "nodePort" not in plain["spec"]["ports"][0]


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        pytest.param({"clusterIP": "127.64.0.1"}, "provided IP is already allocated", id="taken"),
        pytest.param(
            {"clusterIP": "10.0.0.1"}, "the provided network does not match the current range", id="elsewhere"
        ),
        pytest.param(
            {"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]},
            "The range of valid ports is 30000-32767",
            id="port",
        ),
    ],
)
async def test_addresses_and_ports_that_cannot_be_had(api: Caller, spec: dict[str, Any], problem: str) -> None:
    status, reason, message = await api.refused("POST", f"{PLACE}/services", service("a", **spec))

    assert (status, reason) == (422, "Invalid")
    assert problem in message


async def test_an_address_may_not_change(api: Caller) -> None:
    await api.ok("POST", f"{PLACE}/services", service("a"))

    refused = await api.refused("PUT", f"{PLACE}/services/a", service("a", clusterIP="127.65.0.9"))

    assert refused[0] == 422
    assert "may not change once set" in refused[2]


async def test_a_pod_is_admitted_as_kubernetes_admits_it(api: Caller) -> None:
    spec = (await api.ok("POST", f"{PLACE}/pods", POD))["spec"]

    volume = spec["volumes"][0]["name"]
    assert volume.startswith("kube-api-access-")
    assert spec["containers"][0]["volumeMounts"] == [
        {"name": volume, "readOnly": True, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
    ]
    assert spec["serviceAccountName"] == "default"
    assert [each["key"] for each in spec["tolerations"]] == [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ]
    assert (spec["priority"], spec["preemptionPolicy"]) == (0, "PreemptLowerPriority")
    assert spec["enableServiceLinks"] is True


async def test_a_pod_without_token_gets_none(api: Caller) -> None:
    spec = POD["spec"] | {"automountServiceAccountToken": False}

    made = await api.ok("POST", f"{PLACE}/pods", POD | {"spec": spec})

    assert "volumes" not in made["spec"]


async def test_a_pod_needs_its_account(api: Caller) -> None:
    spec = POD["spec"] | {"serviceAccountName": "robot"}

    refused = await api.refused("POST", f"{PLACE}/pods", POD | {"spec": spec})

    assert refused == (
        403,
        "Forbidden",
        'pods "web" is forbidden: error looking up service account default/robot: serviceaccount "robot" not found',
    )


@pytest.mark.parametrize(
    ("resources", "quality"),
    [
        ([{}], "BestEffort"),
        ([{"requests": {"cpu": "1"}}], "Burstable"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}], "Guaranteed"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1024Mi"}}], "Guaranteed"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}, {}], "Burstable"),
        ([{"limits": {"cpu": "0"}}], "BestEffort"),
    ],
)
def test_quality_of_service(resources: list[dict[str, Any]], quality: str) -> None:
    assert quality_of_service({"containers": [{"resources": each} for each in resources]}) == quality


async def test_a_pod_on_a_node_is_given_time_to_end(api: Caller) -> None:
    await api.ok("POST", f"{PLACE}/pods", POD)
    target = {"target": {"kind": "Node", "name": "sandbox-node"}}
    await api.ok("POST", f"{PLACE}/pods/web/binding", target)

    pending = await api.ok("DELETE", f"{PLACE}/pods/web", {"gracePeriodSeconds": 7})
    still = await api.ok("GET", f"{PLACE}/pods/web")
    await api.ok("DELETE", f"{PLACE}/pods/web", {"gracePeriodSeconds": 0})

    assert pending["metadata"]["deletionGracePeriodSeconds"] == 7
    assert still["spec"]["nodeName"] == "sandbox-node"
    assert {each["type"]: each["status"] for each in still["status"]["conditions"]} == {"PodScheduled": "True"}
    assert (await api.send("GET", f"{PLACE}/pods/web")).status == 404


async def test_a_pod_without_node_goes_at_once(api: Caller) -> None:
    await api.ok("POST", f"{PLACE}/pods", POD)

    gone = await api.ok("DELETE", f"{PLACE}/pods/web")

    assert gone["metadata"]["deletionGracePeriodSeconds"] == 0
    assert (await api.send("GET", f"{PLACE}/pods/web")).status == 404


async def test_a_pod_is_bound_once(api: Caller) -> None:
    await api.ok("POST", f"{PLACE}/pods", POD)
    target = {"target": {"kind": "Node", "name": "one"}}
    await api.ok("POST", f"{PLACE}/pods/web/binding", target)

    refused = await api.refused("POST", f"{PLACE}/pods/web/binding", target)

    assert refused[:2] == (409, "Conflict")
    assert 'pod web is already assigned to node "one"' in refused[2]


async def test_an_eviction_asks_the_budget(api: Caller) -> None:
    await api.ok("POST", f"{PLACE}/pods", POD | {"metadata": {"name": "web", "labels": {"app": "web"}}})
    pod = await api.ok("GET", f"{PLACE}/pods/web")
    await api.ok("PUT", f"{PLACE}/pods/web/status", pod | {"status": {"phase": "Running"}})
    budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
    budget = {"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}}
    await api.ok("POST", budgets, budget)

    refused = await api.refused("POST", f"{PLACE}/pods/web/eviction", {"metadata": {"name": "web"}})
    found = await api.ok("GET", f"{budgets}/b")
    await api.ok("PUT", f"{budgets}/b/status", found | {"status": {"disruptionsAllowed": 1, "observedGeneration": 1}})
    await api.ok("POST", f"{PLACE}/pods/web/eviction", {"metadata": {"name": "web"}})

    assert refused[:2] == (429, "TooManyRequests")
    assert (await api.send("GET", f"{PLACE}/pods/web")).status == 404


async def test_a_secrets_plain_texts_are_folded(api: Caller) -> None:
    made = await api.ok("POST", f"{PLACE}/secrets", {"metadata": {"name": "s"}, "stringData": {"key": "value"}})

    assert made["data"] == {"key": "dmFsdWU="}
    assert made["type"] == "Opaque"
    assert "stringData" not in made


async def test_a_job_knows_its_pods_by_its_uid(api: Caller) -> None:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "b"}]}}
    path = "/apis/batch/v1/namespaces/default/jobs"
    made = await api.ok("POST", path, {"metadata": {"name": "j"}, "spec": {"template": template}})

    uid = made["metadata"]["uid"]
    assert made["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    assert made["spec"]["template"]["metadata"]["labels"] == {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": "j",
        "controller-uid": uid,
        "job-name": "j",
    }


async def test_generation_counts_changes_of_what_is_wanted(api: Caller) -> None:
    path = "/apis/apps/v1/namespaces/default/deployments"
    template = {"metadata": {"labels": {"app": "web"}}, "spec": POD["spec"]}
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template}
    made = await api.ok("POST", path, {"metadata": {"name": "web"}, "spec": spec, "status": {"replicas": 7}})
    labelled = await api.ok("PUT", f"{path}/web", {"metadata": {"name": "web", "labels": {"a": "b"}}, "spec": spec})
    scaled = await api.ok("PUT", f"{path}/web", {"metadata": {"name": "web"}, "spec": spec | {"replicas": 3}})
    status = scaled | {"status": {"replicas": 3, "observedGeneration": 2}}
    observed = await api.ok("PUT", f"{path}/web/status", status)

    assert "replicas" not in made.get("status", {})
    assert [each["metadata"]["generation"] for each in (made, labelled, scaled, observed)] == [1, 1, 2, 2]
    assert observed["status"]["replicas"] == 3


async def test_scaling_changes_replicas_alone(api: Caller) -> None:
    path = "/apis/apps/v1/namespaces/default/deployments"
    template = {"metadata": {"labels": {"app": "web"}}, "spec": POD["spec"]}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    await api.ok("POST", path, {"metadata": {"name": "web"}, "spec": spec})
    scale = await api.ok("GET", f"{path}/web/scale")

    await api.ok("PUT", f"{path}/web/scale", scale | {"spec": {"replicas": 4}})
    refused = await api.refused("PUT", f"{path}/web/scale", scale | {"spec": {"replicas": 5}})

    assert (scale["kind"], scale["status"]["selector"]) == ("Scale", "app=web")
    assert (await api.ok("GET", f"{path}/web"))["spec"]["replicas"] == 4
    assert refused[:2] == (409, "Conflict")


@pytest.mark.parametrize(
    ("form", "status"),
    [("merge-patch+json", 200), ("strategic-merge-patch+json", 200), ("json-patch+json", 422)],
)
async def test_a_scale_is_patched_as_the_type_it_is(api: Caller, form: str, status: int) -> None:
    path = "/apis/apps/v1/namespaces/default/deployments"
    template = {"metadata": {"labels": {"app": "web"}}, "spec": POD["spec"]}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    await api.ok("POST", path, {"metadata": {"name": "web"}, "spec": spec})
    body: Any = {"spec": {"replicas": 3}}
    if status == 422:
        body = [{"op": "replace", "path": "/spec/replicas", "value": "many"}]

    answer = await api.send("PATCH", f"{path}/web/scale", body, headers={"content-type": f"application/{form}"})

    assert answer.status == status
    assert (await api.ok("GET", f"{path}/web"))["spec"]["replicas"] == (3 if status == 200 else 2)
    assert status == 200 or "into Go struct field ScaleSpec.spec.replicas of type int32" in answer.json["message"]


async def test_a_binding_may_be_created_on_its_own(api: Caller) -> None:
    core = "/api/v1/namespaces/default"
    await api.ok("POST", f"{core}/pods", POD)
    name = POD["metadata"]["name"]
    binding = {"metadata": {"name": name}, "target": {"kind": "Node", "name": "one"}}

    answered = await api.ok("POST", f"{core}/bindings", binding)
    again = await api.refused("POST", f"{core}/bindings", binding)

    assert answered["status"] == "Success"
    assert (await api.ok("GET", f"{core}/pods/{name}"))["spec"]["nodeName"] == "one"
    assert again[:2] == (409, "Conflict")
    assert (await api.refused("GET", f"{core}/bindings"))[:2] == (405, "MethodNotAllowed")
