"""The targets of an operation that respects ignoreDifferences: with what is ignored as it lives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from haori.cluster import KubernetesClient, NotFoundError
from haori.delivery.compare import trim
from haori.delivery.compare.ignore import rule_matches
from haori.delivery.compare.keep import keep_ignored
from haori.delivery.model import IgnoreRule
from haori.delivery.plan import is_hook
from haori.objects import Manifest, ResourceKey
from haori.objects.masking import is_secret
from haori.schema import Schemas


class Keeper:
    """Reads what has to be read whole for it, of one cluster."""

    def __init__(self, client: KubernetesClient, *, manager: str) -> None:
        self._client, self._manager = client, manager

    async def keep(
        self,
        targets: Mapping[ResourceKey, Manifest],
        live: Mapping[ResourceKey, Manifest],
        rules: Sequence[IgnoreRule],
        schemas: Schemas,
    ) -> dict[ResourceKey, Manifest]:
        """The targets; those that live and that a rule matches do not touch what it names. Raises PeerError."""
        kept = dict(targets)
        for key, target in targets.items():
            there = live.get(key)
            if there is None or is_hook(target) or not any(rule_matches(rule, there) for rule in rules):
                continue
            found = await self._secret(key, there, rules) if is_secret(target) else there
            if found is not None:
                schema = schemas.type_for(str(target.get("apiVersion")), str(target.get("kind")))
                kept[key] = keep_ignored(target, found, rules, manager=self._manager, schema=schema)
        return kept

    async def _secret(self, key: ResourceKey, there: Manifest, rules: Sequence[IgnoreRule]) -> Manifest | None:
        """A Secret with its values, of which only hashes are kept; None where it is gone."""
        resource = (await self._client.discover()).resource(key.group_kind)
        assert resource is not None, "Secrets are built in"
        try:
            found = await self._client.get(resource, key.name, key.namespace)
        except NotFoundError:
            return None
        managers = {each for rule in rules if rule_matches(rule, there) for each in rule.managers}
        return trim(found, hasher=None, manager=self._manager, keep_body=True, managers=managers)
