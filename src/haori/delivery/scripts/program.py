"""Runs health scripts, inside a `jail.Worker`: the only place where Lua runs, and it is never imported by the engine.

Lua 5.1 with goto is LuaJIT's language, so that is what runs, with its compiler off: the hook that ends an endless loop
is not called in compiled code. Every script has a Lua state of its own, with the libraries that Argo CD gives it, a limit on
memory kept by Lua's allocator and one on time kept by the hook. A single call into the C library (a hostile pattern) meets
neither; the worker's owner kills it then. After any limit this process says so and ends, since its memory is not what it was.

A question is JSON: {"scripts": {ID: {"text", "open"}}, "items": [[ID, object], …], "seconds", "memory"}. The answers are
JSON, one an item: {"status", "message"}, {"nothing": true} (the script gave nil), {"error": text}, {"limit":
"time" | "memory"}. see: argoproj/argo-cd `util/lua/lua.go`, `oslib_safe.go`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from lupa.luajit21 import LuaError, LuaMemoryError, LuaRuntime

_LONGEST_TEXT = 2000

# The first part of the chunk takes what it needs into locals, then takes away from the script what Argo CD does not give
# it. The second runs it. Nothing that the script made is called afterwards: no metamethod, no __tostring.
_GUARD = """
local source, seconds, is_open, longest = ...
jit.off()
local clock, sethook, sub = os.clock, debug.sethook, string.sub
local pcall, error, type, rawget, load, ipairs, pairs = pcall, error, type, rawget, load, ipairs, pairs
local collect, globals = collectgarbage, _G

local function pick(library, names)
  local kept = {}
  for _, name in ipairs(names) do kept[name] = library[name] end
  return kept
end

local libraries = {
  table = pick(table, {"concat", "insert", "maxn", "remove", "sort"}),
  os = pick(os, {"time", "date"}),
}
if is_open then
  libraries.os = pick(os, {"time", "date", "clock", "difftime"})
  libraries.string = string
  libraries.math = math
  libraries.coroutine = coroutine
  libraries.bit = bit
  libraries.debug = pick(debug, {"traceback"})
  string.dump = nil
else
  debug.setmetatable("", nil)
end

local kept = pick(globals, {
  "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget", "rawset", "select",
  "setmetatable", "tonumber", "tostring", "type", "unpack", "xpcall", "_VERSION", "obj",
})
for name in pairs(globals) do globals[name] = nil end
for name, value in pairs(kept) do globals[name] = value end
for name, library in pairs(libraries) do globals[name] = library end
globals._G = globals
globals.print = function() end
globals.collectgarbage = function() return collect("count") end
-- Text only: the virtual machine trusts compiled code, whatever it does.
globals.load = function(text, name) return load(type(text) == "string" and text or "", name, "t") end
globals.loadstring = globals.load
globals.require = function(name)
  local library = type(name) == "string" and rawget(libraries, name)
  if not library then error("there is no such module", 2) end
  return library
end

local function cut(text)
  if #text <= longest then return text end
  text = sub(text, 1, longest)
  while #text > 0 and sub(text, -1) >= "\\128" and sub(text, -1) < "\\192" do text = sub(text, 1, -2) end
  if sub(text, -1) >= "\\192" then text = sub(text, 1, -2) end
  return text
end

local function told(value)
  if type(value) == "string" then return cut(value) end
  return "a value of type " .. type(value)
end

local chunk, problem = load(source, "=script", "t")
if not chunk then return "error", told(problem) end
local deadline, is_late = clock() + seconds, false
local function tick()
  if clock() > deadline then
    is_late = true
    sethook(tick, "", 1)
    error("late", 0)
  end
end
sethook(tick, "", 1000)
local is_fine, result = pcall(chunk)
sethook()
if is_late then return "limit" end
if result == "not enough memory" then return "memory" end
if not is_fine then return "error", told(result) end
if result == nil then return "nothing" end
if type(result) ~= "table" then return "error", "it returned a value of type " .. type(result) .. ", not a table" end
local status, message = rawget(result, "status"), rawget(result, "message")
if message ~= nil and type(message) ~= "string" then return "error", "its message is " .. told(message) end
return "health", type(status) == "string" and cut(status) or "", cut(message or "")
"""


def answer(question: bytes) -> Iterator[bytes]:
    """One answer an item; ends the process after an item that met a limit."""
    asked = json.loads(question)
    for script_id, manifest in asked["items"]:
        script = asked["scripts"][script_id]
        found = judge(script["text"], script["open"], manifest, seconds=asked["seconds"], memory=asked["memory"])
        yield json.dumps(found).encode()
        if "limit" in found:
            os._exit(0)


def judge(text: str, is_open: bool, manifest: Any, *, seconds: float, memory: int) -> dict[str, Any]:
    """What a script says of an object."""
    lua = LuaRuntime(
        register_eval=False,
        register_builtins=False,
        unpack_returned_tuples=True,
        max_memory=memory,
        attribute_filter=_refuse,
    )
    try:
        lua.globals()["obj"] = _table(lua, manifest)
        said = lua.execute(_GUARD, text, seconds, is_open, _LONGEST_TEXT)
    except (LuaMemoryError, MemoryError):
        return {"limit": "memory"}
    except LuaError as error:
        # Whatever passes the script's own pcall is the hook, which fires once more on the way out.
        return {"limit": "time"} if str(error).startswith("late") else {"error": str(error)[:_LONGEST_TEXT]}
    except UnicodeDecodeError:
        return {"error": "what it says is not UTF-8"}
    except RecursionError:
        return {"error": "the object is nested too deeply"}
    what, *rest = said if isinstance(said, tuple) else (said,)
    match what:
        case "health":
            return {"status": rest[0], "message": rest[1]}
        case "nothing":
            return {"nothing": True}
        case "limit":
            return {"limit": "time"}
        case "memory":
            return {"limit": "memory"}
    return {"error": rest[0]}


def _table(lua: LuaRuntime, manifest: Any) -> Any:
    try:
        return lua.table_from(manifest, recursive=True)
    except OverflowError:  # An integer beyond 64 bits: Lua's numbers are floats anyway.
        return lua.table_from(json.loads(json.dumps(manifest), parse_int=float), recursive=True)


def _refuse(of: object, name: object, is_setting: bool) -> str:
    raise AttributeError("no Python here")
