"""`antin verifier` itself: real processes, a real socket, and a signer that believes it.

Architecture, decision 11.
"""

from __future__ import annotations

import secrets
import socket
import stat
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.mandates import add_legal_representative
from idp.accounts.model import Account, AccountKind, AccountLevel, Mandate, Profile
from idp.ids import make_id
from idp.storage.database import Database
from keystore.kek import load_kek
from keystore.log.record import LogWriter
from keystore.one_time_codes import STEP_S
from keystore.sealing import Sealer
from keystore.second_factor.client import VerifierClient
from keystore.second_factor.errors import (
    AuthenticatorTooYoung,
    CodeRefused,
    MandateRefused,
    VerifierError,
    VerifierUnavailable,
)
from keystore.second_factor.model import HeldTotp
from keystore.signer import errors
from keystore.signer.evidence import EnrolmentEvidence, StatementEvidence
from keystore.signer.model import MadeKey
from tests.support.mandates import end_mandate
from tests.support.provider import KEK
from tests.support.racing import race
from tests.support.servers import wait_until
from tests.support.signer import activation_of, enrolment_of, events
from tests.support.signer_process import SignerProcess, running_signer
from tests.support.verifier import App
from tests.support.verifier_process import VerifierProcess, running_verifier


def _now() -> datetime:
    return datetime.now(UTC)


def _next_code(app: App) -> str:
    """The code of the step after the present one, which is taken too."""
    return app.code(now=_now() + timedelta(seconds=STEP_S))


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[VerifierProcess, SignerProcess]]:
    """A verifier, and a signer that has its public key, over one database."""
    folder = tmp_path_factory.mktemp("v")
    url = f"sqlite:///{folder / 'antin.db'}"
    signer_folder = folder / "signer"
    with (
        running_verifier(folder / "verifier", url) as verifier,
        running_signer(signer_folder, url) as signer,
    ):
        published = verifier.run("key", "--output", str(signer_folder / "verifier.json"))
        assert published.returncode == 0, published.stderr
        yield verifier, signer


@pytest.fixture
def verifier(both: tuple[VerifierProcess, SignerProcess]) -> Iterator[VerifierClient]:
    """What a web worker asks the verifier with."""
    with closing(both[0].client()) as client:
        yield client


@pytest.fixture
def database(both: tuple[VerifierProcess, SignerProcess]) -> Iterator[Database]:
    """Their database, in the hands of the service."""
    with closing(Database(both[0].database_url)) as opened:
        yield opened


@pytest.fixture
def lifecycle(database: Database) -> AccountLifecycle:
    """What opens and locks accounts in it."""
    sealer = Sealer.open(database, kek=load_kek(file=None, value=KEK), now=_now())
    return AccountLifecycle(database, sealer=sealer, log=LogWriter(sealer, writer_id="test"))


@pytest.fixture
def person(lifecycle: AccountLifecycle) -> Account:
    """Somebody with an active account."""
    return _open(lifecycle, AccountKind.CITIZEN)


def _open(lifecycle: AccountLifecycle, kind: AccountKind) -> Account:
    is_person = kind is AccountKind.CITIZEN
    return lifecycle.open(
        make_account(
            kind=kind,
            level=AccountLevel.TWO if is_person else None,
            profile=Profile("Người Thử Nghiệm"),
            identifiers=[],
            now=_now(),
        )
    )


def _bring(verifier: VerifierClient, account_id: str, *, is_proofed: bool = True) -> App:
    totp_id, secret = make_id("otp"), secrets.token_bytes(20)
    kept = verifier.take_totp(
        totp_id, account_id=account_id, secret=secret, is_bound_at_proofing=is_proofed
    )
    return App(HeldTotp(totp_id, kept), secret, account_id)


def _key_of(signer: SignerProcess, verifier: VerifierClient, app: App) -> MadeKey:
    now = _now()
    enrolment = enrolment_of(now=now, account_id=app.account_id)
    statement = verifier.confirm(app.account_id, [app.held], _next_code(app), wanted=enrolment)
    with closing(signer.client()) as client:
        return client.make_key(enrolment, EnrolmentEvidence(statement=statement))


