"""What a holder confirms so that a key signs again that she had suspended herself.

What lives here: an activation with a purpose of its own.  It names the key and asks for nothing
else: what it carries in the place of a document's digest is a sentence about that key, so that a
confirmation of it, were it handed in as one of a document, would sign no document; and the signer
takes it for none.  Source: architecture, decisions 10 and 11; CEN EN 419 241-1 (what happens is
what was confirmed).
Not here: whether the confirmation is right, whose suspension it is (`service`).
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

from keystore.clock import to_ms
from keystore.signer.activation import SignatureActivation, new_nonce
from keystore.signer.errors import ActivationMalformed

RESUME_KEY: Final = "resume_key"
"""The purpose of an activation that lets a key sign again."""
_OWN: Final = "account"
"""In the places of a signing request and of a portal, of which there is none."""
_WINDOW: Final = timedelta(seconds=300)


def make_resumption(
    *, signer: str, account_id: str, key_id: str, credential_id: bytes, now: datetime
) -> SignatureActivation:
    """What has to be confirmed within 300 seconds.

    Takes   signer: its audience; credential_id: of the passkey that shall confirm, empty for a key
            that statements open.
    """
    return SignatureActivation(
        signer=signer,
        purpose=RESUME_KEY,
        request_id=_OWN,
        account_id=account_id,
        key_id=key_id,
        credential_id=credential_id,
        client_id=_OWN,
        hash_name="sha256",
        digests=(_said(key_id),),
        expires_ms=to_ms(now + _WINDOW),
        nonce=new_nonce(),
    )


def verify_resumption(activation: SignatureActivation) -> None:
    """Refuse whatever asks for something else.

    Raises  ActivationMalformed("purpose").
    """
    is_one = activation.purpose == RESUME_KEY and activation.hash_name == "sha256"
    if not is_one or activation.digests != (_said(activation.key_id),):
        raise ActivationMalformed("purpose")


def refuse_resumption(activation: SignatureActivation) -> None:
    """Sign nothing with the confirmation of a resumption.

    Raises  ActivationMalformed("purpose").
    """
    if activation.purpose == RESUME_KEY:
        raise ActivationMalformed("purpose")


def _said(key_id: str) -> bytes:
    return hashlib.sha256(b"antin key resumption 1\x00" + key_id.encode()).digest()
