"""What an entry of a kustomization that is no path means: a folder of a repository, or one file.

Kustomize asks a server first and takes what comes for a file if it can; we go by the spelling, so that nobody is asked who is
not meant. see: kubernetes-sigs/kustomize `api/internal/git/repospec.go` (v5), `examples/remoteBuild.md`. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs

_FILE_SUFFIXES = (".yaml", ".yml", ".json")
_HEAD = re.compile(r"(?:(https?|ssh|file)://)?(?:([A-Za-z][A-Za-z0-9._-]*)@)?", re.IGNORECASE)
_GITHUB = "github.com"
_FULL = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFolder:
    """A kustomization in a repository."""

    url: str
    revision: str
    """A branch, tag or commit; HEAD where none is said."""
    path: str
    """The folder, "" for the root."""

    @property
    def is_pinned(self) -> bool:
        """Whether it means the same for ever."""
        return _FULL.fullmatch(self.revision) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """One file at a URL."""

    url: str


def is_remote(entry: str) -> bool:
    """Whether an entry of `resources` is taken from another place."""
    lowered = entry.lower()
    return (
        "://" in entry
        or lowered.startswith((f"{_GITHUB}/", f"{_GITHUB}:", f"www.{_GITHUB}/", "git::", "gh:"))
        or re.match(r"[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:", entry) is not None
    )


def parse_remote(entry: str) -> RemoteFolder | RemoteFile | None:
    """What the entry means; None where it means nothing that we know."""
    text, _, query = entry.removeprefix("git::").partition("?")
    options = parse_qs(query)
    revision = next((options[name][-1] for name in ("ref", "version") if options.get(name)), "HEAD")
    head = _HEAD.match(text)
    scheme, user = (head[1] or "", head[2] or "") if head else ("", "")
    rest = text[head.end() :] if head else text
    if scheme.lower() in ("http", "https") and _is_file(rest, entry, options):
        return RemoteFile(url=entry)
    host, separator, path = _split_host(scheme, user, rest)
    repository, folder = split_path(path, whole=scheme.lower() == "file")
    if not repository.strip("/") or (not host and scheme.lower() != "file"):
        return None
    if ".." in folder.split("/"):
        return None
    start = f"{scheme}://" if scheme else ("" if separator == ":" else "https://")
    at = f"{user}@" if user and (scheme or separator == ":") else ""
    return RemoteFolder(url=f"{start}{at}{host}{separator}{repository}", revision=revision, path=folder.strip("/"))


def _is_file(rest: str, entry: str, options: dict[str, list[str]]) -> bool:
    is_git = entry.startswith("git::") or "//" in rest or ".git/" in rest or "_git/" in rest
    is_git = is_git or any(name in options for name in ("ref", "version", "submodules"))
    return rest.endswith(_FILE_SUFFIXES) and not is_git


def _split_host(scheme: str, user: str, rest: str) -> tuple[str, str, str]:
    """(host, what stands after it, the path)."""
    if rest.lower().startswith("gh:"):
        rest = f"{_GITHUB}/{rest[3:]}"
    if not scheme and ":" in rest.split("/", 1)[0]:
        host, _, path = rest.partition(":")
        if user:
            return host, ":", path
        rest = f"{host}/{path}"
    host, slash, path = rest.partition("/")
    return host, slash, path


def split_path(path: str, *, whole: bool = False) -> tuple[str, str]:
    """(repository, folder in it): at `_git/NAME`, `//` or `.git`, else after two parts; `whole`: it is all repository."""
    if "_git/" in path:
        head, _, rest = path.partition("_git/")
        name, _, folder = rest.partition("/")
        return f"{head}_git/{name}", folder
    if "//" in path:
        repository, _, folder = path.partition("//")
        return repository, folder
    if ".git" in path:
        head, _, folder = path.partition(".git")
        return f"{head}.git", folder
    parts = path.strip("/").split("/")
    return (path, "") if whole else ("/".join(parts[:2]), "/".join(parts[2:]))
