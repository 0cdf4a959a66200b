"""A real control plane for tests, started from the binaries that KUBEBUILDER_ASSETS names.

etcd, kube-apiserver, kube-controller-manager and kube-scheduler on free loopback ports, RBAC on, all data in a
temporary folder; one a test process (each xdist worker has its own). A missing binary skips, naming it, or fails
where CI_REQUIRE_CONTROLPLANE=1. No kubelet: Pods stay Pending.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from haori.cluster.http_client import HttpClient, connect

BINARIES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
TOKEN = "admintoken"
_TICK = threading.Event()  # Never set: waiting on it for a moment paces a poll that has a deadline.


@dataclass
class ControlPlane:
    """The running processes and how to reach them."""

    folder: Path
    assets: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    port: int = 0

    @property
    def kubeconfig(self) -> Path:
        """Contexts `envtest` (client certificate) and `envtest-token`, both cluster-admin."""
        return self.folder / "kubeconfig"

    @property
    def url(self) -> str:
        """The API server's."""
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Everything, until all parts say they are ready."""
        self.start_api()
        manager, scheduler = free_ports(2)
        self.run(
            "kube-controller-manager", "--kubeconfig=kubeconfig", "--leader-elect=false", f"--secure-port={manager}",
            "--bind-address=127.0.0.1", "--root-ca-file=ca.crt", "--service-account-private-key-file=sa.key",
            "--controllers=*,-node-lifecycle-controller", "--kube-api-qps=200", "--kube-api-burst=400",
        )  # fmt: skip
        self.run(
            "kube-scheduler", "--kubeconfig=kubeconfig", "--leader-elect=false", f"--secure-port={scheduler}",
            "--bind-address=127.0.0.1",
        )  # fmt: skip
        self.wait_ready(manager, "/healthz")
        self.wait_ready(scheduler, "/healthz")

    def start_api(self) -> None:
        """The API server and its etcd alone: nothing happens but what is asked for."""
        make_keys(self.folder)
        etcd, peer, self.port = free_ports(3)
        self.write_kubeconfig()
        self.run(
            "etcd", "--data-dir", "etcd", "--unsafe-no-fsync", "--log-level=warn", f"--listen-client-urls=http://127.0.0.1:{etcd}",
            f"--advertise-client-urls=http://127.0.0.1:{etcd}", f"--listen-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}", f"--initial-cluster=default=http://127.0.0.1:{peer}",
        )  # fmt: skip
        self.run(
            "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{etcd}", "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1", f"--secure-port={self.port}", "--tls-cert-file=server.crt",
            "--tls-private-key-file=server.key", "--client-ca-file=ca.crt", "--token-auth-file=tokens.csv",
            "--authorization-mode=RBAC", "--service-cluster-ip-range=10.0.0.0/16", "--allow-privileged",
            "--service-account-key-file=sa.pub", "--service-account-signing-key-file=sa.key",
            "--service-account-issuer=https://kubernetes.default.svc", "--endpoint-reconciler-type=none",
            "--kubelet-client-certificate=admin.crt", "--kubelet-client-key=admin.key",
            "--kubelet-preferred-address-types=InternalIP,Hostname",
        )  # fmt: skip
        self.wait_ready(self.port, "/readyz")

    def run(self, name: str, *arguments: str) -> None:
        """Start one part in the data folder; its output goes to NAME.log."""
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(self.assets / name), *arguments], cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )
        self.processes.append(process)

    def wait_ready(self, port: int, path: str, seconds: float = 60) -> None:
        """Until `path` answers ok."""
        deadline = time.monotonic() + seconds
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        request = urllib.request.Request(
            f"https://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {TOKEN}"}
        )
        while time.monotonic() < deadline:
            dead = [process.args for process in self.processes if process.poll() is not None]
            assert not dead, f"ended early, see the logs in {self.folder}: {dead}"
            try:
                with urllib.request.urlopen(request, timeout=2, context=context) as answer:
                    if answer.read() == b"ok":
                        return
            except (urllib.error.URLError, OSError):
                pass
            _TICK.wait(0.1)
        raise AssertionError(f"no answer on port {port} within {seconds} s; see the logs in {self.folder}")

    def add_nodes(self, count: int) -> None:
        """Node objects that the scheduler binds Pods to; no kubelet is behind them."""
        capacity = {"cpu": "64", "memory": "256Gi", "pods": "1000"}
        for number in range(1, count + 1):
            name = f"node-{number}"
            metadata = {"name": name, "labels": {"kubernetes.io/hostname": name}}
            self.send("POST", "/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": metadata})
            self.send("PATCH", f"/api/v1/nodes/{name}", {"spec": {"taints": None}})
            ready = {"capacity": capacity, "allocatable": capacity, "conditions": [{"type": "Ready", "status": "True"}]}
            self.send("PATCH", f"/api/v1/nodes/{name}/status", {"status": ready})

    def send(self, method: str, path: str, body: object) -> None:
        """One write as the administrator."""
        type_ = "application/json" if method == "POST" else "application/merge-patch+json"
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": type_},
        )
        context = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            answer.read()

    def write_kubeconfig(self) -> None:
        """The administrator's kubeconfig."""

        def data(name: str) -> str:
            return base64.b64encode((self.folder / name).read_bytes()).decode()

        users = {
            "envtest": {"client-certificate-data": data("admin.crt"), "client-key-data": data("admin.key")},
            "envtest-token": {"token": TOKEN},
        }
        cluster = {"server": self.url, "certificate-authority-data": data("ca.crt")}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "envtest",
            "clusters": [{"name": "envtest", "cluster": cluster}],
            "users": [{"name": name, "user": user} for name, user in users.items()],
            "contexts": [{"name": name, "context": {"cluster": "envtest", "user": name}} for name in users],
        }
        self.kubeconfig.write_text(json.dumps(document))
        self.kubeconfig.chmod(0o600)

    def stop(self) -> None:
        """In reverse order; 10 s each, then by force."""
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, all different."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def make_keys(folder: Path) -> None:
    """A CA, the server's and an administrator's certificate, and the key that signs service account tokens."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)

    def sign(name: str, subject: str, extension: str) -> None:
        (folder / "ext").write_text(extension)
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", f"{name}.key", "-out", "csr")
        openssl(
            "x509", "-req", "-in", "csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30",
            "-extfile", "ext", "-out", f"{name}.crt",
        )  # fmt: skip

    openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "30",
        "-subj",
        "/CN=ca",
        "-keyout",
        "ca.key",
        "-out",
        "ca.crt",
    )
    names = "DNS:localhost,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.0.0.1"
    sign("server", "/CN=kube-apiserver", f"subjectAltName={names}")
    sign("admin", "/O=system:masters/CN=admin", "extendedKeyUsage=clientAuth")
    openssl("genrsa", "-out", "sa.key", "2048")
    openssl("rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub")
    (folder / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n')


def find_assets() -> Path:
    """The folder of the binaries; skips, or fails where they are required, naming what is missing."""
    named = os.environ.get("KUBEBUILDER_ASSETS", "")
    missing = ["KUBEBUILDER_ASSETS"] if not named else [n for n in BINARIES if not (Path(named) / n).is_file()]
    if not shutil.which("openssl"):
        missing.append("openssl")
    if missing:
        reason = f"no control plane: {', '.join(missing)} missing"
        if os.environ.get("CI_REQUIRE_CONTROLPLANE") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return Path(named)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--nodes", type=int, default=0, help="Node objects that the control plane gets")


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """The control plane of this test process."""
    plane = ControlPlane(folder=tmp_path_factory.mktemp("controlplane"), assets=find_assets())
    try:
        plane.start()
        plane.add_nodes(request.config.getoption("--nodes", default=0))
        yield plane
    finally:
        plane.stop()


@pytest.fixture
async def cluster(control_plane: ControlPlane) -> AsyncIterator[HttpClient]:
    """A client of it, by client certificate."""
    async with connect(control_plane.kubeconfig, "envtest") as client:
        yield client
