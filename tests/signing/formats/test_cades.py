"""CAdES at B-B, B-T and B-LT: made, raised, refused; judged by `openssl` and pyHanko."""

from __future__ import annotations

import hashlib
import subprocess
import tracemalloc
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import cms as asn1_cms
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from keystore.pki.der import SEQUENCE, wrap
from signing.errors import (
    CertificateRefused,
    DocumentRefused,
    SignatureForeign,
    SigningError,
    StatusUnavailable,
    TimestampUnavailable,
)
from signing.formats.cades import (
    MAX_FRAME_BYTES,
    Sources,
    augment_cades,
    finish_cades,
    finish_enveloping,
    prepare_cades,
)
from signing.formats.cms import PreparedCms, finish_cms, timestamp_imprint
from signing.formats.cms_augmenting import add_material
from signing.formats.der import attribute, set_of
from signing.formats.material import Level, ValidationMaterial
from signing.formats.signed_attributes import SignerLocation
from signing.formats.signed_data import SIGNATURE_TIMESTAMP, read_signed_data
from signing.isolation.blob import Blob
from tests.support.cms_opinions import (
    openssl_verifies,
    openssl_verifies_token,
    pyhanko_says,
    strictly,
)
from tests.support.pki import SmallPki
from tests.support.signatory import SIGNING_TIME, Hand, RealTimestamps, SigningPki

CONTENT = "Quyết định số 12/QĐ-UBND".encode()
LEVELS = (Level.B, Level.T, Level.LT)


@pytest.fixture
def sources(timestamps, status, signing_pki: SigningPki) -> Sources:
    return Sources(timestamps, status, (signing_pki.root.der,))


@pytest.fixture
def lt(hand: Hand, sources: Sources) -> bytes:
    return detached(hand, Level.LT, sources)


def prepared_for(hand: Hand, content: bytes = CONTENT, **changes) -> PreparedCms:
    digest = hashlib.new(hand.signatory.hash_name, content).digest()
    given = {"content_digest": digest, "signing_time": SIGNING_TIME}
    return prepare_cades(hand.signatory, **(given | changes))


def detached(hand: Hand, level: Level, sources: Sources, **changes) -> bytes:
    prepared = prepared_for(hand, **changes)
    signature = hand.sign(prepared.to_be_signed.digest)
    return finish_cades(
        prepared, signature=signature, level=level, now=SIGNING_TIME, sources=sources
    )


def raised(raw: bytes, level: Level, sources: Sources) -> bytes:
    with (
        Blob.of(raw) as blob,
        augment_cades(blob, level=level, now=SIGNING_TIME, sources=sources) as made,
    ):
        return made.read()


def refusal(raw: bytes, sources: Sources, level: Level = Level.T) -> str:
    with pytest.raises(DocumentRefused) as refused:
        raised(raw, level, sources)
    return refused.value.reason


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_is_valid_to_two_others(
    each_hand: Hand, level: Level, sources: Sources, signing_pki: SigningPki, tmp_path: Path
) -> None:
    made = detached(each_hand, level, sources)
    opinion = openssl_verifies(made, root=signing_pki.root_pem, folder=tmp_path, content=CONTENT)
    assert opinion.is_valid, opinion.said
    status = pyhanko_says(
        made,
        content=CONTENT,
        roots=[signing_pki.root.der],
        with_evidence=level.has_material,
    )
    assert status.bottom_line, status.summary()
    stamped = status.timestamp_validity
    assert (stamped is not None) is level.has_timestamp
    assert stamped is None or stamped.trusted


@pytest.mark.parametrize("level", LEVELS)
def test_an_enveloping_signature_holds_its_document(
    hand: Hand, level: Level, sources: Sources, signing_pki: SigningPki, tmp_path: Path
) -> None:
    prepared = prepared_for(hand)
    signature = hand.sign(prepared.to_be_signed.digest)
    with (
        Blob.of(CONTENT) as content,
        finish_enveloping(
            prepared,
            signature=signature,
            content=content,
            level=level,
            now=SIGNING_TIME,
            sources=sources,
        ) as made,
    ):
        raw = made.read()
    opinion = openssl_verifies(raw, root=signing_pki.root_pem, folder=tmp_path)
    assert (opinion.is_valid, opinion.content) == (True, CONTENT), opinion.said
    assert strictly(raw)["encap_content_info"]["content"].native == CONTENT


def test_the_timestamp_inside_is_good_to_openssl(
    hand: Hand, sources: Sources, signing_pki: SigningPki, tmp_path: Path
) -> None:
    signer = read_signed_data(detached(hand, Level.T, sources)).signers[0]
    (token,) = signer.unsigned_values(SIGNATURE_TIMESTAMP)
    said = openssl_verifies_token(
        token, data=signer.signature, root=signing_pki.root_pem, folder=tmp_path
    )
    assert "Verification: OK" in said.splitlines(), said


