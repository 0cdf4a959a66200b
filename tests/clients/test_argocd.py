"""PyPI `argocd`: every method of each of its services, in its own environment."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.clients.conftest import Place, Source, post
from tests.clients.environments import interpreter
from tests.e2e.up.instance import Running

pytestmark = [pytest.mark.clients, pytest.mark.xdist_group("clients"), pytest.mark.timeout(400)]

CALL = """
import importlib, json, sys
module, service, method, arguments = json.load(sys.stdin)
found = getattr(importlib.import_module("argocd.services." + module), service)()
print(json.dumps(getattr(found, method)(**arguments)))
"""
METHODS = """
import importlib, inspect, json, pkgutil
import argocd.services
found = []
for module in pkgutil.iter_modules(argocd.services.__path__):
    for name, service in vars(importlib.import_module("argocd.services." + module.name)).items():
        if inspect.isclass(service) and name.endswith("Service"):
            found += [f"{module.name}.{each}" for each in vars(service) if not each.startswith("_")]
print(json.dumps(found))
"""
SERVICES = {
    "certificate": "CertificateService", "repository": "RepositoryService",
    "repository_creds": "RepositoryCredsService", "settings": "SettingsService", "version": "VersionService",
}  # fmt: skip
Call = Callable[..., Any]
HOST_KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


def run(code: str, given: str, **environment: str) -> Any:
    """What a script in the client's environment prints, as JSON."""
    done = subprocess.run(
        [str(interpreter("argocd")), "-c", code],
        input=given, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def call(place: Place) -> Call:
    """Calls a method of a service, by the token of a session as its manual says."""
    token = post(f"{place.url}/api/v1/session", {"username": "admin", "password": place.password})["token"]
    where = {"ARGOCD_API_BASE_URL": place.url, "ARGOCD_API_AUTH_TOKEN": token}

    def call(method: str, **arguments: Any) -> Any:
        module, _, name = method.partition(".")
        return run(CALL, json.dumps([module, SERVICES[module], name, arguments]), **where)

    return call


def written(url: str) -> str:
    """A repository as most methods want it: they put no slash between the path and it, and encode nothing."""
    return f"/{quote(url, safe='')}"


def test_every_method_is_called_here():
    """Also none that a test only names: each is looked for in the text of a call."""
    assert set(run(METHODS, "")) == set(re.findall(r'call\(\s*"([a-z_]+\.[a-z_]+)"', Path(__file__).read_text()))


def test_settings_and_version(call: Call):
    settings = call("settings.get_server_settings")
    version = call("version.get_server_version")

    assert set(settings) >= {"url", "controllerNamespace", "plugins"}
    assert version["Version"]


def test_a_repository_s_life(call: Call, running: Running, source: Source):
    url = "https://git.example/shop/platform.git"
    made = call("repository.create", payload={"repo": url, "username": "ci", "password": "hidden", "type": "git"})
    again = call("repository.create", payload={"repo": url, "username": "cd"}, upsert=True)
    changed = call("repository.update", repo=quote(url, safe=""), payload={"repo": url, "username": "ce"})
    one = call("repository.get", repo=written(url), force_refresh=True)
    listed = call("repository.list", force_refresh=True)
    chosen = call("repository.list", repo=url)
    gone = call("repository.delete", repo=written(url))
    missing = call("repository.get", repo=written(url))

    assert (made["repo"], made["username"], again["username"]) == (url, "ci", "cd")
    assert "password" not in made
    assert (changed["username"], one["username"]) == ("ce", "ce")
    assert url in {each["repo"] for each in listed["items"]}
    assert [each["repo"] for each in chosen["items"]] == [url]
    assert one["connectionState"]["status"] == "Failed"
    assert gone == {}
    assert missing["code"] == 5


def test_what_a_repository_holds(call: Call, source: Source):
    """Of the one that the example's applications come from."""
    call("repository.create", payload={"repo": source.url}, upsert=True)
    folders = call("repository.list_apps", repo=quote(source.url, safe=""), revision="main")
    refs = call("repository.list_refs", repo=written(source.url))
    charts = call("repository.list_charts", repo=written(source.url))
    chart = call("repository.get_app", repo=written(source.url), payload={"source": {"path": "apps/wear-push/queue"}})
    checked = call("repository.validate_access", repo=written(source.url))
    refused = call("repository.validate_access", repo=written("https://git.example/shop/nowhere.git"))
    one = call("repository.get", repo=written(source.url))

    assert {"path": "apps/wear-push/queue", "type": "Helm"} in folders["items"]
    assert {"path": "apps/wear-api/coordinate-api/base", "type": "Kustomize"} in folders["items"]
    assert refs["branches"] == ["main"]
    assert charts["code"] != 0
    assert chart["type"] == "Helm"
    assert {"name": "port", "value": "9324"} in chart["helm"]["parameters"]
    assert checked == {}
    assert refused["code"] != 0
    assert one["connectionState"]["status"] == "Successful"


def test_templates_of_credentials_live(call: Call):
    url = "https://git.example/shop"
    made = call("repository_creds.create", payload={"url": url, "username": "ci", "password": "hidden"}, upsert=True)
    changed = call("repository_creds.update", creds=quote(url, safe=""), payload={"url": url, "username": "cd"})
    listed = call("repository_creds.list")
    again = call("repository_creds.list", repo=url)
    gone = call("repository_creds.delete", creds=quote(url, safe=""))
    left = call("repository_creds.list")

    assert (made["url"], made["username"], changed["username"]) == (url, "ci", "cd")
    assert "hidden" not in json.dumps([made, changed, listed])
    assert [each["url"] for each in listed["items"]] == [url]
    assert again == listed
    assert gone == {}
    assert left["items"] == []


def test_host_keys_live(call: Call):
    key = {
        "serverName": "git.example", "certType": "ssh", "certSubType": "ssh-ed25519",
        "certData": base64.b64encode(HOST_KEY.encode()).decode(),
    }  # fmt: skip
    made = call("certificate.create", payload={"items": [key]}, upsert=True)
    listed = call("certificate.list", host_name_pattern="git.*", cert_type="ssh", cert_sub_type="ssh-ed25519")
    deleted = call("certificate.delete", host_name_pattern="git.example", cert_sub_type="ssh-ed25519")
    left = call("certificate.list", host_name_pattern="git.example")

    assert made["items"][0]["serverName"] == "git.example"
    assert [each["certInfo"] for each in listed["items"]] == ["SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"]
    assert [each["serverName"] for each in deleted["items"]] == ["git.example"]
    assert left["items"] == []
