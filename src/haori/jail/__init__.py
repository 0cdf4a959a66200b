"""Runs untrusted work: a command in a child process with bounded time, memory and output, no network, no credentials.

Takes a command, an environment and a folder, gives what the command printed. It knows nothing of what the command does.
The network is kept away by namespaces, else by a filter on system calls; where neither works the work is refused,
unless the caller allows `Isolation.NONE`. `Worker` is for small work that comes often: a process that stays.
"""

from haori.jail.runner import (
    Finished,
    Isolation,
    JailError,
    JailFailedError,
    JailLimitError,
    Limits,
    isolation,
    kept_path,
    run,
    run_program,
)
from haori.jail.worker import Answers, End, Worker, WorkerLimits

__all__ = [
    "Answers",
    "End",
    "Finished",
    "Isolation",
    "JailError",
    "JailFailedError",
    "JailLimitError",
    "Limits",
    "Worker",
    "WorkerLimits",
    "isolation",
    "kept_path",
    "run",
    "run_program",
]
