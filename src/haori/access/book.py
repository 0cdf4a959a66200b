"""The accounts of an installation: heard from the cluster as they change, and changed there.

What is missing at the first start is made, as Argo CD's server does: the key that signs tokens, and a password of `admin`,
which stands in `argocd-initial-admin-secret` until somebody deletes it. Several servers that start at once agree on one.
"""

from __future__ import annotations

import base64
import binascii
import logging
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from haori.access.accounts import (
    ADMIN_ACCOUNT,
    SIGNING_KEY,
    Account,
    AccountToken,
    format_time,
    format_tokens,
    parse_accounts,
    secret_key_of,
)
from haori.access.errors import AccessError
from haori.access.passwords import Passwords
from haori.cluster import (
    AlreadyExistsError,
    ConflictError,
    EventType,
    KubernetesClient,
    NotFoundError,
    Reflector,
    Reflectors,
    WatchEvent,
)
from haori.cluster.well_known import CONFIG_MAPS, SECRETS
from haori.errors import PeerError
from haori.objects import labels_of, nested_mapping, nested_text
from haori.resources import argo

log = logging.getLogger(__name__)

SECRET = "argocd-secret"  # noqa: S105
INITIAL_SECRET = "argocd-initial-admin-secret"  # noqa: S105
MANAGER = "haori-server"
TRIES = 5
PART_OF = "app.kubernetes.io/part-of"
_LABELS = {PART_OF: "argocd"}

Change = Callable[[dict[str, bytes]], None]


