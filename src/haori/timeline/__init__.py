"""What happened, when, to what: one story out of all rooms.

Takes one typed `Record` a fact (a sync, a pin, a rollback, a change of health) through one interface, `Recorder`. Now
the records leave as JSON lines in the log; the store will be a second recorder. Decides nothing, reads nothing back.
"""

from haori.timeline.record import Record
from haori.timeline.recorder import LogRecorder, MemoryRecorder, Recorder

__all__ = ["LogRecorder", "MemoryRecorder", "Record", "Recorder"]
