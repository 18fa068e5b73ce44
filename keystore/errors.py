"""What can go wrong in the keystore, as data.

What lives here: the root of the package's errors and every subclass.  Each carries a stable `code`
and facts as fields; none carries a key, a plaintext, a token or a person's data.  The sentence for
a person is made elsewhere.
"""

from __future__ import annotations

from typing import ClassVar


class KeystoreError(Exception):
    """Root of every error that the keystore raises on purpose."""

    code: ClassVar[str] = "keystore_error"


class KekInvalid(KeystoreError):
    """The root key cannot be used; `reason` is one of the words below, never the key.

    missing, both_given, unreadable, unwritable, readable_by_others, malformed;
    not_given: `names` has the ids of root keys that are needed and were not given;
    does_not_open: none of what is stored opens with the root keys that were given;
    damaged: some of it does not, `names` says what.
    """

    code: ClassVar[str] = "kek_invalid"

    def __init__(self, reason: str, *, names: tuple[str, ...] = ()) -> None:
        super().__init__(f"{reason}: {', '.join(names)}" if names else reason)
        self.reason = reason
        self.names = names


class SealBroken(KeystoreError):
    """A sealed value does not open: changed, moved to another record, or its key is gone."""

    code: ClassVar[str] = "seal_broken"


class DestructionListBroken(KeystoreError):
    """A list of what was destroyed or ended was changed; `line` is the first that does not fit."""

    code: ClassVar[str] = "destruction_list_broken"

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


class KeyUnavailable(KeystoreError):
    """There is no key that may sign with `algorithm` at this instant."""

    code: ClassVar[str] = "key_unavailable"

    def __init__(self, algorithm: str) -> None:
        super().__init__(algorithm)
        self.algorithm = algorithm


class KeyPurposeRefused(KeystoreError):
    """A key was asked to sign something that its purpose does not list."""

    code: ClassVar[str] = "key_purpose_refused"

    def __init__(self, *, kid: str, content: str) -> None:
        super().__init__(f"{kid}: {content}")
        self.kid = kid
        self.content = content


class EventRefused(KeystoreError):
    """An event that may not enter the log as it is; `fact` names the offending fact."""

    code: ClassVar[str] = "event_refused"

    def __init__(self, *, fact: str, reason: str) -> None:
        super().__init__(f"{fact}: {reason}")
        self.fact = fact
        self.reason = reason


class LogChainBroken(KeystoreError):
    """The log was changed: `reason` is removed, modified, reordered or truncated."""

    code: ClassVar[str] = "log_chain_broken"

    def __init__(self, *, writer: str, seq: int, reason: str) -> None:
        super().__init__(f"{writer}/{seq}: {reason}")
        self.writer = writer
        self.seq = seq
        self.reason = reason


class JoseError(KeystoreError):
    """Root of every reason to refuse a JWS, a JWT or a JWK Set."""

    code: ClassVar[str] = "jose_error"


class JwsMalformed(JoseError):
    """Not a compact JWS as RFC 7515 writes it: segments, base64url, header JSON, or its size."""

    code: ClassVar[str] = "jws_malformed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class HeaderRefused(JoseError):
    """A header parameter that we do not act on, and therefore do not accept (`crit`, `jku`, …)."""

    code: ClassVar[str] = "jws_header_refused"

    def __init__(self, parameter: str) -> None:
        super().__init__(parameter)
        self.parameter = parameter


class AlgorithmRefused(JoseError):
    """The algorithm is not one the caller allows, or not one the key is for."""

    code: ClassVar[str] = "jws_algorithm_refused"


class KeyUnknown(JoseError):
    """No key of the set fits; `kid` is what the header asked for (unverified) or None.

    A caller with a remote key set may fetch it once more, within limits, and try again.
    """

    code: ClassVar[str] = "jws_key_unknown"

    def __init__(self, kid: str | None) -> None:
        super().__init__("no key fits")
        self.kid = kid


class SignatureInvalid(JoseError):
    """The signature does not verify."""

    code: ClassVar[str] = "jws_signature_invalid"


class ClaimInvalid(JoseError):
    """A claim is missing, of the wrong type, or not what was expected.

    `claim` is the name; `reason` is one of: missing, wrong_type, unexpected, not_an_object,
    duplicate_member, out_of_range.
    """

    code: ClassVar[str] = "jwt_claim_invalid"

    def __init__(self, claim: str, *, reason: str) -> None:
        super().__init__(f"{claim}: {reason}")
        self.claim = claim
        self.reason = reason


class TokenExpired(JoseError):
    """`exp` is not after now."""

    code: ClassVar[str] = "jwt_expired"


class TokenNotYetValid(JoseError):
    """`nbf` or `iat` is after now; `claim` says which."""

    code: ClassVar[str] = "jwt_not_yet_valid"

    def __init__(self, claim: str) -> None:
        super().__init__(claim)
        self.claim = claim


class KeySetInvalid(JoseError):
    """A JWK Set that we do not take; `reason` is a lower_snake word."""

    code: ClassVar[str] = "jwks_invalid"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
