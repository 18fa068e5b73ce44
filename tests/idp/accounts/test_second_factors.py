"""A code that confirms, and a verifier that goes away over it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from idp.accounts.credentials import Totp, TotpHolder
from idp.second_factors import VerifierFactors
from idp.storage.accounts import find_row
from idp.storage.credentials import replace_totps
from keystore.second_factor.client import VerifierClient
from keystore.signer.model import MadeKey
from signing.errors import ConfirmationRefused, SecondFactorUnavailable
from signing.model import Role
from signing.ports import Signer
from tests.support.answering_room import answering
from tests.support.signer import activation_of


def test_a_code_that_was_sent_and_never_answered_is_not_called_unspent(
    house: Any, tmp_path: Path
) -> None:
    """Nothing was spent while nobody was there to ask; once somebody was, it may have been."""
    account_id = house.add_citizen("003091000017").account_id
    with house.database.transaction() as tx:
        row = find_row(tx.connection, account_id)
        totp = Totp("otp_1", b"kept", house.now, TotpHolder.VERIFIER)
        replace_totps(tx, row, totp, sealer=house.sealer)
    path = tmp_path / "verifier.sock"
    wanted = activation_of(MadeKey("pkey_1", "ES256", b"spki"), None, now=house.now)
    signer = Signer(account_id=account_id, role=Role.PERSON)
    with closing(VerifierClient(f"unix:{path}", patience_s=0.2)) as client:
        factors = VerifierFactors(house.database, sealer=house.sealer, client=client)
        with pytest.raises(SecondFactorUnavailable):
            factors.confirm(wanted, code="123456", signer=signer, now=house.now)
        with (
            answering(path, [None]),
            pytest.raises(ConfirmationRefused, match="interrupted"),
        ):
            factors.confirm(wanted, code="123456", signer=signer, now=house.now)
