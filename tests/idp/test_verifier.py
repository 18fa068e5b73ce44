"""The verifier's settings, and that nothing of the web can be the verifier."""

from __future__ import annotations

import secrets
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from idp.errors import SettingsInvalid
from idp.keks import open_service_ring
from idp.services import build_services
from idp.settings import Settings
from idp.settings_loading import load_settings
from idp.strongrooms import listening_address, listening_group, private_folder
from idp.verifier_client import open_verifier_client
from keystore.errors import KeyPurposeRefused, SealBroken
from keystore.jose import parse_jwks
from keystore.keyring import Keyring
from keystore.purposes import KEY_PURPOSES, SECOND_FACTOR
from keystore.second_factor import errors
from keystore.second_factor.model import HeldTotp
from keystore.signer import errors as signer_errors
from keystore.signer.evidence import StatementEvidence
from keystore.signer.model import MadeKey
from keystore.signer.statement_evidence import issue_statement, verify_statement
from tests.support.provider import KEK
from tests.support.signer import SIGNER, activation_of
from tests.support.verifier import App
from tests.support.verifier_process import running_verifier

_KEY = MadeKey("pkey_1", "ES256", b"spki")
_TLS = {
    "ANTIN_VERIFIER_TLS_CERTIFICATE": "/c.pem",
    "ANTIN_VERIFIER_TLS_KEY": "/c.key",
    "ANTIN_VERIFIER_TLS_CA": "/ca.pem",
}


def _load(**changes: Any) -> Settings:
    return load_settings({"ANTIN_ISSUER": "https://idp.example", **changes})


def test_without_an_address_there_is_none() -> None:
    settings = _load(ANTIN_VAR="/srv/antin")
    assert open_verifier_client(settings) is None
    listens = listening_address(settings, whose="verifier")
    assert str(listens) == "unix:/srv/antin/verifier.sock", "where it listens when it is started"
    assert listening_group(settings, whose="verifier") is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"ANTIN_VERIFIER_ADDRESS": "/run/verifier"}, "ANTIN_VERIFIER_ADDRESS"),
        ({"ANTIN_VERIFIER_ADDRESS": "tls://host"}, "ANTIN_VERIFIER_ADDRESS"),
        ({"ANTIN_VERIFIER_LISTEN": "tcp://host:1"}, "ANTIN_VERIFIER_LISTEN"),
        ({"ANTIN_VERIFIER_ADDRESS": "tls://host:1"}, "ANTIN_VERIFIER_TLS_CERTIFICATE"),
        (
            {"ANTIN_VERIFIER_ADDRESS": "tls://host:1", **_TLS, "ANTIN_VERIFIER_TLS_CA": ""},
            "ANTIN_VERIFIER_TLS_CA",
        ),
        ({"ANTIN_VERIFIER_USERS": "www-data"}, "ANTIN_VERIFIER_USERS"),
        ({"ANTIN_VERIFIER_KEEPERS": "operator.example"}, "ANTIN_VERIFIER_KEEPERS"),
        (
            {"ANTIN_VERIFIER_ADDRESS": "tls://host:1", **_TLS, "ANTIN_VERIFIER_KEEPERS": "10001"},
            "ANTIN_VERIFIER_KEEPERS",
        ),
        ({"ANTIN_VERIFIER_PROCESSES": "0"}, "ANTIN_VERIFIER_PROCESSES"),
    ],
)
def test_a_setting_that_cannot_be_right_is_refused_by_name(
    changes: dict[str, str], named: str
) -> None:
    with pytest.raises(SettingsInvalid, match=named):
        _load(**changes)


def test_a_folder_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "verifier").mkdir()
    (tmp_path / "verifier").chmod(0o755)
    with pytest.raises(SettingsInvalid, match="ANTIN_VERIFIER_FOLDER"):
        private_folder(_load(ANTIN_VAR=str(tmp_path)), whose="verifier")


_SEES = """
import sys
import idp.app, idp.cli.serve, idp.cli.work, idp.verifier_client
verifiers = {"idp.verifier", "keystore.second_factor.verifier", "keystore.second_factor.memory",
             "keystore.second_factor.statement_key"}
print(sorted(verifiers & set(sys.modules)))
"""


