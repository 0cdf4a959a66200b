"""What was recorded of a real API server's refusals is still what one says."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from tests.controlplane.conftest import TOKEN, ControlPlane
from tests.schema.record_refused import over_http
from tests.schema.refusals import Refusal, Send, ask, refusals, same

_ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"


@pytest.fixture(scope="module")
def send(control_plane: ControlPlane) -> Send:
    """Requests to the control plane, once Pods can be created in it."""
    tls = ssl.create_default_context(cafile=str(control_plane.folder / "ca.crt"))
    asked = over_http(control_plane.url, tls, TOKEN)
    asyncio.run(_wait_for_account(asked))
    return asked


async def _wait_for_account(send: Send) -> None:
    # A controller makes the account; the requests themselves pace the asking.
    async with asyncio.timeout(60):
        while (await send("GET", _ACCOUNT, None)).code != 200:
            pass


@pytest.mark.controlplane
@pytest.mark.parametrize("case", refusals(), ids=lambda case: case.id)
async def test_the_server_still_answers_as_recorded(send: Send, case: Refusal) -> None:
    assert same(case.answer, await ask(send, case))
