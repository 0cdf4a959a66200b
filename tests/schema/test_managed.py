"""Who owns what after each write of the recorded sequences, as a Kubernetes 1.37 API server has it."""

from __future__ import annotations

import pytest

from tests.schema.ownership import NAMES, Playback, load


@pytest.mark.parametrize("name", NAMES)
def test_sequence_ends_as_on_the_api_server(name: str) -> None:
    case = load(name)
    playback = Playback(case.get("definition"))
    for number, step in enumerate(case["steps"], 1):
        got, expected = playback.play(step), step["expect"]
        if "error" in expected:
            assert got.get("error", "no error") in expected["error"], f"step {number}"
        else:
            assert got == expected, f"step {number}"
