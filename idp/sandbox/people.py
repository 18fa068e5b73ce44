"""Putting the people of the sandbox into an empty database.

What lives here: `seed_people`.  Not here: who they are (`invented_people.py`).
"""

from __future__ import annotations

from datetime import datetime

from idp.accounts.credentials import Totp, TotpHolder
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.mandates import add_legal_representative
from idp.accounts.model import (
    Account,
    AccountKind,
    Address,
    IdentifierKind,
    Profile,
)
from idp.accounts.officials import Officials
from idp.accounts.passwords import Argon2Costs, Hashing, Passwords
from idp.ids import AccountId, make_id
from idp.sandbox.invented_people import PEOPLE, Organisation, SandboxIdentity
from idp.services import Services
from idp.storage.accounts import find_row
from idp.storage.credentials import replace_totps
from keystore.second_factor.client import VerifierClient

_AGENCY = "phong-dang-ky"


def seed_people(services: Services, *, verifier: VerifierClient | None = None) -> None:
    """Put everybody into the database who is not there; whoever interrupts it may start again.

    Takes   verifier: takes their authenticators, as bound at proofing; without it the service does.
    """
    now = services.time()
    lifecycle = AccountLifecycle(services.database, sealer=services.sealer, log=services.log)
    officials = Officials(services.database, services.log)
    passwords = Passwords(Hashing(Argon2Costs()))
    for person in PEOPLE:
        account = _find(services, IdentifierKind.PERSONAL_ID_NUMBER, person.identifier)
        if account is None:
            account = lifecycle.open(
                _account(person, now=now), password=passwords.hash_new(person.password)
            )
            if person.has_codes_by_message:
                _choose_messages(services, account, now=now)
        if person.has_totp and not services.people.has_totp(account.account_id):
            _enrol(services, account, person, verifier=verifier, now=now)
        held = officials.duties_of(account.account_id, now=now)
        for duty in person.duties:
            if duty not in held:
                officials.add(account.account_id, duty=duty, controller_id=_AGENCY, now=now)
        roles = services.people.representations(account.account_id, now=now)
        for organisation in person.organisations:
            if organisation.code not in {role.enterprise_code for role in roles}:
                add_legal_representative(
                    services.database,
                    holder_id=account.account_id,
                    organisation_id=_open_organisation(services, organisation, now=now),
                    source="sandbox",
                    log=services.log,
                    now=now,
                )


def _find(services: Services, kind: IdentifierKind, number: str) -> Account | None:
    return services.people.find_by_identifier(ParsedIdentifier(kind, number))


def _account(person: SandboxIdentity, *, now: datetime) -> Account:
    identifiers = [ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, person.identifier)]
    if person.legacy_id_9 is not None:
        identifiers.append(ParsedIdentifier(IdentifierKind.LEGACY_ID_9, person.legacy_id_9))
    tail = person.identifier[-4:]
    return make_account(
        kind=AccountKind.CITIZEN,
        level=person.level,
        profile=Profile(
            name=person.name,
            birthdate=person.birthdate,
            gender=person.gender,
            nationality="VNM",
            email=f"nguoi{tail}@sandbox.example",
            is_email_verified=True,
            phone=f"+8400000{tail}",
            is_phone_verified=True,
            address=Address(
                formatted=f"Số {int(tail)}, đường Mẫu, phường Mẫu, tỉnh Mẫu",
                street=f"Số {int(tail)}, đường Mẫu",
                ward="Phường Mẫu",
                province="Tỉnh Mẫu",
                country="VN",
            ),
        ),
        identifiers=identifiers,
        now=now,
    )


def _open_organisation(
    services: Services, organisation: Organisation, *, now: datetime
) -> AccountId:
    known = _find(services, IdentifierKind.ENTERPRISE_CODE, organisation.code)
    if known is not None:
        return known.account_id
    account = make_account(
        kind=AccountKind.ORGANISATION,
        level=None,
        profile=Profile(name=organisation.name, address=Address(formatted=organisation.address)),
        identifiers=[ParsedIdentifier(IdentifierKind.ENTERPRISE_CODE, organisation.code)],
        now=now,
    )
    lifecycle = AccountLifecycle(services.database, sealer=services.sealer, log=services.log)
    return lifecycle.open(account).account_id


def _choose_messages(services: Services, account: Account, *, now: datetime) -> None:
    for channel, contact in services.factors.contacts.of(account).items():
        services.factors.contacts.choose(
            account.account_id, channel, is_factor=True, mark=contact.mark, now=now
        )


def _enrol(
    services: Services,
    account: Account,
    person: SandboxIdentity,
    *,
    verifier: VerifierClient | None,
    now: datetime,
) -> None:
    totp = Totp(make_id("otp"), person.totp_secret, now)
    if verifier is not None:
        kept = verifier.take_totp(
            totp.totp_id,
            account_id=account.account_id,
            secret=person.totp_secret,
            is_bound_at_proofing=True,
        )
        totp = Totp(totp.totp_id, kept, now, TotpHolder.VERIFIER)
    with services.database.transaction() as tx:
        row = find_row(tx.connection, account.account_id, is_locked=True)
        if row is not None:
            replace_totps(tx, row, totp, sealer=services.sealer)
