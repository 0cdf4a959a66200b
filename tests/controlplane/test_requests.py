"""What was recorded of a real API server's answers is still what one says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.controlplane.conftest import ControlPlane, find_assets
from tests.sandbox.requests.record import wire_of
from tests.sandbox.requests.stories import Story, held, stories, told
from tests.sandbox.requests.wires import ServerWire


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerWire]:
    """A server without controllers."""
    plane = ControlPlane(folder=tmp_path_factory.mktemp("api"), assets=find_assets())
    try:
        plane.start_api()
        yield wire_of(plane)
    finally:
        plane.stop()


@pytest.mark.controlplane
@pytest.mark.xdist_group("requests")
@pytest.mark.parametrize("story", stories(), ids=lambda story: story.name)
async def test_the_server_still_answers_as_recorded(wire: ServerWire, story: Story):
    for request, recorded, found in held(story, await told(story, wire)):
        assert found == recorded, request
