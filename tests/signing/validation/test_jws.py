"""JWS that `joserfc` made and JAdES made by hand, and what somebody could do to either."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from signing.isolation.blob import Blob
from signing.validation.cades_references import key_of
from signing.validation.detached import Detached
from signing.validation.found import Form, FoundDocument, FoundSignature, Packaging, TimestampKind
from signing.validation.jws import read_jws
from signing.validation.timestamp_info import find_info
from signing.validation.verify_value import is_value_of
from tests.support.signatory import SIGNING_TIME, Issued, SigningPki

PAYLOAD = b'{ "title": "Quyet dinh" }'
OTHER = b"something else"


@pytest.fixture(scope="module")
def citizen(signing_pki: SigningPki) -> Issued:
    """A P-256 key with its certificate."""
    issued = signing_pki.citizen.issued
    assert isinstance(issued.key, ec.EllipticCurvePrivateKey)
    return issued


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def read(raw: bytes | str, *detached: Detached) -> FoundDocument:
    with Blob.of(raw.encode() if isinstance(raw, str) else raw) as document:
        return read_jws(document, detached=detached)


def is_intact(found: FoundSignature) -> bool:
    if found.value is None or found.candidate is None or found.malformed:
        return False
    key = key_of(found.candidate)
    return (
        key is not None
        and bool(found.objects)
        and all(one.is_intact for one in found.objects)
        and is_value_of(key, signed=found.value)
    )


def header(issued: Issued, **more: Any) -> dict[str, Any]:
    digest = b64(hashlib.sha256(issued.der).digest())
    chain = [base64.b64encode(issued.der).decode()]
    return {"alg": "ES256", "x5c": chain, "x5t#S256": digest} | more


def sign(issued: Issued, protected: Mapping[str, Any] | str, payload: str) -> tuple[str, str]:
    """Protected header and signature of ES256 over a payload as it is signed."""
    said = protected if isinstance(protected, str) else json.dumps(protected)
    first = b64(said.encode())
    assert isinstance(issued.key, ec.EllipticCurvePrivateKey)
    der = issued.key.sign(f"{first}.{payload}".encode(), ec.ECDSA(SHA256()))
    r, s = decode_dss_signature(der)
    return first, b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def compact(issued: Issued, payload: bytes = PAYLOAD, **more: Any) -> str:
    first, last = sign(issued, header(issued, **more), b64(payload))
    return f"{first}.{b64(payload)}.{last}"


def flattened(issued: Issued, etsi_u: Any, **more: Any) -> str:
    first, middle, last = compact(issued, **more).split(".")
    whole = {"payload": middle, "protected": first, "signature": last, "header": {"etsiU": etsi_u}}
    return json.dumps(whole)


@pytest.mark.parametrize("alg", ["RS256", "PS256", "RS512", "PS384", "ES256"])
def test_what_another_library_signs_is_intact(
    signing_pki: SigningPki, citizen: Issued, alg: str
) -> None:
    issued = citizen if alg == "ES256" else signing_pki.citizen_rsa.issued
    kind = ECKey if alg == "ES256" else RSAKey
    raw = jws.serialize_compact(
        header(issued) | {"alg": alg},
        PAYLOAD,
        kind.import_key(issued.key),
        algorithms=[alg],
        registry=jws.JWSRegistry(algorithms=[alg], strict_check_header=False),
    )
    (one,) = read(raw).signatures
    assert is_intact(one)
    assert (one.form, one.packaging) == (Form.JADES, Packaging.ENVELOPING)
    assert one.references is not None
    head, _, value = raw.split(".")
    assert not is_intact(read(f"{head}.{b64(OTHER)}.{value}").signatures[0])


def test_what_the_header_says_is_read(citizen: Issued) -> None:
    said: dict[str, Any] = {
        "sigT": "2026-11-21T03:04:05Z",
        "srCms": [{"commId": {"id": "urn:approval"}}],
        "srAts": [{"mediaType": "text/plain", "claimed": {}}, 5],
        "sigPl": {"addressLocality": "Hue", "addressCountry": "VN"},
        "sigPId": {"id": {"id": "urn:oid:1.2.3"}},
        "cty": "json",
        "crit": ["sigT"],
    }
    (one,) = read(compact(citizen, **said)).signatures
    assert is_intact(one)
    assert one.claimed_time == SIGNING_TIME
    assert one.commitments == ("urn:approval",)
    assert one.production_place == "Hue, VN"
    assert one.policy_identifier == "urn:oid:1.2.3"
    assert (one.content_type, one.doubts) == ("json", ())


def test_several_signatures_in_one_json(citizen: Issued) -> None:
    first, middle, last = compact(citizen).split(".")
    each = {"protected": first, "signature": last}
    found = read(json.dumps({"payload": middle, "signatures": [each, each]}))
    assert [one.identity for one in found.signatures] == ["S-1", "S-2"]
    assert all(map(is_intact, found.signatures))


def test_a_payload_that_stands_elsewhere(citizen: Issued) -> None:
    first, _, last = compact(citizen).split(".")
    (one,) = read(f"{first}..{last}").signatures
    assert not one.objects[0].is_found
    with Blob.of(PAYLOAD) as content, Blob.of(OTHER) as other:
        (one,) = read(f"{first}..{last}", Detached("x", content)).signatures
        assert is_intact(one)
        assert one.packaging is Packaging.DETACHED
        assert not is_intact(read(f"{first}..{last}", Detached("x", other)).signatures[0])


def test_a_payload_that_is_signed_as_it_is(citizen: Issued) -> None:
    """RFC 7797 §3 and §6: `b64` is false, and critical."""
    with Blob.of(PAYLOAD) as content:
        first, last = sign(citizen, header(citizen, b64=False, crit=["b64"]), PAYLOAD.decode())
        assert is_intact(read(f"{first}..{last}", Detached("x", content)).signatures[0])
        first, last = sign(citizen, header(citizen, b64=False), PAYLOAD.decode())
        (one,) = read(f"{first}..{last}", Detached("x", content)).signatures
        assert [reason.code for reason in one.malformed] == ["b64_not_critical"]


@pytest.mark.parametrize("is_encoded", [True, False])
def test_documents_by_their_digests(citizen: Issued, is_encoded: bool) -> None:
    """TS 119 182-1 §5.2.8.3.3: digests of what stands elsewhere, by its name."""
    octets = b64(PAYLOAD).encode() if is_encoded else PAYLOAD
    said = {
        "mId": "http://uri.etsi.org/19182/ObjectIdByURIHash",
        "pars": ["a%20b.json", "other"],
        "hashM": "S256",
        "hashV": [b64(hashlib.sha256(octets).digest()), b64(hashlib.sha256(OTHER).digest())],
    }
    first, last = sign(citizen, header(citizen, sigD=said, crit=["sigD"]), "")
    with Blob.of(PAYLOAD) as content, Blob.of(OTHER) as other:
        both = Detached("a b.json", content), Detached("other", other)
        (one,) = read(f"{first}..{last}", *both).signatures
        assert is_intact(one)
        (one,) = read(f"{first}..{last}", both[0]).signatures
        assert [each.is_found for each in one.objects] == [True, False]
        swapped = Detached("a b.json", other), Detached("other", content)
        assert not is_intact(read(f"{first}..{last}", *swapped).signatures[0])


def test_documents_as_a_payload(citizen: Issued) -> None:
    said = {"mId": "http://uri.etsi.org/19182/ObjectIdByURI", "pars": ["a", "b"]}
    first, last = sign(citizen, header(citizen, sigD=said, crit=["sigD"]), b64(PAYLOAD + OTHER))
    with Blob.of(PAYLOAD) as content, Blob.of(OTHER) as other:
        a, b = Detached("a", content), Detached("b", other)
        assert is_intact(read(f"{first}..{last}", a, b).signatures[0])
        assert not is_intact(read(f"{first}..{last}", a).signatures[0])


def test_headers_of_http_are_named_and_not_resolved(citizen: Issued) -> None:
    said = {"mId": "http://uri.etsi.org/19182/HttpHeaders", "pars": ["(request-target)"]}
    first, last = sign(citizen, header(citizen, sigD=said, crit=["sigD"]), "")
    (one,) = read(f"{first}..{last}").signatures
    assert [reason.code for reason in one.malformed] == ["sigd_http_headers_unsupported"]


@pytest.mark.parametrize("crit", [["unknown"], ["sigT", "unknown"], "sigT", [5]])
def test_what_a_reader_does_not_know_breaks_the_signature(citizen: Issued, crit: Any) -> None:
    """RFC 7515 §4.1.11."""
    (one,) = read(compact(citizen, crit=crit, unknown=1)).signatures
    assert {reason.code for reason in one.malformed} <= {"crit_unknown", "crit_malformed"}
    assert one.malformed


def test_no_algorithm_and_secrets_sign_nothing(citizen: Issued) -> None:
    for alg in ("none", "HS256", "", "es256", None, 5):
        (one,) = read(compact(citizen, alg=alg)).signatures
        assert not is_intact(one)
    # the certificate as a secret: whoever takes the algorithm from the header would believe it
    first = b64(json.dumps(header(citizen) | {"alg": "HS256"}).encode())
    signed = f"{first}.{b64(PAYLOAD)}"
    for secret in (citizen.der, citizen.spki):
        value = hmac.digest(secret, signed.encode(), "sha256")
        assert not is_intact(read(f"{signed}.{b64(value)}").signatures[0])


def test_a_member_that_stands_twice_is_refused(citizen: Issued) -> None:
    """RFC 7515 §4: two programs would read two headers."""
    twice = json.dumps(header(citizen))[:-1] + ', "alg": "none"}'
    first, last = sign(citizen, twice, b64(PAYLOAD))
    (one,) = read(f"{first}.{b64(PAYLOAD)}.{last}").signatures
    assert [reason.code for reason in one.malformed] == ["json_member_twice"]
    found = read('{"payload": "", "payload": "YQ", "signatures": []}')
    assert [reason.code for reason in found.malformed] == ["json_member_twice"]


def _token(pki: SigningPki, octets: bytes) -> dict[str, Any]:
    stamps = pki.timestamps(now=SIGNING_TIME)
    token = stamps.stamp(hashlib.sha256(octets).digest(), hash_name="sha256")
    return {"tstTokens": [{"val": base64.b64encode(token).decode()}]}


def _entry(name: str, value: Any) -> str:
    return b64(json.dumps({name: value}).encode())


def _is_over(found: FoundSignature) -> list[bool]:
    said = [(one, find_info(one.token)) for one in found.timestamps]
    return [
        info is not None and one.digest_of(info.hash_name) == info.imprint for one, info in said
    ]


def test_timestamps_are_over_what_the_standard_says(
    signing_pki: SigningPki, citizen: Issued
) -> None:
    """TS 119 182-1 §5.2.6, §5.3.4, §5.3.6."""
    payload = b64(PAYLOAD)
    protected = header(citizen, adoTst=_token(signing_pki, payload.encode()), crit=["adoTst"])
    first, last = sign(citizen, protected, payload)
    signature = _entry("sigTst", _token(signing_pki, last.encode()))
    values = _entry("xVals", [{"x509Cert": {"val": base64.b64encode(citizen.der).decode()}}])
    whole = f"{first}.{payload}.{last}"
    archived = f"{payload}.{first}.{last}.{signature}{values}".encode()
    archive = _entry("arcTst", _token(signing_pki, archived))
    raw = {"payload": payload, "protected": first, "signature": last}
    found = read(json.dumps(raw | {"header": {"etsiU": [signature, values, archive]}}))
    (one,) = found.signatures
    assert is_intact(one)
    kinds = [TimestampKind.CONTENT, TimestampKind.SIGNATURE, TimestampKind.ARCHIVE]
    assert [each.kind for each in one.timestamps] == kinds
    assert _is_over(one) == [True, True, True]
    assert citizen.der in one.material.certificates
    # whatever is put between is not covered
    other = _entry("rVals", {"crlVals": []})
    found = read(json.dumps(raw | {"header": {"etsiU": [signature, values, other, archive]}}))
    assert _is_over(found.signatures[0]) == [True, True, False]
    assert whole.count(".") == 2


def test_a_countersignature_is_over_the_value_and_nothing_else(citizen: Issued) -> None:
    """TS 119 182-1 §5.3.2; what it says itself to be over is not believed."""
    first, payload, last = compact(citizen).split(".")
    head, value = sign(citizen, header(citizen), last)
    raw = {"payload": payload, "protected": first, "signature": last}
    for counter in (f"{head}..{value}", {"protected": head, "signature": value}):
        entries = [_entry("cSig", counter)]
        found = read(json.dumps(raw | {"header": {"etsiU": entries}}))
        signature, countersignature = found.signatures
        assert (countersignature.parent, countersignature.identity) == ("S-1", "S-1-C1")
        assert is_intact(signature)
        assert is_intact(countersignature)
    # valid by itself, and about another value
    head, value = sign(citizen, header(citizen), b64(OTHER))
    entries = [_entry("cSig", f"{head}.{b64(OTHER)}.{value}")]
    found = read(json.dumps(raw | {"header": {"etsiU": entries}}))
    assert not is_intact(found.signatures[1])
    assert not found.signatures[1].objects[0].is_intact


def test_countersignatures_without_end_are_not_all_read(citizen: Issued) -> None:
    counter = compact(citizen)
    inner = json.loads(flattened(citizen, [_entry("cSig", counter)] * 40))
    found = read(flattened(citizen, [_entry("cSig", inner)] * 40))
    assert len(found.signatures) == 256
    assert [one.code for one in found.malformed] == ["too_many_signatures"]


def test_odd_unsigned_headers_are_passed_over_and_named(citizen: Issued) -> None:
    odd: list[Any] = [5, "", "!", b64(b"[]"), {"a": 1, "b": 2}, {"sigTst": 5}, {"xVals": 5}]
    odd += [{"rVals": {"crlVals": [{"val": 5}, 6]}}, {"cSig": 7}, {"tstVD": {"xVals": 8}}]
    found = read(flattened(citizen, odd))
    assert is_intact(found.signatures[0])
    assert "etsiu_unreadable" in [one.code for one in found.signatures[0].doubts]
    assert found.signatures[1].malformed
    assert read(flattened(citizen, 5)).signatures  # no list at all


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "not_jws"),
        ("a.b", "not_jws"),
        ("{", "json_malformed"),
        ("{}", "not_jws"),
        ('{"payload": [], "signatures": []}', "payload_malformed"),
        ('{"payload": "", "signatures": 5}', "not_jws"),
        ('{"signatures": [5]}', "not_jws"),
        ('{"a":' * 5_000 + "1" + "}" * 5_000, "json_malformed"),
        ('{"a":' + "[" * 100_000 + "}", "too_large"),
        ('{"a": NaN}', "json_malformed"),
        ('{"a": 1e999}', "json_malformed"),
        ('{"a": "\\ud800"}', "json_malformed"),
    ],
)
def test_what_is_no_jws_says_so(raw: str, code: str) -> None:
    assert [one.code for one in read(raw).malformed] == [code]


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_stands_in_the_parts_ends_in_an_answer(first: str, last: str) -> None:
    for one in read(f"{b64(first.encode('utf-8', 'replace'))}.YQ.{last}").signatures:
        assert one.malformed