def test_a_code_makes_a_key_and_signs_with_it(
    both: tuple[VerifierProcess, SignerProcess], verifier: VerifierClient, person: Account
) -> None:
    app = _bring(verifier, person.account_id)
    key = _key_of(both[1], verifier, app)
    wanted = activation_of(key, None, now=_now(), account_id=person.account_id)
    code = app.code(now=_now())
    statement = verifier.confirm(person.account_id, [app.held], code, wanted=wanted)
    with closing(both[1].client()) as client:
        other = activation_of(key, None, now=_now(), account_id=person.account_id)
        with pytest.raises(errors.EvidenceRefused, match="statement_for_other"):
            client.activate(other, statement)
        assert len(client.activate(wanted, statement)) == 1
        with pytest.raises(errors.ActivationSpent):
            client.activate(wanted, statement)
        forged = StatementEvidence(statement.token[:-8] + "AAAAAAAA")
        with pytest.raises(errors.EvidenceRefused):
            client.activate(other, forged)


def test_sign_in_and_confirmation_share_one_mark_over_the_socket(
    verifier: VerifierClient, person: Account
) -> None:
    app = _bring(verifier, person.account_id)
    wanted = enrolment_of(now=_now(), account_id=person.account_id)
    code = app.code(now=_now())
    assert verifier.check_code(person.account_id, [app.held], code).outcome == "right"
    with pytest.raises(CodeRefused):
        verifier.confirm(person.account_id, [app.held], code, wanted=wanted)
    following = _next_code(app)
    verifier.confirm(person.account_id, [app.held], following, wanted=wanted)
    assert verifier.check_code(person.account_id, [app.held], following).outcome == "wrong"


def test_of_fifty_callers_at_once_one_is_right(
    both: tuple[VerifierProcess, SignerProcess], verifier: VerifierClient, person: Account
) -> None:
    app = _bring(verifier, person.account_id)
    wanted = enrolment_of(now=_now(), account_id=person.account_id)
    code = app.code(now=_now())

    def sign_in(client: VerifierClient) -> bool:
        return client.check_code(person.account_id, [app.held], code).outcome == "right"

    def confirm(client: VerifierClient) -> bool:
        try:
            client.confirm(person.account_id, [app.held], code, wanted=wanted)
        except VerifierError:
            return False
        return True

    with closing(both[0].client()) as client:
        acts = [partial(confirm if n % 2 else sign_in, client) for n in range(50)]
        assert sum(race(acts)) == 1


def test_a_young_authenticator_over_the_socket(verifier: VerifierClient, person: Account) -> None:
    """What a captured worker enrols for itself signs nothing at once."""
    totp_id = make_id("otp")
    made = verifier.make_totp(totp_id, account_id=person.account_id, activation_code="INVENTED")
    app = App(HeldTotp(totp_id, made.kept), made.secret, person.account_id)
    wanted = enrolment_of(now=_now(), account_id=person.account_id)
    for code in (app.code(now=_now()), "000000"):
        with pytest.raises(AuthenticatorTooYoung):
            verifier.confirm(person.account_id, [app.held], code, wanted=wanted)
    said = verifier.check_code(person.account_id, [app.held], app.code(now=_now()))
    assert said.outcome == "right"
    with pytest.raises(AuthenticatorTooYoung):
        verifier.confirm(person.account_id, [app.held], "000000", wanted=wanted)


def test_locked_and_unknown_accounts_confirm_nothing(
    verifier: VerifierClient, lifecycle: AccountLifecycle, person: Account
) -> None:
    lifecycle.lock(person.account_id, reason="asked", now=_now())
    for account_id in (person.account_id, "acc_nobody"):
        app = _bring(verifier, account_id)
        wanted = enrolment_of(now=_now(), account_id=account_id)
        with pytest.raises(CodeRefused):
            verifier.confirm(account_id, [app.held], app.code(now=_now()), wanted=wanted)


def _mandate(
    database: Database, lifecycle: AccountLifecycle, person: Account, organisation: Account
) -> tuple[Mandate, LogWriter]:
    sealer = Sealer.open(database, kek=load_kek(file=None, value=KEK), now=_now())
    log = LogWriter(sealer, writer_id="mandates")
    mandate = add_legal_representative(
        database,
        holder_id=person.account_id,
        organisation_id=organisation.account_id,
        source="test",
        log=log,
        now=_now(),
    )
    return mandate, log


