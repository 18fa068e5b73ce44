"""The signer's settings, and that nothing of the web can be the signer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from idp.duties import make_duties
from idp.errors import SettingsInvalid
from idp.sandbox.trust import make_authority
from idp.services import build_services
from idp.settings import Settings
from idp.settings_loading import load_settings
from idp.signer import listening_address, listening_group, make_deployment, open_ledger
from idp.signer_client import open_signer_client
from idp.storage.database import Database
from keystore.errors import KeyPurposeRefused, KeyUnavailable
from keystore.jose import TokenKey
from keystore.keyring import Keyring
from keystore.purposes import KEY_PURPOSES, SECOND_FACTOR
from keystore.signer import errors
from keystore.signer.evidence import StatementEvidence
from keystore.signer.statement_evidence import issue_statement
from tests.support.provider import KEK
from tests.support.signer import SIGNER, activation_of
from tests.support.signer_process import running_signer, utc_now

_TLS = {
    "ANTIN_SIGNER_TLS_CERTIFICATE": "/c.pem",
    "ANTIN_SIGNER_TLS_KEY": "/c.key",
    "ANTIN_SIGNER_TLS_CA": "/ca.pem",
}


def _load(**changes: Any) -> Settings:
    return load_settings({"ANTIN_ISSUER": "https://idp.example", **changes})


def test_out_of_the_box_it_is_a_socket_beside_the_data() -> None:
    settings = _load(ANTIN_VAR="/srv/antin")
    assert str(listening_address(settings)) == "unix:/srv/antin/signer.sock"
    deployment = make_deployment(settings)
    assert deployment.audience == "https://idp.example"
    assert deployment.origins == {"idp.example": frozenset({"https://idp.example"})}
    assert listening_group(settings) is None
    open_signer_client(settings).close()


def test_pages_of_several_origins_may_share_the_passkeys_of_one_domain() -> None:
    settings = _load(
        ANTIN_SIGNER_ORIGINS="https://sign.state.example, https://idp.state.example",
        ANTIN_SIGNER_RP_ID="state.example",
        ANTIN_ISSUER="https://idp.state.example",
    )
    (origins,) = make_deployment(settings).origins.values()
    assert origins == {"https://sign.state.example", "https://idp.state.example"}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"ANTIN_SIGNER_ADDRESS": "/run/signer"}, "ANTIN_SIGNER_ADDRESS"),
        ({"ANTIN_SIGNER_ADDRESS": "tls://host"}, "ANTIN_SIGNER_ADDRESS"),
        ({"ANTIN_SIGNER_LISTEN": "tcp://host:1"}, "ANTIN_SIGNER_LISTEN"),
        ({"ANTIN_SIGNER_ADDRESS": "tls://host:1"}, "ANTIN_SIGNER_TLS_CERTIFICATE"),
        (
            {"ANTIN_SIGNER_ADDRESS": "tls://host:1", **_TLS, "ANTIN_SIGNER_TLS_CA": ""},
            "ANTIN_SIGNER_TLS_CA",
        ),
        ({"ANTIN_SIGNER_USERS": "www-data"}, "ANTIN_SIGNER_USERS"),
        (
            {"ANTIN_SIGNER_ORIGINS": "https://evil.example", "ANTIN_SIGNER_RP_ID": "idp.example"},
            "ANTIN_SIGNER_ORIGINS",
        ),
        (
            {
                "ANTIN_SIGNER_ORIGINS": "https://evilidp.example",
                "ANTIN_SIGNER_RP_ID": "idp.example",
            },
            "ANTIN_SIGNER_ORIGINS",
        ),
        ({"ANTIN_SIGNER_ORIGINS": "https://idp.example/"}, "ANTIN_SIGNER_ORIGINS"),
        ({"ANTIN_SIGNER_RP_ID": "sign.idp.example"}, "ANTIN_SIGNER_RP_ID"),
        ({"ANTIN_SIGNER_RP_ID": "evilidp.example"}, "ANTIN_SIGNER_RP_ID"),
        ({"ANTIN_SIGNER_ORIGINS": "https://sign.example"}, "ANTIN_SIGNER_RP_ID"),
        ({"ANTIN_SIGNER_PROCESSES": "0"}, "ANTIN_SIGNER_PROCESSES"),
    ],
)
def test_a_setting_that_cannot_be_right_is_refused_by_name(
    changes: dict[str, str], named: str
) -> None:
    with pytest.raises(SettingsInvalid, match=named):
        _load(**changes)


def test_a_group_that_there_is_not_is_named() -> None:
    with pytest.raises(SettingsInvalid, match="ANTIN_SIGNER_GROUP"):
        listening_group(_load(ANTIN_SIGNER_GROUP="nobody-has-this-group"))


def test_a_folder_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "signer").mkdir()
    (tmp_path / "signer").chmod(0o755)
    with pytest.raises(SettingsInvalid, match="ANTIN_SIGNER_FOLDER"):
        open_ledger(_load(ANTIN_VAR=str(tmp_path)))


def test_whoever_asks_over_tls_shows_a_certificate() -> None:
    settings = _load(ANTIN_SIGNER_ADDRESS="tls://host:1", **_TLS)
    with pytest.raises(OSError, match=r".*"):
        open_signer_client(settings)


_SEES = """
import sys
import idp.app, idp.cli.serve, idp.cli.work, idp.signer_client
signers = {"idp.signer", "idp.personal_keys", "keystore.signer.service", "keystore.signer.desk",
           "keystore.signer.spent"}
