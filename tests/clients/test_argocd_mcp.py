"""npm `argocd-mcp`, the MCP server for Argo CD: every tool it has, before a real engine and cluster."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import ROBOT, Place, Source
from tests.clients.environments import node_modules
from tests.clients.mcp import Mcp, talking
from tests.e2e.up.instance import Running

pytestmark = [pytest.mark.clients, pytest.mark.xdist_group("clients"), pytest.mark.timeout(400)]

API, OWN = "coordinate-api", "web-by-mcp"
CONTROL = "argocd"
PARTS = ("uid", "kind", "namespace", "name", "version", "group")


@pytest.fixture(scope="module")
def mcp(place: Place) -> Iterator[Mcp]:
    """The tools, of a server that was told of ours as its manual says."""
    script = node_modules("argocd_mcp") / "argocd-mcp" / "dist" / "index.js"
    told = {"ARGOCD_BASE_URL": place.url, "ARGOCD_API_TOKEN": place.token}
    with talking(["node", str(script), "stdio"], {**os.environ, **told}) as mcp:
        yield mcp


def wanted(source: Source, name: str = OWN) -> dict[str, Any]:
    """An application as `create_application` wants it."""
    backoff = {"duration": "5s", "maxDuration": "1m", "factor": 2}
    return {
        "metadata": {"name": name, "namespace": CONTROL},
        "spec": {
            "project": "default",
            "source": {"repoURL": source.url, "path": source.path, "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": name},
            "syncPolicy": {"syncOptions": ["CreateNamespace=true"], "retry": {"limit": 1, "backoff": backoff}},
        },
    }


@pytest.fixture
def own(mcp: Mcp, running: Running, source: Source) -> Iterator[str]:
    """An application that no Git declares, made and in the end deleted by the tools."""
    made = mcp.call("create_application", application=wanted(source))
    assert (made["kind"], made["metadata"]["name"], made["metadata"]["namespace"]) == ("Application", OWN, CONTROL)
    yield OWN
    deleted = mcp.call(
        "delete_application",
        applicationName=OWN, applicationNamespace=CONTROL, cascade=True, propagationPolicy="Foreground",
    )  # fmt: skip
    assert deleted == {}
    running.expect(
        f"{OWN} gone", lambda: ("code" in (found := mcp.call("get_application", applicationName=OWN)), found)
    )
    left = running.kubectl("-n", OWN, "get", "deployments", "-o", "name")
    assert left == ""


def expect_green(mcp: Mcp, running: Running, name: str) -> dict[str, Any]:
    """The application once it is Synced, Healthy and at rest."""

    def probe() -> tuple[bool, Any]:
        found = mcp.call("get_application", applicationName=name)
        status = found.get("status") or {}
        phase = (status.get("operationState") or {}).get("phase")
        seen = [(status.get(each) or {}).get("status") for each in ("sync", "health")]
        return seen == ["Synced", "Healthy"] and phase == "Succeeded" and "operation" not in found, found

    found: dict[str, Any] = running.expect(f"{name} Synced and Healthy", probe)
    return found


def node_of(mcp: Mcp, application: str, kind: str) -> dict[str, str]:
    """The first object of a kind in an application's tree, as tools want it named."""
    tree = mcp.call("get_application_resource_tree", applicationName=application, applicationNamespace=CONTROL)
    found = next(
        each for each in tree["nodes"] if each["kind"] == kind and not each["name"].startswith(f"{API}-migrate")
    )
    return {part: found.get(part, "") for part in PARTS}


def test_every_tool_is_called_here(mcp: Mcp):
    assert mcp.tools() == set(re.findall(r'mcp\.call\(\s*"(\w+)"', Path(__file__).read_text()))


