"""Loads a trusted program, confines itself for good, then answers. Run as a script: `python -I -S worker_process.py CONFIG`.

CONFIG is JSON: {"program", "paths", "uid", "memoryBytes", "nice"}. `program` is a Python file of ours with
`answer(question: bytes) -> Iterator[bytes]`; all that it will ever need it imports at its head, because afterwards no file
can be opened. What it then runs is not trusted: after `allow_only_computing` this process can read its questions, write
its answers, compute and end, and nothing else; where the kernel offers no such filter, namespaces keep the network away.

Questions and answers are frames, four bytes of length before each. The first frame is `READY`, or says why confinement
failed. Standard library only, as in `launcher`, whose steps it takes.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import platform
import resource
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

READY = b"ready"
LENGTH = struct.Struct(">I")
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | 1, 0x80000000
# AUDIT_ARCH_* and the numbers of the calls that computing takes: memory, the descriptors there are, clocks, signals'
# return, locks, the end. No open, no socket, no fork, no exec.
_COMPUTING = {
    "x86_64": (
        0xC000003E,
        (0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 19, 20, 24, 25, 28, 35, 39, 60, 96, 98, 100, 131, 186, 201, 202, 219,
         228, 229, 230, 231, 273, 318, 324, 334),
    ),
    "aarch64": (
        0xC00000B7,
        (57, 62, 63, 64, 65, 66, 80, 93, 94, 98, 99, 101, 113, 114, 115, 124, 128, 132, 134, 135, 139, 153, 165, 169, 172,
         178, 214, 215, 216, 222, 226, 233, 278, 283, 293),
    ),
}  # fmt: skip


def load(path: Path, name: str) -> ModuleType:
    """A module by its file: an isolated interpreter without `site` knows no packages."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def allow_only_computing(launcher: Any) -> None:
    """Every other call to the kernel is refused from here on. Raises OSError where there is no such filter here."""
    if platform.machine() not in _COMPUTING:
        raise OSError(f"no filter for {platform.machine()}")
    arch, numbers = _COMPUTING[platform.machine()]
    load_word, jump_equal, answer = 0x20, 0x15, 0x06
    program = [(load_word, 0, 0, 4), (jump_equal, 1, 0, arch), (answer, 0, 0, _KILL), (load_word, 0, 0, 0)]
    # Each comparison jumps over those that follow it, and over the refusal, to the last instruction.
    program += [(jump_equal, len(numbers) - place, 0, number) for place, number in enumerate(numbers)]
    program += [(answer, 0, 0, _REFUSE), (answer, 0, 0, _ALLOW)]
    launcher.set_filter(program)


def confine(config: dict[str, Any]) -> None:
    """Gives up what this process could do but compute. Raises OSError where nothing keeps it from the network."""
    launcher = load(Path(__file__).with_name("launcher.py"), "launcher")
    for kind, value in (
        (resource.RLIMIT_AS, config["memoryBytes"]),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))
    os.nice(config["nice"])
    if isinstance(config.get("uid"), int):
        launcher.drop_privileges(config["uid"])
    launcher.keep_privileges_away()
    network: OSError | None = None
    try:
        launcher.enter_namespaces(further=0)
    except OSError as error:
        network = error
    launcher.die_with_parent()  # After the namespaces, since a change of credentials clears it.
    try:
        allow_only_computing(launcher)
    except OSError as error:
        if network is not None:
            raise OSError(f"{network}; {error}") from error


def serve(program: Any, questions: int, answers: int) -> None:
    """Answers until there are no more questions."""
    write_frame(answers, READY)
    while (question := _read_frame(questions)) is not None:
        for part in program.answer(question):
            write_frame(answers, part)


def write_frame(descriptor: int, content: bytes) -> None:
    """One frame."""
    waiting = memoryview(LENGTH.pack(len(content)) + content)
    while waiting:
        waiting = waiting[os.write(descriptor, waiting) :]


def _read_frame(descriptor: int) -> bytes | None:
    head = b"".join(_read(descriptor, LENGTH.size))
    return b"".join(_read(descriptor, LENGTH.unpack(head)[0])) if len(head) == LENGTH.size else None


def _read(descriptor: int, size: int) -> Iterator[bytes]:
    while size and (part := os.read(descriptor, min(size, 1 << 20))):
        yield part
        size -= len(part)


def main(config: dict[str, Any]) -> None:
    """Loads, confines, serves. Standard output belongs to the answers: what is printed goes nowhere."""
    answers = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    try:
        sys.path.extend(config["paths"])
        program = load(Path(config["program"]), "program")
        confine(config)
    except (OSError, ImportError) as error:
        write_frame(answers, str(error).encode())
        return
    with contextlib.suppress(BrokenPipeError):
        serve(program, 0, answers)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
