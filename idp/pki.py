"""The certification authority of a deployment, put together from the settings.

What lives here: which settings become which part of a certificate, the use cases over one database,
and what an account is called in a certificate.  A sandbox has an authority without being told one;
elsewhere there is none until the operator names who runs it.
Not here: any rule about certificates (`keystore/pki`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from idp.accounts.model import Account, IdentifierKind
from idp.errors import SettingsInvalid
from idp.keyrings import Keyrings
from idp.settings import Settings
from keystore.keyring import Keyring
from keystore.pki.authority import Authorities
from keystore.pki.ceremony import Ceremony
from keystore.pki.certificate_states import CertificateStates
from keystore.pki.certificates import Certificates
from keystore.pki.deployment import EXAMPLE_ARC, PkiDeployment, SubjectNumbers
from keystore.pki.ended_certificates import EndedCertificates
from keystore.pki.errors import DeploymentInvalid, NameRefused
from keystore.pki.names import (
    OfficialSubject,
    OrganisationSubject,
    PersonalNumber,
    PersonSubject,
    Subject,
)
from keystore.pki.profiles import Profile
from keystore.pki.service_certificates import ServiceCertificates
from keystore.purposes import CA_ISSUING, DOCUMENTS, OCSP, TIMESTAMP

_SANDBOX_ORGANISATION: Final = "Ấn Tín SANDBOX"
_SANDBOX_IDENTIFIER: Final = "GOVVN-SANDBOX"
_SANDBOX_ARC: Final = f"{EXAMPLE_ARC}.1"
_NUMBERS: Final = (
    (IdentifierKind.PERSONAL_ID_NUMBER, "PNO"),
    (IdentifierKind.FOREIGNER_ID, "PNO"),
    (IdentifierKind.LEGACY_ID_9, "IDC"),
    (IdentifierKind.PASSPORT_NUMBER, "PAS"),
)


@dataclass(frozen=True, slots=True)
class Pki:
    """The use cases of one deployment; safe to share between threads."""

    deployment: PkiDeployment
    ca_keyring: Keyring
    authorities: Authorities
    ceremony: Ceremony
    certificates: Certificates
    states: CertificateStates
    timestamp_certificates: ServiceCertificates
    ocsp_certificates: ServiceCertificates
    document_certificates: ServiceCertificates


def pki_deployment(settings: Settings, *, is_sandbox: bool) -> PkiDeployment | None:
    """What the settings say about certificates; None where no authority is run.

    Raises  SettingsInvalid with the name of the setting.
    """
    organisation, identifier = settings.pki_organisation, settings.pki_organisation_identifier
    arc = settings.pki_policy_arc
    if is_sandbox:
        organisation = organisation or _SANDBOX_ORGANISATION
        identifier = identifier or _SANDBOX_IDENTIFIER
        arc = _SANDBOX_ARC
    if not organisation:
        return None
    try:
        return PkiDeployment(
            base_url=settings.pki_base_url or settings.issuer,
            organisation=organisation,
            organisation_identifier=identifier,
            policy_arc=arc,
            ca_name=settings.pki_ca_name,
            numbers=SubjectNumbers(settings.pki_subject_numbers),
            shards=settings.pki_crl_shards,
            qualified_in=settings.pki_qualified_in or None,
            pds_url=settings.pki_pds_url or None,
            cps_url=settings.pki_cps_url or None,
            is_sandbox=is_sandbox,
        )
    except DeploymentInvalid as invalid:
        name = "ANTIN_PKI_CRL_SHARDS" if invalid.field == "shards" else f"ANTIN_PKI_{invalid.field}"
        raise SettingsInvalid(name.upper(), reason=invalid.reason) from invalid


def own_policy_arcs(settings: Settings, *, deployment: PkiDeployment | None) -> frozenset[str]:
    """Where the policies of certificates of ours hang, dotted: this deployment's and a sandbox's.

    A deployment that runs no authority knows the arc of the one whose documents it checks by the
    same setting.
    """
    own = settings.pki_policy_arc if deployment is None else deployment.policy_arc
    return frozenset({_SANDBOX_ARC, *([own] if own else [])})


def ended_certificates_file(settings: Settings) -> Path:
    """Where revoked and suspended certificates are listed: beside the list of destroyed keys."""
    return settings.effective_destruction_list.with_name("revoked")


def build_pki(deployment: PkiDeployment, *, keyrings: Keyrings) -> Pki:
    """The use cases over one database; makes no key and asks nobody."""
    database, sealer, log = keyrings.database, keyrings.sealer, keyrings.log
    ca_keyring = keyrings.of(CA_ISSUING)
    authorities = Authorities(database, keyring=ca_keyring, log=log, deployment=deployment)
    certificates = Certificates(database, sealer=sealer, log=log, authorities=authorities)

    def service(profile: Profile, keyring: Keyring) -> ServiceCertificates:
        return ServiceCertificates(
            database,
            profile=profile,
            keyring=keyring,
            authorities=authorities,
            certificates=certificates,
        )

    return Pki(
        deployment=deployment,
        ca_keyring=ca_keyring,
        authorities=authorities,
        ceremony=Ceremony(database, authorities=authorities, keyring=ca_keyring, log=log),
        certificates=certificates,
        states=CertificateStates(
            database,
            log=log,
            listed=EndedCertificates(ended_certificates_file(keyrings.settings), sealer=sealer),
        ),
        timestamp_certificates=service(Profile.TIMESTAMP, keyrings.of(TIMESTAMP)),
        ocsp_certificates=service(Profile.OCSP, keyrings.of(OCSP)),
        document_certificates=service(Profile.SERVICE, keyrings.of(DOCUMENTS)),
    )


def subject_of(
    account: Account, *, organisation: Account | None = None, title: str | None = None
) -> Subject:
    """What an account is called in a certificate.

    Takes   organisation, title: of an official; both or neither.
    Raises  NameRefused when something is missing.
    """
    if account.is_organisation:
        return _organisation(account)
    number = next(
        (
            PersonalNumber(kind, value)
            for identifier, kind in _NUMBERS
            if (value := account.find_identifier(identifier)) is not None
        ),
        None,
    )
    person = PersonSubject(account.profile.name, number=number)
    if organisation is None and title is None:
        return person
    if organisation is None or not organisation.is_organisation:
        raise NameRefused("organisation", reason="missing")
    if title is None:
        raise NameRefused("title", reason="missing")
    return OfficialSubject(person, _organisation(organisation), title)


def _organisation(account: Account) -> OrganisationSubject:
    code = account.find_identifier(IdentifierKind.ENTERPRISE_CODE)
    if code is None:
        raise NameRefused("organisation_identifier", reason="missing")
    return OrganisationSubject(account.profile.name, f"NTRVN-{code}")
