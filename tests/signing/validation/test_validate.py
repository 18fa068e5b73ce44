"""Files of our own signing, of every level, sound, old, tampered with and no files at all."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.errors import ParsingFailed, WallsMissing
from signing.formats.material import Level
from signing.formats.pades import PadesParties, join
from signing.formats.pades_room import MeasuredTimestamps
from signing.formats.signed_data import read_signed_data
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.renew import next_renewal, renew_pades
from signing.validation.detached import Detached
from signing.validation.known_anchors import KnownAnchors
from signing.validation.model import DocumentReport, RevocationState, StatusOrigin, Step
from signing.validation.verdict import Indication, SubIndication
from tests.support.handmade_pdf import plain_document
from tests.support.isolation import WithoutWalls
from tests.support.lasting_pki import YEARS_20, LastingPki
from tests.support.signatory import SIGNING_TIME, Hand
from tests.support.validation_house import CONTENT, ValidationHouse

_PASSED = Indication.TOTAL_PASSED
_HEADS = (b"", b"%PDF-1.7", b"PK\3\4", b"0\x80", b"<?xml", b"{")


def _codes(report: DocumentReport) -> set[str]:
    return {one.code for one in report.conclusion.reasons}


def _warned(report: DocumentReport) -> set[str]:
    return {one.code for one in report.conclusion.warnings}


@pytest.mark.parametrize("level", list(Level))
def test_a_pdf_of_every_level_passes(validation_house: ValidationHouse, level: Level) -> None:
    online = None if level.has_material else validation_house.online()
    report = validation_house.validate(validation_house.pdf(level), online=online)
    assert report.conclusion.indication is _PASSED, report.conclusion
    assert (report.kind, [one.level for one in report.signatures]) == ("pdf", [level.value])
    assert all(one.conclusion.is_passed for one in report.signatures[0].timestamps)
    assert report.signatures[0].is_key_confirmed is True


@pytest.mark.parametrize("level", [Level.B, Level.T, Level.LT])
@pytest.mark.parametrize("is_enveloping", [False, True])
def test_a_cms_of_every_level_passes(
    validation_house: ValidationHouse, level: Level, is_enveloping: bool
) -> None:
    signed = validation_house.cms(level, is_enveloping=is_enveloping)
    online = None if level.has_material else validation_house.online()
    with Blob.of(CONTENT) as content:
        detached = () if is_enveloping else (Detached("quyết định.txt", content),)
        report = validation_house.validate(signed, online=online, detached=detached)
    assert report.conclusion.indication is _PASSED, report.conclusion
    assert [one.level for one in report.signatures] == [level.value]


def test_behind_the_walls_it_says_the_same(
    validation_house: ValidationHouse, isolation: Isolation
) -> None:
    behind = ValidationHouse(validation_house.pki, isolation)
    signed = validation_house.pdf(Level.LTA)
    twice = validation_house.pdf(Level.LT, content=signed, hand=validation_house.pki.seal)
    assert behind.validate(twice) == validation_house.validate(twice)
    assert behind.validate(twice).conclusion.indication is _PASSED


def test_everybody_who_signs_passes(validation_house: ValidationHouse, each_hand: Hand) -> None:
    report = validation_house.validate(validation_house.pdf(Level.LT, hand=each_hand))
    assert report.conclusion.indication is _PASSED, report.conclusion


def test_a_signature_by_digest_alone_passes(validation_house: ValidationHouse) -> None:
    """The document stays with its owner."""
    with Blob.of(CONTENT) as content:
        digests = {"sha256": content.digest("sha256")}
    report = validation_house.validate(
        validation_house.cms(Level.LT), detached=(Detached("quyết định.txt", None, digests),)
    )
    assert report.conclusion.indication is _PASSED


def test_a_detached_signature_without_its_document_is_undecided(
    validation_house: ValidationHouse,
) -> None:
    """ETSI EN 319 102-1 §5.2.7.4: SIGNED_DATA_NOT_FOUND."""
    report = validation_house.validate(validation_house.cms(Level.LT))
    assert report.conclusion.sub_indication is SubIndication.SIGNED_DATA_NOT_FOUND


def test_another_document_is_a_hash_failure(validation_house: ValidationHouse) -> None:
    """ETSI EN 319 102-1 §5.2.7.4."""
    with Blob.of(b"something else") as content:
        report = validation_house.validate(
            validation_house.cms(Level.LT), detached=(Detached("other", content),)
        )
    assert report.conclusion.indication is Indication.TOTAL_FAILED
    assert report.conclusion.sub_indication is SubIndication.HASH_FAILURE


def test_whom_nobody_trusts_is_undecided_and_everything_else_is_said(
    validation_house: ValidationHouse,
) -> None:
    """ETSI EN 319 102-1 §5.2.6.4: NO_CERTIFICATE_CHAIN_FOUND."""
    report = validation_house.validate(validation_house.pdf(Level.LT), anchors=KnownAnchors())
    assert report.conclusion.indication is Indication.INDETERMINATE
    assert report.conclusion.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    signature = report.signatures[0]
    checks = {one.step: one.conclusion for one in signature.checks}
    assert checks[Step.CRYPTOGRAPHY].is_passed
    assert len(signature.chain) == 3
    # what an authority says about itself counts where it is trusted alone
    assert signature.is_key_confirmed is None


def test_a_tampered_document_of_an_unknown_signer_has_failed(
    validation_house: ValidationHouse,
) -> None:
    """A failure outweighs a doubt; the reasons of both are there."""
    content = validation_house.pdf(Level.B).replace(b"Helvetica", b"Helvetika", 1)
    report = validation_house.validate(content, anchors=KnownAnchors())
    assert report.conclusion.indication is Indication.TOTAL_FAILED
    assert report.conclusion.sub_indication is SubIndication.HASH_FAILURE
    assert {"signed_data_changed", "no_trust_anchor"} <= _codes(report)


def test_a_status_that_cannot_be_had_is_a_warning(validation_house: ValidationHouse) -> None:
    """TT 15/2025/TT-BKHCN, Annex II; ETSI EN 319 102-1 §5.2.6.4: TRY_LATER."""
    report = validation_house.validate(validation_house.pdf(Level.B))
    assert report.conclusion.indication is Indication.INDETERMINATE
    assert report.conclusion.sub_indication is SubIndication.TRY_LATER
    assert "status_unavailable" in _warned(report)


def test_a_status_in_the_file_is_not_asked_for(validation_house: ValidationHouse) -> None:
    online = validation_house.online()
    validation_house.validate(validation_house.pdf(Level.LT), online=online)
    assert online.asked == []


def test_a_revocation_that_the_file_does_not_show_is_asked_for(
    validation_house: ValidationHouse,
) -> None:
    """The answer in the file is of before, and for a week; whoever stole the key put it there."""
    online = validation_house.online(revoked=[validation_house.pki.citizen.serial])
    now = validation_house.signed_at + timedelta(days=3)
    report = validation_house.validate(validation_house.pdf(Level.LT), online=online, now=now)
    assert validation_house.pki.citizen.signatory.certificate in online.asked
    revocation = report.signatures[0].chain[0].revocation
    # its timestamp is older than the revocation: it was good when it signed
    assert report.conclusion.indication is _PASSED
    assert revocation.revoked_at is not None
    assert revocation.origin is StatusOrigin.ONLINE


def test_nobody_is_asked_about_a_broken_signature(validation_house: ValidationHouse) -> None:
    online = validation_house.online()
    content = validation_house.pdf(Level.B).replace(b"Helvetica", b"Helvetika", 1)
    validation_house.validate(content, online=online)
    assert online.asked == []


def test_a_revoked_certificate_without_a_proof_is_undecided(
    validation_house: ValidationHouse,
) -> None:
    """ETSI EN 319 102-1 §5.2.6.4: REVOKED_NO_POE."""
    pki = validation_house.pki
    online = validation_house.online(revoked=[pki.citizen.serial])
    later = validation_house.signed_at + timedelta(days=2)
    report = validation_house.validate(validation_house.pdf(Level.B), online=online, now=later)
    assert report.conclusion.sub_indication is SubIndication.REVOKED_NO_POE
    assert "certificate_revoked" in _codes(report)


def test_a_certificate_revoked_after_the_timestamp_was_good_when_it_signed(
    validation_house: ValidationHouse,
) -> None:
    """ETSI EN 319 102-1 §5.5.4 step 4: the revocation is later than the best signature time."""
    pki = validation_house.pki
    online = validation_house.online(revoked=[pki.citizen.serial])
    later = validation_house.signed_at + timedelta(days=2)
    report = validation_house.validate(validation_house.pdf(Level.T), online=online, now=later)
    assert report.conclusion.indication is _PASSED, report.conclusion
    checks = {one.step: one.conclusion for one in report.signatures[0].checks}
    assert checks[Step.PATH].sub_indication is SubIndication.REVOKED_NO_POE
    assert checks[Step.PAST].is_passed
    # the report tells what it was then, and that it has ended
    revocation = report.signatures[0].chain[0].revocation
    assert revocation.state is RevocationState.GOOD
    assert revocation.revoked_at is not None


def test_a_certificate_revoked_before_the_timestamp_is_not_saved_by_it(
    validation_house: ValidationHouse,
) -> None:
    """ETSI EN 319 102-1 §5.5.4 step 4: the status says an hour before."""
    pki = validation_house.pki
    online = validation_house.online(revoked=[pki.citizen.serial])
    report = validation_house.validate(
        validation_house.pdf(Level.T),
        online=online,
        now=validation_house.signed_at + timedelta(minutes=1),
    )
    assert report.conclusion.sub_indication is SubIndication.REVOKED_NO_POE


def test_an_expired_certificate_without_a_proof_is_out_of_bounds(
    validation_house: ValidationHouse,
) -> None:
    """ETSI EN 319 102-1 §5.2.6.4."""
    later = validation_house.pki.citizen.issued.certificate.not_valid_after_utc
    report = validation_house.validate(
        validation_house.pdf(Level.B),
        online=validation_house.online(),
        now=later + timedelta(days=1),
    )
    assert report.conclusion.indication is Indication.INDETERMINATE
    assert report.conclusion.sub_indication is SubIndication.OUT_OF_BOUNDS_NO_POE


def test_a_document_is_dated_before_its_certificate(validation_house: ValidationHouse) -> None:
    """ETSI EN 319 102-1 §5.5.4: what was not yet valid is never TOTAL_PASSED."""
    report = validation_house.validate(
        validation_house.pdf(Level.LT), now=validation_house.pki.since - timedelta(days=9)
    )
    assert report.conclusion.indication is not _PASSED


def test_a_document_passes_after_the_services_of_its_time_are_gone() -> None:
    """ETSI EN 319 102-1 §5.6.3: what the archive's timestamp covers was good when it was made."""
    pki = LastingPki(SIGNING_TIME - timedelta(days=30))
    house = ValidationHouse(pki, WithoutWalls())
    content = house.pdf(Level.LTA)
    later = pki.citizen.issued.certificate.not_valid_after_utc + timedelta(days=9)
    pki.replace_services(later)
    online = house.online()
    report = house.validate(content, now=later, online=online)
    assert report.conclusion.indication is _PASSED, report.conclusion
    revocations = [one.revocation for one in report.signatures[0].chain]
    assert [one.state for one in revocations] == [
        RevocationState.GOOD,
        RevocationState.GOOD,
        RevocationState.NOT_NEEDED,
    ]
    assert revocations[0].origin is StatusOrigin.FILE
    # about a certificate that is over, nobody can be asked
    assert pki.citizen.signatory.certificate not in online.asked


