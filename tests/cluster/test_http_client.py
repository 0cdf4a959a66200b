from __future__ import annotations

import stat
from pathlib import Path

import pytest

from haori.cluster import (
    AlreadyExistsError,
    ApiError,
    ConflictError,
    EventType,
    ForbiddenError,
    GoneError,
    HttpClient,
    InvalidError,
    NotFoundError,
    PatchType,
    Propagation,
    TooManyRequestsError,
    UnreachableError,
    connect_to,
)
from haori.cluster.kubeconfig import ExecPlugin
from haori.cluster.well_known import CONFIG_MAPS, DEPLOYMENTS, PODS
from tests.cluster.conftest import FakeApi, broken, json, lines, status

POD = {"metadata": {"name": "a", "namespace": "n", "resourceVersion": "7"}}


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [
        (404, "NotFound", NotFoundError),
        (409, "AlreadyExists", AlreadyExistsError),
        (409, "Conflict", ConflictError),
        (410, "Expired", GoneError),
        (401, "Unauthorized", ForbiddenError),
        (403, "Forbidden", ForbiddenError),
        (422, "Invalid", InvalidError),
        (405, "MethodNotAllowed", ApiError),
        (503, "ServiceUnavailable", UnreachableError),
    ],
)
async def test_status_becomes_the_error_of_its_kind(
    fake: FakeApi, client: HttpClient, code: int, reason: str, expected: type[Exception]
):
    fake.script = [status(code, reason, "because")]
    with pytest.raises(expected, match="because") as caught:
        await client.get(PODS, "a", "n")
    assert type(caught.value) is expected


async def test_asks_again_after_the_pause_that_429_asks_for(fake: FakeApi, client: HttpClient):
    fake.script = [status(429, "TooManyRequests", Retry_After="0"), json(POD)]
    assert (await client.create(PODS, POD))["metadata"]["name"] == "a"
    assert len(fake.requests) == 2
    assert client.statistics()["flow"]["throttled"] == 1


async def test_gives_up_where_429_asks_to_wait_past_the_deadline(fake: FakeApi, client: HttpClient):
    fake.script = [status(429, "TooManyRequests", Retry_After="50")]
    with pytest.raises(TooManyRequestsError):
        await client.get(PODS, "a", "n")


async def test_reads_again_after_a_broken_connection_but_does_not_write_twice(fake: FakeApi, client: HttpClient):
    fake.script = [broken(), json(POD)]
    assert await client.get(PODS, "a", "n")
    fake.requests.clear()
    fake.script = [broken(), json(POD)]
    with pytest.raises(UnreachableError):
        await client.create(PODS, POD)
    assert len(fake.requests) == 1


async def test_lists_in_pages_and_fills_in_the_type(fake: FakeApi, client: HttpClient):
    fake.script = [
        json({"metadata": {"continue": "c/1+"}, "items": [{"metadata": {"name": "a"}}]}),
        json({"metadata": {"resourceVersion": "9"}, "items": [{"metadata": {"name": "b"}}]}),
    ]
    listed = await client.list(DEPLOYMENTS, "n", label_selector="a in (b,c)")
    assert [item["metadata"]["name"] for item in listed.items] == ["a", "b"]
    assert {(item["apiVersion"], item["kind"]) for item in listed.items} == {("apps/v1", "Deployment")}
    assert listed.resource_version == "9"
    assert fake.requests[1].query["continue"] == "c/1+"
    assert fake.requests[1].query["labelSelector"] == "a in (b,c)"


async def test_starts_the_list_anew_when_a_page_expired(fake: FakeApi, client: HttpClient):
    fake.script = [
        json({"metadata": {"continue": "c"}, "items": [{"metadata": {"name": "a"}}]}),
        status(410, "Expired"),
        json({"metadata": {"resourceVersion": "9"}, "items": [{"metadata": {"name": "b"}}]}),
    ]
    listed = await client.list(PODS)
    assert [item["metadata"]["name"] for item in listed.items] == ["b"]
    assert "limit" not in fake.requests[2].query


