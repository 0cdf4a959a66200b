"""What `operationState.message` says, as a sentence.

The message is Argo CD's own field and words, in English, and is all that a restart leaves of an operation's end; so that
people read it in their language it is taken apart again. What we did not write, or not so, stays the text it is. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from haori.words import Language, Sentence

_FORMS: Sequence[tuple[str, re.Pattern[str]]] = tuple(
    (code, re.compile(form, re.DOTALL))
    for code, form in (
        ("operation-retrying", r"(?P<message>.*)\. Retrying attempt #(?P<count>\d+) at (?P<time>\S+)\."),
        ("operation-not-applied", r"one or more objects failed to apply, reason: (?P<reason>.*)"),
        ("operation-incomplete", r"one or more synchronization tasks completed unsuccessfully"),
        ("operation-incomplete-because", r"one or more .* completed unsuccessfully, reason: (?P<reason>.*)"),
        ("operation-not-valid", r"one or more synchronization tasks are not valid: (?P<reason>.*)"),
        ("operation-shared", r"Shared resource found: (?P<reason>.*)"),
        ("operation-superseded", r"superseded: .*"),
        ("operation-awaits-approval", r"Waiting for pruning confirmation of (?P<what>.*)"),
        ("operation-pauses", r"waiting (?P<seconds>[\d.e+]+) s before the next wave"),
        ("operation-terminated", r"Operation terminated"),
    )
)


def read_message(message: str) -> Sentence | str:
    """The sentence whose English is exactly `message`, else the message."""
    for code, form in _FORMS:
        if (match := form.fullmatch(message)) is None:
            continue
        parts = match.groupdict()
        inner = {name: read_message(text) if name == "message" else text for name, text in parts.items()}
        sentence = Sentence(code=code, parameters=inner)
        if sentence.text(Language.ENGLISH) == message:
            return sentence
    return message