def test_without_its_evidence_a_signature_is_no_lt_to_others(
    hand: Hand, sources: Sources, signing_pki: SigningPki
) -> None:
    """ETSI EN 319 122-1 §6.3, B-LT: what the checkers demanded above is really in there."""
    made = detached(hand, Level.T, sources)
    status = pyhanko_says(made, content=CONTENT, roots=[signing_pki.root.der], with_evidence=True)
    assert not status.bottom_line


def test_what_the_signer_says_besides_is_signed(hand: Hand, sources: Sources) -> None:
    """ETSI EN 319 122-1 §5.2.3 and §5.2.5: commitment, place and kind of document."""
    made = detached(
        hand,
        Level.B,
        sources,
        mime_type="application/pdf",
        commitment_kind="proof_of_approval",
        location=SignerLocation("VN", "Huế"),
    )
    (signer,) = strictly(made)["signer_infos"]
    found = {one["type"].dotted: one["values"].contents for one in signer["signed_attrs"]}
    assert found["0.4.0.1733.2.1"] == b"\x0c\x0fapplication/pdf"
    approval = bytes.fromhex("060b2a864886f70d0109100605")
    assert found["1.2.840.113549.1.9.16.2.16"].endswith(approval)
    assert found["1.2.840.113549.1.9.16.2.17"].endswith("Huế".encode())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"content_digest": bytes(31)}, "wrong_digest_length"),
        ({"mime_type": 'text/"xml'}, "mime_type"),
        ({"commitment_kind": "whatever"}, "unknown_commitment"),
        ({"location": SignerLocation()}, "empty_location"),
    ],
)
def test_what_cannot_be_signed_is_refused_at_once(hand: Hand, changes, reason: str) -> None:
    with pytest.raises(DocumentRefused) as refused:
        prepared_for(hand, **changes)
    assert refused.value.reason == reason


def test_a_certificate_outside_its_time_does_not_sign(signing_pki: SigningPki) -> None:
    """TT 15/2025/TT-BKHCN, Annex II: the signing time is within the validity."""
    hand = signing_pki.hand(lifetime=timedelta(days=40))
    prepared_for(hand)
    for days, reason in ((11, "expired"), (-31, "not_yet_valid")):
        with pytest.raises(CertificateRefused) as refused:
            prepared_for(hand, signing_time=SIGNING_TIME + timedelta(days=days))
        assert refused.value.reason == reason


def test_a_certificate_that_ended_meanwhile_is_not_stamped(
    signing_pki: SigningPki, sources: Sources
) -> None:
    """ETSI EN 319 102-1 §5.5: the signature has to be known to be older than the end."""
    hand = signing_pki.hand(lifetime=timedelta(days=40))
    prepared = prepared_for(hand)
    with pytest.raises(CertificateRefused) as refused:
        finish_cades(
            prepared,
            signature=hand.sign(prepared.to_be_signed.digest),
            level=Level.T,
            now=SIGNING_TIME + timedelta(days=11),
            sources=sources,
        )
    assert refused.value.reason == "expired"


def test_a_foreign_signature_value_gives_nothing(
    hand: Hand, sources: Sources, timestamps: RealTimestamps, signing_pki: SigningPki
) -> None:
    """RFC 5652 §5.6; and the timestamp authority was not even asked."""
    prepared = prepared_for(hand)
    foreign = signing_pki.seal.sign(prepared.to_be_signed.digest)
    with pytest.raises(SignatureForeign):
        finish_cades(prepared, signature=foreign, level=Level.LT, now=SIGNING_TIME, sources=sources)
    assert timestamps.given == []


def test_another_document_than_prepared_is_refused(hand: Hand, sources: Sources) -> None:
    prepared = prepared_for(hand)
    signature = hand.sign(prepared.to_be_signed.digest)
    with Blob.of(CONTENT, b" ") as content, pytest.raises(DocumentRefused) as refused:
        finish_enveloping(
            prepared,
            signature=signature,
            content=content,
            level=Level.B,
            now=SIGNING_TIME,
            sources=sources,
        )
    assert refused.value.reason == "document_changed"


def _fault(hand: Hand, level: Level, sources: Sources) -> type[SigningError]:
    with pytest.raises(SigningError) as fault:
        detached(hand, level, sources)
    return fault.type


