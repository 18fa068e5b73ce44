"""A timestamp is taken when it is the one that was asked for, and otherwise not."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import core, tsp
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from keystore.pki.der import SEQUENCE, wrap
from keystore.pki.timestamp_requests import Failure, HashAlgorithm, MessageImprint
from keystore.pki.timestamp_tokens import Accuracy, TimestampFacts, prepare_signer, rejected
from signing.errors import TimestampUnavailable
from signing.formats.timestamps import (
    MAX_BYTES,
    ask_timestamp,
    imprint_hash,
    read_timestamp,
    verify_timestamp,
)
from tests.support.cms_opinions import openssl_verifies_token
from tests.support.pki import SmallPki
from tests.support.signatory import POLICY, SIGNING_TIME, RealTimestamps, SigningPki
from tests.support.status import run_openssl
from tests.support.timestamps import SettableClock, SmallTsa

DATA = b"what is stamped"
DIGEST = hashlib.sha256(DATA).digest()


def why_not(raw_token: bytes, **changes) -> str:
    given = {"digest": DIGEST, "hash_name": "sha256"}
    with pytest.raises(TimestampUnavailable) as refused:
        verify_timestamp(raw_token, **(given | changes))
    return str(refused.value)


@pytest.fixture
def token(timestamps: RealTimestamps) -> bytes:
    return timestamps.stamp(DIGEST, hash_name="sha256")


@pytest.mark.parametrize("hash_name", ["sha256", "sha384", "sha512", "sha3_256"])
def test_a_token_over_our_digest_is_taken(
    timestamps: RealTimestamps, signing_pki: SigningPki, hash_name: str
) -> None:
    digest = hashlib.new(hash_name, DATA).digest()
    token = timestamps.stamp(digest, hash_name=hash_name)
    found = verify_timestamp(
        token, digest=digest, hash_name=hash_name, policy=POLICY, roots=[signing_pki.root.der]
    )
    assert found.gen_time == SIGNING_TIME
    assert found.accuracy == timedelta(seconds=1)
    assert found.chain == (signing_pki.tsa.der, *signing_pki.chain)
    assert set(found.certificates) == {signing_pki.tsa.der, signing_pki.issuing.der}
    assert imprint_hash(token) == hash_name


def test_the_token_is_good_to_openssl(token: bytes, signing_pki: SigningPki, tmp_path) -> None:
    said = openssl_verifies_token(token, data=DATA, root=signing_pki.root_pem, folder=tmp_path)
    assert "Verification: OK" in said.splitlines(), said


def test_our_request_is_one_for_openssl(tmp_path) -> None:
    asked = ask_timestamp(DIGEST, hash_name="sha256", policy=POLICY)
    (tmp_path / "query").write_bytes(asked.der)
    said = run_openssl("ts", "-query", "-in", "query", "-text", folder=tmp_path).stdout
    assert f"Policy OID: {POLICY}" in said
    assert "Certificate required: yes" in said
    assert f"Nonce: 0x{asked.nonce:X}" in said


def test_two_requests_have_two_nonces() -> None:
    first, second = (ask_timestamp(DIGEST, hash_name="sha256") for _ in range(2))
    assert first.nonce != second.nonce


@pytest.mark.parametrize(("digest", "hash_name"), [(DIGEST[:-1], "sha256"), (DIGEST, "sha1")])
def test_a_digest_of_another_length_is_not_asked_about(digest: bytes, hash_name: str) -> None:
    with pytest.raises(ValueError, match="digest"):
        ask_timestamp(digest, hash_name=hash_name)


def test_another_digest_is_refused(token: bytes) -> None:
    """RFC 3161 §2.2: the requester verifies that what is stamped is what was asked for."""
    assert why_not(token, digest=bytes(32)) == "imprint"
    assert why_not(token, digest=DIGEST, hash_name="sha3_256") == "imprint"


def test_another_nonce_is_refused(timestamps: RealTimestamps) -> None:
    """RFC 3161 §2.4.2: the nonce is the one of the request; otherwise the answer is an old one."""
    before = ask_timestamp(DIGEST, hash_name="sha256")
    old = timestamps.authority.respond(before.der)
    with pytest.raises(TimestampUnavailable, match="nonce"):
        read_timestamp(old, asked=ask_timestamp(DIGEST, hash_name="sha256"))


def test_another_policy_is_refused(token: bytes) -> None:
    """RFC 3161 §2.4.2: the policy is the one of the request, if it named one."""
    assert why_not(token, policy="2.999.7") == "policy"


@pytest.mark.parametrize("raw", [b"", b"\x30\x00", b"<html>", rejected(Failure.BAD_ALG)])
def test_an_answer_without_a_token_is_refused(raw: bytes) -> None:
    """RFC 3161 §2.4.2: with any status but granted there is no token."""
    with pytest.raises(TimestampUnavailable):
        read_timestamp(raw, asked=ask_timestamp(DIGEST, hash_name="sha256"))


def test_a_token_in_an_answer_that_refuses_is_not_taken(timestamps: RealTimestamps) -> None:
    """RFC 3161 §2.4.2: only 0 and 1 say that there is a token."""
    asked = ask_timestamp(DIGEST, hash_name="sha256")
    answer = tsp.TimeStampResp.load(timestamps.authority.respond(asked.der))
    answer["status"]["status"] = "rejection"
    with pytest.raises(TimestampUnavailable, match="not_granted"):
        read_timestamp(answer.dump(), asked=asked)


def test_what_is_too_long_is_not_read(token: bytes) -> None:
    assert why_not(token.ljust(MAX_BYTES + 1, b"\0")) == "too_large"
    with pytest.raises(TimestampUnavailable, match="too_large"):
        read_timestamp(bytes(MAX_BYTES + 1), asked=ask_timestamp(DIGEST, hash_name="sha256"))


def test_a_token_with_a_second_signature_is_refused(token: bytes) -> None:
    """RFC 3161 §2.4.2: no signature but the one of the authority."""
    outer = asn1_cms.ContentInfo.load(token)
    signers = outer["content"]["signer_infos"]
    other = signers[0].copy()
    other["signature"] = b"another"
    signers.append(other)
    assert why_not(outer.dump()) == "malformed"


def _changed(token: bytes, change) -> bytes:
    outer = asn1_cms.ContentInfo.load(token)
    change(outer["content"])
    return outer.dump()


def test_another_content_under_the_same_signature_is_refused(token: bytes) -> None:
    """RFC 5652 §5.6: the digest among the attributes is the content's."""

    def later(data) -> None:
        info = data["encap_content_info"]["content"].parsed
        info["gen_time"] = SIGNING_TIME + timedelta(days=1)
        data["encap_content_info"]["content"] = core.ParsableOctetString(info.dump())

    assert why_not(_changed(token, later)) == "digest"


