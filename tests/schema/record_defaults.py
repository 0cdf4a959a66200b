"""Records what a real API server makes of the objects under cases/defaults/ and cases/refused/.

    KUBECONFIG=... .venv/bin/python -m tests.schema.record_defaults

Each file holds `given` (an object in the namespace `default`); this writes `expected` (the server's answer to a dry run,
without what no default gives: metadata beyond labels, allocated addresses, what admission adds to Pods) or, for a
refused one, `causes`, and `server`, the server's version.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from haori.objects import gvk_of
from haori.schema import builtin_resources

CASES = Path(__file__).parent / "cases"


def main() -> None:
    version = json.loads(kubectl("get", "--raw", "/version"))["gitVersion"]
    for path in sorted(CASES.glob("*/*.yaml")):
        if len(sys.argv) > 1 and path.stem not in sys.argv[1:]:
            continue
        case = yaml.safe_load(path.read_text(encoding="utf-8"))
        if path.parent.name not in ("defaults", "refused"):
            continue
        answer = post(case["given"])
        result: dict[str, Any] = {"server": version, "given": case["given"]}
        if answer.get("kind") == "Status":
            result["causes"] = [
                [cause.get("field", ""), cause["reason"], cause["message"]]
                for cause in answer.get("details", {}).get("causes", [])
            ]
            if path.parent.name == "defaults":
                raise SystemExit(f"{path.stem}: {answer.get('message')}")
            if not result["causes"]:
                result["message"] = answer["message"]
        else:
            if path.parent.name == "refused":
                print(f"{path.stem}: was not refused")
            result["expected"] = without_given_by_others(answer, case["given"])
        path.write_text(yaml.safe_dump(result, sort_keys=False, width=120), encoding="utf-8")


def post(given: dict[str, Any]) -> dict[str, Any]:
    gvk = gvk_of(given)
    resource = next(
        r for r in builtin_resources() if (r.group, r.version, r.kind) == (gvk.group, gvk.version, gvk.kind)
    )
    root = f"/apis/{gvk.group}/{gvk.version}" if gvk.group else f"/api/{gvk.version}"
    place = "/namespaces/default" if resource.namespaced else ""
    url = f"{root}{place}/{resource.plural}?dryRun=All&fieldManager=record"
    text = json.dumps(given)
    done = subprocess.run(
        ["kubectl", "create", "--raw", url, "-f", "-", "-v=10"], input=text.encode(), capture_output=True, check=False
    )
    if done.returncode == 0:
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer
    for line in done.stderr.decode().splitlines():
        start = line.find('{"kind":"Status"')
        if start >= 0:
            found: dict[str, Any] = json.JSONDecoder().raw_decode(line[start:])[0]
            return found
    raise SystemExit(done.stderr.decode()[-2000:])


def kubectl(*arguments: str) -> str:
    return subprocess.run(["kubectl", *arguments], check=True, capture_output=True, text=True).stdout


def without_nulls(value: Any) -> Any:
    """Go writes an absent list without `omitempty` as null; for every reader that is the same as absent."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


def without_given_by_others(answer: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    answer = without_nulls(answer)
    answer["metadata"] = {k: v for k, v in answer["metadata"].items() if k in given["metadata"] or k == "labels"}
    spec = answer.get("spec", {})
    wanted = given.get("spec", {})
    others = {
        "Service": ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"),
        "Pod": ("priority", "preemptionPolicy", "tolerations", "serviceAccount", "serviceAccountName"),
        "Namespace": ("finalizers",),
        "Job": ("selector",),
    }
    for field in others.get(answer["kind"], ()):
        if field not in wanted:
            spec.pop(field, None)
    if answer["kind"] in ("Namespace", "Node"):
        answer["metadata"].pop("labels", None)
    if answer["kind"] in ("Pod", "PersistentVolume", "CustomResourceDefinition"):
        answer.pop("status")
    if answer["kind"] == "Node":
        spec.pop("taints")
    if answer["kind"] == "Service":
        for port in spec.get("ports", ()):
            port.pop("nodePort", None)
    if answer["kind"] == "Job" and "manualSelector" not in wanted:
        for metadata in (answer["metadata"], spec["template"]["metadata"]):
            names = [k for k in metadata["labels"] if "controller-uid" in k or "job-name" in k]
            for name in names:
                del metadata["labels"][name]
    return answer


if __name__ == "__main__":
    main()
