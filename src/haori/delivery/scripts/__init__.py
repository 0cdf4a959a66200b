"""Health scripts of `argocd-cm`: Lua, run as Argo CD runs it, in a worker of `jail`.

Takes scripts and whole objects as JSON, gives `Health`. The engine's own process never runs Lua, nor imports it; where
no script is set, nothing of this starts. Which script judges which kind is `model.Settings.health_script`.
"""

from haori.delivery.scripts.runner import DEFERRED, LIMIT_CODES, Deferred, Lane, ScriptLimits, ScriptRunner, Trial

__all__ = ["DEFERRED", "LIMIT_CODES", "Deferred", "Lane", "ScriptLimits", "ScriptRunner", "Trial"]