def _with_info(token: bytes, change) -> bytes:
    def changed(data) -> None:
        info = data["encap_content_info"]["content"].parsed
        change(info)
        data["encap_content_info"]["content"] = core.ParsableOctetString(info.dump())

    return _changed(token, changed)


def test_another_version_is_refused(token: bytes) -> None:
    """RFC 3161 §2.4.2: version 1 is the one there is."""

    def third(info) -> None:
        info["version"] = 3

    assert why_not(_with_info(token, third)) == "version"


def test_a_critical_extension_that_nobody_knows_is_refused(token: bytes) -> None:
    """RFC 3161 §2.4.2, RFC 5280 §4.2: what is critical has to be understood."""

    def extended(info) -> None:
        info["extensions"] = [{"extn_id": "2.999.9", "critical": True, "extn_value": b"\x05\x00"}]

    assert why_not(_with_info(token, extended)) == "extension"


def test_an_imprint_by_sha1_is_refused(token: bytes) -> None:
    """Architecture, decision 18: SHA-1 only where a protocol names it."""

    def weak(info) -> None:
        info["message_imprint"]["hash_algorithm"] = {"algorithm": "sha1"}

    changed = _with_info(token, weak)
    assert why_not(changed) == "imprint"
    with pytest.raises(TimestampUnavailable, match="imprint"):
        imprint_hash(changed)


def test_attributes_hashed_by_sha1_are_refused(token: bytes) -> None:
    """RFC 5652 §5.3: the digest algorithm of the signature is one that is taken."""

    def weak(data) -> None:
        data["signer_infos"][0]["digest_algorithm"] = {"algorithm": "sha1"}

    assert why_not(_changed(token, weak)) == "algorithm"


def test_another_content_type_is_refused(token: bytes) -> None:
    """RFC 5652 §11.1: the signed type is the one of the content."""

    def other(data) -> None:
        for one in data["signer_infos"][0]["signed_attrs"]:
            if one["type"].native == "content_type":
                one["values"] = ["data"]

    assert why_not(_changed(token, other)) == "content_type"


def test_an_authority_may_keep_its_accuracy_to_itself(small: SmallPki, tmp_path) -> None:
    """RFC 3161 §2.4.2: accuracy is optional."""
    token = _granted(small, tmp_path, at=SIGNING_TIME, accuracy=None)
    found = verify_timestamp(token, digest=DIGEST, hash_name="sha256")
    assert found.accuracy == timedelta(0)


