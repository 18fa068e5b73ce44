"""Algorithms, keys, properties and countersignatures of XML signatures, each by itself."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signing.formats.xml_tree import Element, read_tree
from signing.isolation.blob import Blob
from signing.validation.detached import Detached
from signing.validation.found import SignatureAlgorithm
from signing.validation.xml import MOST_BYTES
from signing.validation.xml_algorithms import algorithm_of, hash_name_of, value_in_der
from signing.validation.xml_keys import bare_key, octets_of
from signing.validation.xml_properties import read_properties, read_time
from tests.support.xml_found import find_in, holds, said_of
from tests.support.xml_signing import (
    C14N,
    DS,
    EXCLUSIVE,
    SHA256,
    Way,
    key_value,
    private_key,
    sign_by_xmlsec,
)

MORE = "http://www.w3.org/2007/05/xmldsig-more#"


def element(xml: str) -> Element:
    return read_tree(xml).root


def test_two_numbers_side_by_side_become_one_value() -> None:
    """XML Signature 1.1 §6.4.3; RFC 9231 §2.3.6."""
    plain = (5).to_bytes(32, "big") + (7).to_bytes(32, "big")
    der = encode_dss_signature(5, 7)
    assert value_in_der(plain, family="ec") == der
    assert value_in_der(der, family="ec") == der
    assert value_in_der(plain, family="rsa") == plain
    assert value_in_der(b"", family="ec") == b""
    assert value_in_der(b"abc", family="dsa") == b"abc"
    assert value_in_der(bytes(600), family="ec") == bytes(600)


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("", ("rsa", "sha256", 32, "sha256")),
        (f'<d:DigestMethod Algorithm="{MORE}sha3-384"/>', ("rsa", "sha3_384", 48, "sha3_384")),
        ("<m:SaltLength>20</m:SaltLength>", ("rsa", "sha256", 20, "sha256")),
        (
            (
                '<m:MaskGenerationFunction><d:DigestMethod Algorithm="'
                f'{DS}sha1"/></m:MaskGenerationFunction>'
            ),
            ("rsa", "sha256", 32, "sha1"),
        ),
        ("<m:SaltLength>-1</m:SaltLength>", ("", "sha256", -1, "sha256")),
        ('<d:DigestMethod Algorithm="urn:x"/>', ("", "", 32, "")),
    ],
)
def test_parameters_of_pss_are_read(inside: str, expected: tuple[str, str, int, str]) -> None:
    """RFC 9231 §2.3.10."""
    method = element(
        f'<d:SignatureMethod xmlns:d="{DS}" xmlns:m="{MORE}" Algorithm="{MORE}rsa-pss">'
        f"<m:RSAPSSParams>{inside}</m:RSAPSSParams></d:SignatureMethod>"
    )
    family, hash_name, salt, mask = expected
    assert algorithm_of(method) == SignatureAlgorithm(
        family, "pss", hash_name, f"{MORE}rsa-pss", salt, mask
    )


def test_what_is_not_known_has_no_name() -> None:
    assert algorithm_of(None).family == ""
    assert algorithm_of(element('<a Algorithm="urn:x"/>')).family == ""
    assert hash_name_of(None) == ""
    assert hash_name_of(element('<a Algorithm="urn:x"/>')) == ""


@pytest.mark.parametrize("family", ["rsa", "dsa", "ec", "ec384"])
def test_bare_keys_of_all_kinds_are_read(family: str) -> None:
    """XML Signature 1.1 §4.5.2."""
    key = private_key(family)
    value = key_value(key).decode()
    xml = f'<ds:Signature xmlns:ds="{DS}"><ds:KeyInfo>{value}</ds:KeyInfo></ds:Signature>'
    assert bare_key(element(xml)) == key.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )


def test_older_and_encoded_keys_are_read() -> None:
    """RFC 4050 §3.1; XML Signature 1.1 §4.5.10."""
    public = private_key("ec").public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    numbers = public.public_numbers()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    older = (
        f'<s:Signature xmlns:s="{DS}"><s:KeyInfo><s:KeyValue>'
        '<e:ECDSAKeyValue xmlns:e="http://www.w3.org/2001/04/xmldsig-more#"><e:DomainParameters>'
        '<e:NamedCurve URN="urn:oid:1.2.840.10045.3.1.7"/></e:DomainParameters><e:PublicKey>'
        f'<e:X Value="{numbers.x}"/><e:Y Value="{numbers.y}"/></e:PublicKey></e:ECDSAKeyValue>'
        "</s:KeyValue></s:KeyInfo></s:Signature>"
    )
    assert bare_key(element(older)) == der
    encoded = (
        f'<s:Signature xmlns:s="{DS}"><s:KeyInfo><e:DEREncodedKeyValue '
        f'xmlns:e="http://www.w3.org/2009/xmldsig11#">{base64.b64encode(der).decode()}'
        "</e:DEREncodedKeyValue></s:KeyInfo></s:Signature>"
    )
    assert bare_key(element(encoded)) == der


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "<s:KeyValue/>",
        "<s:KeyValue><s:RSAKeyValue/></s:KeyValue>",
        (
            "<s:KeyValue><s:RSAKeyValue><s:Modulus>AA==</s:Modulus><s:Exponent>AA==</s:Exponent>"
            "</s:RSAKeyValue></s:KeyValue>"
        ),
        "<s:KeyValue><e:ECKeyValue xmlns:e='http://www.w3.org/2009/xmldsig11#'/></s:KeyValue>",
        (
            "<s:KeyValue><e:ECDSAKeyValue xmlns:e='http://www.w3.org/2001/04/xmldsig-more#'/>"
            "</s:KeyValue>"
        ),
    ],
)
def test_keys_that_make_no_sense_are_none(inside: str) -> None:
    xml = f'<s:Signature xmlns:s="{DS}"><s:KeyInfo>{inside}</s:KeyInfo></s:Signature>'
    assert bare_key(element(xml)) is None


def test_base64_that_is_none_is_nothing() -> None:
    assert octets_of(element("<a> YQ\n== </a>")) == b"a"
    assert octets_of(element("<a>é</a>")) == b""
    assert octets_of(element("<a>YQ</a>")) == b""


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("2026-11-21T03:04:05Z", (datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC), True)),
        ("2026-11-21T10:04:05.123+07:00", (datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC), True)),
        ("2026-11-20T20:04:05-07:00", (datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC), True)),
        ("2003.10.24T10:57:19Z", (datetime(2003, 10, 24, 10, 57, 19, tzinfo=UTC), True)),
        ("2026-11-21T03:04:05", (datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC), False)),
        ("2026-13-21T03:04:05Z", (None, False)),
        ("0001-01-01T00:00:00+14:00", (None, False)),
        ("2026-11-21T03:04:05+99:00", (None, False)),
        ("yesterday", (None, False)),
    ],
)
def test_times_are_read_in_every_spelling(
    said: str, expected: tuple[datetime | None, bool]
) -> None:
    assert read_time(said) == expected


def test_properties_of_older_versions_are_read() -> None:
    """ETSI TS 101 903 v1.1.1 and v1.2.2 §7.2."""
    found = read_properties(
        element(
            '<SignedProperties xmlns="http://uri.etsi.org/01903/v1.1.1#"><SignedSignatureProperties>'
            "<SigningTime>2003-10-24T10:57:19</SigningTime><SigningCertificate><Cert><CertDigest>"
            f'<DigestMethod Algorithm="{DS}sha1"/><DigestValue>AQID</DigestValue></CertDigest>'
            "<IssuerSerial><X509SerialNumber>7</X509SerialNumber></IssuerSerial></Cert>"
            "</SigningCertificate><SignaturePolicyIdentifier><SignaturePolicyId><SigPolicyId>"
            "<Identifier>urn:oid:1.2.3</Identifier></SigPolicyId></SignaturePolicyId>"
            "</SignaturePolicyIdentifier><SignerRole><ClaimedRoles><ClaimedRole>Chủ tịch"
            "</ClaimedRole></ClaimedRoles></SignerRole></SignedSignatureProperties>"
            "</SignedProperties>"
        )
    )
    assert found.references is not None
    assert (found.references[0].hash_name, found.references[0].digest) == ("sha1", b"\1\2\3")
    assert found.issuer_serials == ("7",)
    assert found.policy_identifier == "urn:oid:1.2.3"
    assert found.claimed_roles == ("Chủ tịch",)
    assert [one.code for one in found.doubts] == ["signing_time_odd"]


def test_an_empty_element_says_nothing() -> None:
    found = read_properties(element("<SignedProperties/>"))
    assert found.references is None
    assert found.claimed_time is None
    implied = read_properties(
        element(
            "<SignedProperties><SignedSignatureProperties><SignaturePolicyIdentifier>"
            "<SignaturePolicyImplied/></SignaturePolicyIdentifier><SigningCertificateV2><Cert/>"
            "</SigningCertificateV2></SignedSignatureProperties></SignedProperties>"
        )
    )
    assert implied.policy_identifier == "implied"
    assert implied.references is not None
    assert not implied.references[0].is_readable


def countersigned(uri: str) -> bytes:
    """A signature, with another in its unsigned properties."""
    first = sign_by_xmlsec('<a><b Id="x">1</b>{here}</a>', Way(uri="#x", transforms=(EXCLUSIVE,)))
    text = first.decode().replace("<ds:SignatureValue>", '<ds:SignatureValue Id="value">')
    text = text.replace('Id="s"', 'Id="first"')
    text = text.replace(
        "</ds:Signature>",
        '<ds:Object><q:QualifyingProperties xmlns:q="http://uri.etsi.org/01903/v1.3.2#" '
        'Target="#first"><q:UnsignedProperties><q:UnsignedSignatureProperties>'
        "<q:CounterSignature>{here}</q:CounterSignature></q:UnsignedSignatureProperties>"
        "</q:UnsignedProperties></q:QualifyingProperties></ds:Object></ds:Signature>",
    )
    return sign_by_xmlsec(text, Way(uri=uri, transforms=(EXCLUSIVE,)))


def test_a_countersignature_is_about_the_signature_around_it() -> None:
    """ETSI EN 319 132-1 §5.2.7.2."""
    found = find_in(countersigned("#value"))
    assert [one.parent for one in found.signatures] == ["", "S-1"]
    assert [holds(one) for one in found.signatures] == [True, True]


def test_a_countersignature_of_something_else_is_malformed() -> None:
    """ETSI EN 319 132-1 §5.2.7.2: it signs the value of the signature that embeds it."""
    found = find_in(countersigned("#x"))
    assert not holds(found.signatures[1])
    assert "countersignature_of_nothing" in said_of(found)


def about(uri: str, digest: bytes, *transforms: str) -> str:
    """A signature over something of this digest, of which only the reference is looked at."""
    each = "".join(f'<s:Transform Algorithm="{one}"/>' for one in transforms)
    return (
        f'<s:Signature xmlns:s="{DS}"><s:SignedInfo><s:CanonicalizationMethod '
        f'Algorithm="{C14N}"/><s:Reference URI="{uri}"><s:Transforms>{each}</s:Transforms>'
        f'<s:DigestMethod Algorithm="{SHA256}"/><s:DigestValue>'
        f"{base64.b64encode(digest).decode()}</s:DigestValue></s:Reference></s:SignedInfo>"
        "</s:Signature>"
    )


def test_documents_beside_are_transformed_as_those_inside() -> None:
    """W3C XML Signature 1.1 §4.4.3.2."""
    content = b"<?xml version='1.0'?>\n<a  b='c'><!--x--></a>"
    digest = hashlib.sha256(b'<a b="c"></a>').digest()
    beside = [Detached("a.xml", Blob.of(content))]
    [whole] = find_in(about("a.xml", digest, C14N).encode(), beside=beside).signatures
    assert whole.objects[0].is_intact
    [other] = find_in(about("a.xml", digest, EXCLUSIVE, C14N).encode(), beside=beside).signatures
    assert other.objects[0].is_intact
    [raw] = find_in(about("a.xml", digest).encode(), beside=beside).signatures
    assert not raw.objects[0].is_intact
    decoded = [Detached("a.xml", Blob.of(b"YQ=="))]
    text = about("a.xml", hashlib.sha256(b"a").digest(), f"{DS}base64")
    [inside] = find_in(text.encode(), beside=decoded).signatures
    assert inside.objects[0].is_intact


@pytest.mark.parametrize(
    ("content", "transform", "code"),
    [
        (None, C14N, "content_needed"),
        (b"no XML", C14N, "not_xml"),
        (b"\xff\xfe\x00", C14N, "not_xml"),
        (b"!", f"{DS}base64", "not_base64"),
        (b"<a/>", f"{C14N}#x", "canonicalization_unknown"),
        (b"<a/>", "urn:x", "transform_unknown"),
        (b"<a/>", f"{DS}enveloped-signature", "not_found"),
    ],
)
def test_documents_beside_that_cannot_be_transformed_are_named(
    content: bytes | None, transform: str, code: str
) -> None:
    blob = None if content is None else Blob.of(content)
    beside = [Detached("a", blob, {"sha256": bytes(32)})]
    found = find_in(about("a", bytes(32), transform).encode(), beside=beside)
    assert not found.signatures[0].objects[0].is_found
    assert code == "not_found" or code in said_of(found)


def test_one_file_too_large_is_not_read() -> None:
    found = find_in(b"<a>" + b" " * MOST_BYTES)
    assert [one.code for one in found.malformed] == ["too_large"]


OLDEST = "http://uri.etsi.org/01903/v1.1.1#"


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        (
            (
                f'<x:SignatureTimeStamp><x:HashDataInfo uri="#v"><x:Transforms><s:Transform '
                f'Algorithm="{EXCLUSIVE}"/></x:Transforms></x:HashDataInfo>'
            ),
            b'<s:SignatureValue xmlns:s="%s" Id="v">AAAA</s:SignatureValue>' % DS.encode(),
        ),
        (
            (
                f'<x:ArchiveTimeStamp><x:HashDataInfo uri="#o"><x:Transforms><s:Transform '
                f'Algorithm="{DS}base64"/></x:Transforms></x:HashDataInfo>'
                f'<x:HashDataInfo uri="#o"><x:Transforms><s:Transform Algorithm="{DS}base64"/>'
                "</x:Transforms></x:HashDataInfo>"
            ),
            b"aa",
        ),
        (
            f'<x:SignatureTimeStamp><s:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>',
            b'<s:SignatureValue xmlns:s="%s" Id="v">AAAA</s:SignatureValue>' % DS.encode(),
        ),
    ],
)
def test_timestamps_of_the_oldest_version_name_what_they_are_over(
    stamp: str, expected: bytes
) -> None:
    """ETSI TS 101 903 v1.1.1 §7.1.4 (HashDataInfo)."""
    name = stamp[1:].partition(">")[0]
    text = about("#o", hashlib.sha256(b"a").digest(), f"{DS}base64").replace(
        "</s:SignedInfo>",
        '</s:SignedInfo><s:SignatureValue Id="v">AAAA</s:SignatureValue>'
        f'<s:Object Id="o">YQ==</s:Object><s:Object><x:QualifyingProperties xmlns:x="{OLDEST}">'
        f"<x:UnsignedProperties><x:UnsignedSignatureProperties>{stamp}"
        f"<x:EncapsulatedTimeStamp>AAAA</x:EncapsulatedTimeStamp></{name}>"
        "</x:UnsignedSignatureProperties></x:UnsignedProperties></x:QualifyingProperties>"
        "</s:Object>",
    )
    found = find_in(text.encode())
    [one] = found.signatures
    assert "contradiction" not in said_of(found)
    assert one.timestamps[0].digest_of("sha256") == hashlib.sha256(expected).digest()
