"""Whether what was signed is what is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signing.validation.found import ObjectKind, SignatureAlgorithm, SignedObject
from signing.validation.procedure.cryptographic import verify_cryptographically
from signing.validation.verdict import SubIndication, because
from tests.support.signatory import SigningPki


def test_a_sound_signature_passes(found, signing_pki: SigningPki) -> None:
    assert verify_cryptographically(found(), key=signing_pki.citizen.issued.spki).is_passed


@pytest.mark.parametrize(
    ("actual", "expected"),
    [(None, SubIndication.SIGNED_DATA_NOT_FOUND), (b"other", SubIndication.HASH_FAILURE)],
)
def test_a_document_that_is_missing_or_another(
    found, signing_pki: SigningPki, actual: bytes | None, expected: SubIndication
) -> None:
    """ETSI EN 319 102-1 §5.2.7.4, steps 1 and 2."""
    signature = found()
    objects = (replace(signature.objects[0], actual=actual),)
    conclusion = verify_cryptographically(
        replace(signature, objects=objects), key=signing_pki.citizen.issued.spki
    )
    assert conclusion.sub_indication is expected


def test_an_empty_digest_is_of_nothing(found, signing_pki: SigningPki) -> None:
    signature = found()
    objects = (replace(signature.objects[0], actual=b"", expected=b""),)
    conclusion = verify_cryptographically(
        replace(signature, objects=objects), key=signing_pki.citizen.issued.spki
    )
    assert conclusion.sub_indication is SubIndication.HASH_FAILURE


@pytest.mark.parametrize(
    "kinds",
    [(), (ObjectKind.SIGNED_PROPERTIES, ObjectKind.KEY_INFO), (ObjectKind.MANIFEST,)],
)
def test_a_signature_of_nothing_but_itself_does_not_pass(
    found, signing_pki: SigningPki, kinds: tuple[ObjectKind, ...]
) -> None:
    objects = tuple(SignedObject("", kind, "sha256", b"d", b"d") for kind in kinds)
    conclusion = verify_cryptographically(
        replace(found(), objects=objects), key=signing_pki.citizen.issued.spki
    )
    assert conclusion.sub_indication is SubIndication.SIGNED_DATA_NOT_FOUND
    assert conclusion.reasons == (because("nothing_signed"),)


def test_a_value_of_another_key_has_failed(found, signing_pki: SigningPki) -> None:
    """ETSI EN 319 102-1 §5.2.7.4, step 3."""
    conclusion = verify_cryptographically(found(), key=signing_pki.seal.issued.spki)
    assert conclusion.is_failed
    assert conclusion.sub_indication is SubIndication.SIG_CRYPTO_FAILURE


def test_a_value_proves_nothing_against_a_key_that_may_be_another_s(
    found, signing_pki: SigningPki
) -> None:
    conclusion = verify_cryptographically(
        found(), key=signing_pki.seal.issued.spki, is_identified=False
    )
    assert conclusion.is_indeterminate
    assert conclusion.sub_indication is SubIndication.NO_SIGNING_CERTIFICATE_FOUND


def test_without_a_value_or_a_key_nothing_passes(found, signing_pki: SigningPki) -> None:
    key = signing_pki.citizen.issued.spki
    assert verify_cryptographically(replace(found(), value=None), key=key).is_failed
    assert verify_cryptographically(found(), key=None).is_indeterminate


def test_an_algorithm_that_nobody_here_knows_is_no_failure(found, signing_pki: SigningPki) -> None:
    signature = found()
    assert signature.value is not None
    strange = replace(signature.value, algorithm=SignatureAlgorithm("gost", "", "streebog", "1.2"))
    conclusion = verify_cryptographically(
        replace(signature, value=strange), key=signing_pki.citizen.issued.spki
    )
    assert conclusion.is_indeterminate
    assert conclusion.sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE


def test_every_reason_is_there(found, signing_pki: SigningPki) -> None:
    """It never stops at the first finding."""
    signature = found()
    objects = tuple(
        replace(signature.objects[0], name=name, actual=actual)
        for name, actual in (("a", None), ("b", b"x"), ("c", b"y"))
    )
    conclusion = verify_cryptographically(
        replace(signature, objects=objects), key=signing_pki.seal.issued.spki
    )
    assert [one.code for one in conclusion.reasons] == [
        "signed_data_changed",
        "signed_data_changed",
        "signature_value_wrong",
        "signed_data_missing",
    ]
