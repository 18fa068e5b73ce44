"""`antin signer` as an operator types it: what it makes once, what it does on somebody's word."""

from __future__ import annotations

import json
from pathlib import Path

from idp.storage.database import Database
from keystore.signer.errors import ClockSetBack
from keystore.signer.spent import SpentLedger
from tests.support.signer import events
from tests.support.signer_process import SignerProcess, utc_now


def test_a_signer_makes_the_key_of_its_rows_once_and_whoever_trusts_its_clock_is_on_record(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'signer.db'}"
    signer = SignerProcess(tmp_path / "var", url)
    signer.start()
    assert "key of this signer's rows in the log made" in signer.log
    assert signer.stop() == 0
    _set_forwards(signer.folder / "signer" / "ledger.db")

    refused = signer.run("--trust-clock", "--operator", "no name")
    assert refused.returncode == 2
    signer.start("--trust-clock", "--operator", "anh")
    assert signer.stop() == 0
    assert signer.log.count("key of this signer's rows in the log made") == 1
    ledger = SpentLedger(signer.folder / "signer" / "ledger.db")
    assert ledger.spend(b"mark", expires_at=utc_now(), now=utc_now())
    ledger.close()
    database = Database(url, pool_size=1)
    (event,) = events(database, "sign:clock:trusted")
    assert json.loads(event["facts"])["operator"] == "anh"
    database.close()

    (signer.folder / "signer" / "log-key").unlink()
    lost = signer.run()
    assert lost.returncode == 1
    assert "log-key is gone, the key of this signer's rows in the log" in lost.stderr
    assert "Traceback" not in lost.stderr
    assert not (signer.folder / "signer" / "log-key").exists()


def _set_forwards(file: Path) -> None:
    """The clock showed a time of the next year once."""
    ledger = SpentLedger(file)
    later = utc_now().replace(year=utc_now().year + 1)
    assert ledger.spend(b"then", expires_at=later, now=later)
    try:
        ledger.spend(b"now", expires_at=utc_now(), now=utc_now())
    except ClockSetBack:
        ledger.close()
        return
    raise AssertionError
