"""Trusted lists: real ones of two states, lists that xmlsec signed, and every way to fake one."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.validation.trusted_list import TrustedList, TrustedListRefused, open_list
from tests.support.trusted_lists import CA_QC, GRANTED, ListDraft, Listed, Scheme, sign_enveloped
from tests.vectors.corpus import corpus_folder, needs_corpus

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
SINCE = NOW - timedelta(days=400)


@pytest.fixture(scope="module")
def scheme() -> Scheme:
    """Who signs the list, and is known for it."""
    return Scheme.of("Scheme", since=SINCE)


@pytest.fixture(scope="module")
def stranger() -> Scheme:
    """Somebody else with a certificate."""
    return Scheme.of("Stranger", since=SINCE)


@pytest.fixture(scope="module")
def draft(stranger: Scheme) -> ListDraft:
    """A list of one service."""
    return ListDraft(
        NOW - timedelta(days=10),
        (Listed(stranger.certificate, ((CA_QC, GRANTED, SINCE),)),),
    )


def _open(
    raw: bytes, *, isolation: Isolation, signers: list[bytes], now: datetime = NOW
) -> TrustedList:
    with Blob.of(raw) as blob:
        return open_list(blob, isolation=isolation, signers=signers, now=now)


def _refusal(raw: bytes, *, isolation: Isolation, scheme: Scheme, now: datetime = NOW) -> str:
    with pytest.raises(TrustedListRefused) as refused:
        _open(raw, isolation=isolation, signers=[scheme.certificate], now=now)
    return refused.value.reason


@pytest.mark.parametrize(
    ("file", "now", "territory", "services"),
    [
        ("sk-tsl.xml", "2021-04-01", "SK", 131),
        ("TSL-noID.xml", "2018-10-01", "AT", 30),
    ],
)
@needs_corpus
def test_lists_of_states_are_opened_at_their_time_and_refused_later(
    isolation: Isolation, file: str, now: str, territory: str, services: int
) -> None:
    """TS 119 612 §5.3.15: after the next update a list says nothing any more."""
    raw = (corpus_folder() / "dss" / "xades" / file).read_bytes()
    end = raw[raw.rindex(b"SignatureValue>") :]
    signers = [base64.b64decode(one) for one in re.findall(rb"X509Certificate>([^<]*)<", end)]
    moment = datetime.fromisoformat(f"{now}T00:00:00+00:00")
    opened = _open(raw, isolation=isolation, signers=signers, now=moment)
    assert opened.facts.territory == territory
    assert len(opened.facts.services) == services
    assert opened.signer in signers
    with pytest.raises(TrustedListRefused, match="expired"):
        _open(raw, isolation=isolation, signers=signers)


@pytest.mark.parametrize("root_id", ["list", ""])
def test_a_list_that_its_signer_signed_is_opened(
    without_walls: Isolation, scheme: Scheme, stranger: Scheme, draft: ListDraft, root_id: str
) -> None:
    raw = replace(draft, root_id=root_id).signed_by(scheme)
    signers = [stranger.certificate, scheme.certificate]
    opened = _open(raw, isolation=without_walls, signers=signers)
    assert opened.signer == scheme.certificate
    assert opened.facts.operator == "Test Authority"
    assert opened.facts.services[0].certificates == (stranger.certificate,)
    assert opened.next_update - opened.issued_at == timedelta(days=180)


def test_a_list_without_a_signature_is_refused(
    without_walls: Isolation, scheme: Scheme, draft: ListDraft
) -> None:
    """TS 119 612 §5.7.1: the list SHALL be signed."""
    assert _refusal(draft.xml(), isolation=without_walls, scheme=scheme) == "unsigned"


def test_a_list_signed_by_somebody_else_is_refused(
    without_walls: Isolation, scheme: Scheme, stranger: Scheme, draft: ListDraft
) -> None:
    """TS 119 615 §4.2.4: the signer is one of those that were announced, whatever KeyInfo says."""
    raw = draft.signed_by(stranger)
    assert _refusal(raw, isolation=without_walls, scheme=scheme) == "signed_by_another"
    opened = _open(raw, isolation=without_walls, signers=[stranger.certificate])
    assert opened.signer == stranger.certificate
    with pytest.raises(TrustedListRefused, match="signed_by_another"):
        _open(raw, isolation=without_walls, signers=[])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"granted", b"granteD"),
        (b"<TSLSequenceNumber>7", b"<TSLSequenceNumber>8"),
        (b"Svctype/CA/QC", b"Svctype/CA/PKC"),
        (b"</TSPServices>", b"<TSPService/></TSPServices>"),
        (b'Id="list"', b'Id="list" x="y"'),
    ],
)
def test_a_list_that_was_changed_is_refused(
    without_walls: Isolation, scheme: Scheme, draft: ListDraft, before: bytes, after: bytes
) -> None:
    """XML Signature 1.1 §3.2.1."""
    raw = draft.signed_by(scheme)
    assert before in raw
    changed = raw.replace(before, after, 1)
    assert _refusal(changed, isolation=without_walls, scheme=scheme) == "changed"


def test_a_signature_value_that_was_changed_is_nobodys(
    without_walls: Isolation, scheme: Scheme, draft: ListDraft
) -> None:
    raw = draft.signed_by(scheme)
    place = raw.index(b"SignatureValue>") + 20
    changed = raw[:place] + (b"A" if raw[place : place + 1] != b"A" else b"B") + raw[place + 1 :]
    assert _refusal(changed, isolation=without_walls, scheme=scheme) == "signed_by_another"


def test_a_signed_list_inside_of_another_is_not_that_other(
    without_walls: Isolation, scheme: Scheme, draft: ListDraft
) -> None:
    """Signature wrapping: what is read is what was signed, and only the root is a list."""
    signed = draft.signed_by(scheme).split(b"\n", 1)[1]
    forged = replace(draft, root_id="", services=()).xml()
    wrapped = forged.replace(b"</TrustServiceStatusList>", signed + b"</TrustServiceStatusList>")
    reason = _refusal(wrapped, isolation=without_walls, scheme=scheme)
    assert reason == "signature_misplaced"


def test_a_signature_moved_to_a_forged_list_is_refused(
    without_walls: Isolation, scheme: Scheme, draft: ListDraft
) -> None:
    """Signature wrapping: the signed list hides in the forged one, whose root has no such Id."""
    signed = draft.signed_by(scheme).split(b"\n", 1)[1]
    at, end = signed.index(b"<ds:Signature "), signed.index(b"</ds:Signature>") + 15
    signature, hidden = signed[at:end], signed[:at] + signed[end:]
    for root_id in ("", "list", "other"):
        forged = replace(draft, root_id=root_id, services=()).xml()
        end_tag = b"</TrustServiceStatusList>"
        wrapped = forged.replace(end_tag, b"<Extra>" + hidden + b"</Extra>" + signature + end_tag)
        reason = _refusal(wrapped, isolation=without_walls, scheme=scheme)
        assert reason in {"changed", "list_malformed", "signature_misplaced"}


def test_a_signature_over_a_part_is_refused(
    without_walls: Isolation, scheme: Scheme, draft: ListDraft
) -> None:
    """TS 119 612 annex B.6: the reference is to the whole list."""
    xml = draft.xml().replace(b"<SchemeInformation>", b'<SchemeInformation Id="part">')
    raw = sign_enveloped(xml, scheme=scheme, place="#part")
    assert _refusal(raw, isolation=without_walls, scheme=scheme) == "list_malformed"


def test_two_signatures_are_refused(
    without_walls: Isolation, scheme: Scheme, draft: ListDraft
) -> None:
    raw = sign_enveloped(draft.signed_by(scheme), scheme=scheme, place="#list")
    assert _refusal(raw, isolation=without_walls, scheme=scheme) == "signature_misplaced"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"next_update": NOW - timedelta(seconds=1)}, "expired"),
        ({"issued": NOW + timedelta(hours=1)}, "not_yet_issued"),
        ({"issued": SINCE - timedelta(days=1), "next_update": NOW}, "signer_not_valid"),
        ({"is_closed": True}, "closed"),
        ({"version": 4}, "version_unknown"),
    ],
)
def test_a_list_that_is_not_of_now_is_refused_by_name(
    without_walls: Isolation,
    scheme: Scheme,
    draft: ListDraft,
    changes: dict[str, object],
    reason: str,
) -> None:
    """TS 119 612 §5.2.1, §5.3.14, §5.3.15."""
    raw = replace(draft, **changes).signed_by(scheme)
    assert _refusal(raw, isolation=without_walls, scheme=scheme) == reason


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not_xml"),
        (b"<a/>", "unsigned"),
        (b"%PDF-1.7", "not_xml"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "doctype"),
    ],
)
def test_what_is_no_list_is_refused(
    without_walls: Isolation, scheme: Scheme, raw: bytes, reason: str
) -> None:
    assert _refusal(raw, isolation=without_walls, scheme=scheme) == reason


def test_a_weak_algorithm_is_refused(
    without_walls: Isolation, scheme: Scheme, draft: ListDraft
) -> None:
    """TS 119 312 §5: SHA-1 proves nothing."""
    raw = draft.signed_by(scheme).replace(b"xmldsig-more#ecdsa-sha256", b"xmldsig-more#ecdsa-sha1")
    assert _refusal(raw, isolation=without_walls, scheme=scheme) == "algorithm_refused"
