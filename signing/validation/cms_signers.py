"""One signature in CMS: what it is over, how it was made, who is meant, what came with it.

What lives here: a SignerInfo with everything around it, into a `FoundSignature`, and the
countersignatures that it bears.
Source: RFC 5652 §5.3, §5.4, §5.6, §11; RFC 6211 (algorithm protection); EN 319 122-1 §4.
Not here: taking a SignedData apart (`signed_parts.py`), which content belongs to it (`cms.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from keystore.pki.der import SEQUENCE, wrap
from signing.formats.der import OCTET_STRING, SET, DerMalformed, read_oid, read_one, set_of
from signing.formats.material import ValidationMaterial
from signing.formats.signed_data import CONTENT_TYPE, DATA, MESSAGE_DIGEST, SIGNING_TIME
from signing.validation.cades_attributes import certificates_of, read_material, read_said
from signing.validation.cades_proofs import token_material
from signing.validation.cades_references import (
    KINDS,
    find_named,
    find_referenced,
    is_alike_in_all,
    is_issuer_serial_of,
    key_of,
    read_references,
)
from signing.validation.cades_timestamps import MOST_TIMESTAMPS, Stamped, read_timestamps
from signing.validation.cms_algorithms import (
    as_der_value,
    hash_name,
    read_signature_algorithm,
    without_plain,
)
from signing.validation.cms_evidence import read_evidence
from signing.validation.content import Content, Octets
from signing.validation.found import (
    Form,
    FoundSignature,
    ObjectKind,
    Packaging,
    SignatureAlgorithm,
    SignedObject,
    SignedValue,
)
from signing.validation.signed_parts import SignedParts, Signer, read_signer_info
from signing.validation.verdict import Reason, because
from signing.validation.verify_value import is_value_of

_COUNTERSIGNATURE: Final = "1.2.840.113549.1.9.6"
_PROTECTION: Final = "1.2.840.113549.1.9.52"
_ONCE: Final = {
    CONTENT_TYPE: "content-type",
    MESSAGE_DIGEST: "message-digest",
    SIGNING_TIME: "signing-time",
    _PROTECTION: "algorithm-protection",
}
_DEEPEST: Final = 3
_MOST_COUNTERSIGNATURES: Final = 64
_LARGEST_ATTRIBUTES: Final = 1 << 20
_MOST_KINDS: Final = 512
_LARGEST_UNATTRIBUTED: Final = 256 << 20
"""What is verified without attributes is held in memory."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a signature stands, and what it is about.

    Takes   parent: identity of the signature that it countersigns, empty for others;
            content: None when what was signed is not there.
    """

    identity: str
    place: str
    form: Form
    packaging: Packaging
    name: str
    content: Content | None = field(repr=False)
    parent: str = ""


def read_with_countersignatures(
    parts: SignedParts, signer: Signer, *, at: Place, depth: int = 0
) -> Iterator[FoundSignature]:
    """A signature, and those that countersign it behind it."""
    yield _read(parts, signer, at=at)
    if depth == _DEEPEST:
        return
    values = signer.unsigned_values(_COUNTERSIGNATURE)[:_MOST_COUNTERSIGNATURES]
    for number, value in enumerate(values, start=1):
        inner = Place(
            f"{at.identity}-C{number}",
            at.place,
            at.form,
            Packaging.DETACHED,
            at.identity,
            Octets(signer.signature),
            parent=at.identity,
        )
        try:
            countersigner = read_signer_info(read_one(value))
        except DerMalformed:
            yield unreadable(inner, because("countersignature_malformed"))
            continue
        yield from read_with_countersignatures(parts, countersigner, at=inner, depth=depth + 1)


def unreadable(at: Place, why: Reason) -> FoundSignature:
    """A signature of which nothing can be said."""
    return FoundSignature(
        at.identity,
        at.form,
        at.packaging,
        at.place,
        (),
        None,
        None,
        malformed=(why,),
        parent=at.parent,
    )


def _read(parts: SignedParts, signer: Signer, *, at: Place) -> FoundSignature:
    """1. What is signed beside the content, and whether the standard has it so.
    2. The content, by its digest.
    3. Whose certificate it is, among all that came along.
    4. The value, over the attributes or over the content itself.
    5. What stands beside it: timestamps, evidence, statements.
    """  # noqa: D205  the steps are the summary
    digest = hash_name(signer.digest_algorithm)
    algorithm = read_signature_algorithm(signer.signature_algorithm, digest=digest)
    # 1
    malformed = list(_check_attributes(parts, signer, at=at))
    said = read_said(signer)
    doubts = [*said.doubts, *_doubts(signer, digest=digest, algorithm=algorithm)]
    # 2
    signed_object = _signed_object(signer, at=at, digest=digest)
    # 3
    material = read_material(parts, signer)
    references = read_references(signer)
    among = material.certificates
    candidate = find_named(signer.sid, among=among) or find_referenced(references, among=among)
    if candidate is not None and references and not is_issuer_serial_of(references[0], candidate):
        doubts.append(because("issuer_serial_differs"))
    if candidate is not None and not is_alike_in_all(signer, candidate):
        doubts.append(because("certificate_reference_differs"))
    # 4
    value = as_der_value(signer.signature, algorithm=algorithm)
    signed = SignedValue(b"", value, without_plain(algorithm))
    octets = _signed_octets(signer, signed=signed, candidate=candidate, content=at.content)
    # 5
    values = tuple(dict.fromkeys((value, signer.signature)))
    timestamps = read_timestamps(Stamped(parts, signer, at.content, values), identity=at.identity)
    if len(timestamps) == MOST_TIMESTAMPS:
        doubts.append(because("too_many_timestamps"))
    evidence, is_all_read = read_evidence(
        parts, signer, content=at.content, values=values, identity=at.identity
    )
    timestamps += evidence
    if not is_all_read:
        doubts.append(because("evidence_record_unread"))
    for one in timestamps:
        material = material.with_others(token_material(one.token))
    is_named = references is not None
    return FoundSignature(
        identity=at.identity,
        form=Form.CMS if at.form is Form.CADES and not is_named else at.form,
        packaging=at.packaging,
        place=at.place,
        objects=(signed_object,),
        value=None if octets is None else SignedValue(octets, value, signed.algorithm),
        candidate=candidate,
        references=references,
        certificates=certificates_of(parts),
        material=_without_signers(material, certificates_of(parts)),
        timestamps=timestamps,
        claimed_time=said.claimed_time,
        content_type=said.content_type,
        policy_identifier=said.policy_identifier,
        commitments=said.commitments,
        claimed_roles=said.claimed_roles,
        production_place=said.production_place,
        malformed=tuple(malformed),
        doubts=tuple(doubts),
        parent=at.parent,
    )


def _check_attributes(parts: SignedParts, signer: Signer, *, at: Place) -> Iterator[Reason]:
    """What RFC 5652 demands of signed attributes (§5.3, §11.1, §11.2, §11.4)."""
    is_counter, content = bool(at.parent), at.content
    if signer.signed_octets is None:
        if parts.content_type != DATA and not is_counter:
            yield because("signed_attributes_missing")
        if _is_like_attributes(content):
            yield because("content_is_signed_attributes")
        return
    for kind, name in _ONCE.items():
        found = [one for one in signer.signed if one.kind == kind]
        if len(found) > 1 or any(len(one.values) != 1 for one in found):
            yield because("attribute_twice", attribute=name)
    kinds = signer.signed_values(CONTENT_TYPE)
    if not is_counter:
        if not kinds:
            yield because("content_type_missing")
        elif kinds[0] != parts.content_type_element:
            yield because("content_type_differs")
    if not signer.signed_values(MESSAGE_DIGEST):
        yield because("message_digest_missing")
    for value in signer.signed_values(_PROTECTION):
        if not _is_protecting(value, signer):
            yield because("algorithm_protection_differs")


def _is_like_attributes(content: Content | None) -> bool:
    """Whether a content that was signed as it is would do as the attributes of a signature.

    The value of a signature with attributes fits these as a content too: without this, anybody
    could take them for a document that its signer never saw.
    """
    chunks = None if content is None else content.chunks()
    start = b"" if chunks is None else next(iter(chunks), b"")
    if start[:1] != bytes((SET,)) or len(start) > _LARGEST_ATTRIBUTES:
        return False
    try:
        kinds = {
            read_oid(one.children(most=2)[0]) for one in read_one(start).children(most=_MOST_KINDS)
        }
    except (DerMalformed, ValueError, IndexError):
        return False
    return MESSAGE_DIGEST in kinds


def _is_protecting(value: bytes, signer: Signer) -> bool:
    """CMSAlgorithmProtection (RFC 6211 §2): the same identifiers once more, but signed."""
    try:
        digest, *others = read_one(value).children(most=3)
    except (DerMalformed, ValueError):
        return False
    if hash_name(bytes(digest.whole)) != hash_name(signer.digest_algorithm):
        return False
    own = read_signature_algorithm(signer.signature_algorithm, digest="")
    return any(
        read_signature_algorithm(wrap(SEQUENCE, bytes(one.content)), digest="") == own
        for one in others
        if one.tag == 0xA1
    )


def _doubts(signer: Signer, *, digest: str, algorithm: SignatureAlgorithm) -> Iterator[Reason]:
    if not digest:
        yield because("hash_unknown")
    elif algorithm.hash_name != digest and algorithm.family in {"rsa", "ec", "dsa"}:
        yield because("hashes_differ", digest=digest, signature=algorithm.hash_name)
    for kind in KINDS:
        if len(signer.signed_values(kind)) > 1:
            yield because("signing_certificate_twice")
    if signer.signed_octets is not None and not _is_in_order(signer):
        yield because("attributes_out_of_order")


def _signed_object(signer: Signer, *, at: Place, digest: str) -> SignedObject:
    actual = at.content.digest(digest) if at.content is not None and digest else None
    expected = b""
    if signer.signed_octets is None:
        # the value itself is over the content: it stands or falls with the signature
        expected = actual or b""
    for value in signer.signed_values(MESSAGE_DIGEST)[:1]:
        try:
            element = read_one(value)
        except DerMalformed:
            break
        expected = bytes(element.content) if element.tag == OCTET_STRING else b""
    kind = ObjectKind.OTHER if at.parent else ObjectKind.DOCUMENT
    return SignedObject(at.name, kind, digest, expected, actual)


def _signed_octets(
    signer: Signer, *, signed: SignedValue, candidate: bytes | None, content: Content | None
) -> bytes | None:
    """What the value is over.

    RFC 5652 §5.4 wants the attributes in the order of DER; there are makers who sign what they
    write, and others who sign in order and write in another.  What was written is taken, unless
    the key says otherwise.
    """
    written = signer.signed_octets
    if written is None:
        return _whole(content)
    if candidate is None or _is_in_order(signer):
        return written
    key = key_of(candidate)
    ordered = _in_order(signer)
    if key is None or is_value_of(key, signed=_over(written, signed)):
        return written
    return ordered if is_value_of(key, signed=_over(ordered, signed)) else written


def _whole(content: Content | None) -> bytes | None:
    chunks = None if content is None else content.chunks()
    if chunks is None:
        return None
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > _LARGEST_UNATTRIBUTED:
            return None
        held.append(chunk)
    return b"".join(held)


def _over(octets: bytes, signed: SignedValue) -> SignedValue:
    return SignedValue(octets, signed.value, signed.algorithm)


def _is_in_order(signer: Signer) -> bool:
    wholes = [one.whole for one in signer.signed]
    return wholes == sorted(wholes)


def _in_order(signer: Signer) -> bytes:
    return set_of((one.whole for one in signer.signed), tag=SET)


def _without_signers(
    material: ValidationMaterial, certificates: Sequence[bytes]
) -> ValidationMaterial:
    """Evidence for later alone: the certificates of every signature are no evidence."""
    known = set(certificates)
    return ValidationMaterial(
        tuple(one for one in material.certificates if one not in known),
        material.ocsp_responses,
        material.crls,
    )
