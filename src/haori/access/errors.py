"""What goes wrong with accounts and credentials.

UserError
└── AccessError         `account-unknown`, `account-token-exists`, `account-token-unknown`, …: what was asked cannot be done
    └── SignInError     `sign-in-refused`, `sign-in-too-often`, …: nobody was signed in
TransientError
└── ProviderAwayError       `oidc-unreachable`: the identity provider does not answer, or not as one
"""

from __future__ import annotations

from haori.errors import TransientError, UserError


class AccessError(UserError):
    """Something about an account or a credential that cannot be done."""


class SignInError(AccessError):
    """A sign-in that did not succeed; which part was wrong is not told."""


class ProviderAwayError(TransientError):
    """The identity provider could not be asked."""
