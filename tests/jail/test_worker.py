"""A worker answers questions, and can do nothing but that."""

import asyncio
from pathlib import Path

import pytest

from haori.jail import End, JailFailedError, Worker, WorkerLimits

PROGRAM = """
import os, socket, time

def answer(question):
    for word in question.decode().split():
        yield str(eval(word)).encode()

def tried(what):
    try:
        what()
        return "allowed"
    except OSError as error:
        return "refused"

def hang():
    while True:
        pass
"""


@pytest.fixture
async def worker(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    worker = Worker(program, limits=WorkerLimits(answer_seconds=20.0))
    yield worker
    await worker.aclose()


def answers(*texts: str) -> tuple[bytes, ...]:
    return tuple(text.encode() for text in texts)


async def test_each_question_gets_its_answers_from_one_process(worker):
    assert (await worker.ask(b"1+1 'a'*3", 2)).given == answers("2", "aaa")
    assert (await worker.ask(b"'b'", 1)).given == answers("b")
    assert worker.statistics() == {"starts": 1, "questions": 2, "kills": 0}


@pytest.mark.parametrize(
    "what",
    [
        "open('/etc/hostname')",
        "open('/dev/shm/x','w')",
        "os.listdir('/')",
        "socket.socket(socket.AF_INET,socket.SOCK_DGRAM).connect(('127.0.0.1',9))",
        "socket.socket(socket.AF_UNIX)",
        "os.fork()",
        "os.execv('/bin/true',['true'])",
        "os.kill(os.getppid(),0)",
        "os.unlink('/tmp/nothing')",
    ],
)
async def test_nothing_but_computing_is_allowed(worker, what):
    if "nothing" in what or "AF_UNIX" in what or "fork" in what or "open" in what or "listdir" in what:
        await skip_without_filter(worker)
    assert (await worker.ask(f"tried(lambda:{what})".encode(), 1)).given == answers("refused")


async def skip_without_filter(worker):
    if (await worker.ask(b"tried(lambda:os.listdir('/'))", 1)).given != answers("refused"):
        pytest.skip("this machine refuses the filter on system calls; the network is kept away by namespaces")


async def test_it_has_nothing_of_our_environment(worker, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    assert (await worker.ask(b"sorted({*os.environ}-{'LC_CTYPE'})", 1)).given == answers("['TZ']")


async def test_memory_has_a_limit(worker):
    assert (await worker.ask(b"len('x'*(1<<30))", 1)).end is End.ENDED


async def test_one_that_is_too_slow_is_killed_and_the_next_question_finds_another(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    worker = Worker(program, limits=WorkerLimits(answer_seconds=1.0))
    slow = await worker.ask(b"1 hang() 2", 3)
    assert (slow.given, slow.end) == (answers("1"), End.SLOW)
    assert (await worker.ask(b"3", 1)).given == answers("3")
    assert worker.statistics()["starts"] == 2
    await worker.aclose()


async def test_one_that_ends_says_how_far_it_came(worker):
    ended = await worker.ask(b"1 os._exit(0) 2", 3)
    assert (ended.given, ended.end) == (answers("1"), End.ENDED)
    assert (await worker.ask(b"4", 1)).given == answers("4")


async def test_a_question_that_is_given_up_leaves_no_answer_behind(worker):
    await worker.ask(b"0", 1)
    asking = asyncio.ensure_future(worker.ask(b"1 hang()", 2))
    await asyncio.sleep(0)  # It has put its question now.
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await worker.ask(b"5", 1)).given == answers("5")


async def test_a_package_that_is_not_there_is_said(tmp_path):
    worker = Worker(tmp_path / "program.py", packages=("no_such_package",))
    with pytest.raises(JailFailedError) as raised:
        await worker.ask(b"1", 1)
    assert raised.value.code == "jail-no-such-package"


async def test_a_program_that_cannot_be_loaded_is_said(tmp_path):
    worker = Worker(Path(tmp_path / "missing.py"))
    with pytest.raises(JailFailedError) as raised:
        await worker.ask(b"1", 1)
    assert raised.value.code == "jail-cannot-confine"
