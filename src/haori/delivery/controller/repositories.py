"""Repository Secrets: which repositories are known, and what each is opened with.

Argo CD's own Secrets, in the control namespace: label `argocd.argoproj.io/secret-type` `repository` for one repository,
`repo-creds` for every one whose URL begins with its `url`. The index hears of Secrets as they change, and is asked anew
for each Git command, so a new password works at once. What a Secret holds never appears in a log, an error or a `repr`.
see: argoproj/argo-cd `docs/operator-manual/declarative-setup.md` "Repositories" (3.6).
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from haori.cluster import EventType, WatchEvent
from haori.delivery.charts import SCHEME, Access
from haori.errors import HaoriError
from haori.git import Credentials, credentials_from_secret, find_credentials, normalize_url, redact_url
from haori.git.credentials import is_below
from haori.objects import Manifest, labels_of, nested_mapping, nested_text
from haori.outbound import TlsSettings
from haori.resources import argo

log = logging.getLogger(__name__)

REPOSITORY = "repository"
TEMPLATE = "repo-creds"
KNOWN_HOSTS = "argocd-ssh-known-hosts-cm"
AUTHORITIES = "argocd-tls-certs-cm"
MANAGED_BY = "managed-by"
MANAGED_BY_ARGO = "argocd.argoproj.io"


class RepositoryIndex:
    """What the control namespace says of repositories. `on_change` hears the normalized URL a change is about."""

    def __init__(self, namespace: str, *, on_change: Callable[[str], None] = lambda url: None) -> None:
        self._namespace = namespace
        self._on_change = on_change
        self._known: dict[str, Credentials] = {}
        self._projects: dict[str, str] = {}
        """The project of each Secret in `_known`, empty where it is everybody's."""
        self._known_hosts: str | None = None
        self._authorities: Mapping[str, str] = {}

    def observe(self, event: WatchEvent) -> None:
        """Takes in one event of any Secret or ConfigMap; those that say nothing of repositories are passed over."""
        metadata = nested_mapping(event.object, "metadata")
        if event.type is EventType.BOOKMARK or metadata.get("namespace") != self._namespace:
            return
        is_gone = event.type is EventType.DELETED
        name = str(metadata.get("name") or "")
        if event.object.get("kind") == "ConfigMap":
            if name == KNOWN_HOSTS:
                text = nested_text(event.object, "data", "ssh_known_hosts")
                self._known_hosts = None if is_gone or not text else text
            elif name == AUTHORITIES:
                data = nested_mapping(event.object, "data")
                self._authorities = {} if is_gone else {host: str(text) for host, text in data.items()}
            return
        after = None if is_gone else _credentials(event.object)
        before, project_before = self._known.pop(name, None), self._projects.pop(name, "")
        if after is not None:
            self._known[name] = after
            self._projects[name] = _plain(event.object, "project")
        is_same = before == after and project_before == self._projects.get(name, "")
        for credentials in (before, after):
            if credentials is not None and not is_same:
                self._on_change(normalize_url(credentials.url))

    def projects_for(self, url: str) -> frozenset[str]:
        """The projects that alone may read `url`; empty: every one whose sources permit it.

        A repository is fetched once for all, so one that is known with a project's Secrets only is kept from the others
        even where it could be read without: whose secret opened the copy would else decide who reads it.
        """
        wanted = _bare(url)
        exact = [name for name, item in self._known.items() if not item.is_template and _bare(item.url) == wanted]
        templates = [
            name for name, item in self._known.items() if item.is_template and is_below(wanted, _bare(item.url))
        ]
        longest = max((len(self._known[name].url) for name in templates), default=0)
        names = exact or [name for name in templates if len(self._known[name].url) == longest]
        projects = frozenset(self._projects[name] for name in names)
        return frozenset() if "" in projects else projects

    def credentials_for(self, url: str) -> Credentials | None:
        """What `url` is opened with, None where nothing is known of it: `git.RepositorySettings.credentials`."""
        return find_credentials(url, self._known_of(url))

    def _known_of(self, url: str) -> tuple[Credentials, ...]:
        """What may open `url`: of a repository that everybody shares no project says how, since its copy is everybody's."""
        wanted = _bare(url)
        own = {name for name, item in self._known.items() if not item.is_template and _bare(item.url) == wanted}
        has_shared = any(not self._projects[name] for name in own)
        left_out = {name for name in own if has_shared and self._projects[name]}
        return tuple(item for name, item in self._known.items() if name not in left_out)

    def access_to(self, url: str) -> Access:
        """What a chart repository or registry is opened with; `oci://` before a registry's name counts for nothing."""
        bare = url.removeprefix(SCHEME)
        known = self._known_of(url)
        forms = (bare, f"{SCHEME}{bare}")
        names = {normalize_url(form) for form in forms}
        own = [item for item in known if not item.is_template and normalize_url(item.url) in names]
        given = [found for form in forms if (found := find_credentials(form, known)) is not None]
        best = next((item for item in given if item.secrets or item.username), given[0] if given else Credentials())
        host = _host(bare)
        tls = TlsSettings(
            verify=not any(item.insecure for item in (best, *own)),
            authorities=self._authorities.get(host, ""),
            certificate=best.tls_certificate,
            key=best.tls_key,
        )
        return Access(
            username=best.username,
            password=best.password,
            tls=tls,
            is_oci=any(item.enable_oci for item in (best, *own)),
            is_plain=any(item.plain_http for item in (best, *own)),
        )

    def url_of(self, name: str) -> str:
        """The URL of the repository whose Secret says `name`, empty where none does."""
        found = (item.url for item in self._known.values() if item.name == name and not item.is_template)
        return next(found, "")

    def known_hosts(self) -> str | None:
        """The ssh host keys to trust, None where nobody said: `git.RepositorySettings.known_hosts`."""
        return self._known_hosts

    def statistics(self) -> dict[str, int]:
        """repositories and templates known."""
        templates = sum(item.is_template for item in self._known.values())
        return {"repositories": len(self._known) - templates, "templates": templates}


