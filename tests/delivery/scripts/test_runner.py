"""Health scripts in the real jail: what they say, what they may use, and that none of them harms the others."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Sequence

import orjson
import pytest

from haori.delivery.health import Health
from haori.delivery.health.types import HEALTHY
from haori.delivery.model import HealthScript
from haori.delivery.scripts import DEFERRED, Deferred, Lane, ScriptLimits, ScriptRunner, Trial
from haori.resources.argo import HealthStatus
from haori.words import Language

SOUND = "hs = {} hs.status = 'Healthy' return hs"
OBJECT = {
    "apiVersion": "shop.example.com/v1",
    "kind": "Widget",
    "metadata": {"name": "w", "namespace": "shop", "annotations": {"note": "ぬの"}},
    "spec": {"sizes": [1, 2, 3], "ratio": 1.5, "huge": 2**64 + 1, "none": None},
    "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False", "message": "cutting"}]},
}


@pytest.fixture
async def runner() -> AsyncIterator[ScriptRunner]:
    # The processor time that loops may take is short, so that the tests are; the kill stands far behind it.
    runner = ScriptRunner(ScriptLimits(seconds=0.2, kill_seconds=30.0))
    yield runner
    await runner.aclose()


def trial(text: str, *, libraries: bool = False) -> Trial:
    return Trial(script=HealthScript(text=text, has_libraries=libraries), body=orjson.dumps(_plain(OBJECT)))


async def all_of(runner: ScriptRunner, trials: Sequence[Trial]) -> list[Health | None]:
    """As the slow lane judges them, which defers none."""
    found = await runner.judge(trials, Lane.SLOW)
    assert DEFERRED not in found
    return [each for each in found if not isinstance(each, Deferred)]


def _plain(value: object) -> object:
    """orjson writes no integer beyond 64 bits; clusters hold none, but what they hold is not ours to say."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return float(value) if isinstance(value, int) and value > 2**63 else value


async def judged(runner: ScriptRunner, text: str, *, libraries: bool = False) -> tuple[str, str]:
    """(status, code of the sentence); "None" where the script gave none."""
    found = (await all_of(runner, [trial(text, libraries=libraries)]))[0]
    if found is None:
        return "None", ""
    if found.sentence is not None:
        assert "{" not in found.sentence.text(Language.ENGLISH)
        assert found.sentence.text(Language.JAPANESE) != found.message
    return found.status.value, found.sentence.code if found.sentence is not None else ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(SOUND, ("Healthy", ""), id="global-table"),
        pytest.param("return {status='Degraded', message='m'}", ("Degraded", "health-script-says"), id="with-message"),
        pytest.param("return {status='Missing'}", ("Missing", "health-script-says-nothing"), id="without-message"),
        pytest.param("return nil", ("None", ""), id="nil"),
        pytest.param("", ("None", ""), id="nothing-returned"),
        pytest.param("return {status='Fine'}", ("Unknown", "health-script-odd-word"), id="unknown-word"),
        pytest.param("return {}", ("Unknown", "health-script-odd-word"), id="no-status"),
        pytest.param("return 'Healthy'", ("Unknown", "health-script-failed"), id="no-table"),
        pytest.param("return {status='Healthy', message={}}", ("Unknown", "health-script-failed"), id="odd-message"),
        pytest.param("if then", ("Unknown", "health-script-failed"), id="syntax"),
        pytest.param("return obj.nothing.there", ("Unknown", "health-script-failed"), id="run-time"),
        pytest.param("goto done do return 1 end ::done:: return {status='Healthy'}", ("Healthy", ""), id="goto"),
    ],
)
async def test_what_a_script_returns(runner: ScriptRunner, text: str, expected: tuple[str, str]) -> None:
    assert await judged(runner, text) == expected


async def test_a_script_sees_the_whole_object(runner: ScriptRunner) -> None:
    text = """
local parts = {obj.kind, obj.metadata.annotations.note, #obj.spec.sizes, obj.spec.sizes[3], obj.spec.ratio}
for _, condition in ipairs(obj.status.conditions) do table.insert(parts, condition.message) end
table.insert(parts, tostring(obj.spec.none))
return {status = "Progressing", message = table.concat(parts, " ")}
"""
    found = (await all_of(runner, [trial(text)]))[0]
    assert found is not None
    assert found.message == "its health script says: Widget ぬの 3 3 1.5 cutting nil"


