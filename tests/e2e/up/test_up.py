"""The first way through, as a user walks it: up, push, revert, rollback, heal, prune, kill."""

import contextlib
import http.client
import json
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.up.instance import Running, good

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("up"), pytest.mark.timeout(400)]

APPLICATION = "coordinate-api"
OVERLAY = "apps/wear-api/coordinate-api/overlays/production"
KUSTOMIZATION = f"{OVERLAY}/kustomization.yaml"
TAG = "newTag: 1.4.2"


@pytest.fixture(autouse=True)
def as_wanted_before(running: Running) -> None:
    running.expect_all_as_wanted()


def row_at(running: Running, revision: str, **wanted: str):
    def probe():
        row = running.applications().get(APPLICATION, {})
        fits = all(row.get(name) == value for name, value in wanted.items())
        return fits and row.get("revision", "").startswith(revision), row

    return running.expect(f"{APPLICATION} at {revision[:7]} {wanted}", probe)


def image(running: Running) -> str:
    path = "jsonpath={.spec.template.spec.containers[0].image}"
    return running.kubectl("-n", "wear-api", "get", "deployment", APPLICATION, "-o", path)


def test_everything_of_the_example_is_synced_and_healthy(running):
    assert running.status["kubeconfig"] == str(running.data_dir / "kubeconfig")
    assert "@" in running.status["repository"]
    names = {process["name"] for process in running.status["processes"]}
    assert names >= {"sandbox-api", "sandbox-node", "engine", "server", "store"}
    assert len(running.applications()) >= 7


def test_the_api_answers_through_the_sandbox(running):
    row = running.applications()[APPLICATION]
    assert row["urls"]
    with urllib.request.urlopen(row["urls"][0] + "/healthz", timeout=10) as answer:
        assert answer.status == 200
    proxied = running.kubectl("get", "--raw", f"/api/v1/namespaces/wear-api/services/{APPLICATION}:http/proxy/healthz")
    assert proxied


def test_logs_and_exec_reach_the_real_process(running):
    assert running.kubectl("-n", "wear-api", "logs", f"deployment/{APPLICATION}").strip()
    printed = running.kubectl(
        "-n", "wear-api", "exec", f"deployment/{APPLICATION}", "--", "python3", "-c", "print(6*7)"
    )
    assert printed.strip() == "42"


def test_a_pushed_image_runs(running, clone):
    clone.replace(KUSTOMIZATION, TAG, "newTag: 1.5.0")
    row_at(running, clone.push("coordinate-api: Run 1.5.0"), sync="Synced", health="Healthy")
    assert image(running) == "registry.wear.example/coordinate-api:1.5.0"
    clone.git("revert", "--no-edit", "HEAD")
    clone.git("push", "-q")
    row_at(running, clone.git("rev-parse", "HEAD"), sync="Synced", health="Healthy")


def test_an_unknown_image_is_explained_then_degraded_and_a_revert_restores(running, clone):
    clone.replace(KUSTOMIZATION, TAG, "newTag: 9.9.9")
    bad = clone.push("coordinate-api: Run what nobody built")

    def explained():
        row = running.applications()[APPLICATION]
        return row.get("health") == "Progressing" and "9.9.9" in json.dumps(row.get("why")), row

    why = running.expect("the sentence", explained)["why"]
    told = running.haori("status").stdout
    parameters = json.dumps(why["parameters"], ensure_ascii=False)
    for fact in ("registry.wear.example/coordinate-api:9.9.9", bad[:7], "Aki Mori", APPLICATION):
        assert fact in parameters
        assert fact in told
    assert "rollback" in told
    row_at(running, bad, health="Degraded")
    clone.git("revert", "--no-edit", "HEAD")
    clone.git("push", "-q")
    row_at(running, clone.git("rev-parse", "HEAD"), sync="Synced", health="Healthy")


