"""Everything that people see of their certificates and of the use of their keys.

What lives here: the blueprints together, over one set of use cases; none where no authority is.
"""

from __future__ import annotations

from flask import Blueprint

from idp.certificate_services import build_certificates
from idp.services import Services
from idp.signing import SigningServices
from idp.web.account.certificate_confirm import make_certificate_confirm
from idp.web.account.certificates import make_certificates
from idp.web.account.key_uses import make_key_uses
from idp.web.cookies import Cookies


def make_all_certificates(
    services: Services, signing: SigningServices, *, cookies: Cookies
) -> tuple[Blueprint, ...]:
    """The blueprints of `/account/certificates` and `/account/signatures`."""
    if services.trust.pki is None:
        return ()
    built = build_certificates(services, signing, pki=services.trust.pki)
    return (
        make_certificates(services, built, cookies=cookies),
        make_certificate_confirm(services, signing, built, cookies=cookies),
        make_key_uses(services, built, cookies=cookies),
    )