def test_whoever_is_away_is_named_and_nothing_is_made(
    hand: Hand, timestamps, status, no_timestamps, no_status
) -> None:
    """A level that cannot be reached is no lower level in silence."""
    for away in (Sources(no_timestamps, status), Sources(None, status)):
        assert _fault(hand, Level.T, away) is TimestampUnavailable
        assert _fault(hand, Level.LT, away) is TimestampUnavailable
    for away in (Sources(timestamps, no_status), Sources(timestamps, None)):
        assert _fault(hand, Level.LT, away) is StatusUnavailable
    assert detached(hand, Level.B, Sources())


def test_a_revoked_certificate_gets_no_lt(hand: Hand, timestamps, revoked_status) -> None:
    """TT 15/2025/TT-BKHCN, Annex II: not suspended or revoked at signing."""
    assert _fault(hand, Level.LT, Sources(timestamps, revoked_status)) is CertificateRefused


class OtherTimestamps:
    """Stamps something else than it is asked to."""

    def __init__(self, timestamps) -> None:
        self._timestamps = timestamps

    def stamp(self, digest: bytes, *, hash_name: str) -> bytes:
        return self._timestamps.stamp(bytes(len(digest)), hash_name=hash_name)


def test_a_timestamp_over_something_else_is_not_put_in(hand: Hand, timestamps, status) -> None:
    """RFC 3161 §2.2: whoever asked verifies what came."""
    wrong = Sources(OtherTimestamps(timestamps), status)
    assert _fault(hand, Level.T, wrong) is TimestampUnavailable


def test_there_is_no_lta(hand: Hand, sources: Sources) -> None:
    with pytest.raises(DocumentRefused) as refused:
        detached(hand, Level.LTA, sources)
    assert refused.value.reason == "level"


def test_raising_step_by_step_keeps_what_was_signed(
    each_hand: Hand, sources: Sources, signing_pki: SigningPki, tmp_path: Path
) -> None:
    """ETSI EN 319 122-1 §5.3, §5.5: only unsigned parts are added."""
    basic = detached(each_hand, Level.B, sources)
    assert raised(basic, Level.B, sources) == basic
    stamped = raised(basic, Level.T, sources)
    assert raised(stamped, Level.T, sources) == stamped, "one timestamp is enough"
    proven = raised(stamped, Level.LT, sources)
    before, after = (read_signed_data(one).signers[0] for one in (basic, proven))
    assert before.signed_attributes == after.signed_attributes
    assert before.signature == after.signature
    status = pyhanko_says(proven, content=CONTENT, roots=[signing_pki.root.der], with_evidence=True)
    assert status.bottom_line, status.summary()
    opinion = openssl_verifies(proven, root=signing_pki.root_pem, folder=tmp_path, content=CONTENT)
    assert opinion.is_valid, opinion.said


def _openssl_signs(pki: SmallPki, folder: Path, *options: str) -> bytes:
    key = pki.citizen.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(key)
    (folder / "own.pem").write_bytes(pki.citizen.pem)
    (folder / "others.pem").write_bytes(pki.issuing.pem)
    (folder / "content").write_bytes(CONTENT)
    command = ["openssl", "cms", "-sign", "-binary", "-in", "content", "-outform", "DER"]
    command += ["-signer", "own.pem", "-inkey", "key.pem", "-certfile", "others.pem", "-md"]
    command += ["sha256", *options, "-out", "made"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=600)
    return (folder / "made").read_bytes()


@pytest.mark.parametrize("options", [("-cades",), ("-cades", "-nodetach")])
def test_a_signature_that_openssl_made_is_raised(
    options: tuple[str, ...], signing_pki: SigningPki, timestamps, tmp_path: Path
) -> None:
    """Somebody else's CAdES B-B, with its own order of sets, becomes B-T."""
    pki = SmallPki(SIGNING_TIME - timedelta(days=1))
    made = _openssl_signs(pki, tmp_path, *options)
    sources = Sources(timestamps, None, (pki.root.der,))
    stamped = raised(made, Level.T, sources)
    content = None if "-nodetach" in options else CONTENT
    opinion = openssl_verifies(stamped, root=pki.root.pem, folder=tmp_path, content=content)
    assert opinion.is_valid, opinion.said
    (signer,) = strictly(stamped)["signer_infos"]
    assert {one["type"].native for one in signer["unsigned_attrs"]} == {
        "signature_time_stamp_token"
    }


def test_a_signature_that_names_no_certificate_is_not_raised(
    sources: Sources, tmp_path: Path
) -> None:
    """ETSI EN 319 122-1 §6.3: signing-certificate-v2 is there; plain CMS has none."""
    pki = SmallPki(SIGNING_TIME - timedelta(days=1))
    assert refusal(_openssl_signs(pki, tmp_path), sources) == "not_cades"
    assert refusal(_openssl_signs(pki, tmp_path, "-noattr"), sources) == "not_cades"


