"""Globs as projects and settings write them: `*` any text (slashes too), `?` one character, `[...]`, `{a,b}`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache


def glob_matches(pattern: str, text: str, *, separator: str = "") -> bool:
    """Whether `text` matches; with a `separator`, `*` stops at it and `**` does not."""
    return pattern == text or _compile(pattern, separator).match(text) is not None


def is_permitted(patterns: Iterable[str], text: str) -> bool:
    """Whether a pattern allows `text` and none that begins with `!` denies it; a deny alone allows nothing."""
    allowed = False
    for pattern in patterns:
        if pattern.startswith("!"):
            if glob_matches(pattern[1:], text):
                return False
        elif glob_matches(pattern, text):
            allowed = True
    return allowed


@lru_cache(maxsize=1024)
def _compile(pattern: str, separator: str) -> re.Pattern[str]:
    any_text, one = (f"[^{re.escape(separator)}]*", f"[^{re.escape(separator)}]") if separator else (".*", ".")
    out, index, braces = [], 0, 0
    while index < len(pattern):
        char = pattern[index]
        end = pattern.find("]", index + 2) if char == "[" else -1
        if pattern.startswith("**", index):
            out.append(".*")
            index += 1
        elif char == "*":
            out.append(any_text)
        elif char == "?":
            out.append(one)
        elif char == "[" and end > 0:
            body = pattern[index + 1 : end].replace("\\", "\\\\")
            out.append(f"[{'^' + body[1:] if body[0] in '!^' else body}]")
            index = end
        elif char == "{" and "}" in pattern[index:]:
            out.append("(?:")
            braces += 1
        elif char == "}" and braces:
            out.append(")")
            braces -= 1
        else:
            out.append("|" if char == "," and braces else re.escape(char))
        index += 1
    try:
        return re.compile("".join(out) + r"\Z", re.DOTALL)
    except re.error:
        return re.compile(re.escape(pattern) + r"\Z")
