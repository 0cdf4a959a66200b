"""One instance for all tests of this folder, which share a worker by their group."""

import os
from collections.abc import Iterator

import pytest

from tests.e2e.up.instance import Clone, Running


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An instance with the example platform, all of it Synced and Healthy once."""
    environment = {**os.environ, "CANARY_OF_THE_CALLER": "must not be seen"}
    instance = Running(tmp_path_factory.mktemp("up") / "data", environment=environment)
    try:
        instance.up()
        yield instance
    finally:
        instance.haori("down")


@pytest.fixture(scope="session")
def clone(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A developer's clone of what the instance serves."""
    return Clone.of(running, tmp_path_factory.mktemp("clone") / "platform")
