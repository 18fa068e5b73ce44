"""What the headers of a JAdES signature say, signed and unsigned.

What lives here: the certificate and its references, statements of the signer, evidence for later.
What makes no sense is passed over, and named.
Source: ETSI TS 119 182-1 §5.1 to §5.3; RFC 7515 §4.1.
Not here: what was signed (`jws.py`), timestamps (`jades_timestamps.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from signing.formats.material import ValidationMaterial
from signing.validation.cades_attributes import whole_response
from signing.validation.content import digest_octets
from signing.validation.found import CertificateReference
from signing.validation.jws_parts import JsonRefused, Members, decode, decode_standard, read_object
from signing.validation.verdict import Reason, because

HASHES: Final = {
    "S256": "sha256",
    "S384": "sha384",
    "S512": "sha512",
    "S3-256": "sha3_256",
    "S3-384": "sha3_384",
    "S3-512": "sha3_512",
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
_MOST: Final = 256
_LONGEST: Final = 1_000

Entry = tuple[str, Any, str]
"""Of etsiU: its name, its value, and base64url as written (empty for one in clear)."""


def read_references(header: Members) -> tuple[CertificateReference, ...] | None:
    """How the header names the signing certificate; None where it does not."""
    found: list[CertificateReference] = []
    for name, hash_name in (("x5t#S256", "sha256"), ("x5t", "sha1")):
        if name in header:
            found.append(_reference(hash_name, header[name]))
    others = [header["x5t#o"]] if "x5t#o" in header else []
    several = header.get("sigX5ts")
    others += several[:_MOST] if isinstance(several, list) else []
    for one in others:
        members = one if isinstance(one, dict) else {}
        found.append(_reference(_hash_name(members.get("digAlg")), members.get("digVal")))
    return tuple(found) or None


def read_chain(header: Members) -> tuple[bytes, ...]:
    """The certificates of `x5c`, the signer's first.

    Raises  JsonRefused.
    """
    said = header.get("x5c", [])
    if not isinstance(said, list) or len(said) > _MOST:
        raise JsonRefused("x5c_malformed")
    return tuple(map(decode_standard, said))


def find_candidate(
    chain: tuple[bytes, ...],
    references: tuple[CertificateReference, ...] | None,
    among: tuple[bytes, ...],
) -> bytes | None:
    """The signing certificate: the first of the chain, or the one that is referred to."""
    if chain:
        return chain[0]
    for reference in references or ():
        for one in among:
            if reference.digest and digest_octets(one, reference.hash_name) == reference.digest:
                return one
    return None


def read_entries(header: Members) -> tuple[tuple[Entry, ...], list[Reason]]:
    """The members of `etsiU`, in order, and what is wrong with it."""
    said = header.get("etsiU", [])
    if not isinstance(said, list) or len(said) > _MOST:
        return (), [because("etsiu_unreadable")]
    found: list[Entry] = []
    doubts: list[Reason] = []
    for one in said:
        try:
            members = read_object(decode(one)) if isinstance(one, str) else one
        except JsonRefused:
            members = None
        if not isinstance(members, dict) or len(members) != 1:
            doubts.append(because("etsiu_unreadable"))
            continue
        ((name, value),) = members.items()
        found.append((name, value, one if isinstance(one, str) else ""))
    return tuple(found), list(dict.fromkeys(doubts))


def read_material(entries: tuple[Entry, ...]) -> ValidationMaterial:
    """Certificates, lists and answers that came along (TS 119 182-1 §5.3.5)."""
    certificates: list[bytes] = []
    responses: list[bytes] = []
    crls: list[bytes] = []
    for name, value, _ in entries:
        groups: list[tuple[str, Any]] = [(name, value)]
        if name in {"tstVD", "anyValData"} and isinstance(value, dict):
            groups = list(value.items())
        for kind, group in groups:
            if kind in {"xVals", "axVals"}:
                certificates += (
                    octets for one in _dicts(group) for octets in _values([one.get("x509Cert")])
                )
            elif kind in {"rVals", "arVals"} and isinstance(group, dict):
                crls += _values(group.get("crlVals"))
                responses += map(_response, _values(group.get("ocspVals")))
    return ValidationMaterial(tuple(certificates), tuple(responses), tuple(crls))


def read_tokens(value: object) -> list[bytes]:
    """The tokens of a container of timestamps (§5.4.3.3)."""
    return _values(value.get("tstTokens")) if isinstance(value, dict) else []


def claimed_time(header: Members) -> datetime | None:
    """When the signer says to have signed: `sigT`, or `iat`."""
    said, issued = header.get("sigT"), header.get("iat")
    try:
        if isinstance(said, str) and len(said) <= 40:
            moment = datetime.fromisoformat(said)
            return moment.astimezone(UTC) if moment.tzinfo is not None else None
        if isinstance(issued, int):
            return datetime.fromtimestamp(issued, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def commitments(header: Members) -> tuple[str, ...]:
    """What the signature is meant as."""
    return tuple(
        _text(one["commId"].get("id"))
        for one in _dicts(header.get("srCms"))
        if isinstance(one.get("commId"), dict)
    )


def claimed_roles(header: Members) -> tuple[str, ...]:
    """What the signer says to be."""
    said = header.get("srAts")
    return tuple(
        _text(value)
        for one in _dicts(said)
        for claimed in _dicts(one.get("claimed"))
        for value in _list(claimed.get("vals"))
        if isinstance(value, str)
    )[:16]


def production_place(header: Members) -> str:
    """Where the signer says to have signed."""
    said = header.get("sigPl")
    if not isinstance(said, dict):
        return ""
    return ", ".join(_text(one) for one in said.values() if isinstance(one, str))[:_LONGEST]


def policy_identifier(header: Members) -> str:
    """The policy that the signer names."""
    said = header.get("sigPId")
    named = said.get("id") if isinstance(said, dict) else None
    return _text(named.get("id") if isinstance(named, dict) else named)


def _reference(hash_name: str, digest: object) -> CertificateReference:
    try:
        return CertificateReference(hash_name, decode(digest), is_readable=bool(hash_name))
    except JsonRefused:
        return CertificateReference(hash_name, b"", is_readable=False)


def _hash_name(said: object) -> str:
    return HASHES.get(said, "") if isinstance(said, str) else ""


def _response(octets: bytes) -> bytes:
    """A whole answer; some write the answer alone."""
    # an OCSPResponse is a SEQUENCE that begins with its status
    start = 2 if octets[1:2] < b"\x80" else 2 + (octets[1] & 0x7F)
    return octets if octets[start : start + 1] == b"\x0a" else whole_response(octets)


def _values(said: object) -> list[bytes]:
    """The octets of PKI objects (§5.4.1): `val` in base64."""
    found: list[bytes] = []
    for one in _dicts(said):
        try:
            found.append(decode_standard(one.get("val")))
        except JsonRefused:
            continue
    return found


def _dicts(said: object) -> Iterator[dict[str, Any]]:
    if isinstance(said, list):
        yield from (one for one in said[:_MOST] if isinstance(one, dict))


def _list(said: object) -> list[Any]:
    return said[:_MOST] if isinstance(said, list) else []


def _text(said: object) -> str:
    return said[:_LONGEST] if isinstance(said, str) else ""
