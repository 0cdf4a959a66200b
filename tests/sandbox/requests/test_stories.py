"""What a real API server answered, the sandbox answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sandbox.requests.stories import Story, held, stories, told
from tests.sandbox.requests.wires import sandbox

STORIES = stories()


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
async def test_the_sandbox_answers_as_the_real_server(story: Story, tmp_path: Path):
    async with sandbox(tmp_path) as wire:
        answers = await told(story, wire)
    apart = {step["ask"] for step in story.steps if "differs" in step}
    for step, (request, recorded, found) in zip(story.steps, held(story, answers), strict=True):
        if "differs" in step:
            assert found != recorded, f"{request}: no longer differs"
        else:
            assert found == recorded, request
    assert len(apart) < len(story.steps)


def test_there_are_many_requests():
    """Beside those that are known to differ."""
    assert sum("differs" not in step for story in STORIES for step in story.steps) >= 200


def test_what_differs_is_little_and_says_why():
    apart = [step["differs"] for story in STORIES for step in story.steps if "differs" in step]
    assert len(apart) <= 10
    assert all(len(why) > 20 for why in apart)