def test_indefinite_lengths_are_not_read(sources: Sources, tmp_path: Path) -> None:
    """X.690 §10.1: DER has definite lengths; whoever streams BER has to write DER first."""
    pki = SmallPki(SIGNING_TIME - timedelta(days=1))
    made = _openssl_signs(pki, tmp_path, "-cades", "-nodetach", "-stream")
    assert made[1] == 0x80
    assert refusal(made, sources) == "not_cms"


def test_a_frame_that_is_too_large_is_not_read(hand: Hand, sources: Sources) -> None:
    """Architecture, decision 12: what is parsed in process is bounded; a content is not parsed."""
    bulk = ValidationMaterial(crls=(wrap(SEQUENCE, bytes(MAX_FRAME_BYTES)),))
    large = add_material(detached(hand, Level.B, sources), material=bulk)
    assert refusal(large, sources) == "too_large"


@pytest.mark.parametrize("raw", [b"", b"\0", b"\x30\x00", b"%PDF-1.7", b"\x30\x80\x00\x00"])
def test_what_is_no_signature_is_refused(raw: bytes, sources: Sources) -> None:
    assert refusal(raw, sources) == "not_cms"


def test_a_broken_signature_is_not_raised(hand: Hand, sources: Sources) -> None:
    """Nobody proves for twenty years what was never signed."""
    outer = asn1_cms.ContentInfo.load(detached(hand, Level.B, sources))
    outer["content"]["signer_infos"][0]["signature"] = hand.sign(bytes(32))
    with pytest.raises(SignatureForeign):
        raised(outer.dump(), Level.T, sources)


def test_a_timestamp_over_something_else_is_found_when_raising(
    hand: Hand, sources: Sources, timestamps: RealTimestamps
) -> None:
    """ETSI EN 319 122-1 §5.3: the imprint is the one of the signature value."""
    prepared = prepared_for(hand)
    signature = hand.sign(prepared.to_be_signed.digest)
    token = timestamps.stamp(timestamp_imprint(b"other", hash_name="sha256"), hash_name="sha256")
    wrong = finish_cms(prepared, signature=signature, timestamp=token)
    with pytest.raises(TimestampUnavailable, match="imprint"):
        raised(wrong, Level.LT, sources)


def test_two_signatures_in_one_are_not_raised(hand: Hand, sources: Sources) -> None:
    outer = asn1_cms.ContentInfo.load(detached(hand, Level.B, sources))
    signers = outer["content"]["signer_infos"]
    signers.append(signers[0].copy())
    assert refusal(outer.dump(), sources) == "several_signatures"


def test_an_archived_signature_is_left_alone(hand: Hand, sources: Sources) -> None:
    """ETSI EN 319 122-1 §5.5.3: an archive timestamp is over the unsigned parts as they were."""
    outer = asn1_cms.ContentInfo.load(detached(hand, Level.T, sources))
    raw = outer.dump()
    (signer,) = read_signed_data(raw).signers
    archived = attribute("0.4.0.1733.2.4", b"\x30\x00")
    unsigned = set_of((*signer.unsigned_attributes, archived))
    outer["content"]["signer_infos"][0]["unsigned_attrs"] = asn1_cms.CMSAttributes.load(unsigned)
    assert refusal(outer.dump(force=False), sources) == "already_archived"


# what `cryptography` will refuse one day, it warns of today
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@given(st.integers(0, 12_000), st.integers(0, 255))
def test_whatever_octet_is_changed_it_is_raised_or_refused(
    lt: bytes, sources: Sources, place: int, octet: int
) -> None:
    """A file from anywhere ends in an error of ours, or was changed where nothing is believed."""
    place %= len(lt)
    changed = lt[:place] + bytes((octet,)) + lt[place + 1 :]
    try:
        again = raised(changed, Level.LT, sources)
    except SigningError:
        return
    before, after = (read_signed_data(one).signers[0] for one in (lt, again))
    assert before.signed_attributes == after.signed_attributes
    assert before.signature == after.signature


def test_a_large_document_is_never_held(hand: Hand, sources: Sources) -> None:
    """32 MiB go in and out again; what Python holds on the way stays below an eighth of it."""
    size = 32 << 20
    with Blob.of_chunks(bytes(1 << 20) for _ in range(32)) as content:
        digest = content.digest("sha256")
        prepared = prepare_cades(hand.signatory, content_digest=digest, signing_time=SIGNING_TIME)
        signature = hand.sign(prepared.to_be_signed.digest)
        tracemalloc.start()
        with (
            finish_enveloping(
                prepared,
                signature=signature,
                content=content,
                level=Level.B,
                now=SIGNING_TIME,
                sources=sources,
            ) as made,
            augment_cades(made, level=Level.T, now=SIGNING_TIME, sources=sources) as stamped,
        ):
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert stamped.size > size
            assert most < size / 8
