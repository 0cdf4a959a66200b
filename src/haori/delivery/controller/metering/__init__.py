"""What an engine tells of itself to whoever watches it: `/metrics`, `/livez`, `/readyz`, on a listener of their own.

Takes an engine and gives texts. It counts nothing itself but the event loop's lag: rooms count where things happen
(`haori.observe`), and what can be read off the engine's state is read when it is asked for, so that an application costs
nothing between two looks.
"""

from haori.delivery.controller.metering.figures import build_figures
from haori.delivery.controller.metering.lag import watch_lag
from haori.delivery.controller.metering.readiness import Check, check_readiness
from haori.delivery.controller.metering.server import MetricsSettings, open_metrics

__all__ = ["Check", "MetricsSettings", "build_figures", "check_readiness", "open_metrics", "watch_lag"]
