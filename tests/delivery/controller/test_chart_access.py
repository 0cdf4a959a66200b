"""What a chart repository or registry is opened with, out of Argo CD's Secrets and ConfigMaps."""

from __future__ import annotations

import pytest

from haori.cluster import EventType, WatchEvent
from haori.delivery.charts import Access
from haori.delivery.controller.repositories import RepositoryIndex
from haori.outbound import TlsSettings


def _index(*secrets: dict[str, str], authorities: dict[str, str] | None = None) -> RepositoryIndex:
    index = RepositoryIndex("argocd")
    for number, values in enumerate(secrets):
        kind = "repo-creds" if values.pop("template", "") else "repository"
        metadata = {
            "name": f"s{number}", "namespace": "argocd", "labels": {"argocd.argoproj.io/secret-type": kind}
        }  # fmt: skip
        secret = {"kind": "Secret", "metadata": metadata, "stringData": values}
        index.observe(WatchEvent(type=EventType.ADDED, object=secret))
    if authorities is not None:
        metadata = {"name": "argocd-tls-certs-cm", "namespace": "argocd"}
        given = {"kind": "ConfigMap", "metadata": metadata, "data": authorities}
        index.observe(WatchEvent(type=EventType.ADDED, object=given))
    return index


USER = {"username": "u", "password": "p"}


@pytest.mark.parametrize(
    ("secrets", "url", "access"),
    [
        ([], "https://charts.example", Access()),
        ([{"url": "https://charts.example", "type": "helm", **USER}], "https://charts.example/",
         Access(username="u", password="p")),
        ([{"url": "registry.example/team", "enableOCI": "true", **USER}], "oci://registry.example/team",
         Access(username="u", password="p", is_oci=True)),
        ([{"url": "oci://registry.example/team", **USER}], "registry.example/team", Access(username="u", password="p")),
        ([{"url": "registry.example:5000", "template": "1", **USER}], "registry.example:5000/team",
         Access(username="u", password="p")),
        ([{"url": "https://charts.example", "enableOCI": "true", "insecure": "true"},
          {"url": "https://charts.example", "template": "1", **USER}], "https://charts.example",
         Access(username="u", password="p", is_oci=True, tls=TlsSettings(verify=False))),
        ([{"url": "https://charts.example", "tlsClientCertData": "C", "tlsClientCertKey": "K"}], "https://charts.example",
         Access(tls=TlsSettings(certificate="C", key="K"))),
        ([{"url": "registry.example", "insecureOCIForceHttp": "true"}], "registry.example", Access(is_plain=True)),
        ([{"url": "https://charts.example.attacker.test", **USER}], "https://charts.example", Access()),
    ],
)  # fmt: skip
def test_secrets_open_repositories(secrets: list[dict[str, str]], url: str, access: Access):
    assert _index(*map(dict, secrets)).access_to(url) == access


def test_a_project_does_not_say_how_a_repository_of_everybody_is_opened():
    theirs = {
        "url": "https://charts.example",
        "project": "shop",
        "username": "eve",
        "password": "e",
        "insecure": "true",
    }
    shared = {"url": "https://charts.example", **USER}
    for secrets in ([theirs, shared], [shared, theirs]):
        index = _index(*map(dict, secrets))
        assert index.access_to("https://charts.example") == Access(username="u", password="p")
        found = index.credentials_for("https://charts.example")
        assert found is not None
        assert (found.username, found.insecure) == ("u", False)


def test_authorities_go_by_host():
    index = _index(authorities={"charts.example": "PEM"})
    assert index.access_to("https://charts.example:8443/x").tls.authorities == "PEM"
    assert index.access_to("https://other.example").tls.authorities == ""


def test_a_repository_may_be_called_by_its_name():
    index = _index({"url": "https://charts.example", "name": "company"})
    assert (index.url_of("company"), index.url_of("other")) == ("https://charts.example", "")


def test_what_is_secret_is_not_shown():
    access = _index({"url": "https://c.example", **USER, "tlsClientCertKey": "KEY", "tlsClientCertData": "C"})
    assert "KEY" not in repr(access.access_to("https://c.example"))
    assert "'p'" not in repr(access.access_to("https://c.example"))


@pytest.mark.parametrize("url", ["https://[", "oci://[", "["])
def test_a_url_that_names_no_host_is_no_fault(url: str):
    assert _index().access_to(url).tls.authorities == ""
