"""The addresses that stand in certificates.

What lives here: where an authority's certificate, its CRLs and the OCSP responder answer.  They are
written into certificates for years: what is changed here must go on answering under the old name.
Source: RFC 5280 §4.2.1.13 and §4.2.2.1; RFC 2585 (file endings).  Not here: the endpoints.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PkiAddresses:
    """Takes base_url: the origin under which all of them answer, without a trailing slash.

    Plain http is right here: everything is signed, and https would need a chain to check a chain.
    """

    base_url: str

    def certificate(self, ca_id: str) -> str:
        """The authority's own certificate, DER."""
        return f"{self.base_url}/ca/{ca_id}.cer"

    def crl(self, ca_id: str, *, shard: int | None = None) -> str:
        """The CRL of an authority, or one partition of it; DER."""
        return f"{self.base_url}/crl/{ca_id}{'' if shard is None else f'/{shard}'}.crl"

    def ocsp(self) -> str:
        """The OCSP responder."""
        return f"{self.base_url}/ocsp"

    def crl_of_certificate(self, ca_id: str, *, serial: int, shards: int) -> str:
        """The CRL that would list this certificate: what its CDP names."""
        return self.crl(ca_id, shard=serial % shards if shards else None)
