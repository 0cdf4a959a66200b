"""An operation's message is taken apart into sentences, and nothing of it is lost."""

from __future__ import annotations

import pytest

from haori.delivery.plan.messages import read_message
from haori.delivery.plan.next import INCOMPLETE, NOT_VALID
from haori.words import Language, Sentence


@pytest.mark.parametrize(
    ("message", "codes"),
    [
        pytest.param("Operation terminated", ["operation-terminated"], id="terminated"),
        pytest.param("superseded: Git asks for another revision", ["operation-superseded"], id="superseded"),
        pytest.param(INCOMPLETE, ["operation-incomplete"], id="incomplete"),
        pytest.param(f"{INCOMPLETE}, reason: a,b", ["operation-incomplete-because"], id="incomplete, why"),
        pytest.param(f"{NOT_VALID}: no such kind", ["operation-not-valid"], id="not valid"),
        pytest.param("one or more objects failed to apply, reason: x\ny", ["operation-not-applied"], id="not applied"),
        pytest.param("Shared resource found: x", ["operation-shared"], id="shared"),
        pytest.param("one or more objects failed to apply, reason: x. Retrying attempt #2 at 2026-11-24T05:00:00Z.",
                     ["operation-retrying", "operation-not-applied"], id="retrying"),
        pytest.param("x. Retrying attempt #2 at 2026-11-24T05:00:00Z.", ["operation-retrying"], id="retrying foreign"),
        pytest.param("Waiting for pruning confirmation of /ConfigMap/a and 1 more resources",
                     ["operation-awaits-approval"], id="awaits approval"),
        pytest.param("waiting 2 s before the next wave", ["operation-pauses"], id="pauses"),
        pytest.param("superseded: by another", [], id="almost"),
        pytest.param("written by another", [], id="foreign"),
        pytest.param("", [], id="empty"),
    ],
)  # fmt: skip
def test_a_message_is_its_sentence(message: str, codes: list[str]):
    found = read_message(message)
    said = found.text(Language.ENGLISH) if isinstance(found, Sentence) else found
    assert said == message
    seen = []
    while isinstance(found, Sentence):
        seen.append(found.code)
        found = found.parameters.get("message", "")
    assert seen == codes


def test_the_words_we_write_are_the_words_we_read():
    from haori.delivery.controller import operations

    assert isinstance(read_message(operations.SUPERSEDED), Sentence)
    assert isinstance(read_message(f"{operations.NOT_APPLIED}x"), Sentence)
