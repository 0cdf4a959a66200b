"""What an identity provider says, and what of it counts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from haori.access.errors import SignInError
from haori.access.id_tokens import UnknownKeyError, check_claims, identity_of, read_signed, subject_of
from haori.access.oidc_settings import DEFAULT_SCOPES, is_safe_url, read_oidc
from haori.access.sealing import seal, unseal
from haori.access.sign_on import issuer_of

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
STAMP = int(NOW.timestamp())
ISSUER = "https://id.example"
GOOD: dict[str, Any] = {
    "iss": ISSUER, "aud": "haori", "sub": "u-1", "iat": STAMP, "exp": STAMP + 3600, "nonce": "n", "groups": ["wear"],
}  # fmt: skip
RSA = RSAKey.generate_key(2048, {"kid": "r", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "e", "use": "sig"})
PUBLIC: list[Any] = [key.as_dict(private=False) for key in (RSA, EC)]


def refused(claims: dict[str, Any], **asked: Any) -> str:
    """Why the claims do not count; empty: they do."""
    wanted = {"issuer": ISSUER, "audiences": ("haori",), "now": NOW, "nonce": "n", **asked}
    try:
        check_claims(claims, **wanted)
    except SignInError as error:
        return str(error.parameters["why"])
    return ""


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"iss": "https://id.example/"}, "issuer"),
        ({"aud": "other"}, "audience"),
        ({"aud": None}, "audience"),
        ({"aud": ["other", "more"]}, "audience"),
        ({"aud": ["haori"]}, ""),
        ({"aud": ["haori", "other"]}, "authorized party"),
        ({"aud": ["haori", "other"], "azp": "other"}, "authorized party"),
        ({"aud": ["haori", "other"], "azp": "haori"}, ""),
        ({"exp": STAMP - 59}, ""),
        ({"exp": STAMP - 60}, "time"),
        ({"exp": None}, "time"),
        ({"exp": "soon"}, "time"),
        ({"exp": True}, "time"),
        ({"iat": STAMP + 60}, ""),
        ({"iat": STAMP + 61}, "time"),
        ({"iat": None}, "time"),
        ({"nbf": STAMP + 61}, "time"),
        ({"nonce": "m"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"sub": ""}, "subject"),
        ({"sub": 5}, "subject"),
    ],
    ids=str,
)
def test_claims_count_for_us_and_now(changes, why):
    assert refused({**GOOD, **changes}) == why


def test_without_a_sign_in_no_nonce_is_wanted():
    assert refused({**GOOD, "nonce": "any", "aud": ["haori", "other"]}, nonce=None) == ""


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256")])
def test_a_signature_by_a_key_of_the_provider_counts(key, algorithm):
    token = jwt.encode({"alg": algorithm, "kid": key.kid}, GOOD, key, algorithms=[algorithm])
    assert read_signed(token, PUBLIC) == GOOD


def test_without_the_name_of_a_key_each_is_tried():
    assert read_signed(jwt.encode({"alg": "ES256"}, GOOD, EC, algorithms=["ES256"]), PUBLIC) == GOOD


def by_hand(header: dict[str, Any], secret: bytes) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, GOOD)]
    signature = hmac.new(secret, ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=").decode()])


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(by_hand({"alg": "none", "kid": "r"}, b""), id="unsigned"),
        pytest.param(by_hand({"alg": "HS256", "kid": "r"}, RSA.as_pem(private=False)), id="signed-by-what-is-public"),
        pytest.param(jwt.encode({"alg": "RS256", "kid": "r"}, GOOD, RSAKey.generate_key(2048)), id="another-key-of-the-name"),
        pytest.param("a.b.c", id="no-token"),
        pytest.param("a.b", id="no-token-at-all"),
        pytest.param("x" * 20_000 + ".b.c", id="too-long"),
    ],
)  # fmt: skip
def test_another_signature_does_not(token):
    with pytest.raises(SignInError):
        read_signed(token, PUBLIC)


def test_an_unknown_key_is_told_apart_since_the_provider_may_have_a_new_one():
    token = jwt.encode({"alg": "RS256", "kid": "new"}, GOOD, RSAKey.generate_key(2048, {"kid": "new"}))
    for keys in (PUBLIC, [], [{"kty": "oct", "kid": "new", "k": "AAAA"}]):
        with pytest.raises(UnknownKeyError):
            read_signed(token, keys)


def test_a_key_for_encryption_signs_nothing():
    token = jwt.encode({"alg": "RS256", "kid": "r"}, GOOD, RSA)
    with pytest.raises(UnknownKeyError):
        read_signed(token, [{**PUBLIC[0], "use": "enc"}])


@pytest.mark.parametrize(
    ("claims", "names", "groups"),
    [
        ({"groups": ["a", "b", "a"]}, ("groups",), ("a", "b")),
        ({"groups": "a"}, ("groups",), ("a",)),
        ({"groups": ["a"], "email": "u@x"}, ("groups", "email"), ("a", "u@x")),
        ({"groups": [1, None, {"x": 1}, ""]}, ("groups",), ()),
        ({}, ("groups",), ()),
    ],
)
def test_groups_are_what_the_policy_s_claims_hold(claims, names, groups):
    assert identity_of({"sub": "u", **claims}, ISSUER, names).groups == groups


def test_behind_dex_it_is_the_user_of_the_connector():
    assert subject_of({"sub": "CgR", "federated_claims": {"user_id": "ann"}}) == "ann"


def test_the_config_is_read_as_argo_writes_it():
    found, problem = read_oidc(
        {
            "oidc.config": "issuer: https://id.example\nclientID: haori\nrequestedScopes: [groups]\n"
            "requestedIDTokenClaims: {groups: {essential: true}}\nrootCA: PEM\n",
            "oidc.tls.insecure.skip.verify": "true",
        }
    )
    assert problem is None
    assert found is not None
    assert found.scopes == ("openid", "groups")
    assert json.loads(found.claims) == {"id_token": {"groups": {"essential": True}}}
    assert (found.root_ca, found.verify_tls, found.client_secret) == ("PEM", False, "")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("issuer: https://id.example", "oidc-config-unreadable"),
        ("[", "oidc-config-unreadable"),
        ("a word", "oidc-config-unreadable"),
        ("issuer: http://id.example\nclientID: haori", "oidc-issuer-insecure"),
    ],
)
def test_a_config_that_cannot_be_used_says_why(text, code):
    found, problem = read_oidc({"oidc.config": text})
    assert found is None
    assert problem is not None
    assert problem.code == code


def test_without_a_config_there_is_no_provider():
    assert read_oidc({}) == (None, None)
    assert DEFAULT_SCOPES[0] == "openid"


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://id.example", True),
        ("http://127.0.0.1:5556/dex", True),
        ("http://localhost.evil.example", False),
        ("ftp://id.example", False),
        ("https://", False),
        ("http://[", False),
    ],
)
def test_secrets_travel_by_https_or_stay_on_this_machine(url, is_safe):
    assert is_safe_url(url) is is_safe


def test_what_is_sealed_opens_for_its_purpose_alone():
    key = b"k" * 44
    sealed = seal(key, "one", b"content")
    assert unseal(key, "one", sealed) == b"content"
    assert unseal(key, "two", sealed) is None
    assert unseal(b"l" * 44, "one", sealed) is None
    assert unseal(key, "one", sealed[:-1] + b"x") is None
    assert unseal(key, "one", b"short") is None
    assert unseal(b"", "one", sealed) is None


@pytest.mark.parametrize(("token", "issuer"), [("a.b.c", ""), ("", ""), ("x.W10.y", ""), (by_hand({}, b""), ISSUER)])
def test_whose_token_it_says_it_is(token, issuer):
    assert issuer_of(token) == issuer
