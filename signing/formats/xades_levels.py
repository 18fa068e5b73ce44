"""What a XAdES signature gets for a level beyond B-B, without being signed again.

What lives here: the timestamp over the signature value, and the evidence for the chains of signer
and timestamp, as the elements that are added.
Source: ETSI EN 319 132-1 §5.3, §5.4, §5.5 and §6.3; EN 319 102-1 §5.2.
Not here: where they are written; levels beyond B-LT.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from signing.errors import DocumentRefused, StatusUnavailable, TimestampUnavailable
from signing.formats.cades import Sources
from signing.formats.chains import check_validity, order_chain
from signing.formats.material import Level, ValidationMaterial
from signing.formats.status_material import gather_material
from signing.formats.timestamps import VerifiedTimestamp, imprint_hash, verify_timestamp
from signing.formats.xades_prepared import new_id
from signing.formats.xades_properties import (
    signature_timestamp,
    timestamp_validation,
    validation_values,
)
from signing.formats.xml_text import Element


@dataclass(frozen=True, slots=True)
class Stamp:
    """A signature timestamp that is there: its token, DER, and its Id, which may be empty."""

    token: bytes = field(repr=False)
    timestamp_id: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A signature as it stands.

    Takes   value_text: canonical form of ds:SignatureValue, by Exclusive C14N;
            certificates: all that it holds already, DER, the signer's own the first;
            has_material: revocation data is there already.
    """

    value_text: bytes = field(repr=False)
    hash_name: str
    certificates: tuple[bytes, ...] = field(repr=False)
    stamps: tuple[Stamp, ...] = ()
    has_material: bool = False


def raise_level(
    standing: Standing, *, level: Level, now: datetime, sources: Sources
) -> tuple[Element, ...]:
    """What is missing for a level, in the order in which it is added; nothing for a level reached.

    1. From B-T on: the timestamps that are there are over the value; where none is, one is made.
    2. At B-LT: evidence for the chain of the signer, and of each timestamp.

    Raises  DocumentRefused("level") beyond B-LT; TimestampUnavailable; StatusUnavailable;
            CertificateRefused.
    """
    if level is Level.LTA:
        raise DocumentRefused("level")
    if not level.has_timestamp:
        return ()
    # 1
    added: list[Element] = []
    stamps = standing.stamps
    if not stamps:
        # stamped after its end, a certificate proves nothing
        check_validity(standing.certificates[0], now=now)
        stamps = (_stamp(standing, sources=sources),)
        added.extend(
            signature_timestamp(one.token, timestamp_id=one.timestamp_id) for one in stamps
        )
    verified = [
        (one.timestamp_id, _verified(one, standing=standing, roots=sources.roots)) for one in stamps
    ]
    if not level.has_material or standing.has_material:
        return tuple(added)
    # 2
    if sources.status is None:
        raise StatusUnavailable
    signer, *others = standing.certificates
    own = order_chain(signer, among=others, roots=sources.roots)
    material = gather_material(sources.status, chains=(own,), now=now)
    added.extend(validation_values(material, known=standing.certificates))
    for timestamp_id, stamp in verified:
        more = gather_material(sources.status, chains=(stamp.chain,), now=now)
        known = (*standing.certificates, *material.certificates, *stamp.certificates)
        added.extend(
            timestamp_validation(_beyond(more, material), timestamp_id=timestamp_id, known=known)
        )
        material = material.with_others(more)
    return tuple(added)


def _stamp(standing: Standing, *, sources: Sources) -> Stamp:
    if sources.timestamps is None:
        raise TimestampUnavailable
    digest = hashlib.new(standing.hash_name, standing.value_text).digest()
    token = sources.timestamps.stamp(digest, hash_name=standing.hash_name)
    return Stamp(token, new_id("ts"))


def _verified(stamp: Stamp, *, standing: Standing, roots: Sequence[bytes]) -> VerifiedTimestamp:
    hash_name = imprint_hash(stamp.token)
    return verify_timestamp(
        stamp.token,
        digest=hashlib.new(hash_name, standing.value_text).digest(),
        hash_name=hash_name,
        among=standing.certificates,
        roots=roots,
    )


def _beyond(material: ValidationMaterial, other: ValidationMaterial) -> ValidationMaterial:
    """What the other has not."""
    return ValidationMaterial(
        material.certificates,
        _without(material.ocsp_responses, other.ocsp_responses),
        _without(material.crls, other.crls),
    )


def _without(entries: Iterable[bytes], others: Sequence[bytes]) -> tuple[bytes, ...]:
    return tuple(one for one in entries if one not in others)
