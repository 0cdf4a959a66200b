"""What the delivery cases speak in: a repository to push to, applications to expect things of."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from haori.cluster import ApiResource, HttpClient, NotFoundError, PatchType
from haori.cluster.well_known import APPLICATIONS, CONFIG_MAPS, NAMESPACES
from haori.delivery.controller.engine import serve
from haori.delivery.controller.lease import LeaseSettings
from haori.delivery.controller.settings import EngineSettings, GitSettings, Mode, WorkSettings
from haori.timeline import MemoryRecorder

_numbers = itertools.count(1)
PATIENCE_SECONDS = 30.0

Manifest = dict[str, Any]


class Repository:
    """A Git repository on this disk, committed to by Ann."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    @property
    def url(self) -> str:
        return f"file://{self.folder}"

    def git(self, *arguments: str) -> str:
        who = ["-c", "user.name=Ann", "-c", "user.email=ann@wear.example"]
        done = subprocess.run(["git", *who, *arguments], cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, message: str, files: dict[str, str | None]) -> str:
        """Writes (None: removes) files and commits; the commit's id."""
        for path, content in files.items():
            target = self.folder / path
            if content is None:
                target.unlink()
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(content)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def revert(self) -> str:
        """Undoes the last commit by a new one."""
        self.git("revert", "--no-edit", "HEAD")
        return self.git("rev-parse", "HEAD")


