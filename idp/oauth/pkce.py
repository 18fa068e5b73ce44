"""Proof Key for Code Exchange: S256 or nothing.

Authlib asks PKCE of public clients only, and compares in plain when the method is left out, even
where only S256 is supported; both are refused here, at /authorize already.
Source: RFC 7636 §4; RFC 9700 §2.1.1.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from typing import Final

from idp.oauth.errors import InvalidGrant, InvalidRequest

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")
"""A SHA-256 in base64url without padding is 43 characters long.  RFC 7636 §4.2."""
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")
"""RFC 7636 §4.1."""


def check_challenge(
    code_challenge: str | None, *, method: str | None, is_required: bool
) -> str | None:
    """Accept the PKCE part of an authorization request.

    Returns the challenge, or None where none was sent and the client need not send one.
    Raises  InvalidRequest: missing where required, plain, without a method, or of the wrong form.
    Source  RFC 7636 §4.3, §4.4.1.
    """
    if code_challenge is None:
        if method is not None:
            raise InvalidRequest("code_challenge_method without code_challenge")
        if is_required:
            raise InvalidRequest("code_challenge is required")
        return None
    if method != "S256":
        raise InvalidRequest("code_challenge_method must be S256")
    if not _CHALLENGE.match(code_challenge):
        raise InvalidRequest("code_challenge must be 43 characters of base64url")
    return code_challenge


def verify_code_verifier(code_verifier: str | None, *, expected_challenge: str | None) -> None:
    """Compare the verifier with the challenge that came with the authorization request.

    Raises  InvalidGrant when they do not belong together, or one came without the other (a
            verifier without a challenge is a downgrade: RFC 9700 §4.8.2).
    Source  RFC 7636 §4.6.
    """
    if expected_challenge is None and code_verifier is None:
        return
    if expected_challenge is None:
        raise InvalidGrant("code_verifier was sent but the request had no code_challenge")
    made = make_challenge(code_verifier)
    if made is None:
        raise InvalidGrant("code_verifier is missing or malformed")
    if not hmac.compare_digest(made.encode("ascii"), expected_challenge.encode("ascii")):
        raise InvalidGrant("code_verifier does not match code_challenge")


def make_challenge(code_verifier: str | None) -> str | None:
    """The S256 challenge of a verifier; None when there is none, or its form is wrong.

    Source  RFC 7636 §4.2.
    """
    if code_verifier is None or not _VERIFIER.match(code_verifier):
        return None
    digest = hashlib.sha256(code_verifier.encode("ascii")).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
