"""Local accounts, as Argo CD keeps them: `argocd-cm` says who there is and what they may use, `argocd-secret` holds the rest.

    argocd-cm      accounts.NAME: apiKey, login     accounts.NAME.enabled     admin.enabled     passwordPattern
    argocd-secret  accounts.NAME.password|passwordMtime|tokens    admin.password|passwordMtime|tokens    server.secretkey

`admin` is always there. Argo CD drops all accounts at the first entry it cannot read; here that entry is a problem that is
said, and its account cannot be used until it is mended, since what was meant may have been a restriction.
see: argoproj/argo-cd `util/settings/accounts.go` (3.x).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from haori.words import Sentence

ADMIN_ACCOUNT = "admin"
SIGNING_KEY = "server.secretkey"
PASSWORD_PATTERN = "^.{8,128}$"  # noqa: S105
SESSION_DURATION = timedelta(hours=24)
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|m|s)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}


class Capability(StrEnum):
    """What an account may be used for."""

    LOGIN = "login"
    API_KEY = "apiKey"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountToken:
    """A token that an account has; the token itself is nowhere."""

    id: str
    issued_at: int
    """Seconds of Unix time."""
    expires_at: int = 0
    """0: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account."""

    name: str
    is_enabled: bool = True
    capabilities: tuple[Capability, ...] = ()
    password_hash: str = field(default="", repr=False)
    password_changed_at: datetime | None = None
    """Whatever was signed in before has ended. None: it was never changed."""
    tokens: tuple[AccountToken, ...] = ()

    def may_use(self, capability: Capability) -> bool:
        """Whether the account may be used so."""
        return self.is_enabled and capability in self.capabilities

    def has_token(self, token_id: str) -> bool:
        """Whether a token of this id is one of the account's."""
        return any(token.id == token_id for token in self.tokens)

    def is_older(self, moment: datetime) -> bool:
        """Whether what was given out at `moment` was given before the password was last changed."""
        return self.password_changed_at is not None and moment < self.password_changed_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """One state of both objects."""

    by_name: Mapping[str, Account] = field(default_factory=dict)
    signing_key: bytes = field(default=b"", repr=False)
    """With which tokens are signed; empty: there are none."""
    password_pattern: str = PASSWORD_PATTERN
    """What a new password has to match (RE2)."""
    session_duration: timedelta = SESSION_DURATION
    """After which whoever signed in has to do so again."""
    problems: tuple[Sentence, ...] = ()

    def find(self, name: str) -> Account | None:
        """The account of a name."""
        return self.by_name.get(name)


def parse_accounts(config: Mapping[str, Any], secret: Mapping[str, bytes]) -> Accounts:
    """The accounts in the data of `argocd-cm` and the decoded data of `argocd-secret`."""
    reader = _Reader(config, secret)
    accounts = {name: reader.account(name) for name in reader.names()}
    return Accounts(
        by_name=accounts,
        signing_key=secret.get(SIGNING_KEY, b""),
        password_pattern=str(config.get("passwordPattern") or PASSWORD_PATTERN),
        session_duration=reader.duration("users.session.duration"),
        problems=tuple(reader.problems),
    )


def secret_key_of(name: str, part: str) -> str:
    """Where `argocd-secret` has a part (`password`, `passwordMtime`, `tokens`) of an account."""
    return f"admin.{part}" if name == ADMIN_ACCOUNT else f"accounts.{name}.{part}"


def format_tokens(tokens: Sequence[AccountToken]) -> str:
    """Tokens as `argocd-secret` lists them."""
    return json.dumps(
        [
            {"id": token.id, "iat": token.issued_at, **({"exp": token.expires_at} if token.expires_at else {})}
            for token in tokens
        ]
    )


def format_time(moment: datetime) -> str:
    """A time as Argo CD writes it (RFC 3339, whole seconds)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class _Reader:
    def __init__(self, config: Mapping[str, Any], secret: Mapping[str, bytes]) -> None:
        self._config, self._secret = config, secret
        self.problems: list[Sentence] = []

    def names(self) -> list[str]:
        found = {ADMIN_ACCOUNT}
        for key in self._config:
            match key.split("."):
                case ["accounts", name] | ["accounts", name, _] if name:
                    found.add(name)
        return sorted(found)

    def account(self, name: str) -> Account:
        before = len(self.problems)
        is_enabled = self._is_enabled(name)
        changed_at = self._time(secret_key_of(name, "passwordMtime"))
        is_sound = len(self.problems) == before
        return Account(
            name=name,
            is_enabled=is_enabled and is_sound,
            capabilities=tuple(self._capabilities(name)),
            password_hash=self._text(secret_key_of(name, "password")),
            password_changed_at=changed_at,
            tokens=self._tokens(secret_key_of(name, "tokens")),
        )

    def duration(self, key: str) -> timedelta:
        """A length of time as Go writes it (`24h`, `1h30m`)."""
        text = str(self._config.get(key) or "")
        parts = _DURATION.findall(text)
        if not text:
            return SESSION_DURATION
        if "".join(number + unit for number, unit in parts) != text:
            self._problem("account-setting-unreadable", key)
            return SESSION_DURATION
        return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))

    def _capabilities(self, name: str) -> Iterator[Capability]:
        if name == ADMIN_ACCOUNT:
            yield Capability.LOGIN
        key = f"accounts.{name}"
        for word in (part.strip() for part in str(self._config.get(key) or "").split(",")):
            if word in list(Capability):
                yield Capability(word)
            elif word:
                self._problem("account-capability-unknown", key, text=word[:100])

    def _is_enabled(self, name: str) -> bool:
        flags = [self._flag(f"accounts.{name}.enabled")]
        if name == ADMIN_ACCOUNT:
            flags.append(self._flag("admin.enabled"))
        return all(flags)

    def _flag(self, key: str) -> bool:
        text = str(self._config.get(key, "true"))
        if text not in _TRUE | _FALSE:
            self._problem("account-setting-unreadable", key)
        return text in _TRUE

    def _text(self, key: str) -> str:
        return self._secret.get(key, b"").decode(errors="replace").strip()

    def _time(self, key: str) -> datetime | None:
        text = self._text(key)
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            self._problem("account-setting-unreadable", key)
            return None
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)

    def _tokens(self, key: str) -> tuple[AccountToken, ...]:
        text = self._text(key)
        try:
            listed = json.loads(text or "[]") or []
            return tuple(
                AccountToken(id=str(each["id"]), issued_at=int(each["iat"]), expires_at=int(each.get("exp") or 0))
                for each in listed
            )
        except (ValueError, TypeError, KeyError, AttributeError):
            self._problem("account-setting-unreadable", key)
            return ()

    def _problem(self, code: str, key: str, **more: str) -> None:
        self.problems.append(Sentence(code=code, parameters={"key": key, **more}))
