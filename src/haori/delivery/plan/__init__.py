"""Differences, hooks, waves and policy to ordered steps, and the decision what to do next.

A plan is a value: the dry run, the console's preview and the real run read the same one. `plan_sync` makes it,
`decide_next` says at any moment what comes next, from the plan, the results so far and what is live, so that a crash at
any point resumes from what the cluster holds. Takes values, gives values: no network, no files, no clock.
"""

from haori.delivery.plan.automation import (
    AutoDecision,
    AutoVerdict,
    decide_automated,
    is_evident,
    lacks_record,
    retry_at,
)
from haori.delivery.plan.deletion import DeletionPlan, plan_deletion
from haori.delivery.plan.history import append_history
from haori.delivery.plan.hooks import HookInfo, hook_info, is_hook
from haori.delivery.plan.next import Next, NextKind, Observed, decide_next, decide_termination
from haori.delivery.plan.planning import PlanRequest, plan_of_live_hooks, plan_sync
from haori.delivery.plan.types import Action, Plan, Skipped, SkipReason, Step, Wave

__all__ = [
    "Action",
    "AutoDecision",
    "AutoVerdict",
    "DeletionPlan",
    "HookInfo",
    "Next",
    "NextKind",
    "Observed",
    "Plan",
    "PlanRequest",
    "SkipReason",
    "Skipped",
    "Step",
    "Wave",
    "append_history",
    "decide_automated",
    "decide_next",
    "decide_termination",
    "hook_info",
    "is_evident",
    "is_hook",
    "lacks_record",
    "plan_deletion",
    "plan_of_live_hooks",
    "plan_sync",
    "retry_at",
]
