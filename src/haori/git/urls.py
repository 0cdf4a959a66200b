"""Which repository URLs we dial, and how they are written without their secrets.

`git` understands more than a repository of an untrusted author should be able to ask for: `ext::` runs a command, a
leading dash is an option, a bare path reads this machine's disk. Only https, ssh and (where allowed) file pass; plain
http is for loopback, where `up` serves its own repository.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote, urlsplit, urlunsplit

from haori.git.errors import RepositoryRefusedError

_SCP = re.compile(r"^(?P<user>[A-Za-z0-9._-]+@)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*):(?P<path>[^:].*)$")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryUrl:
    """A URL that was checked; `address` carries no password and is safe in arguments and messages."""

    address: str
    protocol: str
    """https, http, ssh or file: the one transport git is allowed."""
    username: str = ""
    password: str = ""


def parse_url(url: str, *, allow_file: bool = False) -> RepositoryUrl:
    """`url` taken apart. Raises RepositoryRefusedError for anything but https, ssh, loopback http and allowed files."""
    if not url or url.startswith("-") or "::" in url.split("/", 1)[0] or any(ord(letter) < 33 for letter in url):
        raise RepositoryRefusedError("git-url-refused", url=redact_url(url))
    if "://" not in url:
        return _parse_short(url, allow_file=allow_file)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise RepositoryRefusedError("git-url-refused", url=redact_url(url)) from error
    scheme = parts.scheme.lower()
    if scheme == "file":
        return _file(url, allow_file=allow_file)
    if scheme not in ("https", "http", "ssh") or not host or host.startswith("-"):
        raise RepositoryRefusedError("git-url-refused", url=redact_url(url))
    if scheme == "http" and host not in _LOOPBACK:
        raise RepositoryRefusedError("git-url-plain-http", url=redact_url(url))
    place = f"[{host}]" if ":" in host else host
    place = f"{place}:{port}" if port else place
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    if scheme == "ssh" and username:
        if username.startswith("-"):
            raise RepositoryRefusedError("git-url-refused", url=redact_url(url))
        place = f"{username}@{place}"
    address = urlunsplit((scheme, place, parts.path, "", ""))
    return RepositoryUrl(address=address, protocol=scheme, username=username, password=password)


def _parse_short(url: str, *, allow_file: bool) -> RepositoryUrl:
    match = _SCP.match(url)
    if match and "/" not in url.split(":", 1)[0]:
        return RepositoryUrl(address=url, protocol="ssh", username=(match["user"] or "").rstrip("@"))
    return _file(url, allow_file=allow_file)


def _file(url: str, *, allow_file: bool) -> RepositoryUrl:
    if not allow_file:
        raise RepositoryRefusedError("git-url-file", url=url)
    path = url.removeprefix("file://")
    if not path.startswith("/"):
        raise RepositoryRefusedError("git-url-refused", url=url)
    return RepositoryUrl(address=f"file://{path}", protocol="file")


def redact_url(url: str) -> str:
    """`url` without its query and what may be secret of user and password, for messages and logs.

    The user of ssh is the server's own (`git`), and none could sign in without it; that of https may be a token.
    """
    ssh = re.match(r"^ssh://([^/@:]+)(?::[^/@]*)?@", url, re.IGNORECASE)
    bare = _without_user(url)
    return (f"ssh://{ssh[1]}@{bare.partition('://')[2]}" if ssh else bare)[:300]


def _without_user(url: str) -> str:
    return re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/@]*@", r"\1", url).partition("?")[0]


@lru_cache(maxsize=8192)
def normalize_url(url: str) -> str:
    """The form by which two spellings of one repository are the same: as Argo CD compares them, without `.git`, case,
    trailing slash and credentials."""
    text = _without_user(url.strip()).lower().rstrip("/").removesuffix(".git")
    match = _SCP.match(text)
    if match and "://" not in text and not text.startswith("/"):
        text = f"ssh://{match['host']}/{match['path']}"
    return text


@lru_cache(maxsize=8192)
def repository_place(url: str) -> str:
    """What all URLs of one repository share, whatever the protocol: its host and path, in lower case.

    Without user, port, `.git`, and `ssh.` or `altssh.` before the host, as Argo CD takes the URL of a webhook for one of an
    application's. see: argoproj/argo-cd `util/webhook/webhook.go` (3.x), GetWebURLRegex.
    """
    _, is_url, rest = normalize_url(url).partition("://")
    if not is_url:
        return normalize_url(url)
    host, _, path = rest.partition("/")
    host = re.sub(r":\d*$", "", host)
    return f"{host.removeprefix('alt').removeprefix('ssh.') if re.match('(alt)?ssh[.]', host) else host}/{path}"


@lru_cache(maxsize=8192)
def mirror_identity(url: str) -> str:
    """What two URLs share that may share a mirror: the repository, and the credentials that stand in the URL itself.

    Credentials of a Secret belong to the installation and count for every project that may name the repository; those in a
    URL are whoever wrote it, and what they opened is not for who does not know them. They are in here as a hash.
    """
    secret = re.match(r"^https?://([^/@]+)@", url.strip(), re.IGNORECASE)
    if secret is None:
        return normalize_url(url)
    return f"{normalize_url(url)} {hashlib.sha256(secret[1].encode()).hexdigest()[:24]}"
