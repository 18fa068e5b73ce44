"""PAdES from the service's side: what comes back is checked, hashed and filled by ourselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from signing.errors import (
    CertificateRefused,
    DocumentRefused,
    ParsingFailed,
    SignatureForeign,
    StatusUnavailable,
    TimestampUnavailable,
)
from signing.formats.material import Level, StatusSource, Timestamps
from signing.formats.pades import (
    PadesParties,
    PdfSignature,
    PreparedPades,
    finish_pades,
    join,
    prepare_pades,
)
from signing.formats.pades_room import MeasuredTimestamps, cms_bytes
from signing.isolation.blob import Blob
from signing.isolation.task import Answered, Asked, Isolation, Task
from tests.support.handmade_pdf import plain_document
from tests.support.pdf_checkers import Checkers, embedded
from tests.support.signatory import Hand, SigningPki

_DOCUMENT = plain_document().classic()


@pytest.fixture
def parties(isolation: Isolation, timestamps: Timestamps, status: StatusSource) -> PadesParties:
    """Everybody is there."""
    return PadesParties(isolation, MeasuredTimestamps(timestamps), status)


def _prepare(hand: Hand, parties: PadesParties, now: datetime, **given: Any) -> PreparedPades:
    with Blob.of(given.pop("content", _DOCUMENT)) as document:
        return prepare_pades(document, parties=parties, signatory=hand.signatory, now=now, **given)


def _finish(prepared: PreparedPades, hand: Hand, parties: PadesParties, now: datetime) -> bytes:
    with Blob.of(_DOCUMENT) as document:
        value = hand.sign(prepared.to_be_signed.digest)
        increments = finish_pades(prepared, document, signature=value, parties=parties, now=now)
        with join(document, increments) as signed:
            return signed.read()


@pytest.mark.parametrize("level", list(Level))
def test_every_signatory_signs_at_every_level(
    level: Level,
    each_hand: Hand,
    parties: PadesParties,
    signing_pki: SigningPki,
    tmp_path: Path,
    now: datetime,
) -> None:
    """Pdfsig and `openssl cms` agree for P-256, P-384 and RSASSA-PSS."""
    prepared = _prepare(each_hand, parties, now, level=level)
    content = _finish(prepared, each_hand, parties, now)
    assert content.startswith(_DOCUMENT)
    file = tmp_path / "signed.pdf"
    file.write_bytes(content)
    checkers = Checkers(tmp_path, signing_pki.write_root(tmp_path), now)
    assert checkers.pdfsig(file)[0] == "Signature is Valid."
    assert checkers.openssl_cms(embedded(content)[0]).endswith("successful")


def test_what_waits_for_a_signature_can_be_stored(
    hand: Hand, parties: PadesParties, now: datetime
) -> None:
    prepared = _prepare(hand, parties, now, level=Level.LTA)
    stored = msgspec.msgpack.encode(prepared)
    restored = msgspec.msgpack.decode(stored, type=PreparedPades)
    assert restored == prepared
    assert restored.to_be_signed == prepared.to_be_signed
    assert _finish(restored, hand, parties, now).startswith(_DOCUMENT)


def test_the_time_is_written_as_in_vietnam_and_the_cms_has_none(
    hand: Hand, parties: PadesParties, now: datetime
) -> None:
    """ETSI EN 319 142-1 §6.3: /M is there, and signing-time (1.2.840.113549.1.9.5) is not."""
    prepared = _prepare(hand, parties, now, signature=PdfSignature(reason="Tôi đồng ý"))
    assert b"/M (D:20261121100405+07'00')" in prepared.increment
    assert bytes.fromhex("06092a864886f70d010905") not in prepared.cms.signed_attributes


def test_the_hole_is_as_large_as_the_largest_signature_to_the_octet(each_hand: Hand) -> None:
    """A modulus, or two numbers with a sign octet each: X.690 §8.3."""
    room = cms_bytes(each_hand.signatory)
    assert cms_bytes(each_hand.signatory, token_bytes=1000) > room + 1000
    assert room < 3000


@pytest.mark.parametrize("level", [Level.T, Level.LT, Level.LTA])
def test_a_certificate_that_ended_meanwhile_is_not_stamped(
    level: Level, parties: PadesParties, signing_pki: SigningPki, now: datetime
) -> None:
    """ETSI EN 319 102-1 §5.5: the signature has to be known to be older than the end."""
    hand = signing_pki.hand(lifetime=timedelta(days=40))
    prepared = _prepare(hand, parties, now, level=level)
    with pytest.raises(CertificateRefused) as refused:
        _finish(prepared, hand, parties, now + timedelta(days=41))
    assert refused.value.reason == "expired"


def test_a_token_that_outgrew_the_hole_is_refused_and_nothing_comes_out(
    hand: Hand, parties: PadesParties, now: datetime
) -> None:
    prepared = _prepare(hand, parties, now, level=Level.T)

    class Grown:
        def stamp(self, digest: bytes, *, hash_name: str) -> bytes:
            return bytes(4000)

    grown = replace(parties, timestamps=MeasuredTimestamps(Grown()))
    with pytest.raises(DocumentRefused, match="timestamp_too_large"):
        _finish(prepared, hand, grown, now)


def test_a_document_timestamp_that_outgrew_its_hole_gets_a_larger_one(
    hand: Hand, parties: PadesParties, timestamps: Timestamps, now: datetime
) -> None:
    class Measured(MeasuredTimestamps):
        """Has seen small tokens only."""

        def token_bytes(self, hash_name: str) -> int:
            seen = super().token_bytes(hash_name)
            self.asked = [*getattr(self, "asked", []), seen]
            return 100 if len(self.asked) == 1 else seen

    class Growing(MeasuredTimestamps):
        """Each is larger than those before it."""

        def token_bytes(self, hash_name: str) -> int:
            return 100

    prepared = _prepare(hand, parties, now, level=Level.LTA)
    with pytest.raises(TimestampUnavailable):
        _finish(prepared, hand, replace(parties, timestamps=Growing(timestamps)), now)
    measured = Measured(timestamps)
    content = _finish(prepared, hand, replace(parties, timestamps=measured), now)
    assert len(measured.asked) == 2
    assert embedded(content)[1].is_timestamp


def test_a_signature_of_somebody_else_is_refused(
    hand: Hand, parties: PadesParties, signing_pki: SigningPki, now: datetime
) -> None:
    for level in (Level.B, Level.T):
        prepared = _prepare(hand, parties, now, level=level)
        with pytest.raises(SignatureForeign):
            _finish(prepared, signing_pki.seal, parties, now)


def test_a_document_that_changed_since_is_refused(
    hand: Hand, parties: PadesParties, now: datetime
) -> None:
    prepared = _prepare(hand, parties, now, content=_DOCUMENT + b"\n")
    with pytest.raises(DocumentRefused, match="document_changed"):
        _finish(prepared, hand, parties, now)


def test_whoever_is_away_is_said_and_nothing_comes_out(
    hand: Hand,
    parties: PadesParties,
    no_timestamps: Timestamps,
    no_status: StatusSource,
    revoked_status: StatusSource,
    now: datetime,
) -> None:
    away = replace(parties, timestamps=MeasuredTimestamps(no_timestamps))
    with pytest.raises(TimestampUnavailable):
        _prepare(hand, away, now, level=Level.T)
    prepared = _prepare(hand, parties, now, level=Level.LTA)
    for others, error in (
        (away, TimestampUnavailable),
        (replace(parties, timestamps=None), TimestampUnavailable),
        (replace(parties, status=None), StatusUnavailable),
        (replace(parties, status=no_status), StatusUnavailable),
        (replace(parties, status=revoked_status), CertificateRefused),
    ):
        with pytest.raises(error):
            _finish(prepared, hand, others, now)


@pytest.mark.parametrize(
    ("moved", "reason"), [(timedelta(days=3650), "expired"), (timedelta(days=-60), "not_yet_valid")]
)
def test_a_certificate_signs_within_its_validity_only(
    moved: timedelta, reason: str, hand: Hand, parties: PadesParties, now: datetime
) -> None:
    """TT 15/2025/TT-BKHCN Art. 5: the certificate is looked at before anything is signed."""
    with pytest.raises(CertificateRefused, match=reason):
        _prepare(hand, parties, now + moved)


@dataclass(frozen=True)
class Liar:
    """Whoever reads documents, in other hands: changes what comes back."""

    honest: Isolation
    change: Callable[[Any, bytes], tuple[Any, bytes]]
    about: str

    def run(
        self, task: Task[Asked, Answered], asked: Asked, *, inputs: Sequence[Blob] = ()
    ) -> tuple[Answered, Blob]:
        """See `Isolation`."""
        answered, written = self.honest.run(task, asked, inputs=inputs)
        if not task.function.endswith(self.about):
            return answered, written
        with written:
            changed, content = self.change(answered, written.read())
        return changed, Blob.of(content)


def _elsewhere(hole: Any, content: bytes) -> tuple[Any, bytes]:
    return msgspec.structs.replace(hole, start=hole.start - 2, end=hole.end - 2), content


def _smaller(hole: Any, content: bytes) -> tuple[Any, bytes]:
    return msgspec.structs.replace(hole, end=hole.end - 2), content


def _outside(hole: Any, content: bytes) -> tuple[Any, bytes]:
    return msgspec.structs.replace(hole, start=len(content), end=len(content) + 9), content


def _before(hole: Any, content: bytes) -> tuple[Any, bytes]:
    return msgspec.structs.replace(hole, start=-hole.end, end=-hole.start), content


def _filled(hole: Any, content: bytes) -> tuple[Any, bytes]:
    return hole, content[: hole.start + 9] + b"A" + content[hole.start + 10 :]


def _other_range(hole: Any, content: bytes) -> tuple[Any, bytes]:
    return hole, content.replace(b"/ByteRange [0 ", b"/ByteRange [1 ")


def _more_behind(hole: Any, content: bytes) -> tuple[Any, bytes]:
    return hole, content + b"%%EOF\n"


def _no_end(hole: Any, content: bytes) -> tuple[Any, bytes]:
    return hole, content[:-3]


@pytest.mark.parametrize(
    "lie",
    [_elsewhere, _smaller, _outside, _before, _filled, _other_range, _more_behind, _no_end],
)
@pytest.mark.parametrize("about", ["add_signature", "add_timestamp"])
def test_an_increment_that_is_not_what_it_says_is_caught(
    lie: Callable[[Any, bytes], tuple[Any, bytes]],
    about: str,
    hand: Hand,
    parties: PadesParties,
    now: datetime,
) -> None:
    """ISO 32000-2 §12.8.1: /ByteRange covers everything but the hole, to the octet."""
    lied_to = replace(parties, isolation=Liar(parties.isolation, lie, about))
    with pytest.raises(ParsingFailed, match="contradiction"):
        _finish(_prepare(hand, lied_to, now, level=Level.LTA), hand, lied_to, now)


def test_an_increment_that_is_far_too_large_is_not_taken(
    hand: Hand, parties: PadesParties, now: datetime
) -> None:
    def flood(hole: Any, content: bytes) -> tuple[Any, bytes]:
        return hole, content + bytes(2 << 20) + b"%%EOF\n"

    lied_to = replace(parties, isolation=Liar(parties.isolation, flood, "add_signature"))
    with pytest.raises(ParsingFailed, match="too_large"):
        _prepare(hand, lied_to, now)


def test_evidence_that_is_not_in_the_increment_is_missed(
    hand: Hand, parties: PadesParties, now: datetime
) -> None:
    """ETSI EN 319 142-1 §5.4.2: all of it is there, or nothing comes out."""

    def forget(answered: Any, content: bytes) -> tuple[Any, bytes]:
        return answered, content.replace(b"\x30\x82", b"\x30\x83")

    lied_to = replace(parties, isolation=Liar(parties.isolation, forget, "add_material"))
    with pytest.raises(ParsingFailed, match="contradiction"):
        _finish(_prepare(hand, lied_to, now, level=Level.LT), hand, lied_to, now)


def test_evidence_that_is_said_to_be_there_already_is_looked_for(
    hand: Hand, parties: PadesParties, now: datetime
) -> None:
    def hide(answered: Any, _content: bytes) -> tuple[Any, bytes]:
        return msgspec.structs.replace(answered, added=0), b""

    lied_to = replace(parties, isolation=Liar(parties.isolation, hide, "add_material"))
    with pytest.raises(ParsingFailed, match="contradiction"):
        _finish(_prepare(hand, lied_to, now, level=Level.LT), hand, lied_to, now)


def test_what_the_document_is_and_says_is_in_no_representation(
    hand: Hand, parties: PadesParties, now: datetime
) -> None:
    said = PdfSignature(name="Nguyễn Văn Mây", reason="riêng tư")
    prepared = _prepare(hand, parties, now, signature=said)
    assert "Mây" not in repr(said) + repr(prepared)
    assert "riêng" not in repr(said) + repr(prepared)
