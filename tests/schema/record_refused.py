"""Records what a real API server says to the cases under cases/refused/ (see tests/schema/refusals.py).

    KUBECONFIG=... .venv/bin/python -m tests.schema.record_refused [FILE ...]

The kubeconfig's current context must hold a client certificate or a token, in the file itself.
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import os
import ssl
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.schema.refusals import CASES, Reply, Send, ask, cases_in


def main() -> None:
    asyncio.run(record(sender(Path(os.environ["KUBECONFIG"])), sys.argv[1:]))


async def record(send: Send, wanted: list[str]) -> None:
    version = (await send("GET", "/version", None)).body["gitVersion"]
    for path in sorted(CASES.glob("*.yaml")):
        if wanted and path.stem not in wanted:
            continue
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for case, found in zip(document["cases"].values(), list(cases_in(path)), strict=True):
            case["answer"] = await ask(send, found)
            if (case["answer"]["code"] < 400) is not found.id.partition("-")[2].startswith("allowed-"):
                print(f"{found.id}: answered {case['answer']['code']}")
        text = yaml.safe_dump({**document, "server": version}, sort_keys=False, width=120, allow_unicode=True)
        path.write_text(text, encoding="utf-8")


def sender(kubeconfig: Path) -> Send:
    """Requests to the server of the kubeconfig's current context."""
    document = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    context = named(document["contexts"], document["current-context"])["context"]
    cluster = named(document["clusters"], context["cluster"])["cluster"]
    user = named(document["users"], context["user"])["user"]
    tls = ssl.create_default_context(cadata=decoded(cluster["certificate-authority-data"]))
    tls.check_hostname = False
    if "client-certificate-data" in user:
        with tempfile.TemporaryDirectory() as folder:
            pair = Path(folder) / "pair.pem"
            pair.touch(mode=0o600)
            pair.write_text(decoded(user["client-certificate-data"]) + decoded(user["client-key-data"]))
            tls.load_cert_chain(pair)
    return over_http(cluster["server"], tls, user.get("token", ""))


def over_http(server: str, tls: ssl.SSLContext, token: str) -> Send:
    """Requests to that server, one at a time, each on its own connection."""

    async def send(method: str, path: str, body: Mapping[str, Any] | None) -> Reply:
        return await asyncio.to_thread(exchange, method, path, body)

    def exchange(method: str, path: str, body: Mapping[str, Any] | None) -> Reply:
        host = urlsplit(server)
        connection = http.client.HTTPSConnection(host.hostname or "", host.port or 443, context=tls, timeout=30)
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {"Content-Type": kind, "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            warnings = tuple(warning_text(value) for value in answer.headers.get_all("Warning") or ())
            return Reply(code=answer.status, body=json.loads(answer.read() or b"{}"), warnings=warnings)
        finally:
            connection.close()

    return send


def warning_text(header: str) -> str:
    """The text of a `Warning` header: `299 - "text"`."""
    return header.partition('"')[2].rpartition('"')[0].replace('\\"', '"')


def named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


def decoded(data: str) -> str:
    return base64.b64decode(data).decode()


if __name__ == "__main__":
    main()