def test_applications_are_listed_searched_and_paged(mcp: Mcp):
    everything = mcp.call("list_applications")
    found = mcp.call("list_applications", search="coordinate")
    page = mcp.call("list_applications", limit=2, offset=1)

    names = [each["metadata"]["name"] for each in everything["items"]]
    assert set(names) >= {"admin", API, "queue", "wear"}
    assert {each["metadata"]["name"] for each in found["items"]} == {API, f"{API}-staging"}
    assert [each["metadata"]["name"] for each in page["items"]] == names[1:3]
    assert page["metadata"]["hasMore"] is True
    assert page["metadata"]["totalItems"] == len(names)
    assert int(page["metadata"]["resourceVersion"]) > 0
    (api,) = (each for each in everything["items"] if each["metadata"]["name"] == API)
    assert (api["status"]["sync"]["status"], api["status"]["health"]["status"]) == ("Synced", "Healthy")
    assert api["spec"]["destination"]["namespace"] == "wear-api"
    assert "registry.wear.example/coordinate-api:1.4.2" in api["status"]["summary"]["images"]


def test_clusters_are_listed(mcp: Mcp):
    everything = mcp.call("list_clusters")
    by_name = mcp.call("list_clusters", name="in-cluster")
    by_server = mcp.call("list_clusters", server="https://kubernetes.default.svc")
    none = mcp.call("list_clusters", name="elsewhere")

    (cluster,) = everything["items"]
    assert (cluster["name"], cluster["server"]) == ("in-cluster", "https://kubernetes.default.svc")
    assert cluster["connectionState"]["status"] == "Successful"
    assert cluster["serverVersion"].startswith("1.")
    assert by_name == by_server == everything
    assert none["items"] == []


def test_an_application_and_its_project_are_read(mcp: Mcp):
    application = mcp.call("get_application", applicationName=API, applicationNamespace=CONTROL)
    project = mcp.call("get_appproject", projectName=application["spec"]["project"])
    missing = mcp.call("get_application", applicationName="nowhere")

    assert application["metadata"]["name"] == API
    assert application["status"]["sourceType"] == "Kustomize"
    deployed = application["status"]["operationState"]["syncResult"]["revision"]
    assert application["status"]["history"][-1]["revision"] == deployed
    assert {each["kind"] for each in application["status"]["resources"]} >= {"Deployment", "Service", "ConfigMap"}
    assert project["spec"]["sourceRepos"] == ["*"]
    assert missing["code"] == 5
    assert missing["error"] == missing["message"] == "There is no Application nowhere."


def test_the_tree_leads_from_the_deployment_to_its_pods(mcp: Mcp):
    tree = mcp.call("get_application_resource_tree", applicationName=API)

    by_kind = {node["kind"]: node for node in tree["nodes"] if not node["name"].startswith(f"{API}-migrate")}
    pod, replicas, deployment = (by_kind[kind] for kind in ("Pod", "ReplicaSet", "Deployment"))
    assert pod["parentRefs"][0]["uid"] == replicas["uid"]
    assert replicas["parentRefs"][0]["uid"] == deployment["uid"]
    assert "parentRefs" not in deployment
    assert deployment["health"] == {"status": "Healthy"}
    assert pod["createdAt"].endswith("Z")
    assert pod["images"] == ["registry.wear.example/coordinate-api:1.4.2"]


def test_managed_resources_are_chosen_by_kind_and_name(mcp: Mcp):
    everything = mcp.call("get_application_managed_resources", applicationName=API)
    (deployment,) = mcp.call(
        "get_application_managed_resources",
        applicationName=API, kind="Deployment", namespace="wear-api", name=API, version="v1", group="apps",
        appNamespace=CONTROL, project="default",
    )["items"]  # fmt: skip
    (secret,) = mcp.call("get_application_managed_resources", applicationName=API, kind="Secret")["items"]

    assert {each["kind"] for each in everything["items"]} >= {"Deployment", "Service", "ConfigMap", "Secret"}
    live, target = (json.loads(deployment[each]) for each in ("liveState", "targetState"))
    assert live["status"]["readyReplicas"] == target["spec"]["replicas"] == 2
    assert json.loads(deployment["predictedLiveState"])["metadata"]["uid"] == live["metadata"]["uid"]
    assert set("".join(json.loads(secret["liveState"])["data"].values())) == {"+"}