def _bare(url: str) -> str:
    return normalize_url(url).removeprefix(SCHEME)


def _credentials(secret: Manifest) -> Credentials | None:
    if labels_of(secret).get(argo.SECRET_TYPE) not in (REPOSITORY, TEMPLATE):
        return None
    try:
        found = credentials_from_secret(secret)
    except HaoriError as error:
        name = nested_text(secret, "metadata", "name")
        log.warning("repository Secret not readable", extra={"secret": name, "code": error.code})
        return None
    return found if found.url else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryEntry:
    """A repository Secret without what is secret in it."""

    secret: str
    """The Secret's name."""
    url: str
    is_template: bool = False
    name: str = ""
    project: str = ""
    username: str = ""
    has_credentials: bool = False
    insecure: bool = False
    kind: str = "git"
    """`git`, `helm` or `oci`."""
    enable_oci: bool = False
    """Whether a chart repository is a registry."""

    def to_json(self) -> dict[str, Any]:
        """As `haori repo list -o json` shows it."""
        return {
            "secret": self.secret, "url": self.url, "template": self.is_template, "name": self.name,
            "project": self.project, "username": self.username, "credentials": self.has_credentials,
            "insecure": self.insecure, "type": self.kind,
        }  # fmt: skip


def read_entry(secret: Manifest) -> RepositoryEntry | None:
    """What a Secret says of a repository; None where it is about none."""
    credentials = _credentials(secret)
    if credentials is None:
        return None
    return RepositoryEntry(
        secret=nested_text(secret, "metadata", "name"),
        url=redact_url(credentials.url),
        is_template=credentials.is_template,
        name=_plain(secret, "name"),
        project=_plain(secret, "project"),
        username=credentials.username,
        has_credentials=bool(credentials.secrets),
        insecure=credentials.insecure,
        kind=_plain(secret, "type") or "git",
        enable_oci=_plain(secret, "enableOCI") == "true",
    )


def build_secret(
    url: str,
    values: Mapping[str, str],
    *,
    namespace: str,
    kind: str = "git",
    is_template: bool = False,
    project: str = "",
) -> dict[str, Any]:
    """The Secret for a repository, named as Argo CD names it; `values` are its further fields, empty ones left out."""
    word = TEMPLATE if is_template else REPOSITORY
    data = {"url": url, "project": project, **values} | ({} if is_template and kind == "git" else {"type": kind})
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": secret_name(url, project, is_template=is_template),
            "namespace": namespace,
            "labels": {argo.SECRET_TYPE: word},
            "annotations": {MANAGED_BY: MANAGED_BY_ARGO},
        },
        "type": "Opaque",
        "stringData": {name: value for name, value in data.items() if value},
    }


def secret_name(url: str, project: str = "", *, is_template: bool = False) -> str:
    """`repo-N` or `creds-N`, where N is the FNV-1a hash of URL and project.

    see: argoproj/argo-cd `util/db/secrets.go`, `RepoURLToSecretName` (3.6).
    """
    hashed = 2166136261
    for byte in f"{url}{project}".encode():
        hashed = (hashed ^ byte) * 16777619 & 0xFFFFFFFF
    return f"{'creds' if is_template else 'repo'}-{hashed}"


def _plain(secret: Manifest, field: str) -> str:
    """One field that is no secret, out of `data` or `stringData`."""
    plain = nested_text(secret, "stringData", field)
    return plain or base64.b64decode(nested_text(secret, "data", field)).decode(errors="replace")


def _host(url: str) -> str:
    """The host that a URL names, empty where it names none: whoever opens it says what is wrong with it."""
    try:
        return urlsplit(url if "://" in url else f"//{url}").hostname or ""
    except ValueError:
        return ""
