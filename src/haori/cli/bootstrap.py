"""The job of `up` that turns a running engine and a served repository into deliveries.

It applies three things, from which everything else follows through Git: the control namespace, the Secret by which the
engine reads the served repository, and the platform's root Application. It may run any number of times. The Secret
follows the Git server's token; the root Application is made where it is absent and never changed afterwards: whoever
edits it has a reason.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from haori.cli.instance import Instance, read_json
from haori.cli.platform import STAND_IN_URL, bootstrap_manifests
from haori.cli.run import wait_for_cluster
from haori.cli.settings import InstanceSettings
from haori.cluster import KubernetesClient, NotFoundError
from haori.cluster.well_known import APPLICATIONS, NAMESPACES, SECRETS
from haori.errors import TransientError
from haori.objects import Manifest
from haori.objects.yaml import load_documents
from haori.resources import argo

FIELD_MANAGER = "haori-up"
REPOSITORY_SECRET = "repository-platform"  # noqa: S105 - a name
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0

_log = logging.getLogger(__name__)


async def bootstrap(instance: Instance, settings: InstanceSettings) -> None:
    """Returns when all is applied; waits for the API, the Git server and the Application type as long as it takes."""
    from haori.cluster import connect

    kubeconfig = await wait_for_cluster(instance, settings)
    async with connect(kubeconfig, settings.context or "", user_agent="haori-bootstrap") as client:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                await apply_all(client, instance, settings)
                return
            except (TransientError, NotFoundError) as error:
                _log.debug("bootstrap waits", extra={"facts": {"code": error.code}})
            # The jitter keeps no herd apart here; it keeps a restarted API from being met at the same beat.
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311
            pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)


class GitServerMissingError(TransientError):
    """`bootstrap-no-repository`: the Git server has not said yet where it is."""


async def apply_all(client: KubernetesClient, instance: Instance, settings: InstanceSettings) -> None:
    """One try. Raises TransientError and NotFoundError for what may pass, other errors for what will not."""
    server = read_json(instance.git_server)
    if not server:
        raise GitServerMissingError("bootstrap-no-repository", path=str(instance.git_server))
    url = public_url(server)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": argo.CONTROL_NAMESPACE}}
    await client.apply(NAMESPACES, namespace, field_manager=FIELD_MANAGER, force=True)
    secret = repository_secret(url, str(server["token"]))
    await client.apply(SECRETS, secret, field_manager=FIELD_MANAGER, force=True)
    for manifest in root_manifests(settings, url):
        await _create_if_absent(client, manifest)


async def _create_if_absent(client: KubernetesClient, manifest: Manifest) -> None:
    metadata = manifest["metadata"]
    try:
        await client.get(APPLICATIONS, metadata["name"], metadata["namespace"])
    except NotFoundError:
        # Also the answer where the type is not served yet; then this one is refused likewise, and tried again.
        await client.apply(APPLICATIONS, manifest, field_manager=FIELD_MANAGER)


def public_url(server: dict[str, Any]) -> str:
    """The served repository's URL as manifests name it: without the token."""
    return f"http://127.0.0.1:{server['port']}/platform.git"


def repository_secret(url: str, token: str) -> dict[str, Any]:
    """The Secret by which the engine reads the served repository, as Argo CD declares one."""
    labels = {argo.SECRET_TYPE: "repository"}
    fields = {"type": "git", "url": url, "username": "haori", "password": token}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": REPOSITORY_SECRET, "namespace": argo.CONTROL_NAMESPACE, "labels": labels},
        "type": "Opaque",
        "data": {name: base64.b64encode(value.encode()).decode() for name, value in fields.items()},
    }


def root_manifests(settings: InstanceSettings, url: str) -> Iterator[Manifest]:
    """The root Applications of the platform the instance serves, with the repository's real URL in them."""
    for path in bootstrap_manifests(Path(settings.platform)) if settings.platform is not None else ():
        content = path.read_text().replace(STAND_IN_URL, url)
        for document in load_documents(content, source=path.name):
            metadata = {"namespace": argo.CONTROL_NAMESPACE, **document["metadata"]}
            yield {**document, "metadata": metadata}
