"""Who may do what, as the cluster says it now: `argocd-rbac-cm`, the roles of AppProjects, and the owner of the folder.

A change is heard by a watch and makes a new policy; what changes nothing about it keeps the old one, since a stream ends
when the policy it was begun under does.
"""

from __future__ import annotations

from collections.abc import Mapping

from haori.access import Decision, Identity, Policy, PolicySettings, ProjectRoles, parse_project, parse_settings
from haori.access.policy import BEYOND_SCOPES, is_within_scopes
from haori.cluster import EventType, HttpClient, Reflector, Reflectors, WatchEvent
from haori.cluster.well_known import APP_PROJECTS, CONFIG_MAPS
from haori.objects import Manifest, nested_mapping, nested_text
from haori.resources import argo

RBAC_CONFIG_MAP = "argocd-rbac-cm"
INHERITANCE = "server.rbac.disableApplicationFineGrainedRBACInheritance"
OWNER_DECISION = Decision(allowed=True, rule="the owner of this instance")
NOTHING = Decision(allowed=False, rule="")


class OwnedPolicy:
    """A policy under which the owner may everything."""

    def __init__(self, policy: Policy | None) -> None:
        """None: nobody else may anything."""
        self.policy = policy

    def decide(self, identity: Identity, resource: str, action: str, object: str) -> Decision:
        """Whether `identity` may do `action` to the `object` of `resource`."""
        if identity.is_owner:
            is_within = is_within_scopes(identity.scopes, resource, action, object)
            return OWNER_DECISION if is_within else BEYOND_SCOPES
        return NOTHING if self.policy is None else self.policy.decide(identity, resource, action, object)

    def is_listed(self, identity: Identity) -> bool:
        """Whether a project still lists the token of one of its roles."""
        return self.policy is not None and self.policy.is_listed(identity)


class Permissions:
    """Keeps the policy of now; `run` until cancelled."""

    def __init__(self, client: HttpClient, namespace: str) -> None:
        self._data: dict[str, Mapping[str, str]] = {}
        self._projects: dict[str, ProjectRoles] = {}
        self._settings = PolicySettings()
        self._policy: OwnedPolicy | None = None
        self.is_read = False
        """Whether everything was read once: before that nobody but the owner may anything."""
        reflectors = [
            Reflector(client, APP_PROJECTS, self.observe_project, namespace=namespace),
            *(
                Reflector(
                    client,
                    CONFIG_MAPS,
                    self.observe_settings,
                    namespace=namespace,
                    field_selector=f"metadata.name={name}",
                )
                for name in (RBAC_CONFIG_MAP, argo.CONFIG_MAP)
            ),
        ]
        self._reflectors = Reflectors(reflectors)

    async def run(self) -> None:
        """Watches."""
        await self._reflectors.run()

    async def wait_synced(self) -> None:
        """Until everything was read once."""
        await self._reflectors.wait_synced()
        self.is_read, self._policy = True, None

    def policy(self) -> OwnedPolicy:
        """The policy of now."""
        if self._policy is None:
            policy = Policy(self._settings, self._projects.values()) if self.is_read else None
            self._policy = OwnedPolicy(policy)
        return self._policy

    def observe_project(self, event: WatchEvent) -> None:
        """Takes in one event of an AppProject."""
        name = nested_text(event.object, "metadata", "name")
        before = self._projects.get(name)
        after = None if event.type is EventType.DELETED else parse_project(event.object)
        if after is None:
            self._projects.pop(name, None)
        else:
            self._projects[name] = after
        if before != after:
            self._policy = None

    def group_claims(self) -> tuple[str, ...]:
        """Claims of an identity provider whose values are groups."""
        return self._settings.scopes

    def hear_project(self, manifest: Manifest) -> None:
        """Takes in a project that was written here, before the watch tells of it."""
        self.observe_project(WatchEvent(type=EventType.MODIFIED, object=dict(manifest)))

    def observe_settings(self, event: WatchEvent) -> None:
        """Takes in one event of a ConfigMap."""
        name = nested_text(event.object, "metadata", "name")
        self._data[name] = {} if event.type is EventType.DELETED else dict(nested_mapping(event.object, "data"))
        inherits = self._data.get(argo.CONFIG_MAP, {}).get(INHERITANCE, "true").lower() == "false"
        settings = parse_settings(self._data.get(RBAC_CONFIG_MAP, {}), inherits_sub_actions=inherits)
        if settings != self._settings:
            self._settings, self._policy = settings, None