print(sorted(signers & set(sys.modules)))
"""


def test_web_workers_do_not_even_import_what_opens_personal_keys() -> None:
    seen = subprocess.run([sys.executable, "-c", _SEES], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"


_IS = """
import sys
import idp.signer
provider = {"flask", "authlib", "redis", "idp.services", "idp.oauth", "clients.registry"}
print(sorted(provider & set(sys.modules)))
"""


def test_the_process_that_opens_keys_imports_no_provider() -> None:
    seen = subprocess.run([sys.executable, "-c", _IS], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"


def _stated(key: TokenKey, challenge: bytes) -> StatementEvidence:
    return StatementEvidence(
        issue_statement(
            key=key,
            issuer="https://idp.example",
            signer=SIGNER,
            account_id="acc_1",
            totp_id="otp_1",
            challenge=challenge,
            now=utc_now(),
        )
    )


def test_no_keyring_of_the_service_gives_a_key_that_the_signer_believes(tmp_path: Path) -> None:
    """Architecture, decision 11: what a web process has, its root key and all its keyrings.

    It works on the database of the signer, with the code of the verifier.
    """
    with running_signer(tmp_path / "signer", f"sqlite:///{tmp_path / 'antin.db'}") as signer:
        client = signer.client()
        made = signer.enrol_for_statements(client)
        database = Database(signer.database_url)
        settings = Settings(var=tmp_path / "var", kek=KEK)
        settings.var.mkdir()
        services = build_services(settings, database=database, is_sandbox=True)
        now = utc_now()
        make_authority(services, now=now)
        for duty in make_duties(services):
            if duty.name in {"rotate_keys", "destroy_keys"}:
                duty.act(now)
        with pytest.raises(KeyUnavailable):
            services.keyrings.of(SECOND_FACTOR)
        # what `of` refuses a worker that was taken over can build by itself; it gains nothing
        own = Keyring(database, services.sealer, log=services.log, purpose=SECOND_FACTOR)
        assert not own.records(now), "nothing of the service makes such a key"
        own.ensure(now)
        keyrings = [own, *(services.keyrings.of(one) for one in KEY_PURPOSES.values())]
        wanted = activation_of(made, None, now=now)
        tried = set()
        for keyring in keyrings:
            for record in keyring.records(now):
                tried.add(keyring.purpose.name)
                key = keyring.key(record.kid, now=now)
                with pytest.raises((KeyPurposeRefused, errors.EvidenceRefused)):
                    client.activate(wanted, _stated(key, wanted.challenge()))
        assert tried == {SECOND_FACTOR.name, *KEY_PURPOSES}
        right = signer.verifier.states(wanted.challenge(), now=now)
        assert client.activate(wanted, right), "only the key was missing"
        client.close()
        services.close()
