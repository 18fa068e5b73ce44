"""Who may sign evidence about certificates, and whether they did.

What lives here: the issuer's own key; somebody else who signs lists, by a path of his own to the
same anchor; a responder whom the issuer appointed.
Source: RFC 5280 §6.3.3 (f) and (g), §4.2.1.3 (cRLSign); RFC 6960 §4.2.2.2 (who may answer).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from signing.formats.der import DerMalformed
from signing.validation.certificate_extensions import NO_CHECK, OCSP_SIGNING
from signing.validation.certificate_path import validate_path
from signing.validation.certificates import (
    Certificate,
    find_certificate,
    key_digest,
    key_with_parameters,
)
from signing.validation.der_values import DIRECTORY, bits, sequence
from signing.validation.known_anchors import KnownAnchors
from signing.validation.model import RevocationState
from signing.validation.names import is_same_name
from signing.validation.path_building import find_paths
from signing.validation.paths import AnchorPurpose, CertificatePath, TrustAnchor
from signing.validation.revocation_lists import RevocationList
from signing.validation.status_answers import Answer
from signing.validation.status_evidence import Inquiry
from signing.validation.verdict import Reason, because

_MOST_PATHS: Final = 4
_MOST_SIGNERS: Final = 16
_SETTLED: Final = frozenset({RevocationState.GOOD, RevocationState.NOT_NEEDED})


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issued a certificate of a path.

    Takes   names: DER, as the certificate and as the issuer itself write it; key: DER of the
            SubjectPublicKeyInfo, whole; certificate: None for an anchor that was given without.
    """

    names: tuple[bytes, ...]
    key: bytes
    certificate: Certificate | None

    @property
    def may_sign_lists(self) -> bool:
        """Whether the usage of its key lets it."""
        return self.certificate is None or self.certificate.may("cRLSign")

    @property
    def key_bits(self) -> bytes:
        """What the BIT STRING in the key holds.

        Raises  DerMalformed.
        """
        return bits(sequence(self.key, most=2)[1])


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose key signed a piece of evidence; `path` None for the issuer itself."""

    key: bytes
    path: CertificatePath | None
    warnings: tuple[Reason, ...] = ()


def issuer_of(path: CertificatePath, *, position: int) -> Issuer | None:
    """Who issued the certificate at `position`; None when something above cannot be read."""
    key = path.anchor.key
    der = path.anchor.certificate
    above = None if der is None else find_certificate(der)
    name = path.anchor.name
    for one in reversed(path.certificates[position + 1 :]):
        above = find_certificate(one)
        if above is None:
            return None
        key = key_with_parameters(above, inherited=key)
        name = above.subject
    certificate = find_certificate(path.certificates[position])
    if certificate is None:
        return None
    return Issuer(tuple(dict.fromkeys((certificate.issuer, name))), key, above)


def find_list_signer(
    found: RevocationList, *, path: CertificatePath, position: int, inquiry: Inquiry
) -> Signer | Reason:
    """Whoever signed a list and may.

    1. The issuer of the certificate, when the list is in its name and its key may sign lists.
    2. The anchor, when the list is in its name.
    3. The certificate itself, when its issuer wrote into it that it tells its own status.
    4. Somebody of the name of the list, with a path to the same anchor that is valid, and of whose
       certificates above none but those of the path itself are without a state.

    Returns the signer, or why there is none.
    """
    issuer = issuer_of(path, position=position)
    if issuer is None:
        return because("crl_signer_unknown")
    fault = "crl_signer_unknown"
    # 1
    if any(is_same_name(one, found.issuer) for one in issuer.names):
        if not issuer.may_sign_lists:
            fault = "crl_signer_may_not"
        elif _did_sign(issuer.key, found, inquiry):
            return Signer(issuer.key, None)
        else:
            fault = "crl_signature_broken"
    # 2
    anchor = path.anchor
    if is_same_name(anchor.name, found.issuer):
        root = find_certificate(anchor.certificate) if anchor.certificate else None
        may = root is None or root.may("cRLSign")
        if may and _did_sign(anchor.key, found, inquiry):
            return Signer(anchor.key, None)
    # 3
    itself = find_certificate(path.certificates[position])
    if itself is not None and _tells_own_status(itself, found):
        key = key_with_parameters(itself, inherited=issuer.key)
        if _did_sign(key, found, inquiry):
            return Signer(key, path.above(position))
    # 4
    for one in _candidates(found, path=path, position=position, inquiry=inquiry):
        fault, signer = _try_signer(one, found, path=path, position=position, inquiry=inquiry)
        if signer is not None:
            return signer
    return because(fault)


def find_responder(
    answer: Answer, *, path: CertificatePath, position: int, inquiry: Inquiry
) -> Signer | Reason:
    """Whoever signed an answer and may.

    1. The issuer of the certificate itself.
    2. A responder whom the same key issued a certificate for this purpose, valid, and not revoked:
       nobody tells (id-pkix-ocsp-nocheck), or it is known to be good, or its certificate says
       nowhere where it would be told.
    3. A responder who is trusted himself, for these certificates, and valid.

    Returns the responder, or why there is none.
    Source  RFC 6960 §4.2.2.2 and §4.2.2.2.1.
    """
    issuer = issuer_of(path, position=position)
    if issuer is None:
        return because("responder_unknown")
    # 1
    try:
        is_issuer = _is_named(answer, names=issuer.names, key_bits=issuer.key_bits)
    except DerMalformed:
        is_issuer = False
    if is_issuer and inquiry.budget.spend() and inquiry.evidence.is_signed(answer, key=issuer.key):
        return Signer(issuer.key, None)
    # 2
    fault = "responder_unknown"
    for responder in _responders(answer, inquiry=inquiry):
        above = CertificatePath((responder.der, *path.certificates[position + 1 :]), path.anchor)
        fault, signer = _try_responder(responder, answer, path=above, inquiry=inquiry)
        # 3
        if signer is None:
            signer = _try_listed(responder, answer, root=path.anchor, inquiry=inquiry)
        if signer is not None:
            return signer
    return because(fault)


def _tells_own_status(certificate: Certificate, found: RevocationList) -> bool:
    """Whether a cRLIssuer in it (§4.2.1.13) is the certificate's own name, and the list's."""
    names = [
        name.value
        for point in certificate.extensions.points
        for name in point.issuers
        if name.kind == DIRECTORY
    ]
    is_own = any(is_same_name(one, certificate.subject) for one in names)
    return is_own and is_same_name(found.issuer, certificate.subject) and certificate.may("cRLSign")


def _did_sign(key: bytes, found: RevocationList, inquiry: Inquiry) -> bool:
    return inquiry.budget.spend() and inquiry.evidence.is_signed(found, key=key)


def _candidates(
    found: RevocationList, *, path: CertificatePath, position: int, inquiry: Inquiry
) -> Iterator[Certificate]:
    pool = inquiry.evidence.pool_with(path.certificates[position:])
    # §4.2.1.3: whoever signs lists has a key usage; for the issuer itself its absence is let pass
    may = (
        one for one in pool.by_subject(found.issuer) if "cRLSign" in (one.extensions.usage or ())
    )
    return itertools.islice(may, _MOST_SIGNERS)


def _try_signer(
    one: Certificate,
    found: RevocationList,
    *,
    path: CertificatePath,
    position: int,
    inquiry: Inquiry,
) -> tuple[str, Signer | None]:
    fault = "crl_signer_without_path"
    at = inquiry.signers_at(found.der, made=found.this_update)
    anchors = KnownAnchors([path.anchor])
    among = inquiry.evidence.pool_with(path.certificates[position:])
    paths = find_paths(one.der, among=among, anchors=anchors, at=at)
    for own in itertools.islice(paths, _MOST_PATHS):
        result = validate_path(own, at=at)
        if not result.is_valid:
            fault = "crl_signer_invalid"
        elif not _did_sign(result.key, found, inquiry):
            fault = "crl_signature_broken"
        elif not _is_settled(own, at, besides=path.certificates[position + 1 :], inquiry=inquiry):
            fault = "crl_signer_status_unknown"
        else:
            return "", Signer(result.key, own)
    return fault, None


def _is_settled(
    path: CertificatePath, at: datetime, *, besides: tuple[bytes, ...], inquiry: Inquiry
) -> bool:
    """Whether no certificate of a path is revoked or of unknown state, but those `besides`."""
    for position, one in enumerate(path.certificates):
        if one in besides:
            continue
        further = inquiry.about(one, at=at)
        if further is None or further.ask(path, position, further).state not in _SETTLED:
            return False
    return True


def _responders(answer: Answer, *, inquiry: Inquiry) -> Iterator[Certificate]:
    brought = (find_certificate(one) for one in answer.certificates)
    if answer.responder_name:
        more = inquiry.evidence.pool.by_subject(answer.responder_name)
    else:
        more = inquiry.evidence.pool.certificates
    known = dict.fromkeys(one for one in (*brought, *more) if one is not None)
    named = (
        one
        for one in known
        if one.extensions.purposes is not None
        and OCSP_SIGNING in one.extensions.purposes
        and _is_named(answer, names=(one.subject,), key_bits=one.key_bits)
    )
    return itertools.islice(named, _MOST_SIGNERS)


def _is_named(answer: Answer, *, names: tuple[bytes, ...], key_bits: bytes) -> bool:
    """Whether the answer says that this one gave it (§4.2.2.3)."""
    if answer.responder_name:
        return any(is_same_name(answer.responder_name, one) for one in names)
    return answer.responder_key == key_digest(key_bits, hash_name="sha1")


def _try_listed(
    responder: Certificate, answer: Answer, *, root: TrustAnchor, inquiry: Inquiry
) -> Signer | None:
    """RFC 6960 §4.2.2.2: one who matches a local configuration for the certificate in question.

    A list that names a responder means the certificates of its own authorities, not everybody's.
    """
    listed = inquiry.settings.responders
    anchor = None if listed is None else listed.contains(responder.der)
    at = inquiry.signers_at(answer.der, made=answer.produced_at)
    if anchor is None or not _may_tell(anchor, root) or not responder.is_valid_at(at):
        return None
    path = CertificatePath((responder.der,), anchor)
    if not validate_path(path, at=at).is_valid:
        return None
    if not (inquiry.budget.spend() and inquiry.evidence.is_signed(answer, key=responder.key)):
        return None
    return Signer(responder.key, path)


def _may_tell(listed: TrustAnchor, root: TrustAnchor) -> bool:
    if listed.purpose is AnchorPurpose.STATUS:
        return listed.source == root.source
    return listed.purpose is AnchorPurpose.ANYTHING


def _try_responder(
    responder: Certificate, answer: Answer, *, path: CertificatePath, inquiry: Inquiry
) -> tuple[str, Signer | None]:
    at = inquiry.signers_at(answer.der, made=answer.produced_at)
    result = validate_path(path, at=at)
    if not result.is_valid:
        return "responder_invalid", None
    if not (responder.may("digitalSignature") or responder.may("nonRepudiation")):
        return "responder_may_not", None
    if not (inquiry.budget.spend() and inquiry.evidence.is_signed(answer, key=result.key)):
        return "ocsp_signature_broken", None
    if NO_CHECK in responder.extensions.present:
        return "", Signer(result.key, path)
    further = inquiry.about(responder.der, at=at)
    state = RevocationState.UNKNOWN
    if further is not None:
        state = further.ask(path, 0, further).state
    if state in _SETTLED:
        return "", Signer(result.key, path)
    is_needed = inquiry.settings.is_responder_status_needed and responder.extensions.tells_status
    if state is not RevocationState.UNKNOWN or is_needed:
        return "responder_status_unknown", None
    return "", Signer(result.key, path, (because("responder_unchecked"),))
