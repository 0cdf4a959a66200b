"""Which images exist, as a file says: nothing is pulled here, so somebody has to tell the typo from the tag.

The file (`images.yaml`) is read again when it changed, at the moment somebody asks:

    default: known                       # what no rule names: known or unknown
    rules:                               # the first that matches decides
      - image: registry.example/shop:1.2.*     # shell patterns over the whole, normalised name
        known: true
      - image: registry.example/*
        known: false
        message: "manifest unknown"      # optional; what the registry would have said

A name is normalised as container runtimes do: `nginx` is `docker.io/library/nginx:latest`.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from haori.errors import HaoriError
from haori.objects import nested_list
from haori.objects.yaml import load_documents

log = logging.getLogger(__name__)


def normalise_image(image: str) -> str:
    """The full name: registry, repository, and tag or digest."""
    name, at, digest = image.partition("@")
    first, slash, _ = name.partition("/")
    if not slash:
        name = f"docker.io/library/{name}"
    elif "." not in first and ":" not in first and first != "localhost":
        name = f"docker.io/{name}"
    if not at and ":" not in name.rpartition("/")[2]:
        name += ":latest"
    return f"{name}{at}{digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRule:
    """Images that match `pattern` are there, or are not, for the reason `message`."""

    pattern: str
    known: bool
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRules:
    """The whole file."""

    rules: tuple[ImageRule, ...] = ()
    default: bool = True

    def problem_of(self, image: str) -> str | None:
        """What pulling `image` would fail with, in a container runtime's words; None where the image exists."""
        name = normalise_image(image)
        for rule in self.rules:
            if fnmatchcase(name, rule.pattern):
                return None if rule.known else self._refusal(name, rule.message)
        return None if self.default else self._refusal(name, "")

    @staticmethod
    def _refusal(name: str, message: str) -> str:
        return (
            f'rpc error: code = NotFound desc = failed to pull and unpack image "{name}": '
            f'failed to resolve reference "{name}": {name}: {message or "not found"}'
        )


def read_rules(document: Any) -> ImageRules:
    """The rules of a parsed file; what is no rule is passed over."""
    rules = tuple(
        ImageRule(pattern=str(each["image"]), known=bool(each.get("known", True)), message=str(each.get("message", "")))
        for each in nested_list(document, "rules")
        if isinstance(each, Mapping) and each.get("image")
    )
    default = document.get("default", "known") if isinstance(document, Mapping) else "known"
    return ImageRules(rules=rules, default=default not in ("unknown", False))


class ImageRuleFile:
    """The rules of a file as it stands now; an absent file knows every image, a broken one keeps the last good rules."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._rules = ImageRules()

    def current(self) -> ImageRules:
        """The rules; reads the file only where it is another one than the last time."""
        try:
            status = self._path.stat()
        except OSError:
            self._seen, self._rules = None, ImageRules()
            return self._rules
        seen = (status.st_mtime_ns, status.st_size, status.st_ino)
        if seen != self._seen:
            self._seen = seen
            try:
                documents = load_documents(self._path.read_bytes(), source=str(self._path))
                self._rules = read_rules(documents[0] if documents else {})
            except (OSError, HaoriError) as problem:
                log.warning("image rules unreadable", extra={"path": str(self._path), "problem": str(problem)})
        return self._rules


def image_id(image: str) -> str:
    """What a status calls the image: a digest that is stable for the name and can be no real one's."""
    return f"sandbox.haori.dev/simulated@sha256:{hashlib.sha256(normalise_image(image).encode()).hexdigest()}"
