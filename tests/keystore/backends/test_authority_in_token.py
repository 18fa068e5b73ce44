"""An issuing authority whose key is in a token."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from idp.storage.database import Database
from keystore.backends.pkcs11 import TokenBackend
from keystore.backends.token_sessions import TokenSessions
from keystore.keyring import Keyring
from keystore.pki.errors import CaRefused
from keystore.purposes import CA_ISSUING
from tests.support.real_pki import make_deployment, make_real_pki


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    """One database is enough: what is shown here is the token."""
    opened = Database(sqlite_url, pool_size=4)
    yield opened
    opened.close()


@pytest.mark.parametrize("algorithm", ["ES256", "ES384"])
def test_an_issuing_authority_signs_from_a_token(
    database, sealer, log, sessions: TokenSessions, now: datetime, tmp_path: Path, algorithm: str
) -> None:
    backend = TokenBackend(sessions)
    keyring = Keyring(database, sealer, log=log, purpose=CA_ISSUING, backend=backend)
    real = make_real_pki(
        database,
        sealer=sealer,
        log=log,
        now=now,
        deployment=make_deployment(),
        keyring=keyring,
        algorithm=algorithm,
    )
    issued = real.certificates.issue_many([real.request(f"acc_{n}") for n in range(3)], now=now)
    for name, ca_id in (("root", "root-1"), ("issuing", "issuing-1")):
        pem = real.authorities.get(ca_id).parsed.public_bytes(Encoding.PEM)
        (tmp_path / f"{name}.pem").write_bytes(pem)
    leaf = x509.load_der_x509_certificate(issued[0].der)
    (tmp_path / "leaf.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
    subprocess.run(
        [
            *("openssl", "verify", "-x509_strict", "-attime", str(int(now.timestamp()) + 60)),
            *("-CAfile", tmp_path / "root.pem", "-untrusted", tmp_path / "issuing.pem"),
            tmp_path / "leaf.pem",
        ],
        check=True,
        capture_output=True,
    )
    kid = real.authorities.get("issuing-1").kid
    assert kid is not None
    keyring.destroy(kid, now=now)
    with pytest.raises(CaRefused):
        real.authorities.issuer(now=now, ca_id="issuing-1")