class AccountBook:
    """Keeps the accounts of now; `run` until cancelled."""

    def __init__(
        self, client: KubernetesClient, namespace: str, passwords: Passwords, clock: Callable[[], datetime]
    ) -> None:
        self._client, self._namespace = client, namespace
        self._passwords, self._clock = passwords, clock
        self._config: Mapping[str, Any] = {}
        self._secret: Mapping[str, bytes] = {}
        self.accounts = parse_accounts({}, {})
        """Those of now."""
        reflectors = [
            Reflector(
                client, resource, self.observe, namespace=namespace, field_selector=f"metadata.name={name}"
            )
            for resource, name in ((CONFIG_MAPS, argo.CONFIG_MAP), (SECRETS, SECRET))
        ]  # fmt: skip
        self._reflectors = Reflectors(reflectors)

    async def run(self) -> None:
        """Watches."""
        await self._reflectors.run()

    async def wait_synced(self) -> None:
        """Until everything was read once."""
        await self._reflectors.wait_synced()

    @property
    def config(self) -> Mapping[str, Any]:
        """The data of `argocd-cm`."""
        return self._config

    @property
    def secret(self) -> Mapping[str, bytes]:
        """The data of `argocd-secret`, decoded: settings refer to its keys."""
        return self._secret

    async def resolve(self, text: str) -> str:
        """What a setting means that may refer to a secret: `$KEY` of `argocd-secret`, `$SECRET:KEY` of one of Argo CD's
        (labelled `app.kubernetes.io/part-of: argocd`), else itself. Raises AccessError where there is no such thing."""
        if not text.startswith("$"):
            return text
        name, colon, key = text[1:].rpartition(":")
        if not colon:
            found: Mapping[str, bytes] = self._secret
        else:
            found = await self._data_of(name)
        if key not in found:
            raise AccessError("secret-reference-unknown", reference=text[:200])
        return found[key].decode(errors="replace").strip()

    async def _data_of(self, name: str) -> Mapping[str, bytes]:
        try:
            secret = await self._client.get(SECRETS, name, self._namespace)
        except NotFoundError:
            return {}
        is_ours = labels_of(secret).get(PART_OF) == "argocd"
        return decode_data(nested_mapping(secret, "data")) if is_ours else {}

    def observe(self, event: WatchEvent) -> None:
        """Takes in one event of the ConfigMap or the Secret."""
        name = nested_text(event.object, "metadata", "name")
        data = {} if event.type is EventType.DELETED else nested_mapping(event.object, "data")
        if name == argo.CONFIG_MAP:
            self._config = data
        elif name == SECRET:
            self._secret = decode_data(data)
        else:
            return
        self._read()

    def _read(self) -> None:
        before = self.accounts.problems
        self.accounts = parse_accounts(self._config, self._secret)
        for problem in self.accounts.problems:
            if problem not in before:
                log.warning("account setting passed over", extra={"facts": problem.parameters})

    async def prepare(self) -> None:
        """Makes what is missing; where the cluster refuses, that is said and nobody signs in by a password."""
        try:
            await self._prepare()
        except PeerError as error:
            log.warning("accounts could not be prepared", extra={"facts": {"code": error.code, "why": str(error)}})

    async def _prepare(self) -> None:
        admin = self.accounts.find(ADMIN_ACCOUNT)
        made: dict[str, bytes] = {}
        if not self.accounts.signing_key:
            made[SIGNING_KEY] = base64.b64encode(secrets.token_bytes(32))
        if admin is not None and admin.is_enabled and not admin.password_hash:
            hashed = await self._passwords.hash(await self._initial_password())
            made[secret_key_of(ADMIN_ACCOUNT, "password")] = hashed.encode()
            made[secret_key_of(ADMIN_ACCOUNT, "passwordMtime")] = format_time(self._clock()).encode()

        def fill(data: dict[str, bytes]) -> None:
            # Another server may have been quicker: what is there stays.
            data.update({key: value for key, value in made.items() if not data.get(key)})

        if made:
            await self.change(fill)
            log.info("accounts prepared", extra={"facts": {"made": sorted(made)}})

    async def _initial_password(self) -> str:
        """A new password, or the one that another server has just made."""
        password = secrets.token_urlsafe(12)
        manifest = self._manifest(INITIAL_SECRET, {"password": password.encode()})
        try:
            await self._client.create(SECRETS, manifest, field_manager=MANAGER)
        except AlreadyExistsError:
            found = await self._client.get(SECRETS, INITIAL_SECRET, self._namespace)
            password = decode_data(nested_mapping(found, "data")).get("password", b"").decode() or password
        return password

    async def set_password(self, name: str, password: str) -> None:
        """Changes the password of an account; everything given out before has ended. Raises AccessError, ApiError."""
        hashed = await self._passwords.hash(password)

        def write(data: dict[str, bytes]) -> None:
            self._find(name, data)
            data[secret_key_of(name, "password")] = hashed.encode()
            data[secret_key_of(name, "passwordMtime")] = format_time(self._clock()).encode()

        await self.change(write)

    async def add_token(self, name: str, token: AccountToken) -> None:
        """Lists a token at an account. Raises AccessError where it has one of this id."""

        def write(data: dict[str, bytes]) -> None:
            account = self._find(name, data)
            if account.has_token(token.id):
                raise AccessError("account-token-exists", account=name, token=token.id)
            data[secret_key_of(name, "tokens")] = format_tokens((*account.tokens, token)).encode()

        await self.change(write)

    async def remove_token(self, name: str, token_id: str) -> None:
        """Takes a token from an account: it is nobody's from now on. Raises AccessError where there is none."""

        def write(data: dict[str, bytes]) -> None:
            account = self._find(name, data)
            if not account.has_token(token_id):
                raise AccessError("account-token-unknown", account=name, token=token_id)
            kept = [token for token in account.tokens if token.id != token_id]
            data[secret_key_of(name, "tokens")] = format_tokens(kept).encode()

        await self.change(write)

    def _find(self, name: str, data: Mapping[str, bytes]) -> Account:
        found = parse_accounts(self._config, data).find(name)
        if found is None:
            raise AccessError("account-unknown", account=name)
        return found

    async def change(self, write: Change) -> None:
        """Changes the data of `argocd-secret`, over whatever others changed meanwhile; counts here when it returns."""
        for attempt in range(TRIES):
            try:
                found = await self._client.get(SECRETS, SECRET, self._namespace)
            except NotFoundError:
                found = None
            data = decode_data(nested_mapping(found or {}, "data"))
            write(data)
            try:
                if found is None:
                    stored = await self._client.create(SECRETS, self._manifest(SECRET, data), field_manager=MANAGER)
                else:
                    wanted = {**found, "data": encode_data(data)}
                    stored = await self._client.replace(SECRETS, wanted, field_manager=MANAGER)
            except (ConflictError, AlreadyExistsError):
                if attempt == TRIES - 1:
                    raise
                continue
            self.observe(WatchEvent(type=EventType.MODIFIED, object=stored))
            return

    def _manifest(self, name: str, data: Mapping[str, bytes]) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": self._namespace, "labels": dict(_LABELS)},
            "type": "Opaque",
            "data": encode_data(data),
        }


def decode_data(data: Mapping[str, Any]) -> dict[str, bytes]:
    """The data of a Secret; what is no base64 is nothing."""
    found: dict[str, bytes] = {}
    for key, value in data.items():
        try:
            found[key] = base64.b64decode(str(value), validate=True)
        except (binascii.Error, ValueError):
            log.warning("a value of a Secret cannot be read", extra={"facts": {"key": key}})
    return found


def encode_data(data: Mapping[str, bytes]) -> dict[str, str]:
    """As a Secret holds it."""
    return {key: base64.b64encode(value).decode() for key, value in data.items()}
