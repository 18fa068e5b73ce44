"""`/ca` and `/ca/<id>`: the pages about the certification authorities.

What lives here: what is shown of an authority, for people who have to decide whether to trust it.
The files for programs under the same path are the keystore's (`keystore/web/certificates.py`).
Source: architecture, "Contracts" (`/ca/…`).
"""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID
from flask import Blueprint, Response, abort

from idp.pki import Pki
from idp.services import Services
from idp.web.flow import page_answer
from idp.web.trust_pages import AuthoritiesPage, Authority, AuthorityPage, AuthorityRole
from keystore.pki.model import CaKind, CaRecord

_ROLES: Final[dict[CaKind, AuthorityRole]] = {
    CaKind.ROOT: "root",
    CaKind.ISSUING: "issuing",
    CaKind.EXTERNAL: "external",
}


def make_authorities(services: Services) -> Blueprint:
    """The blueprint of `/ca`; where there is no authority the page says so."""
    blueprint = Blueprint("authorities", __name__)
    pki = services.trust.pki

    @blueprint.get("/ca")
    def authorities() -> Response:
        records = () if pki is None else pki.authorities.records()
        has_tsa = "tsa" in services.trust.endpoints
        page = AuthoritiesPage(
            authorities=tuple(_authority(one, pki=pki) for one in records),
            tsa_url=f"{services.settings.issuer}/tsa" if has_tsa else None,
        )
        return page_answer(page)

    @blueprint.get("/ca/<ca_id>")
    def authority(ca_id: str) -> Response:
        records = () if pki is None else pki.authorities.records()
        found = next((one for one in records if one.ca_id == ca_id), None)
        if found is None:
            abort(404)
        return page_answer(AuthorityPage(authority=_authority(found, pki=pki)))

    return blueprint


def _authority(record: CaRecord, *, pki: Pki | None) -> Authority:
    certificate = record.parsed
    addresses = None if pki is None else pki.deployment.addresses
    has_status = record.kind is CaKind.ISSUING and addresses is not None
    has_list = addresses is not None and record.kind is not CaKind.EXTERNAL
    return Authority(
        name=_of(certificate.subject, NameOID.COMMON_NAME),
        organisation=_of(certificate.subject, NameOID.ORGANIZATION_NAME),
        role=_ROLES[record.kind],
        issuer_name=_of(certificate.issuer, NameOID.COMMON_NAME),
        valid_from=record.not_before,
        valid_to=record.not_after,
        retired_at=record.retired_at,
        serial=_grouped(f"{certificate.serial_number:x}"),
        fingerprint=_grouped(certificate.fingerprint(SHA256()).hex().upper()),
        page_url=f"/ca/{record.ca_id}",
        certificate_url=f"/ca/{record.ca_id}.cer",
        pem_url=f"/ca/{record.ca_id}.pem",
        crl_url=f"/crl/{record.ca_id}.crl" if has_list else None,
        ocsp_url=addresses.ocsp() if has_status and addresses is not None else None,
    )


def _of(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    found = name.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def _grouped(digits: str) -> str:
    return " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))
