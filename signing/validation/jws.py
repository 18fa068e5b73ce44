"""Signatures in JWS and JAdES, into what the procedure of the standard reads.

What lives here: `read_jws`: compact and JSON serialisations, payloads inside and outside.
Whatever comes in, the outcome is what was found.
Source: RFC 7515 §5.2; RFC 7797; RFC 8037 (EdDSA); ETSI TS 119 182-1 §5.
Not here: headers of HTTP as a payload (`sigD` of that kind), which is named and not resolved; JWE.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.validation import jades_properties as properties
from signing.validation.cades_proofs import token_material
from signing.validation.cades_timestamps import MOST_TIMESTAMPS
from signing.validation.content import digest_octets
from signing.validation.detached import Detached
from signing.validation.found import (
    Form,
    FoundDocument,
    FoundSignature,
    Packaging,
    SignatureAlgorithm,
    SignedObject,
    SignedValue,
)
from signing.validation.jades_timestamps import Signed, read_timestamps
from signing.validation.jws_parts import (
    MAX_BYTES,
    JsonRefused,
    Members,
    RawSignature,
    decode,
    read_object,
    read_serialization,
)
from signing.validation.jws_payload import find_payload
from signing.validation.verdict import Reason, because

_ALGORITHMS: Final = {
    **{f"RS{bits}": ("rsa", "pkcs1", f"sha{bits}") for bits in (256, 384, 512)},
    **{f"PS{bits}": ("rsa", "pss", f"sha{bits}") for bits in (256, 384, 512)},
    **{f"ES{bits}": ("ec", "", f"sha{bits}") for bits in (256, 384, 512)},
    "EdDSA": ("ed25519", "", "sha512"),
    "Ed25519": ("ed25519", "", "sha512"),
    "Ed448": ("ed448", "", "shake256"),
}
_OF_RFC_7515: Final = frozenset(
    {"alg", "jku", "jwk", "kid", "x5u", "x5c", "x5t", "x5t#S256", "typ", "cty", "crit"}
)
_OF_JADES: Final = frozenset(
    {"sigT", "iat", "sigX5ts", "srCms", "srAts", "sigPl", "sigPId", "adoTst", "sigD", "x5t#o"}
)
_DEEPEST: Final = 3
_MOST_SIGNATURES: Final = 256


def read_jws(
    document: Blob, *, detached: Sequence[Detached], isolation: Isolation | None = None
) -> FoundDocument:
    """The signatures of a JWS.

    Takes   detached: documents that it may be about, when it carries none.
    Raises  nothing.
    """
    del isolation  # JSON is read by parsers in which nothing can overflow
    if document.size > MAX_BYTES:
        return FoundDocument("jws", malformed=(because("too_large"),))
    try:
        found = read_serialization(document.read())
    except JsonRefused as refused:
        return FoundDocument("jws", malformed=(because(str(refused)),))
    signatures: list[FoundSignature] = []
    for number, raw in enumerate(found.signatures, start=1):
        read = _read(raw, found.payload, detached=detached, identity=f"S-{number}")
        signatures += islice(read, _MOST_SIGNATURES - len(signatures))
    has_more = len(signatures) == _MOST_SIGNATURES
    return FoundDocument(
        "jws",
        tuple(signatures),
        malformed=(because("too_many_signatures"),) if has_more else (),
    )


def _read(
    raw: RawSignature,
    written: str | None,
    *,
    detached: Sequence[Detached],
    identity: str,
    parent: str = "",
    depth: int = 0,
) -> Iterator[FoundSignature]:
    """A signature, and those that countersign it behind it.

    1. The protected header, and what it demands that its reader know.
    2. What is signed.
    3. Value and algorithm.
    4. Certificates, timestamps, evidence, statements.
    """
    # 1
    try:
        header = read_object(decode(raw.protected))
        value = decode(raw.signature)
    except JsonRefused as refused:
        yield _unreadable(identity, parent, because(str(refused)))
        return
    malformed, doubts = _check_critical(header)
    # 2
    payload = find_payload(header, written, detached)
    malformed += payload.malformed
    # 3
    algorithm = _algorithm(header)
    protected = raw.protected.encode()
    if algorithm.family == "ec":
        half = len(value) // 2
        value = encode_dss_signature(
            int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big")
        )
    signed_value = None
    if payload.octets is not None:
        signed_value = SignedValue(protected + b"." + payload.octets, value, algorithm)
    # 4
    entries, more = properties.read_entries(raw.header)
    doubts += more
    try:
        chain = properties.read_chain(header)
    except JsonRefused as refused:
        chain = ()
        malformed.append(because(str(refused)))
    references = properties.read_references(header)
    material = properties.read_material(entries)
    signed = Signed(payload.octets, protected, raw.signature.encode(), value, dict(header), entries)
    timestamps = read_timestamps(signed, identity=identity)
    if len(timestamps) == MOST_TIMESTAMPS:
        doubts.append(because("too_many_timestamps"))
    for one in timestamps:
        material = material.with_others(token_material(one.token))
    among = (*chain, *material.certificates)
    yield FoundSignature(
        identity=identity,
        form=Form.JADES,
        packaging=payload.packaging,
        place="",
        objects=payload.objects,
        value=signed_value,
        candidate=properties.find_candidate(chain, references, among),
        references=references,
        certificates=chain,
        material=material,
        timestamps=timestamps,
        claimed_time=properties.claimed_time(header),
        content_type=header["cty"] if isinstance(header.get("cty"), str) else "",
        policy_identifier=properties.policy_identifier(header),
        commitments=properties.commitments(header),
        claimed_roles=properties.claimed_roles(header),
        production_place=properties.production_place(header),
        malformed=tuple(malformed),
        doubts=tuple(doubts),
        parent=parent,
    )
    if depth < _DEEPEST:
        yield from _countersignatures(raw, entries, identity=identity, depth=depth + 1)


def _countersignatures(
    raw: RawSignature, entries: Sequence[properties.Entry], *, identity: str, depth: int
) -> Iterator[FoundSignature]:
    """`cSig` (TS 119 182-1 §5.3.2): a JWS whose payload is the value that it countersigns."""
    number = 0
    for name, said, _ in entries:
        if name != "cSig":
            continue
        number += 1
        own = f"{identity}-C{number}"
        try:
            text = said.encode() if isinstance(said, str) else _as_json(said)
            found = read_serialization(text)
        except JsonRefused as refused:
            yield _unreadable(own, identity, because(str(refused)))
            continue
        # NOTE: a payload that is written along is not believed: it has to be the value itself
        other = found.payload
        if other is not None and hmac.compare_digest(other.encode(), raw.signature.encode()):
            other = None
        for one in found.signatures[:1]:
            countersigned = _read(
                one, raw.signature, detached=(), identity=own, parent=identity, depth=depth
            )
            for each in countersigned:
                yield each if other is None else _about_something_else(each, other)


def _about_something_else(signature: FoundSignature, payload: str) -> FoundSignature:
    said = digest_octets(payload.encode(), "sha256") or b""
    objects = tuple(
        SignedObject(one.name, one.kind, "sha256", said, one.actual) for one in signature.objects
    )
    return replace(signature, objects=objects)


def _check_critical(header: Members) -> tuple[list[Reason], list[Reason]]:
    """What a reader has to know (RFC 7515 §4.1.11): what breaks the signature, and what is odd."""
    malformed: list[Reason] = []
    doubts: list[Reason] = []
    if header.get("b64", True) is not True and "b64" not in _names(header.get("crit")):
        malformed.append(because("b64_not_critical"))
    if "crit" not in header:
        return malformed, doubts
    said = header["crit"]
    names = _names(said)
    if not isinstance(said, list) or len(names) != len(said):
        malformed.append(because("crit_malformed"))
    unknown = sorted(set(names) - _OF_JADES - _OF_RFC_7515 - {"b64", "etsiU"})
    malformed += (because("crit_unknown", name=name[:64]) for name in unknown[:8])
    if not names or len(set(names)) != len(names) or not _OF_RFC_7515.isdisjoint(names):
        doubts.append(because("crit_odd"))
    if any(name not in header for name in names):
        doubts.append(because("crit_names_absent"))
    return malformed, doubts


def _names(said: object) -> list[str]:
    return [one for one in said if isinstance(one, str)] if isinstance(said, list) else []


def _algorithm(header: Members) -> SignatureAlgorithm:
    name = header.get("alg")
    named = name[:64] if isinstance(name, str) else ""
    family, padding, hash_name = _ALGORITHMS.get(named, ("", "", ""))
    if padding == "pss":
        size = int(named[2:]) // 8
        return SignatureAlgorithm(family, padding, hash_name, named, size, hash_name)
    return SignatureAlgorithm(family, padding, hash_name, named)


def _as_json(said: object) -> bytes:
    return msgspec.json.encode(said)


def _unreadable(identity: str, parent: str, why: Reason) -> FoundSignature:
    return FoundSignature(
        identity,
        Form.JADES,
        Packaging.ENVELOPING,
        "",
        (),
        None,
        None,
        malformed=(why,),
        parent=parent,
    )