def test_web_workers_do_not_even_import_what_knows_codes() -> None:
    seen = subprocess.run([sys.executable, "-c", _SEES], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"


_IS = """
import sys
import idp.verifier
provider = {"flask", "authlib", "redis", "idp.services", "idp.oauth", "clients.registry"}
print(sorted(provider & set(sys.modules)))
"""


def test_the_process_that_knows_codes_imports_no_provider() -> None:
    seen = subprocess.run([sys.executable, "-c", _IS], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"


def _code(app: App) -> str:
    return app.code(now=datetime.now(UTC))


def test_a_web_process_with_all_its_services_cannot_state_or_read_a_secret(
    tmp_path: Path,
) -> None:
    """Architecture, decision 11: what a web process has, its root key and all its keyrings.

    It works on the database of the verifier, with the verifier's own code, and may ask it anything.
    Only the user id of a worker is missing: here everybody is the same user, and a keeper.
    """
    folder = tmp_path / "v"
    with running_verifier(folder, f"sqlite:///{tmp_path / 'antin.db'}") as verifier:
        key_file = tmp_path / "keys.json"
        assert verifier.run("key", "--output", str(key_file)).returncode == 0
        believed = parse_jwks(key_file.read_bytes())
        settings = Settings(
            var=tmp_path / "var",
            kek=KEK,
            database_url=verifier.database_url,
            verifier_address=verifier.address,
        )
        settings.var.mkdir()
        services = build_services(settings, is_sandbox=True)
        client = services.verifier
        assert client is not None
        account_id, totp_id = "acc_1", "otp_1"
        secret = secrets.token_bytes(20)
        kept = client.take_totp(
            totp_id, account_id=account_id, secret=secret, is_bound_at_proofing=True
        )
        app = App(HeldTotp(totp_id, kept), secret, account_id)
        # what is kept opens under none of its keys, and is not shown
        assert secret not in kept
        with pytest.raises(SealBroken):
            open_service_ring(settings).unwrap(kept, context=f"totp:{totp_id}:{account_id}")
        with pytest.raises(errors.TotpRefused):
            client.show_totp(app.held, account_id=account_id)
        # no key of it makes a statement that counts
        now = datetime.now(UTC)
        wanted = activation_of(_KEY, None, now=now, account_id=account_id)
        own = Keyring(services.database, services.sealer, log=services.log, purpose=SECOND_FACTOR)
        own.ensure(now)
        tried = set()
        for keyring in (own, *(services.keyrings.of(one) for one in KEY_PURPOSES.values())):
            for record in keyring.records(now):
                tried.add(keyring.purpose.name)
                with pytest.raises((KeyPurposeRefused, signer_errors.EvidenceRefused)):
                    verify_statement(
                        StatementEvidence(
                            issue_statement(
                                key=keyring.key(record.kid, now=now),
                                issuer=SIGNER,
                                signer=SIGNER,
                                account_id=account_id,
                                totp_id="otp_1",
                                challenge=wanted.challenge(),
                                now=now,
                            )
                        ),
                        keys=believed,
                        expected_signer=SIGNER,
                        expected_account=account_id,
                        expected_challenge=wanted.challenge(),
                        now=now,
                    )
        assert SECOND_FACTOR.name in tried
        # nor does asking without a code, with an authenticator of its own, or for somebody else
        with pytest.raises(errors.CodeRefused):
            client.confirm(account_id, [app.held], "12345", wanted=wanted)
        made = client.make_totp("otp_own", account_id=account_id, activation_code="INVENTED")
        mine = App(HeldTotp("otp_own", made.kept), made.secret, account_id)
        assert client.check_code(account_id, [mine.held], _code(mine)).outcome == "right"
        following = mine.code(now=now + timedelta(seconds=30))
        with pytest.raises(errors.AuthenticatorTooYoung):
            client.confirm(account_id, [mine.held], following, wanted=wanted)
        with pytest.raises(signer_errors.ActivationForeign):
            client.confirm("acc_mallory", [mine.held], following, wanted=wanted)
        with pytest.raises(errors.MandateRefused):
            client.confirm("acc_mallory", [], following, wanted=wanted, mandate_id="mdt_none")
        services.close()