def test_a_document_passes_after_twenty_years_of_renewals() -> None:
    """ETSI EN 319 102-1 §5.6.3: each authority is gone when the next one stamps."""
    pki = LastingPki(SIGNING_TIME - timedelta(days=1))
    house = ValidationHouse(pki, WithoutWalls())
    roots, at = (pki.root.der,), SIGNING_TIME
    content = first = house.pdf(Level.LTA)
    while at < SIGNING_TIME + YEARS_20:
        with Blob.of(content) as document:
            parties = PadesParties(
                house.isolation, MeasuredTimestamps(pki.timestamps(now=at)), pki.status(), roots
            )
            at = next_renewal(document, parties=parties).due_at
            pki.replace_services(at)
            parties = PadesParties(
                house.isolation, MeasuredTimestamps(pki.timestamps(now=at)), pki.status(), roots
            )
            with join(document, renew_pades(document, parties=parties, now=at)) as renewed:
                content = renewed.read()
    report = house.validate(content, now=at, online=house.online())
    assert report.conclusion.indication is _PASSED, report.conclusion
    signature = report.signatures[0]
    assert signature.level == "B-LTA"
    assert signature.best_signature_time == SIGNING_TIME
    # and without the timestamps in between it does not
    assert house.validate(first, now=at, online=house.online()).conclusion.is_indeterminate