def test_a_pin_rolls_back_and_survives_the_parents_self_heal(running, clone):
    clone.replace(KUSTOMIZATION, TAG, "newTag: 9.9.8")
    bad = clone.push("coordinate-api: Run another that nobody built")
    row_at(running, bad, health="Degraded")

    done = running.haori("app", "rollback", APPLICATION, "--reason", "9.9.8 was never built")
    assert done.returncode == 0, done.stderr

    def pinned():
        row = running.applications()[APPLICATION]
        return bool(row.get("pin")) and row["health"] == "Healthy" and image(running).endswith(":1.4.2"), row

    running.expect("the pinned release runs", pinned)
    assert running.haori("app", "refresh", "wear").returncode == 0
    assert running.haori("app", "sync", "wear").returncode == 0
    annotation = running.kubectl(
        "-n", "argocd", "get", "application", APPLICATION, "-o", "jsonpath={.metadata.annotations}"
    )
    assert "haori.dev/pin" in annotation
    clone.git("revert", "--no-edit", "HEAD")
    clone.git("push", "-q")
    assert running.haori("app", "rollback", APPLICATION, "--resume").returncode == 0
    row_at(running, clone.git("rev-parse", "HEAD"), sync="Synced", health="Healthy")


def test_edits_and_deletions_are_healed_and_strays_left_alone(running):
    running.kubectl("-n", "wear-api", "create", "configmap", "stray", "--from-literal=a=b")
    running.kubectl("-n", "wear-api", "scale", "deployment", APPLICATION, "--replicas=7")
    running.kubectl("-n", "wear-api", "delete", "service", APPLICATION)

    def healed():
        replicas = running.kubectl(
            "-n", "wear-api", "get", "deployment", APPLICATION, "-o", "jsonpath={.spec.replicas}"
        )
        service = running.kubectl("-n", "wear-api", "get", "service", APPLICATION, check=False)
        return replicas == "2" and "NotFound" not in service, (replicas, service)

    running.expect("both healed", healed)
    running.expect_all_as_wanted()
    assert running.kubectl("-n", "wear-api", "get", "configmap", "stray", "-o", "name")
    running.kubectl("-n", "wear-api", "delete", "configmap", "stray")


def test_a_removed_manifest_is_pruned(running, clone):
    base = "apps/wear-api/coordinate-api/base/kustomization.yaml"
    clone.replace(base, ", disruption-budget.yaml", "")
    row_at(running, clone.push("coordinate-api: No disruption budget"), sync="Synced", health="Healthy")
    assert "NotFound" in running.kubectl("-n", "wear-api", "get", "pdb", APPLICATION, check=False)
    clone.git("revert", "--no-edit", "HEAD")
    clone.git("push", "-q")
    row_at(running, clone.git("rev-parse", "HEAD"), sync="Synced", health="Healthy")


