"""Evidence goes beside a signature that exists; the signature stays as it is."""

from __future__ import annotations

import hashlib

import pytest
from asn1crypto import cms as asn1_cms

from signing.errors import DocumentRefused
from signing.formats.cms import finish_cms, prepare_cms, timestamp_imprint
from signing.formats.cms_augmenting import add_material, add_timestamp, verify_signer
from signing.formats.der import DerMalformed
from signing.formats.signed_data import read_signed_data
from tests.support.cms_opinions import openssl_verifies, pyhanko_says, strictly
from tests.support.signatory import SIGNING_TIME, Hand, SigningPki

CONTENT = b"content"


@pytest.fixture
def made(hand: Hand) -> bytes:
    digest = hashlib.sha256(CONTENT).digest()
    prepared = prepare_cms(hand.signatory, content_digest=digest, signing_time=None)
    signature = hand.sign(prepared.to_be_signed.digest)
    return finish_cms(prepared, signature=signature)


def test_what_is_added_is_what_finishing_would_have_put_in(
    made: bytes, hand: Hand, timestamps, status, signing_pki: SigningPki, tmp_path
) -> None:
    """As for a signature that waits in a PDF: first the value, later the rest."""
    signer = verify_signer(read_signed_data(made))
    assert signer.certificate == hand.signatory.certificate
    assert signer.imprint == timestamp_imprint(signer.signature, hash_name="sha256")
    token = timestamps.stamp(signer.imprint, hash_name=signer.hash_name)
    chain = (hand.signatory.certificate, *hand.signatory.chain)
    stamped = (signing_pki.tsa.der, *signing_pki.chain)
    material = status.material(chain, now=SIGNING_TIME).with_others(
        status.material(stamped, now=SIGNING_TIME)
    )
    raised = add_material(add_timestamp(made, token=token), material=material)
    strictly(raised)
    opinion = openssl_verifies(raised, root=signing_pki.root_pem, folder=tmp_path, content=CONTENT)
    assert opinion.is_valid, opinion.said
    verdict = pyhanko_says(
        raised, content=CONTENT, roots=[signing_pki.root.der], with_evidence=True
    )
    assert verdict.bottom_line, verdict.summary()


def test_the_same_evidence_twice_is_there_once(made: bytes, hand: Hand, status) -> None:
    chain = (hand.signatory.certificate, *hand.signatory.chain)
    material = status.material(chain, now=SIGNING_TIME)
    once = add_material(made, material=material)
    assert add_material(once, material=material) == once


def test_nothing_is_added_to_what_is_not_read(made: bytes, status) -> None:
    for raw in (made[:-1], made + b"\0", b""):
        with pytest.raises(DerMalformed):
            add_timestamp(raw, token=b"\x30\x00")


def test_one_of_several_signatures_is_not_stamped(made: bytes) -> None:
    """Nobody could say which of them is meant."""
    outer = asn1_cms.ContentInfo.load(made)
    signers = outer["content"]["signer_infos"]
    signers.append(signers[0].copy())
    with pytest.raises(DocumentRefused) as refused:
        add_timestamp(outer.dump(), token=b"\x30\x00")
    assert refused.value.reason == "several_signatures"
