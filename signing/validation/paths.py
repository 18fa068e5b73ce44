"""Paths of certificates, and what is trusted at their end: the shapes.

What lives here: trust anchors, a path, what a validation of it is asked and what it answers.
Source: RFC 5280 §6.1 (inputs of §6.1.1, outputs of §6.1.6); RFC 5914 (an anchor is a name and a
key).
Not here: finding paths (`path_building`), validating them (`certificate_path`), revocation
(`revocation`), and where anchors come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from signing.validation.der_values import GeneralName
from signing.validation.verdict import Reason

ANY_POLICY: Final = "2.5.29.32.0"
"""The policy that stands for all (RFC 5280 §4.2.1.4)."""


class AnchorPurpose(StrEnum):
    """What somebody is believed for."""

    ANYTHING = "anything"
    TIMESTAMPS = "timestamps"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class TrustAnchor:
    """Somebody whom we believe without asking further.

    Takes   name: DER of the Name; key: DER of the SubjectPublicKeyInfo; both are what counts;
            certificate: DER, when it was given as one (self-signed or not);
            source: which folder or list says so, such as `folder:vn-root` or a list's address;
            trusted_from, trusted_until: since and until when whoever published the anchor stands
            for it, aware; None for no such limit.  These are no validity of a certificate, and
            `validate_path` looks at them at the time of interest;
            purpose: a list may name an authority for timestamps or for status alone, and then its
            word about a signer's certificate counts for nothing.
    """

    name: bytes
    key: bytes = field(repr=False)
    source: str
    certificate: bytes | None = field(default=None, repr=False)
    trusted_from: datetime | None = None
    trusted_until: datetime | None = None
    purpose: AnchorPurpose = AnchorPurpose.ANYTHING


class TrustAnchors(Protocol):
    """All anchors that are trusted; `KnownAnchors` is one kept in memory."""

    def by_subject(self, name_der: bytes) -> Sequence[TrustAnchor]:
        """The anchors of that name, compared as RFC 5280 §7.1 says; empty when there is none."""

    def contains(self, der: bytes) -> TrustAnchor | None:
        """The anchor that was given as this very certificate, or None."""


@dataclass(frozen=True, slots=True)
class CertificatePath:
    """A certificate, its issuers one after the other, and the anchor that ends them.

    Takes   certificates: DER, the one of interest first (the standard counts the other way: its
            certificate n is our first); the anchor's own certificate is not among them, unless the
            certificate of interest is itself trusted: then it is the only one;
            anchor: who issued the last of them.
    A path that was found is **not validated**.
    """

    certificates: tuple[bytes, ...] = field(repr=False)
    anchor: TrustAnchor

    @property
    def is_anchor(self) -> bool:
        """Whether the certificate of interest is itself an anchor: nothing above it matters."""
        return len(self.certificates) == 1 and self.certificates[0] == self.anchor.certificate

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The certificates and then the anchor's, if it has one: for a report. DER."""
        if self.anchor.certificate is None or self.is_anchor:
            return self.certificates
        return (*self.certificates, self.anchor.certificate)

    def above(self, position: int) -> CertificatePath:
        """The path of the certificate at `position`: 1 is the issuer of the one of interest."""
        return CertificatePath(self.certificates[position:], self.anchor)


class PathFault(StrEnum):
    """What kind of thing is wrong with a path, for whoever maps it to a sub-indication."""

    MALFORMED = "malformed"
    SIGNATURE = "signature"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    NAME_CHAINING = "name_chaining"
    NAME_CONSTRAINTS = "name_constraints"
    POLICIES = "policies"
    BASIC_CONSTRAINTS = "basic_constraints"
    PATH_LENGTH = "path_length"
    KEY_USAGE = "key_usage"
    CRITICAL_EXTENSION = "critical_extension"
    ANCHOR_TIME = "anchor_time"


@dataclass(frozen=True, slots=True)
class PathFinding:
    """One thing that is wrong with a path.

    Takes   position: which certificate, 0 is the one of interest;
            reason: code and facts; the fact `step` is the step of RFC 5280, such as `6.1.3(a)(2)`.
    """

    fault: PathFault
    position: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class PathSettings:
    """What a validation is asked beside the path (RFC 5280 §6.1.1 (c) to (i)).

    Takes   policies: user-initial-policy-set; `ANY_POLICY` alone when every policy will do;
            is_explicit_policy_needed: initial-explicit-policy;
            is_mapping_inhibited: initial-policy-mapping-inhibit;
            is_any_policy_inhibited: initial-any-policy-inhibit;
            permitted, excluded: initial subtrees; None where every name is permitted;
            known_critical: further extensions (dotted) that the caller itself looks after.
    """

    policies: frozenset[str] = frozenset({ANY_POLICY})
    is_explicit_policy_needed: bool = False
    is_mapping_inhibited: bool = False
    is_any_policy_inhibited: bool = False
    permitted: tuple[GeneralName, ...] | None = None
    excluded: tuple[GeneralName, ...] = ()
    known_critical: frozenset[str] = frozenset()


ANY_PATH: Final = PathSettings()
"""No demand beyond RFC 5280 itself."""


@dataclass(frozen=True, slots=True)
class PathResult:
    """What a validation came to (RFC 5280 §6.1.6); every finding, not the first alone.

    Takes   policies: the user-constrained policy set, dotted; `ANY_POLICY` in it when nothing in
            the path limits them; empty when there is none;
            key: DER of the SubjectPublicKeyInfo of the certificate of interest, with parameters
            that it inherited (DSA); empty when it cannot be read;
            valid_from, valid_until: when all certificates of the path are in their time, aware;
            None when one cannot be read.
    """

    findings: tuple[PathFinding, ...] = ()
    policies: frozenset[str] = frozenset()
    key: bytes = field(default=b"", repr=False)
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    @property
    def is_valid(self) -> bool:
        """Whether the path holds at the time that was asked about; revocation is not looked at."""
        return not self.findings

    @property
    def is_valid_but_for_time(self) -> bool:
        """Whether all that is wrong is a time of validity."""
        return all(
            one.fault in {PathFault.EXPIRED, PathFault.NOT_YET_VALID} for one in self.findings
        )

    def at(self, position: int) -> tuple[PathFinding, ...]:
        """What is wrong with one of the certificates."""
        return tuple(one for one in self.findings if one.position == position)
