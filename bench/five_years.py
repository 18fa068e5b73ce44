"""An account with five years behind it: what has grown with every day on which it was used.

What lives here: filling the tables of one person through the service's own layers, rows of the log
by the log's own writer, carried to PostgreSQL in portions; and some years of others around it, so
that hers are rows among many.
Not here: asking for her pages (`bench/account.py`).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, cast

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec.json import encode
from sqlalchemy import Connection, insert

from bench.population import PORTAL, Person
from bench.records import Carried
from idp.accounts.credentials import Passkey
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import make_account
from idp.accounts.mandates import add_legal_representative
from idp.accounts.model import AccountKind, IdentifierKind, Profile
from idp.ids import AccountId, ConsentId, make_id
from idp.model import Consent, Factor
from idp.pki import subject_of
from idp.services import Services
from idp.sessions import open_session, prove_factor
from idp.storage.accounts import find_row, insert_accounts
from idp.storage.consents import add_consent
from idp.storage.passkeys import insert_passkey
from idp.web.consent_evidence import Evidence
from keystore.clock import to_ms
from keystore.log.events import Event, EventType
from keystore.log.record import log_event
from keystore.pki.certificates import IssueRequest
from keystore.pki.profiles import Profile as CertificateProfile
from keystore.purposes import LOG
from keystore.signer.model import KeyPolicy
from keystore.signer.storage import insert_personal_key
from keystore.storage import Transaction
from tests.support.authenticator import Authenticator

YEARS: Final = 5
SIGN_INS_A_DAY: Final = 20
_USES_A_DAY: Final = 3
_CONSENTS: Final = 60
_SESSIONS: Final = 12
_PORTION: Final = 5_000
_TEXT: Final = encode(
    Evidence("Cổng đo lường", "Cơ quan", "", ("Một câu.",), ())
)  # as `idp/web/consent_evidence.py` writes it
_OF_OTHERS: Final = 4
"""Rows of the log of everybody else, each."""


@dataclass(frozen=True, slots=True)
class Lived:
    """What can be asked for: ids of hers, and how many rows of the log there are."""

    account_id: AccountId
    consents: tuple[str, ...]
    passkeys: tuple[str, ...]
    mandate: str
    rows_of_hers: int
    rows: int


def live(
    services: Services, person: Person, *, others: Sequence[Person], years: int = YEARS
) -> Lived:
    """Five years of one person, and a little of everybody else's."""
    account = services.people.find_account(person.account_id)
    assert account is not None
    data_key = account.data_key
    passkeys, kid = _means_of_signing(services, person.account_id)
    mandate = _organisation(services, person.account_id)
    consents = tuple(_consents(services, person.account_id))
    for _ in range(_SESSIONS):
        sign_in(services, person.account_id)
    hers = _write(
        services,
        _days(services, person.account_id, kid=kid, days=365 * years),
        data_keys=[data_key],
    )
    keys = [services.people.data_key_of(one.account_id) for one in others]
    theirs = _write(services, _others(services, others), data_keys=keys, each=_OF_OTHERS)
    services.keyrings.of(LOG).ensure(services.time())
    services.trust.log.sequencer.run(services.time())
    return Lived(person.account_id, consents, passkeys, mandate, hers, hers + theirs)


def sign_in(services: Services, account_id: AccountId) -> str:
    """A session with two factors that were given now; its token."""
    now = services.time()
    opened = open_session(
        account_id,
        factor=Factor.PASSWORD,
        now=now,
        lifetime=timedelta(hours=12),
        device="windows chrome",
    )
    raised = prove_factor(opened.session, factor=Factor.OTP, now=now)
    for one in (opened, raised):
        assert services.sessions.store_alone(one, now=now), "somebody else raised it"
    return raised.token


def _organisation(services: Services, account_id: AccountId) -> str:
    """An organisation that she represents; the mandate's id."""
    made = make_account(
        kind=AccountKind.ORGANISATION,
        level=None,
        profile=Profile(name="Công ty Trách nhiệm hữu hạn Đo Lường"),
        identifiers=[ParsedIdentifier(IdentifierKind.ENTERPRISE_CODE, "9900000016")],
        now=services.time(),
    )
    with services.database.transaction() as tx:
        insert_accounts(tx, [made], sealer=services.sealer)
    return add_legal_representative(
        services.database,
        holder_id=account_id,
        organisation_id=made.account_id,
        source="bench",
        log=services.log,
        now=services.time(),
    ).mandate_id