async def test_a_failing_script_is_told_with_its_line(runner: ScriptRunner) -> None:
    found = (await all_of(runner, [trial("local a = 1\nreturn obj.nothing.there")]))[0]
    assert found is not None
    assert "script:2: attempt to index field 'nothing' (a nil value)" in found.message


@pytest.mark.parametrize(
    ("name", "reduced", "opened"),
    [
        ("string", "nil", "table"),
        ("math", "nil", "table"),
        ("coroutine", "nil", "table"),
        ("table", "table", "table"),
        ("os.time", "function", "function"),
        ("os.clock", "nil", "function"),
        ("os.execute", "nil", "nil"),
        ("os.getenv", "nil", "nil"),
        ("io", "nil", "nil"),
        ("package", "nil", "nil"),
        ("python", "nil", "nil"),
        ("jit", "nil", "nil"),
        ("dofile", "nil", "nil"),
        ("loadfile", "nil", "nil"),
        ("newproxy", "nil", "nil"),
        ("debug and debug.sethook", "nil", "nil"),
        ("string and string.dump", "nil", "nil"),
    ],
)
async def test_libraries(runner: ScriptRunner, name: str, reduced: str, opened: str) -> None:
    text = f"return {{status = 'Progressing', message = type({name})}}"
    found = await all_of(runner, [trial(text), trial(text, libraries=True)])
    told = [each.sentence.parameters["message"] for each in found if each is not None and each.sentence is not None]
    assert told == [reduced, opened]


async def test_require_gives_only_what_is_given_anyway(runner: ScriptRunner) -> None:
    assert await judged(runner, "return {status = require('os').date('%Y') > '2000' and 'Healthy'}") == ("Healthy", "")
    for module in ("io", "ffi", "string"):
        assert await judged(runner, f"return require('{module}')") == ("Unknown", "health-script-failed")


async def test_one_script_leaves_nothing_to_the_next(runner: ScriptRunner) -> None:
    first = (
        "count = (count or 0) + 1 string.upper = nil obj.spec = nil return {status='Healthy', message=tostring(count)}"
    )
    second = "return {status='Healthy', message=tostring(count) .. type(string.upper) .. type(obj.spec)}"
    found = (await all_of(runner, [trial(first, libraries=True), trial(second, libraries=True)]))[1]
    assert found is not None
    assert found.message == "its health script says: nilfunctiontable"


