"""What a validation comes to: the report, as plain data.

What lives here: the shapes that every form of the report (page, JSON, XML, PDF, table of the
command) is made from.  Codes and facts, no sentences.
Source: ETSI EN 319 102-1 §5.1.4 (what a validation returns); TS 119 102-2 (the structure of a
report); TT 15/2025/TT-BKHCN, Art. 6 (what has to be kept).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from signing.validation.found import Form, Packaging, SignedObject, TimestampKind
from signing.validation.verdict import Conclusion, Reason


class RevocationState(StrEnum):
    """What is known of a certificate at the time of interest."""

    GOOD = "good"
    REVOKED = "revoked"
    ON_HOLD = "on_hold"
    UNKNOWN = "unknown"
    NOT_NEEDED = "not_needed"


class StatusOrigin(StrEnum):
    """Where the evidence about a certificate came from."""

    FILE = "file"
    ONLINE = "online"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class RevocationReport:
    """About one certificate of a chain; times aware, None where nothing says so.

    `evidence` is the answer or the list that says it, DER, for whoever has to keep it.
    """

    state: RevocationState
    origin: StatusOrigin = StatusOrigin.NONE
    kind: str = ""
    produced_at: datetime | None = None
    this_update: datetime | None = None
    next_update: datetime | None = None
    revoked_at: datetime | None = None
    reason: str = ""
    evidence: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class CertificateReport:
    """One certificate of a chain, the signer's first.

    Takes   anchor: which list or folder says that it is trusted, empty for one that is not;
            policies: object identifiers.
    """

    der: bytes = field(repr=False)
    subject: str = field(repr=False)
    issuer: str
    serial_number: int = field(repr=False)
    not_before: datetime
    not_after: datetime
    common_name: str = field(default="", repr=False)
    organization: str = ""
    organization_identifier: str = ""
    title: str = ""
    issuer_organization: str = ""
    policies: tuple[str, ...] = ()
    anchor: str = ""
    revocation: RevocationReport = field(
        default_factory=lambda: RevocationReport(RevocationState.NOT_NEEDED)
    )


class Step(StrEnum):
    """The building blocks in the order of EN 319 102-1 §5, as they are shown."""

    FORMAT = "format"
    IDENTIFICATION = "identification"
    CONTEXT = "context"
    PATH = "path"
    REVOCATION = "revocation"
    CRYPTOGRAPHY = "cryptography"
    ACCEPTANCE = "acceptance"
    TIMESTAMPS = "timestamps"
    PAST = "past"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class Check:
    """One building block and what it came to."""

    step: Step
    conclusion: Conclusion


@dataclass(frozen=True, slots=True)
class TimestampReport:
    """One timestamp: `generated_at` is what it says, believed only when the conclusion passed.

    `token` is the token itself, DER, for whoever has to keep it.
    """

    identity: str
    kind: TimestampKind
    conclusion: Conclusion
    generated_at: datetime | None
    chain: tuple[CertificateReport, ...] = ()
    hash_name: str = ""
    policy: str = ""
    token: bytes = field(default=b"", repr=False)


class ChangeKind(StrEnum):
    """What somebody did to a file behind a signature."""

    SIGNED_AGAIN = "signed_again"
    FORM_FILLED = "form_filled"
    ANNOTATED = "annotated"
    EVIDENCE_ADDED = "evidence_added"
    PAGES_ADDED = "pages_added"
    PAGES_REMOVED = "pages_removed"
    CONTENT_CHANGED = "content_changed"
    APPEARANCE_CHANGED = "appearance_changed"
    OVERLAPPED = "overlapped"
    UNDEFINED = "undefined"


@dataclass(frozen=True, slots=True)
class Change:
    """One change behind a signature.

    Takes   is_allowed: by what the signature says may follow it, and by what every signature bears;
            pages: counted from 1, where it can be seen; code: a name for it, such as
            `shadow_replace`.
    """

    kind: ChangeKind
    is_allowed: bool
    code: str = ""
    pages: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """One signature.

    Takes   level: `B-B` … `B-LTA` as far as the format and its evidence reach, or a word of the
            format where it is no baseline signature; checks: in the order in which they were done;
            best_signature_time: the earliest time at which it is proved to have existed;
            covers_whole: False when there is something in the document that it does not stand for;
            is_key_confirmed: True when the certificate says that the key is the signer's alone
            (SCAL2), False when another factor sufficed, None when it says neither;
            revision_bytes: how much of the file is what this signature signed (PDF).
    """

    identity: str
    form: Form
    packaging: Packaging
    place: str
    level: str
    conclusion: Conclusion
    checks: tuple[Check, ...]
    chain: tuple[CertificateReport, ...]
    objects: tuple[SignedObject, ...]
    timestamps: tuple[TimestampReport, ...] = ()
    changes: tuple[Change, ...] = ()
    claimed_time: datetime | None = None
    best_signature_time: datetime | None = None
    algorithm: str = ""
    hash_name: str = ""
    stated_reason: str = field(default="", repr=False)
    production_place: str = field(default="", repr=False)
    policy_identifier: str = ""
    commitments: tuple[str, ...] = ()
    claimed_roles: tuple[str, ...] = ()
    covers_whole: bool = True
    is_key_confirmed: bool | None = None
    is_sandbox: bool = False
    revision_bytes: int | None = None
    parent: str = ""


@dataclass(frozen=True, slots=True)
class DocumentReport:
    """A document and everything that was found in it.

    Takes   digest: SHA-256 of the file; conclusion: of all signatures together: the worst;
            a file without a signature is INDETERMINATE with the reason `no_signature`;
            sources: which lists and folders of trust were asked, each with when it was made.
    """

    name: str = field(repr=False)
    kind: str
    size: int
    digest: bytes
    checked_at: datetime
    conclusion: Conclusion
    signatures: tuple[SignatureReport, ...] = ()
    timestamps: tuple[TimestampReport, ...] = ()
    findings: tuple[Reason, ...] = ()
    policy: str = ""
    sources: tuple[str, ...] = ()
