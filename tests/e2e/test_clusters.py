"""One engine delivers to several clusters; what is wrong with one is no matter of the others."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from haori.cluster import HttpClient, NotFoundError, PatchType, connect
from haori.cluster.kubeconfig import ClusterSettings, read_kubeconfig
from haori.cluster.well_known import APPLICATIONS, CONFIG_MAPS, NAMESPACES, SECRETS
from haori.delivery.controller.cluster_secrets import build_cluster_secret
from tests.controlplane.conftest import ControlPlane, find_assets
from tests.e2e.delivery import Delivery, at, config_map, is_green
from tests.e2e.sandbox import Sandbox

pytestmark = pytest.mark.e2e

FINALIZER = "resources-finalizer.argocd.argoproj.io"


class Machine:
    """A second cluster that can be switched off, and made to listen without ever answering."""

    def __init__(
        self, kubeconfig: Path, off: Callable[[], None], on: Callable[[], None], pid: Callable[[], int]
    ) -> None:
        self.kubeconfig, self._off, self._on, self._pid = kubeconfig, off, on, pid
        self._is_off = self._is_frozen = False

    async def off(self) -> None:
        await asyncio.to_thread(self._off)
        self._is_off = True

    async def on(self) -> None:
        if self._is_frozen:
            os.kill(self._pid(), signal.SIGCONT)
        if self._is_off:
            await asyncio.to_thread(self._on)
        self._is_off = self._is_frozen = False

    def freeze(self) -> None:
        os.kill(self._pid(), signal.SIGSTOP)
        self._is_frozen = True


@pytest.fixture(scope="module")
def second_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    sandbox = Sandbox(tmp_path_factory.mktemp("second"))
    try:
        sandbox.start()
        yield Machine(sandbox.kubeconfig, sandbox.stop, sandbox.start, sandbox.pid)
    finally:
        sandbox.stop()


@pytest.fixture(scope="module")
def second_real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    plane = ControlPlane(folder=tmp_path_factory.mktemp("second"), assets=find_assets())
    server = "kube-apiserver"
    try:
        plane.start()
        pid = next(each.pid for each in plane.processes if str(each.args[0]).endswith(server))  # type: ignore[index]
        stop, go = (lambda number=number: os.kill(pid, number) for number in (signal.SIGSTOP, signal.SIGCONT))
        yield Machine(plane.kubeconfig, stop, go, lambda: pid)
    finally:
        plane.stop()


class Pair:
    """A delivery and a second cluster, with a Secret that says how to reach it."""

    def __init__(self, delivery: Delivery, there: HttpClient, settings: ClusterSettings, machine: Machine) -> None:
        self.delivery, self.there, self._settings, self.machine = delivery, there, settings, machine
        self.server = settings.server
        self.namespace = delivery.namespace
        self.secret = ""

    def manifest(self, *, name: str = "edge", namespaces: list[str] | None = None, **config: Any) -> dict[str, Any]:
        values = {slot: getattr(self._settings, slot) for slot in self._settings.__slots__}
        settings = ClusterSettings(**{**values, "name": name})
        secret = build_cluster_secret(settings, name=name, namespace=self.delivery.control, namespaces=namespaces or [])
        if config:
            secret["stringData"]["config"] = json.dumps({**json.loads(secret["stringData"]["config"]), **config})
        self.secret = secret["metadata"]["name"]
        return secret

    async def add(self, **changes: Any) -> None:
        await self.delivery.client.create(SECRETS, self.manifest(**changes))

    async def change(self, **config: Any) -> None:
        found = self.manifest(**config)["stringData"]
        data = {name: base64.b64encode(value.encode()).decode() for name, value in found.items()}
        await self.delivery.patch(SECRETS, self.secret, self.delivery.control, {"data": data})

    def application(self, name: str, path: str, **fields: Any) -> dict[str, Any]:
        destination = {"server": self.server, "namespace": self.namespace, **fields.pop("destination", {})}
        if "name" in destination:
            del destination["server"]
        return self.delivery.application(name, path, destination=destination, **fields)

    async def expect_there(self, name: str, data: dict[str, str]) -> None:
        async with asyncio.timeout(30):
            while (found := await self.data(self.there, name)) != data:
                assert found is not None
                await asyncio.sleep(0.05)

    async def data(self, client: HttpClient, name: str) -> Any:
        try:
            return (await client.get(CONFIG_MAPS, name, self.namespace))["data"]
        except NotFoundError:
            return None


@pytest.fixture
async def pair(delivery: Delivery, request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    is_real = "real" in request.node.callspec.id
    machine: Machine = request.getfixturevalue("second_real" if is_real else "second_sandbox")
    async with connect(machine.kubeconfig) as there:
        yield Pair(delivery, there, read_kubeconfig([machine.kubeconfig]), machine)
        await machine.on()


def conditions(application: dict[str, Any]) -> dict[str, str]:
    found = (application.get("status") or {}).get("conditions") or []
    return {item["type"]: item["message"] for item in found}


def says(type_: str, part: str) -> Callable[[dict[str, Any]], bool]:
    """Whether a condition says so: an Application may be looked at before the Secret made just before it is seen."""
    return lambda application: type_ in conditions(application) and part in conditions(application)[type_]


def is_unknown(application: dict[str, Any]) -> bool:
    status = application.get("status") or {}
    words = [((status.get(name) or {}).get("status")) for name in ("sync", "health")]
    return words == ["Unknown", "Unknown"] and bool(conditions(application))


async def test_the_same_names_on_two_clusters_are_two_things(pair: Pair):
    delivery = pair.delivery
    delivery.repository.commit(
        "Begin", {"here/a.yaml": config_map("a", at="here"), "there/a.yaml": config_map("a", at="there")}
    )
    await pair.add()
    await delivery.client.create(APPLICATIONS, delivery.application("here", "here"))
    await delivery.client.create(APPLICATIONS, pair.application("there", "there", destination={"name": "edge"}))

    for name in ("here", "there"):
        found = await delivery.expect(name, is_green)
        assert conditions(found) == {}
    assert await pair.data(delivery.client, "a") == {"at": "here"}
    assert await pair.data(pair.there, "a") == {"at": "there"}

    await pair.there.patch(
        CONFIG_MAPS,
        "a",
        pair.namespace,
        {"data": {"at": "by hand"}},
        patch_type=PatchType.MERGE,
        field_manager="kubectl-edit",
    )
    await delivery.expect_object(CONFIG_MAPS, "a", pair.namespace, lambda found: found["data"] == {"at": "here"})
    await pair.expect_there("a", {"at": "there"})


async def test_a_cluster_that_goes_down_harms_only_its_own_and_comes_back_by_itself(pair: Pair):
    delivery = pair.delivery
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await pair.add()
    await delivery.client.create(APPLICATIONS, delivery.application("here", "app"))
    await delivery.client.create(APPLICATIONS, pair.application("there", "app"))
    for name in ("here", "there"):
        await delivery.expect(name, is_green)

    await pair.machine.off()
    down = await delivery.expect("there", is_unknown, seconds=90)
    message = conditions(down)["ComparisonError"]
    assert all(part in message for part in ("edge", pair.server, pair.secret))
    commit = await delivery.push("here", "Second", {"app/a.yaml": config_map("a", x="2")})
    await delivery.expect("here", at(commit))
    assert is_unknown(await delivery.get("there"))

    await pair.machine.on()
    found = await delivery.expect("there", at(commit), seconds=60)
    assert conditions(found) == {}
    assert await pair.data(pair.there, "a") == {"x": "2"}


async def test_credentials_count_as_soon_as_the_secret_says_them_and_are_never_told(pair: Pair):
    delivery = pair.delivery
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    wrong = {"bearerToken": "not-the-right-one-8731", "tlsClientConfig": {"insecure": True}}
    await pair.add(**wrong)
    await delivery.client.create(APPLICATIONS, pair.application("there", "app"))

    refused = await delivery.expect("there", says("ComparisonError", "refuses the credentials"))
    assert is_unknown(refused)
    assert "8731" not in json.dumps(refused["status"])

    await pair.change()
    await delivery.expect("there", is_green)


async def test_a_cluster_that_is_gone_from_the_settings_keeps_no_application_from_going(pair: Pair):
    delivery = pair.delivery
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await pair.add()
    metadata = {"name": "there", "namespace": delivery.control, "finalizers": [FINALIZER]}
    await delivery.client.create(APPLICATIONS, pair.application("there", "app", metadata=metadata))
    await delivery.expect("there", is_green)

    await delivery.client.delete(SECRETS, pair.secret, delivery.control)
    assert is_unknown(await delivery.expect("there", says("InvalidSpecError", pair.server)))
    await delivery.client.delete(APPLICATIONS, "there", delivery.control)
    await delivery.expect_gone(APPLICATIONS, "there", delivery.control)

    assert await pair.data(pair.there, "a") == {"x": "1"}


async def test_a_deletion_waits_for_a_cluster_that_is_down(pair: Pair):
    delivery = pair.delivery
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await pair.add()
    metadata = {"name": "there", "namespace": delivery.control, "finalizers": [FINALIZER]}
    await delivery.client.create(APPLICATIONS, pair.application("there", "app", metadata=metadata))
    await delivery.expect("there", is_green)

    await pair.machine.off()
    await delivery.expect("there", is_unknown, seconds=90)
    await delivery.client.delete(APPLICATIONS, "there", delivery.control)
    found = await delivery.expect("there", lambda app: "DeletionError" in conditions(app))
    assert pair.server in conditions(found)["DeletionError"]
    await pair.machine.on()

    await delivery.expect_gone(APPLICATIONS, "there", delivery.control)
    assert await pair.data(pair.there, "a") is None


async def test_only_the_namespaces_of_the_secret_are_looked_at(pair: Pair):
    delivery = pair.delivery
    delivery.repository.commit(
        "Begin",
        {
            "app/a.yaml": config_map("a", x="1"),
            "wide/ns.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: surplus}\n",
        },
    )
    await pair.there.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": pair.namespace}})
    await pair.add(namespaces=[pair.namespace])
    for made in (
        pair.application("there", "app"),
        pair.application("wide", "wide"),
        pair.application("elsewhere", "app", destination={"namespace": "default"}),
    ):
        await delivery.client.create(APPLICATIONS, made)

    await delivery.expect("there", is_green)
    assert is_unknown(await delivery.expect("wide", says("InvalidSpecError", "Namespace surplus")))
    assert is_unknown(await delivery.expect("elsewhere", says("InvalidSpecError", "Namespace default")))


async def test_a_program_for_credentials_is_not_run_unasked(pair: Pair, tmp_path: Path):
    delivery = pair.delivery
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    ran = tmp_path / "ran"
    await pair.add(execProviderConfig={"command": "touch", "args": [str(ran)]})
    await delivery.client.create(APPLICATIONS, pair.application("there", "app"))

    found = await delivery.expect("there", says("InvalidSpecError", "--allow-exec-credentials"))

    assert is_unknown(found)
    assert not ran.exists()


async def test_a_cluster_that_never_answers_holds_nobody_else_up(pair: Pair):
    """More of its applications than there are workers wait on it; those of the other cluster go on."""
    delivery = pair.delivery
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1"), "own/b.yaml": config_map("b", x="1")})
    await pair.add()
    await delivery.client.create(APPLICATIONS, delivery.application("here", "own"))
    for number in range(12):
        await delivery.client.create(APPLICATIONS, pair.application(f"there-{number}", "app"))
    for name in ("here", "there-0"):
        await delivery.expect(name, lambda app: bool((app.get("status") or {}).get("sync")))
    await delivery.expect("here", is_green)

    pair.machine.freeze()
    commit = delivery.repository.commit(
        "Second", {"app/a.yaml": config_map("a", x="2"), "own/b.yaml": config_map("b", x="2")}
    )
    for number in range(12):
        await delivery.refresh(f"there-{number}")
    await delivery.refresh("here")
    await delivery.expect("here", at(commit), seconds=10)
    for number in range(12):
        assert is_unknown(await delivery.expect(f"there-{number}", says("ComparisonError", pair.server), seconds=60))
    await pair.machine.on()
    await delivery.expect("there-0", lambda app: not is_unknown(app), seconds=60)
