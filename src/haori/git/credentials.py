"""Credentials for repositories, read from Argo CD's repository Secrets and handed to git without touching a disk or an
argument list where that can be avoided: passwords and tokens go through git's environment, a private key through a file
of mode 0600 that lives as long as the one command.
"""

from __future__ import annotations

import base64
import contextlib
import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from haori.git.errors import RepositoryRefusedError
from haori.git.urls import RepositoryUrl, normalize_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What one repository, or every repository whose URL begins with `url` (`is_template`), is opened with."""

    url: str = ""
    is_template: bool = False
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    bearer_token: str = field(default="", repr=False)
    ssh_private_key: str = field(default="", repr=False)
    insecure: bool = False
    """Neither TLS certificates nor ssh host keys are checked."""
    name: str = ""
    """By which dependencies of charts may call it."""
    enable_oci: bool = False
    """Whether it is a registry of charts."""
    plain_http: bool = False
    """Whether that registry is spoken to without TLS."""
    tls_certificate: str = ""
    """PEM: our own, for a chart repository or registry."""
    tls_key: str = field(default="", repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never appear in a message."""
        return tuple(text for text in (self.password, self.bearer_token, self.ssh_private_key, self.tls_key) if text)


def credentials_from_secret(secret: Mapping[str, Any]) -> Credentials:
    """The credentials in a Secret labelled `argocd.argoproj.io/secret-type: repository` or `repo-creds` (fields as Argo
    CD 3 documents them under "Repositories"); values are base64 under `data`, plain under `stringData`."""
    labels = (secret.get("metadata") or {}).get("labels") or {}
    values = {name: _decode(text) for name, text in (secret.get("data") or {}).items()}
    values |= {name: str(text) for name, text in (secret.get("stringData") or {}).items()}
    insecure = values.get("insecure") or values.get("insecureIgnoreHostKey") or ""
    return Credentials(
        url=values.get("url", ""),
        is_template=labels.get("argocd.argoproj.io/secret-type") == "repo-creds",
        username=values.get("username", ""),
        password=values.get("password", ""),
        bearer_token=values.get("bearerToken", ""),
        ssh_private_key=values.get("sshPrivateKey", ""),
        insecure=insecure.lower() == "true",
        name=values.get("name", ""),
        enable_oci=values.get("enableOCI", "").lower() == "true",
        plain_http=values.get("insecureOCIForceHttp", "").lower() == "true",
        tls_certificate=values.get("tlsClientCertData", ""),
        tls_key=values.get("tlsClientCertKey", ""),
    )


def _decode(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError as error:
        raise RepositoryRefusedError("git-secret-unreadable") from error


def find_credentials(url: str, known: Sequence[Credentials]) -> Credentials | None:
    """Those of the very repository; where these hold no secret, of the longest template its URL begins with."""
    wanted = normalize_url(url)
    exact = next((item for item in known if not item.is_template and normalize_url(item.url) == wanted), None)
    if exact is not None and (exact.secrets or exact.username):
        return exact
    templates = [item for item in known if item.is_template and is_below(wanted, normalize_url(item.url))]
    return max(templates, key=lambda item: len(item.url), default=exact)


def is_below(url: str, prefix: str) -> bool:
    """Whether a template for `prefix` speaks of `url`, both normalized."""
    # A template for https://git.example must not answer for https://git.example.attacker.test.
    return bool(prefix) and (url == prefix or url.startswith(f"{prefix}/"))


@contextlib.contextmanager
def credential_environment(
    url: RepositoryUrl, credentials: Credentials | None, known_hosts: str | None, ssh_options: Sequence[str] = ()
) -> Iterator[tuple[dict[str, str], list[tuple[str, str]]]]:
    """(environment, git settings) that let one git command open `url`; the private files are gone afterwards."""
    given = credentials or Credentials(username=url.username, password=url.password)
    if url.protocol == "ssh":
        with tempfile.TemporaryDirectory(prefix="haori-ssh-") as folder:
            yield (
                {
                    "GIT_SSH_COMMAND": _ssh_command(Path(folder), given, known_hosts, ssh_options),
                    "GIT_SSH_VARIANT": "ssh",
                },
                [],
            )
    elif url.protocol in ("http", "https"):
        yield _http_environment(url, given)
    else:
        yield {}, []


def _http_environment(url: RepositoryUrl, given: Credentials) -> tuple[dict[str, str], list[tuple[str, str]]]:
    if any(letter in text for text in (given.username, given.password, given.bearer_token) for letter in "\r\n\0"):
        raise RepositoryRefusedError("git-credentials-malformed", url=url.address)
    parts = urlsplit(url.address)
    origin = f"{parts.scheme}://{parts.netloc}"
    settings = [("credential.helper", ""), ("http.followRedirects", "initial")]
    if given.insecure:
        settings.append(("http.sslVerify", "false"))
    if given.bearer_token:
        # A header would follow a redirect; a helper is asked for its own origin only.
        settings += [("http.followRedirects", "false")]
        settings.append((f"http.{origin}/.extraHeader", f"Authorization: Bearer {given.bearer_token}"))
    elif given.password:
        helper = (
            "!f() { test \"$1\" = get && printf 'username=%s\\npassword=%s\\n'"
            ' "$HAORI_GIT_USERNAME" "$HAORI_GIT_PASSWORD"; }; f'
        )
        settings.append((f"credential.{origin}.helper", helper))
        return {"HAORI_GIT_USERNAME": given.username or "git", "HAORI_GIT_PASSWORD": given.password}, settings
    return {}, settings


def _ssh_command(folder: Path, given: Credentials, known_hosts: str | None, further: Sequence[str]) -> str:
    words = ["ssh", "-F", "/dev/null"]
    options = ["BatchMode=yes", "ConnectTimeout=15", "PermitLocalCommand=no", "IdentityAgent=none", *further]
    if given.insecure:
        options += ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"]
    else:
        options.append("StrictHostKeyChecking=yes")
        if known_hosts is not None:
            hosts = _private_file(folder / "known_hosts", known_hosts)
            options += [f"UserKnownHostsFile={hosts}", "GlobalKnownHostsFile=/dev/null"]
    if given.ssh_private_key:
        key = _private_file(folder / "key", given.ssh_private_key.rstrip() + "\n")
        options.append("IdentitiesOnly=yes")
        words += ["-i", str(key)]
    return shlex.join([*words, *(word for option in options for word in ("-o", option))])


def _private_file(path: Path, content: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(content)
    return path
