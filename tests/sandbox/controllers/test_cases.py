"""The cases of `cases`, with our controllers on our API."""

from __future__ import annotations

import pytest

from tests.sandbox.controllers.bench import Bench
from tests.sandbox.controllers.cases import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_case(bench: Bench, case: Case) -> None:
    await case(bench)
