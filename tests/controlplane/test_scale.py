"""What an application costs on a real control plane, in requests and renders, few of them and many.

The scenarios are those of `bench/deliver`, which prints how long they take; each waits until every application is as it
should be, so that it ends at all is half of the claim.
"""

from __future__ import annotations

import pytest
from bench.delivery.scenarios import Run, deliver

pytestmark = [pytest.mark.controlplane, pytest.mark.e2e]

FEW = 12
MOST_REQUESTS = 8
"""Four applies, two patches of the Application (ended, healthy), its Event, and one to spare."""


async def run(control_plane, client, folder, count) -> dict[str, Run]:
    return {run.name: run for run in await deliver(client, control_plane.kubeconfig, folder, count)}


@pytest.mark.timeout(300)
async def test_an_application_costs_what_it_must(control_plane, cluster, tmp_path):
    runs = await run(control_plane, cluster, tmp_path, FEW)

    assert runs["create"].used.per_object_requests <= MOST_REQUESTS * FEW
    assert runs["create"].used.renders == FEW
    assert runs["commit that touches all"].used.per_object_requests <= (MOST_REQUESTS - 1) * FEW
    assert runs["commit that touches one, that one told"].used.renders == 1
    assert runs["the same, all told"].used.renders == 1
    assert runs["refresh, nothing changed"].used.renders == 0
    assert runs["refresh, nothing changed"].used.per_object_requests == FEW
    assert runs["delete all, cascading"].used.requests["delete"] == 4 * FEW, "something was deleted twice"


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("count", [1000, 5000])
async def test_many_applications_cost_no_more_each(control_plane, cluster, tmp_path, count):
    runs = await run(control_plane, cluster, tmp_path, count)

    assert runs["create"].used.per_object_requests <= MOST_REQUESTS * count
    assert runs["the same, all told"].used.renders == 1
    assert runs["refresh, nothing changed"].used.renders == 0
    for each in runs.values():
        print(f"{count}: {each.name}: {each.seconds:.1f} s, peak {each.peak_mib:.0f} MiB, {each.used}")