def test_an_organisations_key_signs_while_the_mandate_runs_and_the_log_says_who(
    both: tuple[VerifierProcess, SignerProcess],
    verifier: VerifierClient,
    database: Database,
    lifecycle: AccountLifecycle,
    person: Account,
) -> None:
    organisation = _open(lifecycle, AccountKind.ORGANISATION)
    mandate, log = _mandate(database, lifecycle, person, organisation)
    app = _bring(verifier, person.account_id)
    enrolment = enrolment_of(
        now=_now(), account_id=organisation.account_id, subject_kind="organisation"
    )
    following = _next_code(app)
    with pytest.raises(MandateRefused):
        verifier.confirm(person.account_id, [app.held], following, wanted=enrolment)
    statement = verifier.confirm(
        person.account_id, [app.held], following, wanted=enrolment, mandate_id=mandate.mandate_id
    )
    with closing(both[1].client()) as client:
        key = client.make_key(enrolment, EnrolmentEvidence(statement=statement))
        wanted = activation_of(key, None, now=_now(), account_id=organisation.account_id)
        right = verifier.confirm(
            person.account_id,
            [app.held],
            app.code(now=_now()),
            wanted=wanted,
            mandate_id=mandate.mandate_id,
        )
        assert client.activate(wanted, right)
    for kind in ("keys:personal_key:created", "sign:activation:accepted"):
        row = next(one for one in events(database, kind) if one["account_id"] == wanted.account_id)
        assert person.account_id in row["facts"]
        assert mandate.mandate_id in row["facts"]
        assert app.held.totp_id in row["facts"], "which authenticator it was"
    assert end_mandate(database, mandate, log=log, now=_now())
    late = activation_of(key, None, now=_now(), account_id=organisation.account_id)
    with pytest.raises(MandateRefused):
        verifier.confirm(
            person.account_id, [app.held], "000000", wanted=late, mandate_id=mandate.mandate_id
        )


def test_killed_it_is_back_by_itself_and_remembers_what_was_used(
    both: tuple[VerifierProcess, SignerProcess], verifier: VerifierClient, person: Account
) -> None:
    app = _bring(verifier, person.account_id)
    code = app.code(now=_now())
    assert verifier.check_code(person.account_id, [app.held], code).outcome == "right"
    both[0].kill_children()
    wait_until(both[0].is_up, what="the next child")
    assert verifier.check_code(person.account_id, [app.held], code).outcome == "wrong"


def test_garbage_ends_a_connection_and_nothing_else(
    both: tuple[VerifierProcess, SignerProcess], verifier: VerifierClient
) -> None:
    path = both[0].address.removeprefix("unix:")
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    for raw in (b"\xff" * 8, b"\x00\x00\x00\x03abc", b"GET / HTTP/1.1\r\n\r\n"):
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(path)
            caller.sendall(raw)
            caller.shutdown(socket.SHUT_WR)
            caller.settimeout(60)
            with suppress(ConnectionResetError):  # what it had not read
                while caller.recv(4096):
                    pass
    assert verifier.kek_ids()


def test_nobody_answers_where_none_runs(tmp_path: Path) -> None:
    with (
        closing(VerifierClient(f"unix:{tmp_path / 'v.sock'}", patience_s=0.05)) as client,
        pytest.raises(VerifierUnavailable),
    ):
        client.check_code("acc_1", [], "123456")


def test_what_it_cannot_start_with_is_one_sentence(tmp_path: Path) -> None:
    """No trace, no child that dies every few seconds, and nobody who waits for it meanwhile."""
    stopped = VerifierProcess(tmp_path / "v", f"sqlite:///{tmp_path / 'antin.db'}")
    nowhere = stopped.run("key", "--output", str(tmp_path / "nowhere" / "keys"))
    memory = tmp_path / "v" / "verifier" / "memory.db"
    memory.write_bytes(b"no database at all" * 99)
    memory.chmod(0o600)
    for said in (nowhere, stopped.run(), stopped.run("--trust-clock", "--operator", "can.bo")):
        assert said.returncode == 1
        assert "Traceback" not in said.stderr
    assert "damaged" in stopped.run().stderr


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"ANTIN_VERIFIER_CONFIRMS_AT_ONCE": "true"}, "ANTIN_VERIFIER_CONFIRMS_AT_ONCE"),
        ({"ANTIN_VERIFIER_KEK_FILE": "/nowhere/kek"}, "unreadable"),
        ({"ANTIN_ISSUER": "http://localhost:1"}, "ANTIN_ISSUER"),
    ],
)
def test_what_it_must_not_run_with_is_refused_by_name(
    both: tuple[VerifierProcess, SignerProcess], changes: dict[str, str], named: str
) -> None:
    refused = both[0].run(**changes)
    assert refused.returncode != 0
    assert named in refused.stderr
