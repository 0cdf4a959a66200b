"""Tokens signed with the key of the installation."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from haori.access.accounts import Accounts, parse_accounts
from haori.access.signed import identify_signed, read_token, sign_token

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
STAMP = int(NOW.timestamp())
KEY = b"b2x1eHdtQnVmY3ZxZ0xkS2pHVnBZc1dhUXRSbkVoTWk="


def encode(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forge(claims: dict[str, Any], *, key: bytes = KEY, **header: Any) -> str:
    """A token made by hand, as another program would."""
    head = f"{encode({'alg': 'HS256', 'typ': 'JWT', **header})}.{encode(claims)}"
    signature = hmac.new(key, head.encode(), hashlib.sha256).digest()
    return f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


GOOD = {"iss": "argocd", "sub": "ann:apiKey", "iat": STAMP - 60, "nbf": STAMP - 60, "jti": "ci"}


def test_a_token_of_another_program_is_read():
    claims = read_token(KEY, forge(GOOD), NOW)
    assert claims is not None
    assert (claims.subject, claims.id, claims.issued_at) == ("ann:apiKey", "ci", NOW - timedelta(seconds=60))


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(forge(GOOD, key=b"x" * 44), id="another-key"),
        pytest.param(forge(GOOD, alg="none"), id="no-algorithm"),
        pytest.param(forge(GOOD, alg="HS512"), id="another-algorithm"),
        pytest.param(forge({**GOOD, "iss": "https://id.example"}), id="another-issuer"),
        pytest.param(forge({**GOOD, "exp": STAMP - 1}), id="expired"),
        pytest.param(forge({**GOOD, "exp": "never"}), id="an-end-that-is-no-time"),
        pytest.param(forge({**GOOD, "nbf": STAMP + 600}), id="not-yet"),
        pytest.param(forge({**GOOD, "iat": STAMP + 600}), id="from-the-future"),
        pytest.param(forge({key: value for key, value in GOOD.items() if key != "iat"}), id="no-beginning"),
        pytest.param(forge({**GOOD, "sub": 5}), id="no-subject"),
        pytest.param(forge(GOOD)[:-4] + "AAAA", id="a-broken-signature"),
        pytest.param("a.b.c", id="nothing"),
    ],
)
def test_what_is_not_signed_by_us_for_now_is_nobody_s(token):
    assert read_token(KEY, token, NOW) is None


def test_without_a_key_no_token_counts():
    assert read_token(b"", forge(GOOD, key=b""), NOW) is None


def test_what_we_sign_we_read_until_it_ends():
    token = sign_token(KEY, "ann:apiKey", "ci", NOW, timedelta(hours=1))
    assert read_token(KEY, token, NOW + timedelta(minutes=59)) is not None
    assert read_token(KEY, token, NOW + timedelta(minutes=61)) is None
    assert read_token(KEY, sign_token(KEY, "ann", "ci", NOW), NOW + timedelta(days=4000)) is not None


def accounts(**config: str) -> Accounts:
    secret = {"accounts.ann.tokens": b'[{"id":"ci","iat":1}]'}
    if changed := config.pop("changed", ""):
        secret["accounts.ann.passwordMtime"] = changed.encode()
    return parse_accounts({"accounts.ann": config.pop("may", "apiKey,login"), **config}, secret)


@pytest.mark.parametrize(
    ("subject", "token_id", "known", "is_known"),
    [
        pytest.param("ann:apiKey", "ci", accounts(), True, id="listed"),
        pytest.param("ann", "ci", accounts(), True, id="an-old-form"),
        pytest.param("ann:apiKey", "other", accounts(), False, id="revoked"),
        pytest.param("ann:login", "any", accounts(), True, id="signed-in-at-argo"),
        pytest.param("ann:login", "", accounts(), False, id="without-an-id"),
        pytest.param("ann:apiKey", "ci", accounts(may="login"), False, id="not-for-tokens"),
        pytest.param("ann:login", "any", accounts(may="apiKey"), False, id="for-tokens-only"),
        pytest.param("ann:apiKey", "ci", accounts(**{"accounts.ann.enabled": "false"}), False, id="switched-off"),
        pytest.param("ann:apiKey", "ci", accounts(changed="2026-11-26T03:00:01Z"), False, id="older-than-the-password"),
        pytest.param("ann:apiKey", "ci", accounts(changed="2026-11-26T03:00:00Z"), True, id="of-the-same-second"),
        pytest.param("bob:apiKey", "ci", accounts(), False, id="no-account"),
        pytest.param("proj:shop:ci", "any", accounts(), True, id="a-project-s-which-the-policy-asks-about"),
    ],
)
def test_a_token_counts_as_its_account_says(subject, token_id, known, is_known):
    claims = read_token(KEY, forge({**GOOD, "sub": subject, "jti": token_id, "iat": STAMP}), NOW)
    assert claims is not None
    assert (identify_signed(claims, known) is not None) is is_known
