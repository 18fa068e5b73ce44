"""The settings say where private keys are; without a module nothing of one is loaded."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from idp.errors import SettingsInvalid
from idp.keyrings import open_keyrings
from idp.personal_keys import open_personal_keys, open_personal_ring, open_personal_roots
from idp.settings import Settings
from idp.settings_loading import load_settings
from idp.storage.database import Database
from keystore.errors import KekInvalid
from keystore.kek import create_kek_file, load_kek_ring
from keystore.log.record import LogWriter
from keystore.purposes import CA_ISSUING, TOKENS
from keystore.sealing import Sealer
from keystore.verifying import verify_signature
from tests.support.personal_keys import check_moves_to_another_root_key, check_signs_each_digest
from tests.support.softhsm import SoftHsm, SoftToken


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftToken]:
    """A token of SoftHSM2 that this process sees."""
    from keystore.backends.token_library import get_library  # noqa: PLC0415 - here, not elsewhere

    with pytest.MonkeyPatch.context() as patch:
        hsm = SoftHsm(tmp_path_factory.mktemp("softhsm"))
        for name, value in hsm.environment.items():
            patch.setenv(name, value)
        made = hsm.make_token("settings")
        library = get_library(made.module)
        with library.running():
            seen = library.generation
        library.restart(seen=seen)
        yield made


@pytest.fixture
def pin_file(token: SoftToken, tmp_path: Path) -> Path:
    """Its PIN, as an operator keeps it."""
    file = tmp_path / "pin"
    file.write_text(f"{token.pin}\n")
    file.chmod(0o600)
    return file


def _sealer(database: Database, tmp_path: Path, now: datetime) -> Sealer:
    create_kek_file(tmp_path / "kek")
    return Sealer.open(database, kek=load_kek_ring(file=tmp_path / "kek"), now=now)


def test_keys_are_made_in_the_token_that_the_settings_name(
    database: Database, token: SoftToken, pin_file: Path, tmp_path: Path, now: datetime
) -> None:
    sealer = _sealer(database, tmp_path, now)
    log = LogWriter(sealer, writer_id="test")
    before = open_keyrings(Settings(), database=database, sealer=sealer, log=log)
    before.of(TOKENS).ensure(now)
    made = before.of(CA_ISSUING).add("ES256", now=now)
    settings = Settings(
        keys_pkcs11_module=token.module,
        keys_pkcs11_token=token.label,
        keys_pkcs11_pin_file=pin_file,
        jwks_cache_s=600,
    )
    after = open_keyrings(settings, database=database, sealer=sealer, log=log)
    in_token = after.of(CA_ISSUING).add("ES256", now=now)
    assert after.backends[0].holds(in_token.private_sealed or b"")
    for kid in (made.kid, in_token.kid):
        key = after.of(CA_ISSUING).key(kid, now=now)
        signature = key.sign_x509(b"crl", content="x509:crl")
        verify_signature(key.public_spki, algorithm="ES256", message=b"crl", signature=signature)
    tokens = after.of(TOKENS)
    tokens.ensure(now)
    (first, *_) = tokens.rotate(now)
    assert first.active_from == now + timedelta(seconds=600 + 300 + 30)


def test_personal_keys_are_under_the_root_key_of_the_token_that_the_settings_name(
    token: SoftToken, pin_file: Path, tmp_path: Path
) -> None:
    file = tmp_path / "signer-kek"
    create_kek_file(file)
    in_file = Settings(signer_kek_file=file)
    before = open_personal_keys(in_file, ring=open_personal_ring(in_file))
    both = Settings(
        signer_kek_file=file,
        signer_pkcs11_module=token.module,
        signer_pkcs11_token=token.label,
        signer_pkcs11_pin_file=pin_file,
    )
    kek_id = open_personal_roots(both).make().kek_id
    ring = open_personal_ring(both)
    ring.use(kek_id)
    after = open_personal_keys(both, ring=ring)
    check_moves_to_another_root_key(before, after, algorithm="ES256")
    alone = Settings(
        var=tmp_path,
        signer_pkcs11_module=token.module,
        signer_pkcs11_token=token.label,
        signer_pkcs11_pin=token.pin,
    )
    ring = open_personal_ring(alone)
    assert ring.ids == (kek_id,)
    check_signs_each_digest(
        open_personal_keys(alone, ring=ring), algorithm="ES256", hash_name="sha256"
    )
    assert open_personal_roots(in_file) is None


def test_a_pin_that_others_can_read_is_refused(
    database: Database, token: SoftToken, pin_file: Path, tmp_path: Path, now: datetime
) -> None:
    pin_file.chmod(0o640)
    sealer = _sealer(database, tmp_path, now)
    settings = Settings(
        keys_pkcs11_module=token.module,
        keys_pkcs11_token=token.label,
        keys_pkcs11_pin_file=pin_file,
    )
    with pytest.raises(KekInvalid, match="readable_by_others"):
        open_keyrings(
            settings, database=database, sealer=sealer, log=LogWriter(sealer, writer_id="test")
        )


@pytest.mark.parametrize("whose", ["KEYS", "SIGNER", "KEK"])
def test_half_a_token_is_refused_by_the_name_of_what_is_missing(whose: str) -> None:
    module = {f"ANTIN_{whose}_PKCS11_MODULE": "/m.so"}
    token = module | {f"ANTIN_{whose}_PKCS11_TOKEN": "t"}
    pin = token | {f"ANTIN_{whose}_PKCS11_PIN": "1"}
    for given, name in (
        (module, "TOKEN"),
        (token, "PIN_FILE"),
        (pin | {f"ANTIN_{whose}_PKCS11_PIN_FILE": "/pin"}, "PIN_FILE"),
    ):
        with pytest.raises(SettingsInvalid, match=f"ANTIN_{whose}_PKCS11_{name}"):
            load_settings(given)
    loaded: Any = load_settings(pin)
    assert getattr(loaded, f"{whose.lower()}_pkcs11_module") == Path("/m.so")
    assert "'1'" not in repr(loaded)


def test_without_a_module_its_binding_is_never_loaded() -> None:
    program = (
        "import sys, idp.app, idp.keyrings, idp.personal_keys, idp.signer, idp.cli.keys\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'pkcs11'])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "[]\n"
