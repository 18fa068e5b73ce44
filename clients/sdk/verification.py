"""Documents that a portal wants checked: whether what is signed in them is valid, and why.

What lives here: `verify_document`, and what it returns as plain data.  Anybody may ask; a portal
that shows who it is (`as_portal`) is not counted among all others, and may have a report kept.
Not here: any judgement, and sentences for people; show them the page `/verify` for these.

Source  ETSI EN 319 102-1 §5.1.3 (indications); RFC 6750 §2.1; RFC 9110 §15.5.30 (429).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from clients.sdk.documents import SigningDoor, refusal_of
from clients.sdk.errors import ProviderUnavailable, SettingsInvalid, SigningAnswerMalformed
from clients.sdk.model import Metadata
from clients.sdk.signing_model import read_object
from clients.sdk.transport import HttpAnswer, HttpRequest

_WHERE: Final = "verify"
_BYTES_PER_S: Final = 1_000_000
_CHECKING_S: Final = 30.0
_MOST_BYTES: Final = 16 << 20
_ANSWERS: Final = frozenset({"valid", "invalid", "undetermined", "unsigned", "unreadable"})


@dataclass(frozen=True, slots=True)
class DocumentBeside:
    """A document that a signature in another file is about.

    Takes   content, or digests where it may not leave its owner: by `sha256`, `sha384`, `sha512`.
    """

    name: str = ""
    content: bytes | None = field(default=None, repr=False)
    digests: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class VerifiedSignature:
    """One signature of a document, as the provider judged it; times as it wrote them.

    `members` is all that was said of it.
    """

    indication: str
    sub_indication: str | None
    reasons: tuple[str, ...]
    integrity: str
    signer: str = field(repr=False)
    organization: str | None
    issuer: str
    proved_signing_time: str | None
    claimed_signing_time: str | None
    members: Mapping[str, Any] = field(repr=False)

    @property
    def is_valid(self) -> bool:
        """Whether nothing speaks against it."""
        return self.indication == "TOTAL_PASSED"


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """What came out for a document.

    Takes   answer: `valid`, `invalid`, `undetermined`, `unsigned` or `unreadable`;
            reasons: codes, listed in the guide; kept_id: of a report that was kept;
            members: the whole report, as in the OpenAPI description.
    """

    answer: str
    indication: str
    sub_indication: str | None
    reasons: tuple[str, ...]
    signatures: tuple[VerifiedSignature, ...]
    kept_id: str | None
    members: Mapping[str, Any] = field(repr=False)

    @property
    def is_valid(self) -> bool:
        """Whether every signature is valid, and there is one."""
        return self.answer == "valid"


def verify_document(
    content: bytes,
    *,
    name: str,
    detached: Sequence[DocumentBeside],
    as_portal: bool,
    keep: bool,
    door: SigningDoor,
    metadata: Metadata,
    now: datetime,
) -> VerificationReport:
    """Have a document checked.

    Takes   content: the signed document, or the signature beside `detached`; as_portal: show who
            asks; keep: have a lasting report made, which needs that.
    Raises  SigningRefused, whose `error` says why (`too_large`, `invalid_token`, …);
            ProviderUnavailable: also when too many asked from this address (`status_429`);
            TokenRequestRefused; SettingsInvalid; SigningAnswerMalformed.
    """
    if keep and not as_portal:
        raise SettingsInvalid("keep", reason="needs as_portal")
    members = {
        "content": base64.b64encode(content).decode("ascii"),
        "name": name,
        "detached": [_beside(one) for one in detached],
        **({"keep": True} if keep else {}),
    }
    body = json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()
    answer = _send(body, as_portal=as_portal, door=door, metadata=metadata, now=now)
    if answer.status == 401 and as_portal:
        # keys of the provider may have been replaced in a hurry: a fresh token decides
        answer = _send(body, as_portal=as_portal, door=door, metadata=metadata, now=now)
    if answer.status >= 500 or answer.status == 429:
        raise ProviderUnavailable(_WHERE, reason=f"status_{answer.status}")
    if answer.status != 200:
        raise refusal_of(answer)
    return read_report(answer.body)


def read_report(raw: bytes) -> VerificationReport:
    """A report out of its JSON.

    Raises  SigningAnswerMalformed.
    """
    members: Mapping[str, Any] | None = read_object(raw)
    if members is None or members.get("answer") not in _ANSWERS:
        raise SigningAnswerMalformed("answer")
    try:
        kept = members.get("kept") or {}
        return VerificationReport(
            answer=members["answer"],
            indication=str(members["indication"]),
            sub_indication=_text(members.get("sub_indication")),
            reasons=_codes(members["reasons"]),
            signatures=tuple(_signature(one) for one in members["signatures"]),
            kept_id=_text(kept.get("report_id")),
            members=members,
        )
    except (KeyError, TypeError, AttributeError) as malformed:
        raise SigningAnswerMalformed("report") from malformed


def _signature(one: Mapping[str, Any]) -> VerifiedSignature:
    signer = one["signer"] or {}
    return VerifiedSignature(
        indication=str(one["indication"]),
        sub_indication=_text(one.get("sub_indication")),
        reasons=_codes(one["reasons"]),
        integrity=str(one["integrity"]),
        signer=str(signer.get("name") or ""),
        organization=_text(signer.get("organization")),
        issuer=str(signer.get("issuer") or ""),
        proved_signing_time=_text(one.get("proved_signing_time")),
        claimed_signing_time=_text(one.get("claimed_signing_time")),
        members=one,
    )


def _codes(reasons: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(str(one["code"]) for one in reasons)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _beside(one: DocumentBeside) -> dict[str, Any]:
    if (one.content is None) == (not one.digests):
        raise SettingsInvalid("detached", reason="needs content or digests, one of them")
    if one.content is not None:
        return {"name": one.name, "content": base64.b64encode(one.content).decode("ascii")}
    return {"name": one.name, "digests": {name: raw.hex() for name, raw in one.digests.items()}}


def _send(
    body: bytes, *, as_portal: bool, door: SigningDoor, metadata: Metadata, now: datetime
) -> HttpAnswer:
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    token = None
    if as_portal:
        token = door.access.token(metadata=metadata, now=now)
        headers["Authorization"] = f"Bearer {token.reveal()}"
    answer = door.login.transport.send(
        HttpRequest(
            where=_WHERE,
            method="POST",
            url=metadata.issuer.rstrip("/") + "/verify",
            headers=headers,
            body=body,
            patience_s=_CHECKING_S + len(body) / _BYTES_PER_S,
            answer_limit_bytes=_MOST_BYTES,
        )
    )
    if token is not None and answer.status == 401:
        door.access.forget(token)
    return answer
