"""Signing keys of the sandbox's people and their organisations, made when it starts.

What lives here: making for everybody of level 2 what they would otherwise make at their first
signature, so that signing can be tried with one code.  Nothing is left out of how it is done: the
verifier states, the signer makes the key, the authority certifies it.  Only the authenticator is
one of the counter where they were proofed, which is thrown away afterwards: the codes that their
own shows are all still good.
Not here: the way of a person (`idp/web/account`).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime

from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.model import Account, AccountLevel, IdentifierKind, SignatureImage
from idp.ids import make_id
from idp.sandbox.invented_people import PEOPLE
from idp.sandbox.specimens import SEAL_WIDTH_MM, seal_specimen, signature_specimen
from idp.services import Services
from idp.signing import SigningServices
from keystore.one_time_codes import code_at
from keystore.second_factor.client import VerifierClient
from keystore.second_factor.model import HeldTotp
from signing.model import Role
from signing.ports import Signer


def make_signing_keys(services: Services, *, verifier: VerifierClient, now: datetime) -> int:
    """A key with a certificate for everybody who may sign and has none; returns how many.

    Raises  SigningError; VerifierError.
    """
    signing = services.signing
    if signing is None:
        return 0
    made = 0
    for person in _people(services):
        lacking = [
            one for one in _signers(services, signing, person, now=now) if _lacks(one, signing, now)
        ]
        for signer in lacking:
            make_at_counter(signing, signer, verifier=verifier, now=now)
        made += len(lacking)
    return made


def set_specimens(services: Services, *, now: datetime) -> None:
    """Images of signatures and seals that nobody has, for everybody who has none."""
    signing = services.signing
    if signing is None:
        return
    for person in _people(services):
        roles = services.people.representations(person.account_id, now=now)
        seal = SignatureImage(seal_specimen(), SEAL_WIDTH_MM)
        images = {role.organisation: seal for role in roles}
        images[person.account_id] = SignatureImage(signature_specimen())
        for account_id, image in images.items():
            if signing.images.find_image(account_id) is None:
                signing.images.keep(account_id, image, now=now)


def _people(services: Services) -> Iterator[Account]:
    for one in PEOPLE:
        number = ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, one.identifier)
        found = services.people.find_by_identifier(number)
        if found is not None and found.level is AccountLevel.TWO and one.has_totp:
            yield found


def _signers(
    services: Services, signing: SigningServices, person: Account, *, now: datetime
) -> Iterator[Signer]:
    yield signing.signers.get_signer(person.account_id, role=Role.PERSON, organisation_id=None)
    for role in services.people.representations(person.account_id, now=now):
        yield signing.signers.get_signer(
            person.account_id, role=Role.SEAL, organisation_id=role.organisation
        )


def _lacks(signer: Signer, signing: SigningServices, now: datetime) -> bool:
    signing.enrolment.keep_up(signer, now=now)
    if signing.credentials.credentials_of(signer, now=now):
        return False
    # whoever tried out what a lock or a suspension does finds it as it was left
    return not signing.enrolment.may_enrol(signer, now=now)


def make_at_counter(
    signing: SigningServices, signer: Signer, *, verifier: VerifierClient, now: datetime
) -> None:
    """A key that takes codes, with a certificate; the codes of her own authenticator are left.

    Raises  SigningError; VerifierError.
    """
    account_id, totp_id, secret = signer.account_id, make_id("otp"), secrets.token_bytes(20)
    kept = verifier.take_totp(
        totp_id, account_id=account_id, secret=secret, is_bound_at_proofing=True
    )
    wanted = signing.enrolment.prepare(signer, scal=1, now=now)
    acting = signing.signers.refresh(signer, client_id=None, now=now)
    statement = verifier.confirm(
        account_id,
        [HeldTotp(totp_id, kept)],
        code_at(secret, now=now),
        wanted=wanted,
        mandate_id="" if acting is None else acting.mandate_id,
    )
    signing.enrolment.finish_by_statement(signer, statement=statement, now=now)
    verifier.retire_totp(totp_id, account_id=account_id)
