"""`antin ca issue`, `renew`, `suspend`, `lift`, `revoke` and looking at certificates.

What lives here: certificates by hand, one command per act.  What would be noticed by others is
asked for first, naming what stops working.  Not here: the rules (`keystore/pki`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from idp.accounts.model import Account
from idp.cli.naming import account_argument, find_named, operator_option
from idp.cli.pki import (
    OpenPki,
    certificate_facts,
    json_option,
    open_pki,
    read_file,
    serial_argument,
    yes_option,
)
from idp.personal_requests import find_usable_key, for_personal_key
from idp.pki import subject_of
from keystore.pki.certificates import IssueRequest
from keystore.pki.enrolment import OwnEnrolment
from keystore.pki.model import OPERATOR_REASONS, CaKind, CertificateRecord, RevocationReason
from keystore.pki.profiles import PERSONAL_PROFILES, Profile
from keystore.signer.errors import PersonalKeyDestroyed, PersonalKeySuspended
from keystore.signer.model import PersonalKey

_MOST: Final = 10_000
_csr_option: Final = click.option(
    "--csr",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PKCS #10 request, PEM or DER, for a key that we do not keep.",
)
_personal_key_option: Final = click.option(
    "--personal-key", metavar="KEY_ID", help="A key that the signer keeps."
)
_ca_option: Final = click.option(
    "--ca", "ca_id", help="Which authority issued it; needed where two gave one number."
)
_out_option: Final = click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Where the PEM goes."
)


@click.command("issue")
@account_argument
@click.option("--profile", type=click.Choice(sorted(PERSONAL_PROFILES)), help="Default: citizen.")
@click.option("--organisation", help="Id or code of an official's organisation.")
@click.option("--title", help="An official's title.")
@_csr_option
@_personal_key_option
@_out_option
@operator_option
def issue_command(
    account: str,
    *,
    profile: str | None,
    organisation: str | None,
    title: str | None,
    csr: Path | None,
    personal_key: str | None,
    out: Path | None,
    operator: str,
) -> None:
    """Issue a certificate, to ACCOUNT for the key in a request, or for a key that the signer keeps.

    About a key that we do not keep the certificate says nothing of sole control.  Whose a key of
    the signer is, and how it is activated, stands with the key: name no ACCOUNT beside it.
    """
    if (csr is None) == (personal_key is None):
        raise click.UsageError("one of --csr and --personal-key")
    if personal_key is not None and account != "-":
        raise click.UsageError("--personal-key says whose it is: name no ACCOUNT")
    with open_pki(operator=operator) as opened:
        key = None if personal_key is None else usable_key(opened, personal_key)
        found = find_named(opened.services, account if key is None else key.account_id)
        office = None if organisation is None else find_named(opened.services, organisation)
        request = make_request(
            found, profile=profile, organisation=office, title=title, replaces=None
        )
        raw_csr = None if csr is None else read_file(csr)
        if key is not None:
            request = for_personal_key(request, key, is_organisation=found.is_organisation)
        enrolment = OwnEnrolment(opened.pki.certificates, deployment=opened.pki.deployment)
        issued = enrolment.enrol(request, csr=raw_csr, now=opened.now)
        write_certificate(issued.der, out=out)
    click.echo(f"serial {issued.record.serial:x}, until {issued.record.not_after:%F}", err=True)


@click.command("renew")
@serial_argument
@_ca_option
@click.option("--organisation", help="Id or code of an official's organisation.")
@click.option("--title", help="An official's title.")
@_csr_option
@_personal_key_option
@_out_option
@operator_option
def renew_command(
    serial: int,
    *,
    ca_id: str | None,
    organisation: str | None,
    title: str | None,
    csr: Path | None,
    personal_key: str | None,
    out: Path | None,
    operator: str,
) -> None:
    """Issue the certificate that follows SERIAL, with the account's name of today.

    For the key in a request, or for a key of the same account that the signer keeps.
    """
    if (csr is None) == (personal_key is None):
        raise click.UsageError("one of --csr and --personal-key")
    with open_pki(operator=operator) as opened:
        before = opened.pki.certificates.get(serial, ca_id=ca_id)
        found = find_named(opened.services, before.account_id or "acc_none")
        office = None if organisation is None else find_named(opened.services, organisation)
        request = make_request(
            found, profile=before.profile, organisation=office, title=title, replaces=serial
        )
        if personal_key is not None:
            key = usable_key(opened, personal_key)
            request = for_personal_key(request, key, is_organisation=found.is_organisation)
        raw_csr = None if csr is None else read_file(csr)
        enrolment = OwnEnrolment(opened.pki.certificates, deployment=opened.pki.deployment)
        issued = enrolment.enrol(request, csr=raw_csr, now=opened.now)
        write_certificate(issued.der, out=out)
    click.echo(f"serial {issued.record.serial:x}, until {issued.record.not_after:%F}", err=True)


@click.command("renew-services")
@operator_option
def renew_services_command(operator: str) -> None:
    """Issue what timestamps and status answers lack; `antin work` does this by itself."""
    with open_pki(operator=operator) as opened:
        for service in (opened.pki.timestamp_certificates, opened.pki.ocsp_certificates):
            for record in service.renew_due(opened.now):
                click.echo(f"{record.profile:10}  {record.serial:x}  until {record.not_after:%F}")


@click.command("certificates")
@click.option("--account", help="Of one account only.")
@click.option("--ca", "ca_id", help="Of one authority only.")
@click.option("--limit", type=click.IntRange(1, _MOST), default=100, show_default=True)
@json_option
def certificates_command(
    *, account: str | None, ca_id: str | None, limit: int, as_json: bool
) -> None:
    """Certificates that were issued, without what stands in them."""
    with open_pki() as opened:
        certificates = opened.pki.certificates
        if account is not None:
            found = certificates.of_account(find_named(opened.services, account).account_id)
            found = tuple(one for one in found if ca_id in (None, one.ca_id))[:limit]
        else:
            found = certificates.list(ca_id=ca_id, limit=limit)
    if as_json:
        click.echo(json.dumps([certificate_facts(record) for record in found], indent=2))
        return
    for record in found:
        click.echo(_line(record))


@click.command("certificate")
@serial_argument
@_ca_option
@click.option("--pem", is_flag=True, help="The certificate and nothing else.")
@json_option
def certificate_command(serial: int, *, ca_id: str | None, pem: bool, as_json: bool) -> None:
    """One certificate and its state."""
    with open_pki() as opened:
        record = opened.pki.certificates.get(serial, ca_id=ca_id)
        if pem:
            der = opened.pki.certificates.open(record, data_key=opened.data_key(record.account_id))
            write_certificate(der, out=None)
        elif as_json:
            click.echo(json.dumps(certificate_facts(record), indent=2))
        else:
            for name, value in certificate_facts(record).items():
                if value is not None:
                    click.echo(f"{name:12}  {value}")


@click.command("suspend")
@serial_argument
@_ca_option
@yes_option
@operator_option
def suspend_command(serial: int, *, ca_id: str | None, operator: str, yes: bool) -> None:
    """Put a certificate on hold; `antin ca lift` takes it back."""

    def act(opened: OpenPki, ca_id: str, data_key: bytes | None) -> None:
        opened.pki.states.suspend(serial, ca_id=ca_id, now=opened.now, data_key=data_key)

    _change(
        serial,
        act,
        ca_id=ca_id,
        operator=operator,
        question="Until it is lifted, signatures made with it are not accepted.  Suspend it?",
        is_sure=yes,
    )
    click.echo("suspended")


@click.command("lift")
@serial_argument
@_ca_option
@operator_option
def lift_command(serial: int, *, ca_id: str | None, operator: str) -> None:
    """Make a suspended certificate good again."""

    def act(opened: OpenPki, ca_id: str, data_key: bytes | None) -> None:
        opened.pki.states.lift(serial, ca_id=ca_id, now=opened.now, data_key=data_key)

    _change(serial, act, ca_id=ca_id, operator=operator, question="", is_sure=True)
    click.echo("good")


@click.command("revoke")
@serial_argument
@_ca_option
@click.option(
    "--reason",
    type=click.Choice(sorted(reason.value for reason in OPERATOR_REASONS)),
    required=True,
    help="As RFC 5280 calls it.",
)
@yes_option
@operator_option
def revoke_command(
    serial: int, *, ca_id: str | None, reason: str, operator: str, yes: bool
) -> None:
    """End a certificate for good."""

    def act(opened: OpenPki, ca_id: str, data_key: bytes | None) -> None:
        opened.pki.states.revoke(
            serial,
            ca_id=ca_id,
            reason=RevocationReason(reason),
            now=opened.now,
            data_key=data_key,
        )

    _change(
        serial,
        act,
        ca_id=ca_id,
        operator=operator,
        question="This cannot be taken back.  Revoke it?",
        is_sure=yes,
    )
    click.echo("revoked")


CERTIFICATE_COMMANDS: Final = (
    issue_command,
    renew_command,
    renew_services_command,
    certificates_command,
    certificate_command,
    suspend_command,
    lift_command,
    revoke_command,
)

_KEY_GOES_ON: Final = (
    "A key that the signer holds goes on signing: it is stopped by antin keys personal suspend or "
    "destroy."
)
_STOPS: Final = {
    Profile.ISSUING: "Nothing that this authority issued is accepted any more, once the root's "
    "list is signed anew (antin ca root-crl).",
    Profile.TIMESTAMP: "Timestamps under it are not accepted any more.",
    Profile.OCSP: "Status answers under it go on being accepted until it expires.",
    Profile.CITIZEN: f"What its holder signs from now on is not accepted.  {_KEY_GOES_ON}",
    Profile.OFFICIAL: f"What the official signs from now on is not accepted.  {_KEY_GOES_ON}",
    Profile.SEAL: f"What the organisation seals from now on is not accepted.  {_KEY_GOES_ON}",
    Profile.SERVICE: "What the service signs with this key is not accepted any more.",
}


def make_request(
    account: Account,
    *,
    profile: str | None,
    organisation: Account | None,
    title: str | None,
    replaces: int | None,
) -> IssueRequest:
    """What a command asks for; the key comes from the request that goes with it."""
    if profile is None:
        profile = Profile.SEAL if account.is_organisation else Profile.CITIZEN
    return IssueRequest(
        profile=Profile(profile),
        subject=subject_of(account, organisation=organisation, title=title),
        public_spki=b"",
        account_id=account.account_id,
        data_key=account.data_key,
        proofing_level=None if account.level is None else int(account.level),
        replaces=replaces,
    )


def usable_key(opened: OpenPki, key_id: str) -> PersonalKey:
    """A key that the signer keeps, if it may be used at present.

    Raises  PersonalKeyUnknown; ClickException when it is suspended or destroyed.
    """
    try:
        return find_usable_key(opened.services.database, key_id)
    except PersonalKeyDestroyed as destroyed:
        raise click.ClickException("the key is destroyed") from destroyed
    except PersonalKeySuspended as suspended:
        raise click.ClickException(
            "the key is suspended: antin keys personal resume"
        ) from suspended


def write_certificate(der: bytes, *, out: Path | None) -> None:
    """The certificate as PEM, into a file or onto the screen."""
    pem = x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
    if out is None:
        click.echo(pem.decode(), nl=False)
    else:
        out.write_bytes(pem)


def _change(
    serial: int,
    act: Callable[[OpenPki, str, bytes | None], None],
    *,
    ca_id: str | None,
    operator: str,
    question: str,
    is_sure: bool,
) -> None:
    with open_pki(operator=operator) as opened:
        record = opened.pki.certificates.get(serial, ca_id=ca_id)
        if opened.pki.authorities.get(record.ca_id).kind is CaKind.EXTERNAL:
            raise click.ClickException(
                f"{record.ca_id} is not an authority of ours: whether its certificates hold is "
                "what its own lists and answers say.  Ask whoever runs it."
            )
        if not is_sure:
            click.echo(_line(record))
            click.echo(_STOPS[Profile(record.profile)])
            click.confirm(question, abort=True)
        act(opened, record.ca_id, opened.data_key(record.account_id))


def _line(record: CertificateRecord) -> str:
    reason = "" if record.reason is None else f" ({record.reason})"
    return (
        f"{record.serial:x}  {record.ca_id}  {record.profile}  {record.account_id or '-'}  "
        f"{record.state}{reason}  until {record.not_after:%F}"
    )