@given(data=st.data())
def test_no_flipped_bit_of_a_pdf_passes(
    validation_house: ValidationHouse, data: st.DataObject
) -> None:
    content = bytearray(_memory(validation_house, "pdf"))
    start = content.rindex(b"/ByteRange")
    ranges = [int(one) for one in content[start:].split(b"]")[0].split(b"[")[1].split()]
    covered = [*range(ranges[0], ranges[1]), *range(ranges[2], ranges[2] + ranges[3])]
    place = data.draw(st.sampled_from(covered))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    report = validation_house.validate(bytes(content))
    assert report.conclusion.indication is not _PASSED


@given(data=st.data())
def test_no_flipped_bit_of_what_a_cms_signed_passes(
    validation_house: ValidationHouse, data: st.DataObject
) -> None:
    """Signed attributes, value and content; what is unsigned may say what it likes."""
    content = bytearray(_memory(validation_house, "cms"))
    value = _memory(validation_house, "value")
    places = [
        *range(start := content.index(CONTENT), start + len(CONTENT)),
        *range(start := content.index(value), start + len(value)),
    ]
    place = data.draw(st.sampled_from(places))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    report = validation_house.validate(bytes(content), online=validation_house.online())
    assert report.conclusion.indication is not _PASSED


_MADE: dict[tuple[int, str], bytes] = {}