def _means_of_signing(services: Services, account_id: AccountId) -> tuple[tuple[str, ...], str]:
    """Two passkeys, and keys with certificates as they follow each other in five years."""
    ids = []
    for name in ("Điện thoại", "Máy tính"):
        made = Authenticator()
        new = Passkey(
            passkey_id=make_id("pky"),
            credential_id=made.credential_id,
            public_key=made.public_key,
            sign_count=0,
            is_backup_eligible=False,
            is_backed_up=False,
            aaguid="00000000-0000-0000-0000-000000000000",
            transports=("internal",),
            name=name,
            created_at=services.time(),
        )
        with services.database.transaction() as tx:
            row = find_row(tx.connection, account_id)
            assert row is not None
            insert_passkey(tx, row, new, sealer=services.sealer)
        ids.append(new.passkey_id)
    pki = services.trust.pki
    account = services.people.find_account(account_id)
    assert pki is not None
    assert account is not None
    kid = ""
    for _ in range(3):
        kid = f"pkey_{secrets.token_hex(16)}"
        public = ec.generate_private_key(ec.SECP256R1()).public_key()
        spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        policy = KeyPolicy(
            key_id=kid,
            account_id=account_id,
            subject_kind="person",
            algorithm="ES256",
            scal=2,
            rp_id=made.rp_id,
            credentials=(made.pinned,),
            recipient=services.sealer.recipient(account.data_key or b""),
            created_ms=to_ms(services.time()),
        )
        with services.database.transaction() as tx:
            # nothing is signed with it here: it is looked at
            insert_personal_key(tx, policy, public_spki=spki, wrapped=b"-", kek_id="bench")
        request = IssueRequest(
            profile=CertificateProfile.CITIZEN,
            subject=subject_of(account),
            public_spki=spki,
            account_id=account_id,
            data_key=account.data_key,
            kid=kid,
            proofing_level=2,
            scal=2,
        )
        pki.certificates.issue(request, now=services.time())
    return tuple(ids), kid


def _consents(services: Services, account_id: AccountId) -> Iterator[str]:
    now = services.time()
    for number in range(_CONSENTS):
        given = Consent(
            consent_id=ConsentId(make_id("cns")),
            account_id=account_id,
            client_id=PORTAL,
            kind="consent",
            scopes=("openid", "profile"),
            shared=("name", "birthdate"),
            language="vi",
            text_version="1",
            text_sha256=hashlib.sha256(b"a text").hexdigest(),
            legal_reference=None,
            given_at=now - timedelta(days=number * 30),
            withdrawn_at=None if number == 0 else now - timedelta(days=number * 30 - 29),
        )
        data_key = services.people.data_key_of(account_id)
        text = services.sealer.seal_personal(data_key or b"", _TEXT, context=given.consent_id)
        with services.database.transaction() as tx:
            add_consent(tx, given, text_sealed=text)
        yield given.consent_id


def _days(
    services: Services, account_id: AccountId, *, kid: str, days: int
) -> Iterator[tuple[Event, datetime]]:
    """Every day: sign-ins with what was shared, some signatures; now and then a refusal."""
    begin = services.time() - timedelta(days=days)
    for day in range(days):
        for number in range(SIGN_INS_A_DAY):
            at = begin + timedelta(days=day, minutes=30 * number)
            facts = {"session_id": make_id("ses"), "factors": "pwd otp", "device": "android chrome"}
            yield Event(EventType.SESSION_STARTED, account_id=account_id, facts=facts), at
            shared = {"grant_id": make_id("grt"), "shared": "name birthdate", "capacity": "self"}
            yield (
                Event(
                    EventType.GRANT_CREATED, account_id=account_id, client_id=PORTAL, facts=shared
                ),
                at,
            )
        for number in range(_USES_A_DAY):
            at = begin + timedelta(days=day, hours=11, minutes=number)
            yield _use(account_id, kid=kid), at
        if day % 7 == 0:
            at = begin + timedelta(days=day, hours=12)
            counted = {"count": 3, "factor": "password"}
            yield (
                Event(EventType.LOGIN_REFUSED_MANY, account_id=account_id, facts=counted),
                at,
            )
            refused = {"key_id": kid, "code": "evidence_refused"}
            yield Event(EventType.ACTIVATION_REFUSED, account_id=account_id, facts=refused), at


def _use(account_id: AccountId, *, kid: str) -> Event:
    return Event(
        EventType.ACTIVATION_ACCEPTED,
        account_id=account_id,
        client_id=PORTAL,
        facts={
            "key_id": kid,
            "request_id": make_id("req"),
            "purpose": "document",
            "activation": secrets.token_hex(32),
            "hash": "sha256",
            "count": 1,
            "evidence": "webauthn",
            "synced": False,
            "scal": 2,
        },
        personal={"digests": secrets.token_hex(32)},
    )


def _others(services: Services, others: Sequence[Person]) -> Iterator[tuple[Event, datetime]]:
    now = services.time()
    for number, one in enumerate(others):
        for turn in range(_OF_OTHERS):
            facts = {"session_id": make_id("ses"), "factors": "pwd", "device": "windows coccoc"}
            event = Event(EventType.SESSION_STARTED, account_id=one.account_id, facts=facts)
            yield event, now - timedelta(minutes=number % 500 + turn)


def _write(
    services: Services,
    events: Iterable[tuple[Event, datetime]],
    *,
    data_keys: Sequence[bytes | None],
    each: int = 0,
) -> int:
    """Write them all; returns how many.  Takes   each: so many in a row have one data key."""
    waiting, written = iter(events), 0
    while True:
        portion = list(islice(waiting, _PORTION))
        if not portion:
            return written
        with services.database.transaction() as tx:
            carried = Carried(tx.connection)
            inner = Transaction(cast("Connection", carried))
            for event, at in portion:
                key = data_keys[written // each if each else 0]
                services.log.record(inner, event, data_key=key, now=at)
                written += 1
            tx.connection.execute(insert(log_event), carried.rows)
        inner.committed()
