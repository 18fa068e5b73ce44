"""Whose key an XML signature names, and all certificates and evidence that stand in it.

What lives here: ds:KeyInfo, and what XAdES adds to it; **nothing is verified**.
Source: W3C XML Signature 1.1 §4.5; RFC 4050 (older keys on curves); ETSI EN 319 132-1 §5.4, §5.5.2
(certificates and revocation data), §5.2.2 (which certificate is the signer's).
Not here: which of them is right; the choice is only where to begin.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signing.formats.material import ValidationMaterial
from signing.formats.xml_names import DS, XADES_141
from signing.formats.xml_tree import Element, Tree
from signing.validation.certificates import find_certificate
from signing.validation.content import digest_octets
from signing.validation.found import CertificateReference, SignedValue
from signing.validation.verify_value import is_value_of

DS11: Final = "http://www.w3.org/2009/xmldsig11#"
_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
_CURVES: Final[Mapping[str, Callable[[], ec.EllipticCurve]]] = {
    "1.2.840.10045.3.1.7": ec.SECP256R1,
    "1.3.132.0.34": ec.SECP384R1,
    "1.3.132.0.35": ec.SECP521R1,
    "1.3.132.0.33": ec.SECP224R1,
    "1.3.132.0.10": ec.SECP256K1,
    "1.3.36.3.3.2.8.1.1.7": ec.BrainpoolP256R1,
    "1.3.36.3.3.2.8.1.1.11": ec.BrainpoolP384R1,
    "1.3.36.3.3.2.8.1.1.13": ec.BrainpoolP512R1,
}
_MOST_TRIED: Final = 8
_CERTIFICATES: Final = frozenset({"EncapsulatedX509Certificate"})
_LISTS: Final = frozenset({"EncapsulatedCRLValue"})
_ANSWERS: Final = frozenset({"EncapsulatedOCSPValue"})
MOST_VALUES: Final = 1_000


def octets_of(element: Element) -> bytes:
    """The base64 that stands in an element, without what is none.

    Returns nothing for one that makes no sense.
    """
    try:
        return base64.b64decode(b"".join(element.text().encode().split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def key_certificates(signature: Element) -> tuple[bytes, ...]:
    """The certificates in ds:KeyInfo, in order."""
    found = [
        octets_of(one)
        for info in signature.named((DS, "KeyInfo"))
        for data in info.named((DS, "X509Data"))
        for one in data.named((DS, "X509Certificate"))
    ]
    return tuple(dict.fromkeys(one for one in found[:MOST_VALUES] if one))


def evidence_in(tree: Tree, places: Sequence[Element]) -> ValidationMaterial:
    """Certificates, lists and answers in some unsigned properties, countersignatures left out."""
    material: dict[frozenset[str], dict[bytes, None]] = {
        _CERTIFICATES: {},
        _ANSWERS: {},
        _LISTS: {},
    }
    for place in places:
        for one in tree.inside(place):
            for kind, values in material.items():
                if one.local in kind and len(values) < MOST_VALUES and (raw := octets_of(one)):
                    values[raw] = None
    return ValidationMaterial(*(tuple(values) for values in material.values()))


def bare_key(signature: Element) -> bytes | None:
    """SubjectPublicKeyInfo of a ds:KeyValue or a key in DER; None where there is none."""
    for info in signature.named((DS, "KeyInfo")):
        for encoded in info.named((DS11, "DEREncodedKeyValue")):
            return octets_of(encoded) or None
        for outer in info.named((DS, "KeyValue")):
            for value in outer.elements():
                with suppress(ValueError, UnsupportedAlgorithm, KeyError):
                    return _key(value)
    return None


def choose_candidate(
    signature: Element,
    *,
    certificates: Sequence[bytes],
    references: Sequence[CertificateReference] | None,
    value: SignedValue | None,
) -> bytes | None:
    """The certificate that the signature points at.

    1. The one whose digest the signed properties give first.
    2. In ds:KeyInfo: the only one; of several one whose key made the value, otherwise the first.

    Takes   certificates: all that are there.
    """
    # 1
    for reference in references[:1] if references else ():
        for one in certificates:
            if reference.digest and digest_octets(one, reference.hash_name) == reference.digest:
                return one
    # 2
    named = key_certificates(signature)
    if len(named) > 1 and value is not None:
        for one in named[:_MOST_TRIED]:
            parsed = find_certificate(one)
            if parsed is not None and is_value_of(parsed.key, signed=value):
                return one
    return named[0] if named else None


def _key(value: Element) -> bytes:
    """Raises  ValueError, KeyError, UnsupportedAlgorithm."""
    key: rsa.RSAPublicKey | dsa.DSAPublicKey | ec.EllipticCurvePublicKey
    if value.name == (DS, "RSAKeyValue"):
        parts = dict(_numbers(value))
        key = rsa.RSAPublicNumbers(parts["Exponent"], parts["Modulus"]).public_key()
    elif value.name == (DS, "DSAKeyValue"):
        parts = dict(_numbers(value))
        domain = dsa.DSAParameterNumbers(parts["P"], parts["Q"], parts["G"])
        key = dsa.DSAPublicNumbers(parts["Y"], domain).public_key()
    elif value.name == (DS11, "ECKeyValue"):
        curve = value.first((DS11, "NamedCurve"))
        point = value.first((DS11, "PublicKey"))
        if curve is None or point is None:
            raise ValueError("curve")
        dotted = curve.get("URI").removeprefix("urn:oid:")
        key = ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[dotted](), octets_of(point))
    elif value.name == (_MORE, "ECDSAKeyValue"):
        key = _older_key(value)
    else:
        raise ValueError("key")
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _older_key(value: Element) -> ec.EllipticCurvePublicKey:
    """RFC 4050 §3.1 and §3.2: a curve by name, a point as two decimal numbers."""
    inside = {one.local: one for outer in value.elements() for one in outer.elements()}
    dotted = inside["NamedCurve"].get("URN").removeprefix("urn:oid:")
    x, y = (inside[name].get("Value") for name in ("X", "Y"))
    if not (x.isdecimal() and y.isdecimal() and max(len(x), len(y)) < 200):
        raise ValueError("point")
    return ec.EllipticCurvePublicNumbers(int(x), int(y), _CURVES[dotted]()).public_key()


def _numbers(value: Element) -> Iterator[tuple[str, int]]:
    for one in value.elements():
        yield one.local, int.from_bytes(octets_of(one), "big")


def validation_data(properties: Sequence[Element]) -> tuple[Element, ...]:
    """Those of some unsigned properties that hold certificates and revocation data."""
    names = {"CertificateValues", "RevocationValues", "AttrAuthoritiesCertValues"}
    names |= {"AttributeRevocationValues"}
    return tuple(
        one
        for one in properties
        if one.local in names
        or one.name in {(XADES_141, "TimeStampValidationData"), (XADES_141, "AnyValidationData")}
    )
