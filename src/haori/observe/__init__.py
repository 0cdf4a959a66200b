"""How a process shows what it does: numbers that are counted as things happen, names that log lines carry, spans of traces.

Takes events from every room and knows none of them: no network, no files (but for what an exporter that somebody asked for
sends). A count costs a lookup and an addition; texts are built when they are asked for.
"""

from haori.observe.context import bound, facts
from haori.observe.frequent import Frequent
from haori.observe.measures import MEASURES, Counter, Histogram
from haori.observe.traces import span

__all__ = ["MEASURES", "Counter", "Frequent", "Histogram", "bound", "facts", "span"]