def test_a_broken_signature_is_refused(token: bytes) -> None:
    """RFC 5652 §5.4: the signature is over the signed attributes."""

    def broken(data) -> None:
        data["signer_infos"][0]["signature"] = b"\x30\x06\x02\x01\x01\x02\x01\x01"

    assert why_not(_changed(token, broken)) == "signature"


def test_a_token_without_its_certificate_is_refused(token: bytes, signing_pki: SigningPki) -> None:
    """RFC 3161 §2.4.1: we asked for the certificate; without it nobody can check in ten years."""

    def bare(data) -> None:
        data["certificates"] = None

    without = _changed(token, bare)
    assert why_not(without) == "certificate"
    found = verify_timestamp(
        without, digest=DIGEST, hash_name="sha256", among=[signing_pki.tsa.der]
    )
    assert found.chain[0] == signing_pki.tsa.der


def _token_of(pki: SmallPki, certified, folder) -> bytes:
    pki.tsa = certified
    tsa = SmallTsa(pki, SettableClock(SIGNING_TIME), folder)
    asked = ask_timestamp(DIGEST, hash_name="sha256")
    answer = tsp.TimeStampResp.load(tsa.authority().respond(asked.der))
    return answer["time_stamp_token"].dump()


@pytest.fixture
def small() -> SmallPki:
    return SmallPki(SIGNING_TIME - timedelta(days=1))


@pytest.mark.parametrize(
    "purpose", [None, ExtendedKeyUsageOID.OCSP_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]
)
def test_a_certificate_for_something_else_is_refused(small: SmallPki, purpose, tmp_path) -> None:
    """RFC 3161 §2.3: exactly one extended key usage, timestamping."""
    other = small.issue("Other", usage="digital_signature", purpose=purpose)
    assert why_not(_token_of(small, other, tmp_path)) == "purpose"


def test_a_purpose_that_is_not_critical_is_refused(small: SmallPki, tmp_path) -> None:
    """RFC 3161 §2.3: the extension MUST be critical."""
    key = small.tsa.key
    start = x509.CertificateBuilder(
        small.issuing.certificate.subject,
        small.tsa.certificate.subject,
        key.public_key(),
        77,
        SIGNING_TIME - timedelta(days=1),
        SIGNING_TIME + timedelta(days=1),
    )
    loose = start.add_extension(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=False
    ).sign(small.issuing.key, SHA256())
    assert why_not(_token_of(small, type(small.tsa)(loose, key), tmp_path)) == "purpose"


def test_a_token_of_a_time_outside_its_certificate_is_refused(small: SmallPki, tmp_path) -> None:
    """RFC 3161 §4.1, EN 319 422 §6: the certificate is valid when the token is made."""
    later = small.tsa.certificate.not_valid_after_utc + timedelta(seconds=1)
    assert why_not(_granted(small, tmp_path, at=later)) == "expired"


_SECOND = Accuracy(seconds=1, millis=None, micros=None)


def _granted(pki: SmallPki, folder, *, at, accuracy: Accuracy | None = _SECOND) -> bytes:
    """A token that the authority itself would not have given."""
    key, chain = SmallTsa(pki, SettableClock(SIGNING_TIME), folder).signer(SIGNING_TIME)
    imprint = MessageImprint(
        hash_algorithm=HashAlgorithm(
            algorithm=x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1"), parameters=None
        ),
        hashed_message=DIGEST,
    )
    policy = x509.ObjectIdentifier(POLICY)
    facts = TimestampFacts(imprint, policy, 7, at, accuracy, is_ordered=False, nonce=None)
    granted = prepare_signer(key, chain=chain).granted(facts, with_certificates=True)
    return tsp.TimeStampResp.load(granted)["time_stamp_token"].dump()


# what `cryptography` will refuse one day, it warns of today
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@given(st.integers(0, 1_900), st.integers(1, 255))
def test_a_token_with_any_octet_changed_is_refused_or_says_the_same(
    signing_pki: SigningPki, token: bytes, place: int, octet: int
) -> None:
    """Whatever a wire does to it: refused, or the change is in a part that is not believed."""
    changed = token[:place] + bytes((token[place] ^ octet,)) + token[place + 1 :]
    try:
        found = verify_timestamp(changed, digest=DIGEST, hash_name="sha256")
    except TimestampUnavailable:
        return
    assert found.gen_time == SIGNING_TIME
    assert found.chain[0] == signing_pki.tsa.der


@given(st.binary(max_size=200))
def test_whatever_comes_in_is_refused(raw: bytes) -> None:
    for candidate in (raw, wrap(SEQUENCE, raw)):
        why_not(candidate)
        with pytest.raises(TimestampUnavailable):
            imprint_hash(candidate)
