"""What a timestamp in XML proves is what it is over, whatever was put beside it since."""

from __future__ import annotations

import base64
import hashlib

from signing.validation.found import FoundTimestamp, object_identity
from tests.support.signatory import SIGNING_TIME, SigningPki
from tests.support.xml_found import find_in, said_of
from tests.support.xml_signing import C14N, DS, EXCLUSIVE, SHA256

XADES = "http://uri.etsi.org/01903/v1.3.2#"
XADES_141 = "http://uri.etsi.org/01903/v1.4.1#"
FORM = f'<s:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
BEFORE, SINCE = b"a list from then", b"a list that somebody made since"


def stamped(properties: str, *, content: str = "YQ==") -> bytes:
    """A signature with unsigned properties; only what timestamps are over is looked at."""
    digest = base64.b64encode(hashlib.sha256(b"a").digest()).decode()
    return (
        f'<s:Signature xmlns:s="{DS}" xmlns:x="{XADES}" xmlns:y="{XADES_141}"><s:SignedInfo>'
        f'<s:CanonicalizationMethod Algorithm="{C14N}"/><s:Reference URI="#o"><s:Transforms>'
        f'<s:Transform Algorithm="{DS}base64"/></s:Transforms>'
        f'<s:DigestMethod Algorithm="{SHA256}"/>'
        f"<s:DigestValue>{digest}</s:DigestValue></s:Reference></s:SignedInfo>"
        f'<s:SignatureValue Id="v">AAAA</s:SignatureValue><s:Object Id="o">{content}</s:Object>'
        "<s:Object><x:QualifyingProperties><x:UnsignedProperties><x:UnsignedSignatureProperties>"
        f"{properties}</x:UnsignedSignatureProperties></x:UnsignedProperties>"
        "</x:QualifyingProperties></s:Object></s:Signature>"
    ).encode()


def evidence(octets: bytes, *, kind: str) -> str:
    crl = base64.b64encode(octets).decode()
    values = f"<x:CRLValues><x:EncapsulatedCRLValue>{crl}</x:EncapsulatedCRLValue></x:CRLValues>"
    if kind == "RevocationValues":
        return f"<x:RevocationValues>{values}</x:RevocationValues>"
    return (
        f"<y:TimeStampValidationData><x:RevocationValues>{values}</x:RevocationValues>"
        "</y:TimeStampValidationData>"
    )


def archive(token: bytes = b"") -> str:
    inside = base64.b64encode(token).decode()
    return (
        f"<x:ArchiveTimeStamp>{FORM}<x:EncapsulatedTimeStamp>{inside}</x:EncapsulatedTimeStamp>"
        "</x:ArchiveTimeStamp>"
    )


def only(xml: bytes) -> FoundTimestamp:
    [signature] = find_in(xml).signatures
    [stamp] = signature.timestamps
    return stamp


def token_over(pki: SigningPki, digest: bytes | None) -> bytes:
    assert digest is not None
    return pki.timestamps(now=SIGNING_TIME).stamp(digest, hash_name="sha256")


def test_evidence_that_was_put_before_an_archive_timestamp_since_is_not_proved_by_it(
    signing_pki: SigningPki,
) -> None:
    """TS 101 903 v1.3.2 §7.7.1: the older imprint leaves out what came with version 1.4.1."""
    own = evidence(BEFORE, kind="RevocationValues")
    digest = only(stamped(own + archive())).digest_of("sha256")
    token = token_over(signing_pki, digest)
    honest = only(stamped(own + archive(token)))
    assert object_identity(BEFORE) in honest.covers
    added = only(stamped(own + evidence(SINCE, kind="later") + archive(token)))
    assert added.digest_of("sha256") == digest
    assert object_identity(BEFORE) in added.covers
    assert object_identity(SINCE) not in added.covers


def test_an_archive_timestamp_over_newer_properties_proves_them(signing_pki: SigningPki) -> None:
    """ETSI EN 319 132-1 §5.5.2.2: all unsigned properties before it."""
    own = evidence(BEFORE, kind="RevocationValues") + evidence(SINCE, kind="later")
    token = token_over(signing_pki, only(stamped(own + archive())).digest_of("sha256"))
    found = only(stamped(own + archive(token)))
    assert {object_identity(BEFORE), object_identity(SINCE)} <= found.covers


def _naming(kind: str, uri: str, token: bytes, *transforms: str) -> str:
    each = "".join(f'<s:Transform Algorithm="{one}"/>' for one in transforms)
    return (
        f'<x:{kind}><x:HashDataInfo uri="{uri}"><x:Transforms>{each}</x:Transforms>'
        f"</x:HashDataInfo><x:EncapsulatedTimeStamp>{base64.b64encode(token).decode()}"
        f"</x:EncapsulatedTimeStamp></x:{kind}>"
    )


def test_an_old_timestamp_of_something_else_does_not_make_a_signature_older(
    signing_pki: SigningPki,
) -> None:
    """TS 101 903 v1.1.1 §7.1.4: what such a timestamp is over stands in it, signed by nobody."""
    token = token_over(signing_pki, hashlib.sha256(b"a").digest())
    for kind in ("SignatureTimeStamp", "ArchiveTimeStamp"):
        found = find_in(stamped(_naming(kind, "#o", token, f"{DS}base64")))
        [stamp] = found.signatures[0].timestamps
        assert stamp.digest_of("sha256") == hashlib.sha256(b"a").digest()
        assert stamp.covers == frozenset()
        assert "timestamp_of_something_else" in said_of(found)


def test_a_timestamp_that_names_the_value_is_over_it(signing_pki: SigningPki) -> None:
    """TS 101 903 v1.1.1 §7.5: the value is what a timestamp over a signature names."""
    token = token_over(signing_pki, bytes(32))
    for kind in ("SignatureTimeStamp", "ArchiveTimeStamp"):
        found = find_in(stamped(_naming(kind, "#v", token, EXCLUSIVE)))
        [stamp] = found.signatures[0].timestamps
        assert object_identity(b"\0\0\0") in stamp.covers
        assert "timestamp_of_something_else" not in said_of(found)


def test_a_timestamp_whose_transforms_leave_the_value_out_is_not_over_it(
    signing_pki: SigningPki,
) -> None:
    token = token_over(signing_pki, bytes(32))
    leaves_out = (
        '<s:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><s:XPath>'
        "not(ancestor-or-self::s:SignatureValue)</s:XPath></s:Transform></x:Transforms>"
    )
    naming = _naming("SignatureTimeStamp", "", token).replace("</x:Transforms>", leaves_out)
    found = find_in(stamped(naming))
    assert "timestamp_of_something_else" in said_of(found)
    assert found.signatures[0].timestamps[0].covers == frozenset()
