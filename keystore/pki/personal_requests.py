"""Certification requests for keys that the signer holds, for an authority that wants to see one.

What lives here: the two halves of such a request and what is confirmed between them.  Its holder
confirms it like any signature, under a purpose of its own; the signer is handed the bytes and
hashes them itself.  Nobody else has the private key, so nobody else can make the request.
Source: RFC 2986 §4.2; ETSI EN 319 411-1 §6.2.2 (proof of possession).
Not here: what the signer looks at (`keystore/signer/certificate_requests.py`), where the request
goes (`keystore/pki/external.py`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509

from keystore.clock import to_ms
from keystore.key_types import get_key_type
from keystore.pki.csr import csr_info, finish_csr
from keystore.signer.activation import LONGEST, SignatureActivation, new_nonce
from keystore.signer.certificate_requests import CERTIFICATE_REQUEST
from keystore.signer.model import PersonalKey


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """A request that waits for the signature of its key; it may be stored meanwhile.

    `info` is the DER CertificationRequestInfo, and goes to the signer with the activation.
    """

    key_id: str
    account_id: str
    algorithm: str
    info: bytes = field(repr=False)

    @property
    def hash_name(self) -> str:
        """The hash that goes with the signature of such a key."""
        return get_key_type(self.algorithm).hash_name

    @property
    def digest(self) -> bytes:
        """What is confirmed, beside the purpose."""
        return hashlib.new(self.hash_name, self.info).digest()


def prepare_csr_for_personal_key(key: PersonalKey, *, name: x509.Name) -> PreparedRequest:
    """What a personal key has to sign so that an authority certifies it.

    Takes   key: its row, already compared with its policy; name: as `Enrolment.name_for` gives it.
    Raises  KeyUnavailable for a kind of key that signs no digest.
    """
    info = csr_info(name=name, public_spki=key.public_spki)
    return PreparedRequest(key.key_id, key.account_id, key.algorithm, info)


def activation_for(
    prepared: PreparedRequest,
    *,
    signer: str,
    request_id: str,
    client_id: str,
    credential_id: bytes,
    now: datetime,
) -> SignatureActivation:
    """What the holder of the key confirms, within 300 seconds.

    Takes   as `SignatureActivation`; credential_id is empty for a key that statements open.
    """
    return SignatureActivation(
        signer=signer,
        purpose=CERTIFICATE_REQUEST,
        request_id=request_id,
        account_id=prepared.account_id,
        key_id=prepared.key_id,
        credential_id=credential_id,
        client_id=client_id,
        hash_name=prepared.hash_name,
        digests=(prepared.digest,),
        expires_ms=to_ms(now + LONGEST),
        nonce=new_nonce(),
    )


def finish_csr_for_personal_key(prepared: PreparedRequest, *, signature: bytes) -> bytes:
    """The request, DER, with the signature that the signer answered.

    Raises  CsrRefused when the signature is not one of this key over this.
    """
    return finish_csr(prepared.info, algorithm=prepared.algorithm, signature=signature)
