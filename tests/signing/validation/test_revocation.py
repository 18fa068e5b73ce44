"""The state of a certificate when there is no evidence, or rubbish, or far too much."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from signing.validation.certificate_path import CertificatePath
from signing.validation.model import RevocationState
from signing.validation.revocation import (
    CertificateStatus,
    Evidence,
    find_status,
)
from signing.validation.status_answers import find_answer
from signing.validation.status_evidence import MOST_VERIFIED, Budget
from tests.support.asked_status import (
    GOOD,
    LEAF,
    NOBODY_KNOWS,
    POINT,
    RESPONDER,
    status,
)
from tests.support.certificate_paths import (
    AT,
    Extension,
    answer,
    authority,
    delta,
    entry,
    person,
    point,
    points,
    revocation_list,
    scope,
)
from tests.support.judged_paths import CA, ROOT, path_of

NOT_NEEDED = RevocationState.NOT_NEEDED


# certificates whose state nobody tells, and heaps of anything


def test_a_certificate_that_needs_no_state():
    """RFC 9608 (no revocation available); EN 319 412-1 §5.2 (short life); an anchor."""
    for kind in ("2.5.29.56", "0.4.0.194121.2.1"):
        brief = person("A", Extension(kind, b"\x05\x00"), by=CA)
        assert status(leaf=brief).state is NOT_NEEDED
    told = Extension("2.5.29.56", b"\x05\x00")
    assert status(leaf=person("A", told, points(point(names=[POINT])), by=CA)).state is NOBODY_KNOWS
    assert status(leaf=authority("A", told, by=CA)).state is NOBODY_KNOWS
    itself = path_of(ROOT)
    assert find_status(itself, evidence=Evidence(), at=AT).state is NOT_NEEDED


def test_without_evidence_nobody_knows():
    assert status().state is NOBODY_KNOWS


def test_a_heap_of_rubbish_raises_nothing_and_is_counted():
    rubbish = [b"", b"\x30\x00", b"\x30\x03\x0a\x01\x06", LEAF.der, b"\x00" * 50]
    evidence = Evidence(certificates=rubbish, crls=rubbish, ocsp_responses=rubbish)
    assert find_status(path_of(LEAF, CA), evidence=evidence, at=AT).state is NOBODY_KNOWS
    told = {one.code: one.fact("count") for one in evidence.unreadable}
    assert told == {"ocsp_unreadable": "5", "crl_unreadable": "5"}
    assert find_status(
        CertificatePath((b"", CA.der), path_of(ROOT).anchor), evidence=evidence, at=AT
    ) == CertificateStatus(NOBODY_KNOWS)


def test_thousands_of_lists_of_one_issuer_cost_a_bounded_number_of_signatures():
    heap = [
        revocation_list(CA, number=number, is_broken=True, this=AT - timedelta(seconds=number))
        for number in range(1, 600)
    ]
    evidence = Evidence(crls=heap)
    found = find_status(path_of(LEAF, CA), evidence=evidence, at=AT)
    assert found.state is NOBODY_KNOWS
    assert len(evidence._signed) <= MOST_VERIFIED


def test_a_budget_ends():
    budget = Budget(2)
    assert [budget.spend() for _ in range(3)] == [True, True, False]


_PIECES = (
    revocation_list(CA, entry(99, reason=1), entry(LEAF.serial + 1)),
    revocation_list(CA, number=6, more=[delta(5), scope(names=[POINT], reasons=[1])]),
    answer(LEAF, CA, by=RESPONDER, certificates=[RESPONDER.der]),
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(_PIECES), st.data())
def test_evidence_that_somebody_changed_counts_for_nothing(piece, data):
    """Any octet changed inside what is signed: no state comes of it, and nothing is raised."""
    octets = bytearray(piece)
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    changed = bytes(octets)
    found = status(changed, answers=(changed,))
    if found.state is not NOBODY_KNOWS:
        # only what stands around the signed octets may differ
        assert found.state is GOOD
        assert _signed_part(piece) in changed


def _signed_part(piece: bytes) -> bytes:
    evidence = Evidence(crls=[piece], ocsp_responses=[piece])
    if evidence._lists:
        return evidence._lists[0].signed.octets
    answer = find_answer(piece)
    assert answer is not None
    return answer.signed.octets


def test_openssl_reads_the_same_out_of_lists_and_answers(tmp_path: Path):
    """A second opinion on what the builders make and we read."""
    files = {
        "leaf": LEAF.der,
        "ca": CA.der,
        "root": ROOT.der,
        "list": revocation_list(CA, entry(LEAF.serial, reason=1)),
        "clean": revocation_list(CA),
        "answer": answer(LEAF, CA, by=RESPONDER, certificates=[RESPONDER.der]),
    }
    for file, octets in files.items():
        (tmp_path / file).write_bytes(octets)
    for file, told in (("list", "certificate revoked"), ("clean", "OK")):
        result = _openssl(
            tmp_path,
            *("verify", "-attime", str(int(AT.timestamp())), "-crl_check"),
            *("-trusted", "root", "-untrusted", "ca", "-CRLfile", file, "leaf"),
        )
        assert told in result, result
    result = _openssl(
        tmp_path,
        *("ocsp", "-respin", "answer", "-CAfile", "root.pem", "-verify_other", "ca.pem"),
        *("-sha256", "-issuer", "ca", "-cert", "leaf", "-attime", str(int(AT.timestamp()))),
        *("-validity_period", "999999999"),
    )
    assert "leaf: good" in result, result


def _openssl(folder: Path, *words: str) -> str:
    for file in ("root", "ca"):
        command = ("openssl", "x509", "-in", file, "-out", f"{file}.pem")
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    result = subprocess.run(
        ("openssl", *words), cwd=folder, check=False, capture_output=True, text=True
    )
    return result.stdout + result.stderr
