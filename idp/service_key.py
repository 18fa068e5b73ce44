"""The service's own key for documents, as what signs at once takes it.

What lives here: `own_key`, and how a certificate's holder is called.
Not here: which key is chosen (`antin sign`, `idp/report_seal`).
"""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from keystore.pki.service_certificates import ServiceSigner
from signing.at_once import OwnKey
from signing.formats.chains import order_chain
from signing.formats.material import Signatory

_CONTENT: Final = "document:signature"


def own_key(signer: ServiceSigner, *, roots: tuple[bytes, ...]) -> OwnKey:
    """A key with its chain, ready to sign.

    Takes   roots: DER, where the chain may end.
    Raises  CertificateRefused.
    """
    certificate = signer.chain[0]
    chain = order_chain(certificate, among=signer.chain[1:], roots=roots)[1:]
    signatory = Signatory(certificate, chain, signer.key.algorithm)
    parsed = x509.load_der_x509_certificate(certificate)
    return OwnKey(
        signatory=signatory,
        sign=lambda digest: signer.key.sign_digest(
            digest, hash_name=signatory.hash_name, content=_CONTENT
        ),
        holder=common_name(parsed.subject),
        issuer=common_name(parsed.issuer),
    )


def common_name(name: x509.Name) -> str:
    """The CN of a name; empty where there is none."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""
