"""Wrapping imported password hashes in the background."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import func, select, update

from idp.accounts.credentials import PasswordForm
from idp.accounts.wrapping import wrap_some
from idp.storage.credentials import password
from keystore.errors import SealBroken


def test_a_damaged_hash_is_told_and_does_not_keep_the_others_waiting(house) -> None:
    for n in range(1, 6):
        me = house.add_citizen(f"00309100{n:04d}").account_id
        stored = house.passwords.import_hash("pbkdf2_sha256$1000$saltsalt$" + "A" * 43 + "=")
        house.lifecycle.set_password(me, stored, now=house.now)
    first = select(func.min(password.c.account_key)).scalar_subquery()
    with house.database.transaction() as tx:
        tx.connection.execute(
            update(password).where(password.c.account_key == first).values(sealed=b"\x02damaged")
        )
    for _ in range(3):
        with pytest.raises(SealBroken):
            wrap_some(
                house.database,
                sealer=house.sealer,
                passwords=house.passwords,
                limit=3,
                now=house.now,
            )
    with house.database.read() as connection:
        forms = Counter(row.form for row in connection.execute(password.select()))
    assert forms == {PasswordForm.WRAPPED: 4, PasswordForm.FOREIGN: 1}