def test_logs_of_a_workload_are_what_its_processes_wrote(mcp: Mcp):
    def logs(kind: str, container: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = mcp.call(
            "get_application_workload_logs",
            applicationName=API, applicationNamespace=CONTROL, resourceRef=node_of(mcp, API, kind), container=container,
        )  # fmt: skip
        return found

    *lines, last = logs("Deployment", "api")
    of_pod = logs("Pod", "")

    assert last["last"] is True
    assert len({line["podName"] for line in lines}) == 2
    assert all(line["timeStamp"].startswith("20") and line["timeStampStr"] for line in lines)
    assert any(line["content"].startswith("listening on ") for line in lines)
    assert len({line["podName"] for line in of_pod[:-1]}) == 1


def test_events_of_an_application_and_of_a_pod(mcp: Mcp):
    pod = node_of(mcp, API, "Pod")

    of_application = mcp.call("get_application_events", applicationName=API, applicationNamespace=CONTROL)
    of_pod = mcp.call(
        "get_resource_events",
        applicationName=API, applicationNamespace=CONTROL, resourceUID=pod["uid"],
        resourceNamespace=pod["namespace"], resourceName=pod["name"],
    )  # fmt: skip

    assert "OperationCompleted" in {each["reason"] for each in of_application["items"]}
    assert {each["involvedObject"]["uid"] for each in of_pod["items"]} == {pod["uid"]}
    assert {each["reason"] for each in of_pod["items"]} >= {"Scheduled", "Started"}


def test_manifests_of_objects_are_read_without_secrets(mcp: Mcp):
    chosen = [node_of(mcp, API, kind) for kind in ("Deployment", "Secret")]

    deployment, secret = map(
        json.loads,
        mcp.call("get_resources", applicationName=API, applicationNamespace=CONTROL, resourceRefs=chosen),
    )
    everything = [
        json.loads(each) for each in mcp.call("get_resources", applicationName=API, applicationNamespace=CONTROL)
    ]

    assert deployment["metadata"]["uid"] == chosen[0]["uid"]
    assert set("".join(secret["data"].values())) == {"+"}
    assert {each["kind"] for each in everything} >= {"Deployment", "ReplicaSet", "Pod", "Secret"}


def test_an_application_is_made_synced_changed_acted_upon_and_deleted(
    mcp: Mcp, running: Running, source: Source, own: str
):
    dry = mcp.call("sync_application", applicationName=own, applicationNamespace=CONTROL, dryRun=True, prune=False)
    assert dry["operation"]["sync"]["dryRun"] is True
    running.expect("the dry run over", lambda: settled(mcp, own))
    assert running.kubectl("get", "namespace", own, "--ignore-not-found") == ""
    asked = mcp.call("sync_application", applicationName=own, syncOptions=["CreateNamespace=true"], revision="main")
    assert asked["operation"]["sync"]["syncOptions"] == ["CreateNamespace=true"]
    green = expect_green(mcp, running, own)
    assert green["status"]["operationState"]["operation"]["initiatedBy"]["username"] == ROBOT
    assert green["status"]["sync"]["revision"] == source.commit

    deployment = node_of(mcp, own, "Deployment")
    named = {"applicationName": own, "applicationNamespace": CONTROL, "resourceRef": deployment}
    actions = mcp.call("get_resource_actions", **named)
    assert {each["name"] for each in actions["actions"]} == {"pause", "restart", "resume", "scale"}
    assert mcp.call("run_resource_action", **named, action="restart") == {}
    path = "jsonpath={.spec.template.metadata.annotations.kubectl\\.kubernetes\\.io/restartedAt}"
    assert running.kubectl("-n", own, "get", "deployment", "web", "-o", path).startswith("20")

    changed = wanted(source)
    changed["spec"]["syncPolicy"]["automated"] = {"prune": True, "selfHeal": True}
    updated = mcp.call("update_application", applicationName=own, application=changed)
    assert updated["spec"]["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
    assert updated["metadata"]["uid"] == green["metadata"]["uid"]
    expect_green(mcp, running, own)


def settled(mcp: Mcp, name: str) -> tuple[bool, Any]:
    """Whether no operation is asked for or under way."""
    found = mcp.call("get_application", applicationName=name)
    phase = ((found.get("status") or {}).get("operationState") or {}).get("phase")
    return phase == "Succeeded" and "operation" not in found, found


def test_what_git_declares_is_not_changed(mcp: Mcp, source: Source):
    refused = mcp.call("update_application", applicationName="admin", application=wanted(source, "admin"))

    assert refused["haori"]["code"] == "declared-in-git"
