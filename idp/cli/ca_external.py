"""`antin ca add-external`, `request`, `import-issued`: certificates of a licensed authority.

What lives here: the files that travel to that authority and back.  Not here: the checks
(`keystore/pki/external.py`, `keystore/pki/chain.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from idp.cli.ca_certificates import make_request, usable_key, write_certificate
from idp.cli.naming import account_argument, find_named, operator_option
from idp.cli.pki import OpenPki, instant, open_pki, read_file, yes_option
from idp.personal_requests import for_personal_key
from keystore.pki.chain import check_authorities, read_chain
from keystore.pki.enrolment import Waiting
from keystore.pki.external import ExternalEnrolment
from keystore.pki.profiles import PERSONAL_PROFILES

_ca_option: Final = click.option(
    "--ca", "ca_id", required=True, help="The licensed authority, as add-external named it."
)


@click.command("add-external")
@click.argument("ca_id")
@click.argument("chain", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@yes_option
@operator_option
def add_external_command(ca_id: str, chain: Path, operator: str, *, yes: bool) -> None:
    """Trust a licensed authority: CHAIN is PEM, its issuing certificate first, its root last."""
    with open_pki(operator=operator) as opened:
        certificates = check_authorities(read_chain(read_file(chain)), now=opened.now)
        for certificate in certificates:
            click.echo(certificate.subject.rfc4514_string())
            click.echo(f"  SHA-256 {certificate.fingerprint(SHA256()).hex()}")
        if not yes:
            click.confirm("Certificates of theirs will be taken in.  Is it this one?", abort=True)
        ders = [certificate.public_bytes(Encoding.DER) for certificate in certificates]
        opened.pki.authorities.add_external(ca_id, ders, now=opened.now)


@click.command("request")
@account_argument
@_ca_option
@click.option("--profile", type=click.Choice(sorted(PERSONAL_PROFILES)))
@click.option("--organisation", help="Id or code of an official's organisation.")
@click.option("--title", help="An official's title.")
@click.option(
    "--csr",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PKCS #10 request, PEM or DER.",
)
@click.option(
    "--personal-key", metavar="KEY_ID", help="The request is signed by this key of the signer."
)
@operator_option
def request_command(
    account: str,
    *,
    ca_id: str,
    profile: str | None,
    organisation: str | None,
    title: str | None,
    csr: Path,
    personal_key: str | None,
    operator: str,
) -> None:
    """Keep a request to a licensed authority, and print what goes there."""
    with open_pki(operator=operator) as opened:
        found = find_named(opened.services, account)
        office = None if organisation is None else find_named(opened.services, organisation)
        request = make_request(
            found, profile=profile, organisation=office, title=title, replaces=None
        )
        if personal_key is not None:
            key = usable_key(opened, personal_key)
            request = for_personal_key(request, key, is_organisation=found.is_organisation)
        waiting: Waiting = _external(opened, ca_id).enrol(
            request, csr=read_file(csr), now=opened.now
        )
    click.echo(x509.load_der_x509_csr(waiting.csr).public_bytes(Encoding.PEM).decode(), nl=False)
    click.echo(waiting.enrolment_id, err=True)


@click.command("waiting")
@_ca_option
def waiting_command(ca_id: str) -> None:
    """Requests that were not answered yet."""
    with open_pki() as opened:
        for record in _external(opened, ca_id).waiting():
            asked = instant(record.created_at)
            click.echo(f"{record.enrolment_id}  {record.account_id}  {record.profile}  {asked}")


@click.command("import-issued")
@click.argument("enrolment_id")
@click.argument("chain", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_ca_option
@operator_option
def import_issued_command(enrolment_id: str, chain: Path, *, ca_id: str, operator: str) -> None:
    """Take in the certificate that a licensed authority issued for a request.

    CHAIN is PEM, the certificate first; its key, its name and its issuers are checked.
    """
    with open_pki(operator=operator) as opened:
        external = _external(opened, ca_id)
        account_id = next(
            (one.account_id for one in external.waiting() if one.enrolment_id == enrolment_id), None
        )
        data_key = opened.data_key(account_id)
        issued = external.import_issued(
            enrolment_id, read_file(chain), data_key=data_key or b"", now=opened.now
        )
        write_certificate(issued.der, out=None)
    click.echo(f"serial {issued.record.serial:x}, until {issued.record.not_after:%F}", err=True)


EXTERNAL_COMMANDS: Final = (
    add_external_command,
    request_command,
    waiting_command,
    import_issued_command,
)


def _external(opened: OpenPki, ca_id: str) -> ExternalEnrolment:
    services, pki = opened.services, opened.pki
    log = services.log if opened.operator is None else services.log.in_name_of(opened.operator)
    return ExternalEnrolment(
        services.database,
        ca_id=ca_id,
        sealer=services.sealer,
        log=log,
        authorities=pki.authorities,
        certificates=pki.certificates,
    )