class Delivery:
    """One engine, one repository, one cluster."""

    def __init__(self, client: HttpClient, kubeconfig: Path, folder: Path) -> None:
        self.client, self.kubeconfig, self.folder = client, kubeconfig, folder
        number = f"{os.getpid()}-{next(_numbers)}"
        self.control, self.namespace = f"control-{number}", f"shop-{number}"
        self.repository = Repository(folder / "repository")
        self.recorder = MemoryRecorder()
        self._engine: asyncio.Task[None] | None = None

    @classmethod
    async def begin(cls, client: HttpClient, kubeconfig: Path, folder: Path) -> Delivery:
        delivery = cls(client, kubeconfig, folder)
        await delivery.prepare()
        await delivery.start_engine()
        return delivery

    async def prepare(self) -> None:
        """The control namespace, with marks of its own, since the cases share a cluster."""
        await self.client.create(
            NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.control}}
        )
        settings = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "argocd-cm", "namespace": self.control},
            "data": {"installationID": self.control},
        }
        await self.client.create(CONFIG_MAPS, settings)

    async def start_engine(
        self,
        folder: str = "engine",
        *,
        work: WorkSettings | None = None,
        git: GitSettings | None = None,
        mode: Mode = Mode.AUTO,
        kubeconfig: Path | None = None,
        allow_loopback: bool = True,
    ) -> None:
        """Until it leads and has seen the cluster, or stands by."""
        settings = EngineSettings(
            data_dir=self.folder / folder,
            kubeconfig=kubeconfig or self.kubeconfig,
            mode=mode,
            namespace=self.control,
            allow_file_repositories=True,
            allow_loopback=allow_loopback,
            listener_host="127.0.0.1",
            work=work or WorkSettings(),
            git=git or GitSettings(),
            lease=LeaseSettings(duration_seconds=4.0, renew_seconds=1.0, retry_seconds=0.2, margin_seconds=1.0),
        )
        ready = asyncio.Event()
        self._engine = asyncio.create_task(serve(settings, ready=ready.set, recorder=self.recorder))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({self._engine, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        waiting.cancel()
        if self._engine.done():
            self._engine.result()
        assert ready.is_set(), "the engine did not become ready"

    def leave_engine(self) -> asyncio.Task[None]:
        """Lets the engine run on and forgets it, so that another may be started; the caller ends it."""
        engine, self._engine = self._engine, None
        assert engine is not None, "no engine runs"
        return engine

    async def stop_engine(self) -> None:
        """Cancels it wherever it is."""
        if self._engine is not None:
            self._engine.cancel()
            with suppress(asyncio.CancelledError):
                await self._engine
            self._engine = None

    async def end(self) -> None:
        await self.stop_engine()
        for item in (await self.client.list(APPLICATIONS, self.control)).items:
            name = item["metadata"]["name"]
            body = {"metadata": {"finalizers": None}}
            with suppress(NotFoundError):
                await self.patch(APPLICATIONS, name, self.control, body)
                await self.client.delete(APPLICATIONS, name, self.control)

    def application(self, name: str, path: str, **fields: Any) -> Manifest:
        """An Application with automated sync, pruning and self-heal."""
        metadata: Manifest = {"name": name, "namespace": self.control} | fields.pop("metadata", {})
        source = {"repoURL": self.repository.url, "targetRevision": "main", "path": path} | fields.pop("source", {})
        policy = {
            "automated": {"prune": True, "selfHeal": True},
            "syncOptions": ["CreateNamespace=true"],
        } | fields.pop("policy", {})
        destination = {"server": "https://kubernetes.default.svc", "namespace": self.namespace}
        spec = {"project": "default", "source": source, "destination": destination, "syncPolicy": policy, **fields}
        return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": spec}

    async def deploy(self, name: str, path: str, **fields: Any) -> Manifest:
        """Creates an Application and waits until it is Synced and Healthy."""
        await self.client.create(APPLICATIONS, self.application(name, path, **fields))
        return await self.expect(name, is_green)

    async def get(self, name: str) -> Manifest:
        return await self.client.get(APPLICATIONS, name, self.control)

    async def refresh(self, name: str, kind: str = "normal") -> None:
        """Asks as kubectl users do."""
        await self.annotate(name, {"argocd.argoproj.io/refresh": kind})

    async def annotate(self, name: str, annotations: dict[str, str | None]) -> None:
        await self.patch(APPLICATIONS, name, self.control, {"metadata": {"annotations": annotations}})

    async def patch(self, resource: ApiResource, name: str, namespace: str, body: Manifest) -> Manifest:
        return await self.client.patch(
            resource, name, namespace, body, patch_type=PatchType.MERGE, field_manager="kubectl-edit"
        )

    async def push(self, name: str, message: str, files: dict[str, str | None]) -> str:
        """Commits and has an application look."""
        commit = self.repository.commit(message, files)
        await self.refresh(name)
        return commit

    async def expect(
        self, name: str, is_met: Callable[[Manifest], bool], *, seconds: float = PATIENCE_SECONDS
    ) -> Manifest:
        """The application once it is as expected; what it was last is said where it never becomes so."""
        return await self.expect_object(APPLICATIONS, name, self.control, is_met, seconds=seconds)

    async def expect_object(
        self,
        resource: ApiResource,
        name: str,
        namespace: str,
        is_met: Callable[[Manifest], bool],
        *,
        seconds: float = PATIENCE_SECONDS,
    ) -> Manifest:
        deadline = time.monotonic() + seconds
        found: Manifest = {}
        while time.monotonic() < deadline:
            with suppress(NotFoundError):
                found = await self.client.get(resource, name, namespace)
                if is_met(found):
                    return found
            await asyncio.sleep(0.05)
        status = found.get("status") or found
        raise AssertionError(f"{resource.kind} {namespace}/{name} did not become as expected: {status}")

    async def expect_object_or_gone(self, resource: ApiResource, name: str, namespace: str) -> Manifest | None:
        """An object whose deletion was asked for: as it is then, None where it is gone."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                found = await self.client.get(resource, name, namespace)
            except NotFoundError:
                return None
            if found["metadata"].get("deletionTimestamp"):
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"{resource.kind} {namespace}/{name} is not deleted")

    async def expect_gone(self, resource: ApiResource, name: str, namespace: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        found: Manifest = {}
        while time.monotonic() < deadline:
            try:
                found = await self.client.get(resource, name, namespace)
            except NotFoundError:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{resource.kind} {namespace}/{name} is still there: {found}")


def is_green(application: Manifest) -> bool:
    return sync_of(application) == "Synced" and health_of(application) == "Healthy" and is_idle(application)


def is_idle(application: Manifest) -> bool:
    """No operation asked for or under way, no refresh unanswered."""
    state = (application.get("status") or {}).get("operationState") or {}
    refresh = "argocd.argoproj.io/refresh" in (application["metadata"].get("annotations") or {})
    return state.get("phase") not in ("Running", "Terminating") and not refresh and "operation" not in application


def sync_of(application: Manifest) -> str:
    return str(((application.get("status") or {}).get("sync") or {}).get("status"))


def health_of(application: Manifest) -> str:
    return str(((application.get("status") or {}).get("health") or {}).get("status"))


def at(revision: str) -> Callable[[Manifest], bool]:
    """Green at a revision."""
    return lambda application: is_green(application) and application["status"]["sync"].get("revision") == revision


def why_of(application: Manifest) -> dict[str, Any]:
    why: dict[str, Any] = ((application.get("status") or {}).get("haori") or {}).get("why") or {}
    return why


def config_map(name: str, **data: str) -> str:
    lines = "".join(f"  {key}: '{value}'\n" for key, value in data.items())
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n{lines}"


def deployment(name: str, image: str, *, replicas: int = 1, deadline: int = 600) -> str:
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
spec:
  replicas: {replicas}
  progressDeadlineSeconds: {deadline}
  selector:
    matchLabels: {{app: {name}}}
  template:
    metadata:
      labels: {{app: {name}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: web
        image: {image}
        resources:
          requests: {{cpu: 1000m}}
"""


def job(name: str, image: str, hook: str, *, wave: int = 0) -> str:
    return f"""\
apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
  annotations:
    argocd.argoproj.io/hook: {hook}
    argocd.argoproj.io/sync-wave: "{wave}"
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 0
      containers:
      - name: work
        image: {image}
"""
