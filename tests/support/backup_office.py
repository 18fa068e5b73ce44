"""An operator's desk for tests of backups: commands, and the services for what no command does.

What lives here: `Office`, over the deployment that the variables of this process name.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select

from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.model import Account, AccountKind, AccountLevel, IdentifierKind, Profile
from idp.cli import cli
from idp.cli.context import read_settings
from idp.errors import AntinError
from idp.pki import subject_of
from idp.sandbox.trust import make_authority
from idp.services import Services, build_services
from idp.storage.accounts import account
from keystore.log.events import Event, EventType
from keystore.log.record import find_writers, verify_chain
from keystore.pki.certificates import IssueRequest
from keystore.pki.model import CertificateRecord
from keystore.pki.profiles import Profile as CertificateProfile
from keystore.signer.model import KeyPolicy
from keystore.signer.storage import insert_personal_key
from tests.support.servers import PostgresqlServer

HERS, HIS = "003091000017", "003091000025"
NAME = "Trần Thị Hoa Mướp"
ADDRESS = "192.0.2.77"


class Office:
    """Commands, and the services for what no command does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: str, given: str = "") -> Result:
        """One command as it is typed; errors of ours are what `main` would print."""
        return CliRunner().invoke(cli, list(words), input=given)

    def services(self) -> Services:
        return build_services(read_settings())

    def add(self, number: str, *, name: str = NAME) -> Account:
        services = self.services()
        made = make_account(
            kind=AccountKind.CITIZEN,
            level=AccountLevel.TWO,
            profile=Profile(name),
            identifiers=[ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, number)],
            now=services.time(),
        )
        lifecycle = AccountLifecycle(services.database, sealer=services.sealer, log=services.log)
        lifecycle.open(made)
        event = Event(
            EventType.SESSION_STARTED,
            account_id=made.account_id,
            personal={"address": ADDRESS, "name": name},
        )
        row = services.people.data_key_of(made.account_id)
        with services.database.transaction() as tx:
            services.log.record(tx, event, data_key=row, now=services.time())
        services.close()
        return made

    def certify(self, *accounts: Account) -> list[CertificateRecord]:
        """A personal key and a certificate for each of these people, by an authority of ours."""
        services = self.services()
        assert services.trust.pki is not None
        make_authority(services, now=services.time())
        made = []
        for one in accounts:
            found = services.people.find_account(one.account_id)
            assert found is not None
            key = ec.generate_private_key(ec.SECP256R1()).public_key()
            spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            policy = KeyPolicy(
                key_id=f"key_{secrets.token_hex(8)}", account_id=one.account_id,
                subject_kind="person", algorithm="ES256", scal=1, rp_id="", credentials=(),
                recipient=b"", created_ms=0,
            )  # fmt: skip
            with services.database.transaction() as tx:
                insert_personal_key(tx, policy, public_spki=spki, wrapped=b"wrapped", kek_id="kek")
            request = IssueRequest(
                profile=CertificateProfile.CITIZEN, subject=subject_of(found), public_spki=spki,
                account_id=one.account_id, data_key=found.data_key, kid=policy.key_id,
                proofing_level=2, scal=2,
            )  # fmt: skip
            made.append(services.trust.pki.certificates.issue(request, now=services.time()).record)
        services.close()
        return made

    def certificate(self, record: CertificateRecord) -> CertificateRecord:
        services = self.services()
        assert services.trust.pki is not None
        found = services.trust.pki.certificates.get(record.serial)
        services.close()
        return found

    def erase(self, account_id: str) -> None:
        done = self.run("accounts", "erase", account_id, "--yes", "--operator", "anh")
        assert done.exit_code == 0, done.output

    def names(self) -> dict[str, str | None]:
        """Account id → number, of everybody; None for whoever was erased."""
        services = self.services()
        found: dict[str, str | None] = {}
        with services.database.read() as connection:
            ids = connection.execute(select(account.c.account_id)).scalars().all()
        for account_id in ids:
            one = services.people.find_account(account_id)
            found[account_id] = None if one is None else one.identifiers[0].value
        services.close()
        return found

    def check_log(self) -> None:
        """Every chain fits together, and the command says that the log is whole."""
        services = self.services()
        with services.database.read() as connection:
            for writer in find_writers(connection):
                verify_chain(connection, writer)
        services.close()
        verified = self.run("log", "verify", "--offline")
        assert verified.exit_code == 0, (verified.output, verified.exception)

    def lose_database(self, request: pytest.FixtureRequest) -> None:
        """Nothing is left of it."""
        url = read_settings().effective_database_url
        if url.startswith("sqlite"):
            for file in self.folder.glob("antin.db*"):
                file.unlink()
            return
        server: PostgresqlServer = request.getfixturevalue("postgresql_server")
        server.execute(
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public", database=url.rpartition("/")[2]
        )


def refusal(done: Result) -> str:
    """What a command would have printed before it ended with 1."""
    assert isinstance(done.exception, AntinError), (done.output, done.exception)
    return str(done.exception)