def pod_processes(running: Running) -> dict[str, list[int]]:
    """Pids of servers by the uid of their Pod, of this instance's Pods."""
    uids = running.kubectl("get", "pods", "-A", "-o", "jsonpath={.items[*].metadata.uid}").split()
    found: dict[str, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        uid = environment_of(int(folder.name)).get("SANDBOX_POD_UID", "")
        if uid in uids and command_of(int(folder.name)).endswith("server.py"):
            found.setdefault(uid, []).append(int(folder.name))
    return found


def command_of(pid: int) -> str:
    """A process's arguments; empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").strip("\0")
    except OSError:
        return ""


def environment_of(pid: int) -> dict[str, str]:
    """A process's environment; empty where it cannot be read."""
    try:
        content = Path(f"/proc/{pid}/environ").read_text(errors="replace")
    except OSError:
        return {}
    return dict(pair.split("=", 1) for pair in content.split("\0") if "=" in pair)


def expect_each_pods_process_once(running: Running) -> None:
    """Four Pods of the example run a server; none of them may ever run two."""

    def probe():
        found = pod_processes(running)
        assert all(len(pids) == 1 for pids in found.values()), found
        return len(found) == 4, found

    running.expect("every server runs", probe)


@pytest.mark.parametrize("name", ["sandbox-api", "sandbox-node", "git-server", "engine", "server", "store"])
def test_a_killed_process_comes_back_and_goes_on(running, clone, name):
    before = running.kill(name)
    running.expect(f"another {name}", lambda: ((pid := running.pid(name)) != before and alive(pid), pid))
    running.expect_all_as_wanted()
    expect_each_pods_process_once(running)


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_delivery_goes_on_while_the_store_is_down_and_status_says_so(running, clone):
    made_by = running.data_dir / "store/data/PG_VERSION"
    version = made_by.read_text()
    made_by.write_text("9\n")  # Of a server that is nowhere: it cannot be started until this is mended.
    url = running.json("status")["console"]
    try:
        running.kill("store")
        running.expect("the store is down", lambda: (state_of(running, "store") != "running", None))
        clone.replace(KUSTOMIZATION, TAG, "newTag: 1.5.0")
        row_at(running, clone.push("coordinate-api: Run 1.5.0"), sync="Synced", health="Healthy")
        assert running.haori("status").returncode == 1
        assert answers(url)
    finally:
        made_by.write_text(version)
    running.expect("the store is back", lambda: (state_of(running, "store") == "running", running.json("status")))
    clone.git("revert", "--no-edit", "HEAD")
    clone.git("push", "-q")
    row_at(running, clone.git("rev-parse", "HEAD"), sync="Synced", health="Healthy")


def state_of(running: Running, name: str) -> str:
    states = {process["name"]: process["state"] for process in running.json("status")["processes"]}
    return str(states.get(name))


def answers(url: str) -> bool:
    """Whether the server at the console's URL is alive."""
    return ask_as_browser(url, "/livez")[0] == 200


def ask_as_browser(
    url: str, path: str, body: dict[str, str] | None = None, cookie: str = ""
) -> tuple[int, str, dict[str, str]]:
    """(status, body, headers) of a request as a browser of the page sends it: the console's name is loopback."""
    host = url.removeprefix("http://")
    connection = http.client.HTTPConnection("127.0.0.1", int(host.split(":")[1]), timeout=10)
    headers = {"Host": host, "Origin": url, "Content-Type": "application/json", "Cookie": cookie}
    with contextlib.closing(connection):
        method = "GET" if body is None else "POST"
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), dict(answer.getheaders())


def test_a_link_signs_in_once_and_never_again(running):
    link = running.haori("open", "application", APPLICATION, "--no-browser").stdout.strip()
    url, code = running.json("status")["console"], link.partition("#code=")[2]
    assert link == f"{url}/sign-in?to=/applications/argocd/{APPLICATION}#code={code}"
    assert ask_as_browser(url, "/api/v1/applications")[0] == 401

    status, _, headers = ask_as_browser(url, "/api/haori/v1/session/link", {"code": code})

    assert status == 200
    cookie = headers["set-cookie"].partition(";")[0]
    status, listed, _ = ask_as_browser(url, "/api/v1/applications?fields=items.metadata.name", cookie=cookie)
    assert status == 200
    assert APPLICATION in listed
    assert ask_as_browser(url, "/api/haori/v1/session/link", {"code": code})[0] == 401
    assert code not in (running.data_dir / "logs/server.log").read_text()


def test_after_a_killed_supervisor_the_children_end_and_up_takes_over(running):
    children = [process["pid"] for process in running.json("status")["processes"] if process["state"] == "running"]
    running.kill("supervisor")
    running.expect("no child is left", lambda: (not any(map(alive, children)), list(filter(alive, children))), 20)
    running.up()
    running.expect_all_as_wanted()
    expect_each_pods_process_once(running)


def test_a_real_process_has_nothing_of_the_callers_environment(running):
    pids = [pid for pids in pod_processes(running).values() for pid in pids]
    assert len(pids) == 4
    for environment in map(environment_of, pids):
        assert not set(environment) & {
            "HAORI_TOOLS",
            "SSH_AUTH_SOCK",
            "CANARY_OF_THE_CALLER",
            "KUBECONFIG",
            "VIRTUAL_ENV",
        }
        assert str(Path.home()) not in environment.values()


def test_every_application_is_still_as_wanted(running):
    assert all(map(good, running.applications().values()))