HOSTILE = [
    pytest.param("while true do end", "health-script-too-slow", id="endless-loop"),
    pytest.param("while true do pcall(function() while true do end end) end", "health-script-too-slow", id="caught-loop"),
    pytest.param("repeat local ok = pcall(error) until false", "health-script-too-slow", id="loop-of-errors"),
    pytest.param("pcall(function() while true do end end) return {status='Healthy'}", "health-script-too-slow", id="late"),
    pytest.param("local function f() return f() end return f()", "health-script-too-slow", id="tail-calls"),
    pytest.param("coroutine.wrap(function() while true do end end)()", "health-script-too-slow", id="coroutine"),
    pytest.param("table.sort({3, 1, 2}, function() while true do end end)", "health-script-too-slow", id="callback"),
    pytest.param("local function f() return 1 + f() end return f()", "health-script-failed", id="deep-recursion"),
    pytest.param("local t = {} while true do t[#t + 1] = {} end", "health-script-too-big", id="memory"),
    pytest.param("local s = 'x' while true do s = s .. s end", "health-script-too-big", id="long-text"),
    pytest.param("return {status='Healthy', message=string.rep('x', 1e9)}", "health-script-too-big", id="rep-bomb"),
    pytest.param("return io.open('/etc/passwd'):read('*a')", "health-script-failed", id="file"),
    pytest.param("return os.execute('id')", "health-script-failed", id="process"),
    pytest.param("return load('\\27LJ\\2\\10')()", "health-script-failed", id="compiled-code"),
    pytest.param("error(setmetatable({}, {__tostring = function() while true do end end}))", "health-script-failed", id="error"),
    pytest.param("return {status=setmetatable({}, {__tostring=error})}", "health-script-odd-word", id="metatable"),
    pytest.param("return setmetatable({}, {__index=function() while true do end end})", "health-script-odd-word", id="index"),
    pytest.param("return {status='Healthy', message='\\255'}", "health-script-failed", id="no-text"),
    pytest.param("getmetatable('').__index = error _G.error = 1 error()", "health-script-failed", id="own-globals"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code"), HOSTILE)
async def test_a_hostile_script_is_unknown_and_the_others_go_on(runner: ScriptRunner, text: str, code: str) -> None:
    others = trial(SOUND)
    found = await all_of(runner, [others, trial(text, libraries=True), others, others])
    hostile = found.pop(1)
    assert [each.status for each in found if each is not None] == [HealthStatus.HEALTHY] * 3
    assert hostile is not None
    assert hostile.status is HealthStatus.UNKNOWN
    assert hostile.sentence is not None
    assert hostile.sentence.code == code


async def test_what_a_script_says_is_cut(runner: ScriptRunner) -> None:
    text = "return {status='Degraded', message=string.rep('ぬ', 100000)}"
    found = (await all_of(runner, [trial(text, libraries=True)]))[0]
    assert found is not None
    assert found.sentence is not None
    assert 0 < len(found.sentence.parameters["message"]) <= 2000


async def test_a_call_that_meets_no_limit_is_killed() -> None:
    """A hostile pattern runs inside one call of the C library, where no hook is called."""
    runner = ScriptRunner(ScriptLimits(seconds=0.1, kill_seconds=1.0))
    pattern = "return {status = string.rep('a', 40):find(string.rep('a?', 40) .. string.rep('a', 40))}"
    try:
        found = await all_of(runner, [trial(SOUND), trial(pattern, libraries=True), trial(SOUND)])
        assert [each.status.value for each in found if each is not None] == ["Healthy", "Unknown", "Healthy"]
        assert runner.statistics()["kills"] == 1
    finally:
        await runner.aclose()


async def test_a_suspect_is_left_to_the_slow_lane_and_the_others_of_the_batch_go_on(runner: ScriptRunner) -> None:
    loop, sound = trial("while true do end"), trial(SOUND)
    found = await runner.judge([loop, loop, sound, loop, sound], Lane.QUICK)
    assert [each for each in found if each is DEFERRED] == [DEFERRED] * 2
    assert (found[2], found[4]) == (HEALTHY, HEALTHY)
    assert (found[1], found[3]) == (DEFERRED, DEFERRED)
    assert runner.is_suspect(loop.script)
    assert not runner.is_suspect(sound.script)
    assert runner.statistics()["limits"] == 1


async def test_a_suspect_may_show_in_the_slow_lane_that_other_objects_are_fine(runner: ScriptRunner) -> None:
    text = "if obj.metadata.name == 'w' then while true do end end return {status='Healthy'}"
    fine = Trial(script=trial(text).script, body=orjson.dumps({"metadata": {"name": "other"}}))
    assert await runner.judge([trial(text)], Lane.QUICK) != [HEALTHY]
    assert await runner.judge([fine], Lane.QUICK) == [DEFERRED]
    assert await runner.judge([fine], Lane.SLOW) == [HEALTHY]


async def test_nobody_is_suspect_for_ever() -> None:
    runner = ScriptRunner(ScriptLimits(seconds=0.1, kill_seconds=30.0, suspect_seconds=0.0))
    loop = trial("while true do end")
    await runner.judge([loop], Lane.QUICK)
    assert not runner.is_suspect(loop.script)
    await runner.aclose()


async def test_nothing_starts_before_the_first_object(runner: ScriptRunner) -> None:
    assert await all_of(runner, []) == []
    assert runner.statistics()["starts"] == 0
    await all_of(runner, [trial(SOUND)])
    await all_of(runner, [trial(SOUND)] * 50)
    assert (runner.statistics()["starts"], runner.statistics()["runs"]) == (1, 51)


def test_the_engine_never_loads_lua() -> None:
    probe = (
        "import sys, haori.delivery.controller.engine; sys.exit(any(name.startswith('lupa') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0
