"""What a certificate says of a key that the signer keeps: taken from the key, not from the caller.

What lives here: from the id of a personal key to the parts of a request that depend on it.  The
level of sole control, the account and the public half are those of the key's row, and a row whose
columns are not what the signer bound to the key is refused.  No PKCS #10 request is asked for,
because the signer made the key.
**What this cannot see** is a row that somebody who owns the database wrote as a whole, policy and
public half: such a key signs nothing here, but the certificate would be for somebody else's key.
Source: ETSI EN 319 411-1 §6.2.2 (proof of possession); CEN EN 419 241-1 (SCAL1, SCAL2).
Not here: the command (`idp/cli/ca_certificates.py`), the rules of certificates (`keystore/pki`).
"""

from __future__ import annotations

from dataclasses import replace

import click

from idp.services import Services
from keystore.pki.certificates import IssueRequest
from keystore.signer.errors import KeyRecordChanged, PersonalKeyUnknown
from keystore.signer.model import PersonalKey
from keystore.signer.records import read_policy
from keystore.signer.storage import find_personal_key


def find_usable_key(services: Services, key_id: str) -> PersonalKey:
    """The key of that id, if it may be used at present.

    Raises  PersonalKeyUnknown; ClickException when it is suspended or destroyed.
    """
    with services.database.read() as connection:
        key = find_personal_key(connection, key_id)
    if key is None:
        raise PersonalKeyUnknown
    if key.destroyed_at is not None or key.wrapped is None:
        raise click.ClickException("the key is destroyed")
    if key.suspended_at is not None:
        raise click.ClickException("the key is suspended: antin keys personal resume")
    return key


def for_personal_key(
    request: IssueRequest, key: PersonalKey, *, is_organisation: bool
) -> IssueRequest:
    """The request for this key.

    Raises  KeyRecordChanged when the columns of the row are not what the signer bound to the key,
            or the account is no longer of the kind that the key was made for.
    """
    policy = read_policy(key)
    is_as_made = policy.scal == key.scal and policy.algorithm == key.algorithm
    if not is_as_made or (policy.subject_kind == "organisation") != is_organisation:
        raise KeyRecordChanged("policy")
    return replace(request, public_spki=key.public_spki, kid=key.key_id, scal=policy.scal)