def _memory(house: ValidationHouse, what: str) -> bytes:
    """Signed once for all examples."""
    key = (id(house), what)
    if key not in _MADE:
        if what == "pdf":
            _MADE[key] = house.pdf(Level.LT)
        else:
            made = house.cms(Level.B, is_enveloping=True)
            report = house.validate(made, online=house.online())
            assert report.conclusion.indication is _PASSED
            _MADE[id(house), "cms"] = made
            _MADE[id(house), "value"] = read_signed_data(made).signers[0].signature
    return _MADE[key]


def _zip_of_zips() -> bytes:
    content = b"nothing"
    for _ in range(3):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr("inner.zip", content)
        content = made.getvalue()
    return content


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "picture"),
        (b"GIF89a" + bytes(20), "picture"),
        (b"nothing at all", "unknown_format"),
        (bytes(range(256)) * 8, "unknown_format"),
        (_zip_of_zips(), None),
        (b"%PDF-1.7\n%%EOF", None),
        (b"0\x82\x10\x00garbage", None),
        (b"<html><body>hello</body></html>", None),
        (b'{"payload": 1}', None),
        (b"-----BEGIN CMS-----\n!!!\n-----END CMS-----", None),
    ],
)
def test_whatever_comes_in_ends_in_a_report(
    validation_house: ValidationHouse, content: bytes, code: str | None
) -> None:
    report = validation_house.validate(content)
    assert not report.conclusion.is_passed
    assert report.signatures == ()
    assert report.size == len(content)
    assert "fault" not in _codes(report)
    assert code in _codes(report) if code else _codes(report)


@given(
    content=st.binary(max_size=400),
    head=st.sampled_from([b"", b"%PDF-1.7", b"PK\3\4", b"0\x80", b"<?xml", b"{"]),
)
def test_octets_without_any_sense_end_in_a_report(
    validation_house: ValidationHouse, content: bytes, head: bytes
) -> None:
    report = validation_house.validate(head + content)
    assert report.conclusion.indication is Indication.INDETERMINATE
    assert "fault" not in _codes(report)


def test_a_document_without_a_signature_says_so(validation_house: ValidationHouse) -> None:
    report = validation_house.validate(plain_document().classic())
    assert report.conclusion.indication is Indication.INDETERMINATE
    assert _codes(report) == {"no_signature"}


def test_a_file_that_is_too_large_is_not_read(validation_house: ValidationHouse) -> None:
    report = validation_house.validate(validation_house.pdf(Level.B), most_bytes=100)
    assert _codes(report) == {"too_large"}


def test_more_signatures_than_are_judged_leave_a_document_undecided(
    validation_house: ValidationHouse,
) -> None:
    content = validation_house.pdf(Level.LT)
    twice = validation_house.pdf(Level.LT, content=content, hand=validation_house.pki.seal)
    report = validation_house.validate(twice, most_signatures=1)
    assert report.conclusion.indication is Indication.INDETERMINATE
    assert "too_many_signatures" in _codes(report)
    both = validation_house.validate(twice)
    assert both.conclusion.indication is _PASSED, both.conclusion


def test_a_document_that_takes_too_long_is_undecided(validation_house: ValidationHouse) -> None:
    content = validation_house.pdf(Level.LT)
    twice = validation_house.pdf(Level.LT, content=content, hand=validation_house.pki.seal)
    report = validation_house.validate(twice, longest=timedelta(0))
    assert report.conclusion.indication is Indication.INDETERMINATE
    assert "takes_too_long" in _codes(report)
    assert len(report.signatures) == 1


@pytest.mark.parametrize(
    ("failure", "code"),
    [(ParsingFailed("crashed"), "crashed"), (WallsMissing("no_filter"), "not_started")],
)
def test_whoever_reads_documents_dying_is_said(
    validation_house: ValidationHouse, failure: Exception, code: str
) -> None:
    class Dying:
        def run(self, *_: object, **__: object) -> None:
            raise failure

    dying: Isolation = Dying()  # type: ignore[assignment]  # it never answers
    house = ValidationHouse(validation_house.pki, dying)
    report = house.validate(validation_house.pdf(Level.LT))
    assert _codes(report) == {code}


def test_a_fault_of_ours_is_a_report_that_tells_nothing_of_the_file(
    validation_house: ValidationHouse, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def run(self, *_: object, **__: object) -> None:
            raise KeyError("Người Mây Suối")

    broken: Isolation = Broken()  # type: ignore[assignment]  # it never answers
    house = ValidationHouse(validation_house.pki, broken)
    report = house.validate(validation_house.pdf(Level.LT))
    assert _codes(report) == {"fault"}
    assert "Người" not in caplog.text + "".join(str(one.__dict__) for one in caplog.records)
