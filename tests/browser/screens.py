"""The pages of the console, for what is done on each of them: the one list that checks and pictures share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """One page."""

    name: str
    """Of its picture."""
    path: str
    ready: str = "main h1"
    """A selector of what stands there once the page is there."""


_APPLICATION = "/applications/argocd/coordinate-api"
_POD = "node=apps/Deployment/wear-api/coordinate-api"

SCREENS = (
    Screen(name="applications", path="/applications"),
    Screen(name="application-tree", path=_APPLICATION),
    Screen(name="application-why", path="/applications/argocd/search"),
    Screen(name="application-resources", path=f"{_APPLICATION}/resources"),
    Screen(name="application-pods", path=f"{_APPLICATION}/pods"),
    Screen(name="application-network", path=f"{_APPLICATION}/network"),
    Screen(name="application-dependencies", path=f"{_APPLICATION}/dependencies"),
    Screen(name="application-timeline", path=f"{_APPLICATION}/timeline"),
    Screen(name="application-sync", path="/applications/argocd/catalogue/sync"),
    Screen(name="application-diff", path="/applications/argocd/catalogue/diff"),
    Screen(name="application-history", path=f"{_APPLICATION}/history"),
    Screen(name="application-details", path=f"{_APPLICATION}/details"),
    Screen(name="object-summary", path=f"{_APPLICATION}?{_POD}&panel=summary", ready="dialog[open]"),
    Screen(name="object-logs", path=f"{_APPLICATION}?{_POD}&panel=logs", ready="dialog[open]"),
    Screen(name="board", path="/board"),
    Screen(name="search", path="/search?q=wear"),
    Screen(name="clusters", path="/clusters"),
    Screen(name="engine", path="/engine"),
    Screen(name="audit", path="/audit"),
    Screen(name="settings-repositories", path="/settings/repositories"),
    Screen(name="settings-repositories-add", path="/settings/repositories?do=add", ready="dialog[open]"),
    Screen(name="settings-credentials", path="/settings/credentials"),
    Screen(name="settings-clusters", path="/settings/clusters"),
    Screen(name="settings-clusters-add", path="/settings/clusters?do=add", ready="dialog[open]"),
    Screen(name="settings-projects", path="/settings/projects"),
    Screen(name="settings-project", path="/settings/projects/default"),
    Screen(name="settings-certificates", path="/settings/certificates"),
    Screen(name="settings-accounts", path="/settings/accounts"),
    Screen(name="settings-account", path="/settings/accounts?show=admin", ready="dialog[open]"),
    Screen(name="settings-token", path="/settings/accounts?do=token", ready="dialog[open]"),
    Screen(name="settings-appearance", path="/settings/appearance"),
)
