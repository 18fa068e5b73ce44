"""A statement of the second-factor verifier as evidence: it has seen a second factor for this.

What lives here: the statement, a JWT of its own type, issued on one side and verified on the other.
The signer takes public keys of the verifier from a file of its own and from nowhere else: whoever
owns the database could put a key of his own there.  A statement is for one activation hash, which
is spent with it.  `sub` is always the person who gave the code; when that was for an organisation,
`for` is the organisation and `mandate_id` the mandate that the verifier found in force.
Source: RFC 7519, RFC 8725 §3.11; EN 419 241-1 (SCAL1).
Not here: how the second factor was verified.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from keystore.base64url import to_base64url
from keystore.errors import JoseError, KeySetInvalid
from keystore.jose import (
    EMPTY_KEY_SET,
    MAX_KEY_SET_BYTES,
    KeySet,
    TokenKey,
    parse_jwks,
    sign_jwt,
    verify_jwt,
)
from keystore.signer.errors import EvidenceRefused
from keystore.signer.evidence import StatementEvidence
from keystore.signer.model import SubjectKind

STATEMENT_TYP: Final = "second-factor+jwt"
LONGEST: Final = timedelta(seconds=300)

_ALGORITHMS: Final = frozenset({"ES256"})
_LEEWAY_S: Final = 5
_REQUIRED: Final = frozenset({"iss", "sub", "aud", "iat", "exp", "jti", "confirms", "totp_id"})
_NAME: Final = re.compile(r"[A-Za-z0-9._~:/-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class VerifiedStatement:
    """Who gave the code, of which authenticator, and under which mandate.

    Takes   mandate_id: empty for a person's own key.
    """

    person_id: str
    mandate_id: str = ""
    totp_id: str = ""


class VerifierKeys:
    """Public keys of the second-factor verifier: a JWK Set in a file that the signer's owner keeps.

    The file is read again when it was replaced, so the verifier can change its key while the signer
    runs.  Without a file, or with one that cannot be read, nothing is believed.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._read: tuple[tuple[int, int, int], KeySet] = ((0, 0, 0), EMPTY_KEY_SET)

    def current(self) -> KeySet:
        """The keys in the file now."""
        if self._file is None:
            return EMPTY_KEY_SET
        try:
            found = self._file.stat()
            version = (found.st_ino, found.st_mtime_ns, found.st_size)
            if version != self._read[0]:
                with self._file.open("rb") as opened:
                    raw = opened.read(MAX_KEY_SET_BYTES + 1)
                self._read = (version, parse_jwks(raw))
        except (OSError, KeySetInvalid):
            return EMPTY_KEY_SET
        return self._read[1]


def issue_statement(
    *,
    key: TokenKey,
    issuer: str,
    signer: str,
    account_id: str,
    totp_id: str,
    challenge: bytes,
    now: datetime,
    organisation_id: str = "",
    mandate_id: str = "",
) -> str:
    """What the second-factor verifier says once it has seen the second factor.

    Takes   key: of the purpose `second_factor`; signer: whom it tells; account_id: the person's;
            totp_id: the authenticator of the code; challenge: the hash of the activation or
            enrolment that the person was shown, 32 bytes;
            organisation_id, mandate_id: for whom, where it is an organisation's key.
    """
    issued_s = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": account_id,
        "aud": signer,
        "iat": issued_s,
        "exp": issued_s + int(LONGEST.total_seconds()),
        "jti": secrets.token_hex(16),
        "confirms": to_base64url(challenge).decode(),
        "totp_id": totp_id,
    }
    if organisation_id:
        claims |= {"for": organisation_id, "mandate_id": mandate_id}
    return sign_jwt(claims, key=key, typ=STATEMENT_TYP)


def verify_statement(
    evidence: StatementEvidence,
    *,
    keys: KeySet,
    expected_signer: str,
    expected_account: str,
    expected_challenge: bytes,
    now: datetime,
    expected_kind: SubjectKind = "person",
) -> VerifiedStatement:
    """Refuse a statement that is not the verifier's, not for this, or not from now.

    1. An ES256 signature of a key in the signer's own file; `typ` is second-factor+jwt.
    2. `aud` is this signer, and nobody else.  For a person's key `sub` is its account, and nobody
       acts for it; for an organisation's `for` is, and person and mandate are named.  The
       authenticator is named, for the log.
    3. `confirms` is the hash of exactly what shall be done.
    4. Not expired, and never meant to live longer than 300 seconds.

    Raises  EvidenceRefused (carries a reason word).
    """
    # 1
    try:
        claims = verify_jwt(
            evidence.token,
            keys=keys,
            allowed_algorithms=_ALGORITHMS,
            expected_typ=frozenset({STATEMENT_TYP}),
            expected_issuer=None,  # the key says who speaks: the file holds the verifier's alone
            expected_audience=expected_signer,
            now=now,
            leeway_s=_LEEWAY_S,
            required=_REQUIRED,
        )
    except JoseError as refusal:
        raise EvidenceRefused(refusal.code) from refusal
    # 2
    if claims["aud"] != expected_signer:
        raise EvidenceRefused("statement_audience")
    person_id, mandate_id = claims["sub"], claims.get("mandate_id", "")
    if expected_kind == "organisation":
        if not _is_name(person_id) or not _is_name(mandate_id):
            raise EvidenceRefused("statement_mandate")
        subject = claims.get("for")
    else:
        if "for" in claims or "mandate_id" in claims:
            raise EvidenceRefused("statement_mandate")
        subject = person_id
    if type(subject) is not str or not hmac.compare_digest(
        subject.encode(), expected_account.encode()
    ):
        raise EvidenceRefused("statement_subject")
    if not _is_name(claims["totp_id"]):
        raise EvidenceRefused("statement_totp")
    # 3
    confirms = claims["confirms"]
    expected = to_base64url(expected_challenge)
    if type(confirms) is not str or not hmac.compare_digest(confirms.encode(), expected):
        raise EvidenceRefused("statement_for_other")
    # 4
    if claims["exp"] - claims["iat"] > LONGEST.total_seconds():
        raise EvidenceRefused("statement_too_long")
    return VerifiedStatement(person_id, mandate_id, claims["totp_id"])


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None