async def test_watch_reads_events_however_they_are_cut(fake: FakeApi, client: HttpClient):
    fake.script = [
        lines(
            b'{"type":"ADDED","object":{"metadata":{"name":"a","res',
            b'ourceVersion":"1"}}}\n{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"5"}}}\n',
            b'{"type":"DELETED","object":{"metadata":{"name":"a","resourceVersion":"6"}}}\n',
        )
    ]
    events = [event async for event in client.watch(PODS, "n", resource_version="0")]
    assert [event.type for event in events] == [EventType.ADDED, EventType.BOOKMARK, EventType.DELETED]
    assert [event.resource_version for event in events] == ["1", "5", "6"]
    assert events[0].object["kind"] == "Pod"
    assert fake.requests[0].query["allowWatchBookmarks"] == "true"


async def test_watch_raises_gone_for_an_error_event(fake: FakeApi, client: HttpClient):
    fake.script = [lines(b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}\n')]
    with pytest.raises(GoneError):
        [event async for event in client.watch(PODS, resource_version="1")]


async def test_writes_carry_their_options(fake: FakeApi, client: HttpClient):
    fake.script = [json(POD)]
    await client.apply(PODS, POD, field_manager="me", force=True, dry_run=True)
    await client.patch(PODS, "a", "n", {"spec": {}}, patch_type=PatchType.MERGE, subresource="status")
    await client.delete(PODS, "a", "n", propagation=Propagation.ORPHAN, uid="u")
    applied, patched, deleted = fake.requests
    assert dict(applied.query) == {"fieldManager": "me", "dryRun": "All", "force": "true"}
    assert applied.headers["Content-Type"] == "application/apply-patch+yaml"
    assert patched.path == "/api/v1/namespaces/n/pods/a/status"
    assert deleted.method == "DELETE"
    assert b'"propagationPolicy":"Orphan","preconditions":{"uid":"u"}' in fake.bodies[2]


async def test_names_cannot_leave_their_place_in_the_path(fake: FakeApi, client: HttpClient):
    fake.script = [json(POD)]
    await client.get(CONFIG_MAPS, "../secrets/x?y", "n")
    assert fake.requests[0].raw_path == "/api/v1/namespaces/n/configmaps/..%2Fsecrets%2Fx%3Fy"


async def test_discovers_by_groups_where_the_server_is_old(fake: FakeApi, client: HttpClient):
    async def handle(request):
        documents = {
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/apis": {
                "kind": "APIGroupList",
                "groups": [
                    {
                        "name": "x.io",
                        "versions": [{"groupVersion": "x.io/v1beta1"}, {"groupVersion": "x.io/v1"}],
                        "preferredVersion": {"groupVersion": "x.io/v1"},
                    }
                ],
            },
            "/api/v1": {
                "groupVersion": "v1",
                "resources": [
                    {"name": "pods", "kind": "Pod", "namespaced": True, "shortNames": ["po"], "verbs": ["get"]},
                    {"name": "pods/log", "kind": "Pod", "namespaced": True, "verbs": ["get"]},
                ],
            },
            "/apis/x.io/v1": {"groupVersion": "x.io/v1", "resources": [{"name": "cars", "kind": "Car"}]},
        }
        found = documents.get(request.path)
        return await (json(found) if found else status(503, "ServiceUnavailable"))(request)

    fake.script = [handle]
    discovery = await client.discover()
    pods = discovery.named("po")
    assert pods is not None
    assert pods.subresources == {"log"}
    assert discovery.named("cars.x.io") is not None
    assert discovery.failed_groups == ("x.io/v1beta1",)


async def test_token_file_is_read_again_after_401(fake: FakeApi, tmp_path: Path):
    token = tmp_path / "token"
    token.write_text("old")

    async def handle(request):
        if request.headers["Authorization"] == "Bearer new":
            return await json(POD)(request)
        token.write_text("new")
        return await status(401, "Unauthorized")(request)

    fake.script = [handle]
    async with connect_to(fake.settings(token_file=token)) as client:
        assert await client.get(PODS, "a", "n")
    assert len(fake.requests) == 2


