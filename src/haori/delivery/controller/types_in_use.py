"""The types of the objects that are compared: Kubernetes' own, and of custom ones those that somebody delivers.

A definition is asked of the cluster when an object of its kind is first compared and when it has changed since; only
what comparing needs of it is kept.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from haori.cluster import ForbiddenError, KubernetesClient, NotFoundError
from haori.cluster.well_known import CUSTOM_RESOURCE_DEFINITIONS
from haori.delivery.compare.definitions import slim_definition
from haori.objects import Manifest, gvk_of
from haori.schema import Schemas

log = logging.getLogger(__name__)


class TypesInUse:
    """The types of one cluster."""

    def __init__(self, client: KubernetesClient, mark_of: Callable[[str], str | None]) -> None:
        """`mark_of` gives, for the name of a definition, a text that changes with it; None where there is none."""
        self._client, self._mark_of = client, mark_of
        self._definitions: dict[str, tuple[str, Manifest | None]] = {}
        self._schemas = Schemas.builtin()

    async def look(self, manifests: Iterable[Manifest]) -> Schemas:
        """The types, those of these manifests among them; the same value as long as no definition changes.

        A definition that we may not read is as good as none. Raises PeerError.
        """
        builtin = Schemas.builtin()
        custom = {
            gvk_of(manifest).group_kind
            for manifest in manifests
            if builtin.type_for(str(manifest.get("apiVersion")), str(manifest.get("kind"))) is None
        }
        if not custom:
            return self._schemas
        discovery = await self._client.discover()
        resources = (discovery.resource(kind) for kind in sorted(custom))
        changed = [await self._read(resource.full_name) for resource in resources if resource is not None]
        if any(changed):
            known = (definition for _, definition in self._definitions.values() if definition is not None)
            self._schemas = builtin.with_crds(known)
        return self._schemas

    async def _read(self, name: str) -> bool:
        """Brings one definition up to date; whether that changed anything."""
        mark, known = self._mark_of(name), self._definitions.get(name)
        if mark is None:
            return self._definitions.pop(name, None) is not None
        if known is not None and known[0] == mark:
            return False
        try:
            found: Manifest | None = slim_definition(await self._client.get(CUSTOM_RESOURCE_DEFINITIONS, name))
        except NotFoundError:
            found = None
        except ForbiddenError:
            log.warning("definition may not be read", extra={"definition": name})
            found = None
        self._definitions[name] = (mark, found)
        return found is not None or known is not None
