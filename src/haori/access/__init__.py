"""Who may do what.

Takes settings as Argo CD keeps them (`argocd-rbac-cm`, the roles of AppProjects) and gives a `Policy`: a value that says of
an identity, a resource, an action and an object whether it is allowed, and by which line: no network, no files, no clock.
`audit` describes who changed what, `trail` keeps it in the store.
"""

from haori.access.audit import Outcome, mask_details
from haori.access.identity import Identity
from haori.access.lines import Problem
from haori.access.policy import Decision, Policy
from haori.access.projects import ProjectRoles, parse_project
from haori.access.settings import MatchMode, PolicySettings, parse_settings

__all__ = [
    "Decision",
    "Identity",
    "MatchMode",
    "Outcome",
    "Policy",
    "PolicySettings",
    "Problem",
    "ProjectRoles",
    "mask_details",
    "parse_project",
    "parse_settings",
]
