"""The sandbox refuses over HTTP what a real API server refused, with the same code and Status."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.api.support import Caller, running
from tests.schema.record_refused import warning_text
from tests.schema.refusals import Refusal, Reply, Send, ask, refusals, same

MERGE = {"content-type": "application/merge-patch+json"}


def over(caller: Caller) -> Send:
    async def send(method: str, path: str, body: Mapping[str, Any] | None) -> Reply:
        place, _, query = path.partition("?")
        asked = dict(pair.split("=") for pair in query.split("&")) if query else {}
        headers = MERGE if method == "PATCH" else {}
        answer = await caller.send(method, place, body, query=asked, headers=headers)
        listed = [value for name, value in answer.headers.items() if name.lower() == "warning"]
        return Reply(code=answer.status, body=answer.json, warnings=tuple(map(warning_text, listed)))

    return send


ON_LOOPBACK = frozenset({"endpointslice-address-loopback", "service-external-ip-loopback"})
"""Everything in the sandbox listens on loopback, so it must take what a real cluster refuses."""


@pytest.mark.parametrize("case", [case for case in refusals() if case.id not in ON_LOOPBACK], ids=lambda case: case.id)
async def test_the_sandbox_answers_as_the_real_server_did(tmp_path: Path, case: Refusal) -> None:
    async with running(tmp_path) as caller:
        assert same(case.answer, await ask(over(caller), case))
