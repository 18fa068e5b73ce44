"""The signer's settings, and that nothing of the web can be the signer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from idp.errors import SettingsInvalid
from idp.settings import Settings
from idp.settings_loading import load_settings
from idp.signer import listening_address, listening_group, make_deployment, open_ledger
from idp.signer_client import open_signer_client

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
           "keystore.signer.spent", "webauthn"}
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
