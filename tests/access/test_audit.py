"""What is kept of a change, and what is not."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from haori.access import Identity, Outcome, mask_details
from haori.access.audit import describe_change
from haori.store import StoreSettings, Stream, open_store, run_embedded
from haori.store.binaries import find_binaries, wheel_folders
from haori.words import Language, text

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("details", "kept"),
    [
        pytest.param({"prune": True, "n": 3}, {"prune": True, "n": 3}, id="plain"),
        pytest.param({"password": "hush"}, {"password": "++++++++"}, id="by name"),
        pytest.param({"sshPrivateKey": "hush"}, {"sshPrivateKey": "++++++++"}, id="private key"),
        pytest.param({"config": {"bearerToken": "hush"}}, {"config": {"bearerToken": "++++++++"}}, id="inside"),
        pytest.param({"tokens": ["hush"]}, {"tokens": "++++++++"}, id="a list by its name"),
        pytest.param({"tokenExpires": 60}, {"tokenExpires": 60}, id="a number is no secret"),
        pytest.param({"r": "https://u:hush@h/x"}, {"r": "https://++++++++@h/x"}, id="user of a URL"),
        pytest.param({"r": "https://h/?a=1&token=hush&b=2"}, {"r": "https://h/?a=1&token=++++++++&b=2"}, id="query"),
        pytest.param({"a": b"hush"}, {"a": "(bytes)"}, id="no text"),
        pytest.param({"a": "x\ud800y"}, {"a": "x?y"}, id="half a pair"),
        pytest.param({"a": float("nan")}, {"a": "nan"}, id="no number of JSON"),
        pytest.param({"a": "x\x00y"}, {"a": "x\ufffdy"}, id="NUL"),
        pytest.param({"a": ["https://u:hush@h"]}, {"a": ["https://++++++++@h"]}, id="in a list"),
    ],
)
def test_details_are_masked(details, kept):
    assert mask_details(details) == kept


def test_data_of_a_secret_are_masked():
    manifest: Any = {"apiVersion": "v1", "kind": "Secret", "data": {"a": base64.b64encode(b"hush").decode()}}
    masked = json.dumps(mask_details({"manifest": manifest}))
    assert manifest["data"]["a"] not in masked
    assert '"kind": "Secret"' in masked


def test_what_is_long_or_deep_is_cut():
    deep: Any = {}
    for _ in range(100):
        deep = {"a": deep}
    kept = mask_details({"deep": deep, "long": "x" * 10_000, "many": list(range(1000))})
    assert len(json.dumps(kept)) < 2000


@pytest.mark.parametrize("outcome", list(Outcome))
async def test_a_change_is_kept_with_who_and_what(tmp_path, outcome):
    identity = Identity(subject="alice", issuer="token", token_id="t1")
    details = {"revision": "abc", "password": "hush"}
    binaries = find_binaries(folders=wheel_folders())
    async with run_embedded(tmp_path, binaries) as server, open_store(StoreSettings(url=server.url)) as store:
        change = describe_change(
            NOW, identity, "applications/sync", "Application argocd/web", outcome, details, project="shop"
        )
        (number,) = await store.events.append([change])
        (stored,) = await store.events.read(Stream.AUDIT, project="shop", who="alice")
    assert (stored.id, stored.event.at, stored.event.outcome) == (number, NOW, outcome)
    assert stored.event.parameters["token"] == "t1"
    assert stored.event.parameters["details"] == {"revision": "abc", "password": "++++++++"}
    sentence = text(stored.event.code, stored.event.parameters, Language.ENGLISH)
    assert "alice" in sentence
    assert "applications/sync on Application argocd/web" in sentence
