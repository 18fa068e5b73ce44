"""Whether algorithms were good enough at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from signing.validation.algorithm_acceptance import NEVER, TS_119_312_OVER_TIME
from signing.validation.found import SignatureAlgorithm
from signing.validation.policy import POLICY
from signing.validation.procedure.acceptance import accept_algorithms, accept_signature
from signing.validation.verdict import SubIndication, because
from tests.support.signatory import SIGNING_TIME, SigningPki

_NO_POE = SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE


@pytest.mark.parametrize(
    ("name", "at", "is_good"),
    [
        ("sha256", SIGNING_TIME, True),
        ("sha1", SIGNING_TIME, False),
        ("sha1", datetime(2012, 7, 31, tzinfo=UTC), True),
        ("sha1", datetime(2012, 8, 1, tzinfo=UTC), False),
        ("sha224", datetime(2028, 12, 31, tzinfo=UTC), True),
        ("sha224", datetime(2029, 1, 1, tzinfo=UTC), False),
        ("md5", datetime(2005, 1, 1, tzinfo=UTC), False),
        ("", datetime(1999, 1, 1, tzinfo=UTC), False),
        ("crc32", datetime(1999, 1, 1, tzinfo=UTC), False),
    ],
)
def test_a_hash_is_good_until_it_ends(
    found, signing_pki: SigningPki, name: str, at: datetime, is_good: bool
) -> None:
    """ETSI TS 119 312; EN 319 102-1 §5.2.8.4."""
    signature = found()
    assert signature.value is not None
    value = replace(signature.value, algorithm=SignatureAlgorithm("ec", "", name, ""))
    conclusion, _ = accept_signature(
        replace(signature, value=value, claimed_time=None),
        key=signing_pki.citizen.issued.spki,
        at=at,
        policy=POLICY,
    )
    assert conclusion.is_passed is is_good
    assert is_good or conclusion.sub_indication is _NO_POE


def test_the_hash_of_what_was_signed_counts_too(found, signing_pki: SigningPki) -> None:
    signature = found()
    objects = (replace(signature.objects[0], hash_name="sha1"),)
    conclusion, _ = accept_signature(
        replace(signature, objects=objects),
        key=signing_pki.citizen.issued.spki,
        at=SIGNING_TIME,
        policy=POLICY,
    )
    assert conclusion.sub_indication is _NO_POE
    assert conclusion.reasons[0].fact("what") == "signed_data"


@pytest.mark.parametrize(
    ("family", "bits", "end"),
    [
        ("rsa", 4096, None),
        ("rsa", 3000, None),
        ("rsa", 2048, datetime(2029, 1, 1, tzinfo=UTC)),
        ("rsa", 1024, datetime(2019, 10, 1, tzinfo=UTC)),
        ("rsa", 512, NEVER),
        ("ec", 256, None),
        ("ec", 224, datetime(2012, 8, 1, tzinfo=UTC)),
        ("dsa", 1024, datetime(2015, 12, 31, tzinfo=UTC)),
        ("ed25519", 256, None),
        ("gost", 256, NEVER),
        ("", 0, NEVER),
    ],
)
def test_the_size_of_a_key_says_until_when(family: str, bits: int, end: datetime | None) -> None:
    assert TS_119_312_OVER_TIME.key_end(family, bits=bits) == end


def test_a_claimed_time_in_the_future_is_a_doubt(found, signing_pki: SigningPki) -> None:
    signature = replace(found(), claimed_time=SIGNING_TIME + timedelta(hours=1))
    conclusion, uses = accept_signature(
        signature, key=signing_pki.citizen.issued.spki, at=SIGNING_TIME, policy=POLICY
    )
    assert conclusion.sub_indication is SubIndication.SIG_CONSTRAINTS_FAILURE
    assert accept_algorithms(uses, at=SIGNING_TIME).is_passed
    later = SIGNING_TIME + timedelta(hours=2)
    conclusion, _ = accept_signature(
        signature, key=signing_pki.citizen.issued.spki, at=later, policy=POLICY
    )
    assert conclusion.is_passed


def test_a_policy_may_want_signatures_to_say_whose_certificate_they_are(
    found, signing_pki: SigningPki
) -> None:
    """ETSI EN 319 102-1 §5.2.8.4: constraints on signed attributes."""
    wanting = replace(POLICY, needs_certificate_reference=True)
    for references, sub_indication in (
        (None, SubIndication.SIG_CONSTRAINTS_FAILURE),
        (found().references, None),
    ):
        signature = replace(found(), references=references)
        key = signing_pki.citizen.issued.spki
        conclusion, _ = accept_signature(signature, key=key, at=SIGNING_TIME, policy=wanting)
        assert conclusion.sub_indication is sub_indication
        conclusion, _ = accept_signature(signature, key=key, at=SIGNING_TIME, policy=POLICY)
        assert conclusion.is_passed


def test_a_policy_may_refuse_what_a_reader_noticed(found, signing_pki: SigningPki) -> None:
    """ETSI EN 319 102-1 §5.2.8.4."""
    strict = replace(POLICY, refused_doubts=frozenset({"signing_time_odd"}))
    signature = replace(found(), doubts=(because("signing_time_odd"), because("file_renamed")))
    key = signing_pki.citizen.issued.spki
    conclusion, _ = accept_signature(signature, key=key, at=SIGNING_TIME, policy=strict)
    assert conclusion.sub_indication is SubIndication.SIG_CONSTRAINTS_FAILURE
    assert conclusion.reasons == (because("signing_time_odd"),)
    conclusion, _ = accept_signature(signature, key=key, at=SIGNING_TIME, policy=POLICY)
    assert conclusion.is_passed