async def test_exec_plugin_is_run_once_while_its_answer_is_good(fake: FakeApi, tmp_path: Path):
    plugin = tmp_path / "plugin"
    plugin.write_text(
        "#!/bin/sh\necho x >> " + str(tmp_path / "runs") + "\n"
        'echo \'{"status":{"token":"\'$WHO\'","expirationTimestamp":"2999-01-01T00:00:00Z"}}\'\n'
    )
    plugin.chmod(stat.S_IRWXU)
    exec_plugin = ExecPlugin(command=str(plugin), arguments=(), environment={"WHO": "me"}, api_version="v1")
    fake.script = [json(POD)]
    async with connect_to(fake.settings(exec_plugin=exec_plugin)) as client:
        await client.get(PODS, "a", "n")
        await client.get(PODS, "a", "n")
    assert [request.headers["Authorization"] for request in fake.requests] == ["Bearer me", "Bearer me"]
    assert (tmp_path / "runs").read_text() == "x\n"


async def test_impersonation_is_sent_with_every_request(fake: FakeApi):
    fake.script = [json(POD)]
    async with connect_to(
        fake.settings(impersonate={"Impersonate-User": ["jane"], "Impersonate-Group": ["a", "b"]})
    ) as client:
        await client.get(PODS, "a", "n")
    assert fake.requests[0].headers["Impersonate-User"] == "jane"
    assert fake.requests[0].headers.getall("Impersonate-Group") == ["a", "b"]


async def test_follows_logs_in_chunks(fake: FakeApi, client: HttpClient):
    fake.script = [lines(b"one\n", b"two\n")]
    text = b"".join([chunk async for chunk in client.logs("a", "n", container="c", follow=True, tail_lines=5)])
    assert text == b"one\ntwo\n"
    assert dict(fake.requests[0].query) == {"follow": "true", "container": "c", "tailLines": "5"}


async def test_counts_requests_by_verb(fake: FakeApi, client: HttpClient):
    fake.script = [json(POD)]
    await client.get(PODS, "a", "n")
    count = client.statistics()["verbs"]["get"]
    assert (count["count"], count["errors"]) == (1, 0)
    assert count["bytes_received"] > 0


async def test_a_refusal_that_quotes_our_credentials_is_told_without_them(fake: FakeApi):
    async with connect_to(fake.settings(token="hush-1234"), timeout_seconds=5) as client:
        fake.script = [status(400, "BadRequest", "who sends Bearer hush-1234 is mad")]
        with pytest.raises(InvalidError) as raised:
            await client.get(PODS, "a", "n")
        fake.script = [lines(b'{"type":"ERROR","object":{"code":403,"message":"hush-1234"}}\n')]
        with pytest.raises(ForbiddenError) as watched:
            async for _ in client.watch(PODS):
                pass

    assert raised.value.message == "who sends Bearer ****** is mad"
    assert watched.value.message == "******"


async def test_other_settings_count_from_the_next_request_on(fake: FakeApi):
    fake.script = [json({})]
    async with connect_to(fake.settings(token="old")) as client:
        await client.get(PODS, "a", "n")
        client.use(fake.settings(username="ann", password="new"))
        await client.get(PODS, "a", "n")

    assert [request.headers["Authorization"].split()[0] for request in fake.requests] == ["Bearer", "Basic"]


async def test_a_fence_is_asked_before_a_write_goes_out_and_not_before_a_read(fake: FakeApi, client: HttpClient):
    fake.script = [json({})]

    def fence() -> None:
        raise TimeoutError("no more")

    client.fence = fence
    await client.get(PODS, "a", "n")
    with pytest.raises(UnreachableError):
        await client.create(PODS, {"metadata": {"name": "a", "namespace": "n"}})

    assert [request.method for request in fake.requests] == ["GET"]
