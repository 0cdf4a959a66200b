"""The manifests of an installation: whole, restricted, and with no other rights than the documentation says."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from haori.cli.deploying import InstallError, deploy_folder, load_deployment, needed_secrets, with_secrets
from haori.cli.in_cluster import LISTENER_PORT, METRICS_PORT, SERVER_PORT, SERVICE
from haori.cli.main import run_command
from haori.delivery.render.tools import Tool, find_tool
from haori.objects.yaml import load_documents
from haori.resources import haori

ROOT = Path(__file__).parents[2]
MANIFESTS = load_deployment(deploy_folder())


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in MANIFESTS if each["kind"] == kind}


DEPLOYMENTS = of_kind("Deployment")
PARTS = pytest.mark.parametrize("name", ["haori-engine", "haori-server"])


def container_of(name: str) -> dict[str, Any]:
    (container,) = DEPLOYMENTS[name]["spec"]["template"]["spec"]["containers"]
    return dict(container)


@pytest.mark.tools
def test_kustomize_builds_what_the_command_applies(capsys: pytest.CaptureFixture[str]):
    command = [str(find_tool(Tool.KUBECTL)), "kustomize", str(deploy_folder())]
    built = subprocess.run(command, capture_output=True, timeout=60, check=True).stdout
    assert run_command(["install", "--export"]) == 0
    printed = capsys.readouterr()

    def sort(documents: Any) -> list[Any]:
        return sorted(documents, key=lambda each: (each["kind"], each["metadata"]["name"]))

    assert sort(load_documents(printed.out, source="export")) == sort(load_documents(built, source="kustomize"))
    assert "haori-store" in printed.err


@PARTS
def test_two_replicas_are_probed_and_outlive_an_eviction(name: str):
    spec, container = DEPLOYMENTS[name]["spec"], container_of(name)
    ports = {each["name"] for each in container["ports"]}
    assert spec["replicas"] == 2
    for probe, path in (("livenessProbe", "/livez"), ("readinessProbe", "/readyz"), ("startupProbe", "/livez")):
        assert container[probe]["httpGet"]["path"] == path
        assert container[probe]["httpGet"]["port"] in ports
    budget = of_kind("PodDisruptionBudget")[name]["spec"]
    assert budget["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
    assert budget["maxUnavailable"] == 1


@PARTS
def test_a_pod_is_restricted(name: str):
    """see: kubernetes Pod Security Standards, `restricted`; on a real API server the same is enforced."""
    spec, container = DEPLOYMENTS[name]["spec"]["template"]["spec"], container_of(name)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert {next(iter(set(each) - {"name"})) for each in spec["volumes"]} <= {"emptyDir", "secret"}
    assert container["resources"]["limits"]["memory"]


def test_ports_and_names_are_those_the_processes_use():
    ports = {
        part: {each["name"]: each["containerPort"] for each in container_of(part)["ports"]} for part in DEPLOYMENTS
    }
    assert ports == {
        "haori-engine": {"metrics": METRICS_PORT, "listener": LISTENER_PORT},
        "haori-server": {"http": SERVER_PORT},
    }
    (service,) = of_kind("Service").values()
    assert service["metadata"]["name"] == SERVICE
    assert service["spec"]["selector"] == DEPLOYMENTS["haori-server"]["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["ports"][0]["targetPort"] in ports["haori-server"]


def test_only_servers_reach_the_engines_listener():
    rules = of_kind("NetworkPolicy")["haori-engine"]["spec"]["ingress"]
    servers = DEPLOYMENTS["haori-server"]["spec"]["template"]["metadata"]["labels"]
    by_port = {port["port"]: rule.get("from") for rule in rules for port in rule["ports"]}
    assert by_port == {"listener": [{"podSelector": {"matchLabels": servers}}], "metrics": None}


def granted() -> set[tuple[str, str, str, str, str]]:
    """(role, subjects, groups, resources, verbs) of every rule."""
    found = set()
    bindings = [*of_kind("RoleBinding").values(), *of_kind("ClusterRoleBinding").values()]
    for kind in ("Role", "ClusterRole"):
        for name, role in of_kind(kind).items():
            subjects = {
                subject["name"]
                for binding in bindings
                if (binding["roleRef"]["kind"], binding["roleRef"]["name"]) == (kind, name)
                for subject in binding["subjects"]
            }
            for rule in role["rules"]:
                named = f" ({', '.join(rule['resourceNames'])})" if rule.get("resourceNames") else ""
                found.add(
                    (
                        f"{kind} {name}",
                        ", ".join(sorted(subjects)),
                        ", ".join(group or "core" for group in rule["apiGroups"]),
                        ", ".join(rule["resources"]) + named,
                        ", ".join(rule["verbs"]),
                    )
                )
    return found


def test_the_rights_are_those_of_the_documentations_table():
    page = (ROOT / "docs/installing.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if re.match(r"\| (Cluster)?Role ", line)]
    documented = {tuple(cell.replace("`", "").strip() for cell in row[:5]) for row in rows}
    assert all(len(row) == 6 and row[5].strip(" |") for row in rows), "every right says why"
    assert documented == granted()


def test_nobody_may_impersonate_or_approve():
    verbs = {verb for *_, each in granted() for verb in each.split(", ")}
    assert not verbs & {"*", "impersonate", "approve", "sign", "attest", "use", "deletecollection"}


def test_the_server_reads_the_lease_that_engines_hold():
    (rule,) = [rule for rule in of_kind("Role")["haori-server"]["rules"] if rule["resources"] == ["leases"]]
    assert rule["resourceNames"] == [haori.LEASE]


def test_another_namespace_and_image_reach_every_place():
    manifests = load_deployment(deploy_folder(), namespace="delivery", image="registry.example/haori:9")
    text = repr(manifests)
    assert "'namespace': 'argocd'" not in text
    assert "'image': 'registry.example/haori:9'" in text
    (namespace,) = [each for each in manifests if each["kind"] == "Namespace"]
    assert namespace["metadata"]["name"] == "delivery"


def test_secrets_stand_before_what_mounts_them_and_the_token_is_new_each_time():
    made = list(needed_secrets("argocd", "postgresql://db/haori"))
    kinds = [each["kind"] for each in with_secrets(MANIFESTS, made)]
    assert kinds.index("Namespace") < kinds.index("Secret") < kinds.index("Deployment")
    tokens = {next(needed_secrets("argocd", ""))["data"]["token"] for _ in range(2)}
    assert len(tokens) == 2
    assert [each["metadata"]["name"] for each in needed_secrets("argocd", "")] == ["haori-engine-token"]


def test_a_damaged_copy_says_so(tmp_path: Path):
    with pytest.raises(InstallError) as raised:
        load_deployment(tmp_path)
    assert raised.value.code == "install-incomplete"


def instructions() -> list[tuple[str, str]]:
    """(instruction, rest) of the Containerfile, continued lines joined, comments left out."""
    text = (ROOT / "deploy/Containerfile").read_text().replace("\\\n", " ")
    lines = (line.strip() for line in text.splitlines())
    return [(line.split()[0], line.split(None, 1)[1]) for line in lines if line and not line.startswith("#")]


def test_the_containerfile_keeps_the_rules_of_a_small_image_that_is_nobodys_root():
    found = instructions()
    stages = [index for index, (name, _) in enumerate(found) if name == "FROM"]
    last = found[stages[-1] :]
    for name, rest in found:
        assert name != "ADD", "COPY says what it does"
        if name == "FROM":
            image = rest.split()[0]
            assert re.fullmatch(r"[a-z]+:\d+\.\d+[\w.-]*", image), f"{image}: a base of a fixed version"
        if name == "RUN":
            assert not re.search(r"curl|wget|\bsudo\b", rest)
            if "apt-get install" in rest:
                assert "--no-install-recommends" in rest
                assert "rm -rf /var/lib/apt/lists" in rest
            for install in re.findall(r"pip install ([^&]*)", rest):
                assert "--require-hashes" in install or "--no-deps" in install, "nothing that was not locked"
        if name == "COPY" and not rest.startswith("--from"):
            for source in shlex.split(rest)[:-1]:
                assert (ROOT / source).exists(), source
    (user,) = [rest for name, rest in last if name == "USER"]
    assert user == "65532:65532"
    assert ("ENTRYPOINT", '["haori"]') in last
    assert not [rest for name, rest in last if name == "RUN" and "pip" in rest]


@PARTS
def test_the_image_runs_as_the_user_and_in_the_folder_the_pods_name(name: str):
    context = DEPLOYMENTS[name]["spec"]["template"]["spec"]["securityContext"]
    assert f"{context['runAsUser']}:{context['runAsGroup']}" in dict(instructions()).values()
    environment = {each["name"]: each.get("value") for each in container_of(name)["env"]}
    assert any(f"HAORI_DATA_DIR={environment['HAORI_DATA_DIR']}" in rest for name, rest in instructions())
