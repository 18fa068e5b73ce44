"""A certificate for a key that the signer holds, of our own authority or of a licensed one.

What lives here: what a certificate says of such a key, taken from the key and not from the caller;
and the way to a licensed authority: a request is prepared, its holder confirms it like a signature,
the signer signs it, it is kept and goes out.  The level of sole control, the account and the public
half are those of the key's row, and a row whose columns are not what the signer bound to the key is
refused.
**What this cannot see** is a row that somebody who owns the database wrote as a whole, policy and
public half: such a key signs nothing here, so no request of it ever leaves; but our own authority,
which asks for none, would certify somebody else's key.
Source: ETSI EN 319 411-1 §6.2.2 (proof of possession); CEN EN 419 241-1 (SCAL1, SCAL2).
Not here: who the person at the browser is, the rules of certificates (`keystore/pki`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from keystore.pki.certificates import IssueRequest
from keystore.pki.enrolment import Waiting
from keystore.pki.external import ExternalEnrolment
from keystore.pki.personal_requests import (
    PreparedRequest,
    activation_for,
    finish_csr_for_personal_key,
    prepare_csr_for_personal_key,
)
from keystore.signer.activation import SignatureActivation
from keystore.signer.errors import (
    KeyRecordChanged,
    PersonalKeyDestroyed,
    PersonalKeySuspended,
    PersonalKeyUnknown,
)
from keystore.signer.evidence import Evidence
from keystore.signer.model import PersonalKey
from keystore.signer.records import read_policy
from keystore.signer.storage import find_personal_key
from keystore.storage import DatabaseLike


class Signs(Protocol):
    """Whoever holds personal keys: a `SignerClient`."""

    def activate(
        self, activation: SignatureActivation, evidence: Evidence, *, request_info: bytes = b""
    ) -> tuple[bytes, ...]:
        """See `SignerClient.activate`."""


@dataclass(frozen=True, slots=True)
class AskedRequest:
    """What the holder is shown and confirms; kept until then."""

    prepared: PreparedRequest
    activation: SignatureActivation


class PersonalRequests:
    """Requests to one licensed authority for keys that the signer holds.

    Takes   audience: the name that activations are made out to.
    """

    def __init__(
        self, database: DatabaseLike, *, external: ExternalEnrolment, signer: Signs, audience: str
    ) -> None:
        self._database = database
        self._external = external
        self._signer = signer
        self._audience = audience

    def prepare(
        self,
        request: IssueRequest,
        key_id: str,
        *,
        is_organisation: bool,
        request_id: str,
        client_id: str,
        credential_id: bytes,
        now: datetime,
    ) -> AskedRequest:
        """What the holder of a key has to confirm, within 300 seconds.

        Takes   request: for the holder's account, without a key; credential_id: of the passkey
                that shall confirm, empty for a key that statements open.
        Raises  SignerError when the key cannot be used; NameRefused.
        """
        key = find_usable_key(self._database, key_id)
        request = for_personal_key(request, key, is_organisation=is_organisation)
        prepared = prepare_csr_for_personal_key(key, name=self._external.name_for(request, now=now))
        activation = activation_for(
            prepared,
            signer=self._audience,
            request_id=request_id,
            client_id=client_id,
            credential_id=credential_id,
            now=now,
        )
        return AskedRequest(prepared, activation)

    def finish(
        self,
        asked: AskedRequest,
        evidence: Evidence,
        *,
        request: IssueRequest,
        is_organisation: bool,
        now: datetime,
    ) -> Waiting:
        """Have the request signed and keep it until the authority answers.

        Takes   request: as `prepare` was given it.
        Raises  SignerError as the signer refuses; CsrRefused, NameRefused, CaUnknown, CaRefused.
        """
        key = find_usable_key(self._database, asked.prepared.key_id)
        request = for_personal_key(request, key, is_organisation=is_organisation)
        (signature,) = self._signer.activate(
            asked.activation, evidence, request_info=asked.prepared.info
        )
        csr = finish_csr_for_personal_key(asked.prepared, signature=signature)
        return self._external.enrol(request, csr=csr, now=now)


def find_usable_key(database: DatabaseLike, key_id: str) -> PersonalKey:
    """The key of that id, if it may be used at present.

    Raises  PersonalKeyUnknown, PersonalKeyDestroyed, PersonalKeySuspended.
    """
    with database.read() as connection:
        key = find_personal_key(connection, key_id)
    if key is None:
        raise PersonalKeyUnknown
    if key.destroyed_at is not None or key.wrapped is None:
        raise PersonalKeyDestroyed
    if key.suspended_at is not None:
        raise PersonalKeySuspended
    return key


def for_personal_key(
    request: IssueRequest, key: PersonalKey, *, is_organisation: bool
) -> IssueRequest:
    """The request for this key.

    Raises  KeyRecordChanged when the columns of the row are not what the signer bound to the key,
            the key is not of the account of the request, or the account is no longer of the kind
            that the key was made for.
    """
    policy = read_policy(key)
    is_as_made = policy.scal == key.scal and policy.algorithm == key.algorithm
    if not is_as_made or (policy.subject_kind == "organisation") != is_organisation:
        raise KeyRecordChanged("policy")
    if request.account_id != policy.account_id:
        raise KeyRecordChanged("account")
    return replace(request, public_spki=key.public_spki, kid=key.key_id, scal=policy.scal)
