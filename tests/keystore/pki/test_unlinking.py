"""Certificates of somebody who was erased stay what they are, and say no more whose they were."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from keystore.pki.errors import CsrRefused
from keystore.pki.model import CertificateState, RevocationReason
from keystore.pki.storage.certificates import read_revoked
from keystore.pki.storage.subjects import certified_subject
from keystore.pki.unlinking import unlink_account
from keystore.purposes import MacPurpose


def _erase(real, now: datetime, *, reason=RevocationReason.CESSATION_OF_OPERATION) -> int:
    with real.database.transaction() as tx:
        real.states.revoke_all(
            tx, "acc_one", reason=reason, now=now, data_key=real.data_key("acc_one")
        )
        return unlink_account(tx, "acc_one", sealer=real.sealer)


def test_lists_still_have_them_and_nothing_leads_to_the_account(real, now: datetime) -> None:
    request = real.request()
    first = real.certificates.issue(request, now=now).record
    second = real.certificates.issue(
        real.request(public_spki=request.public_spki, replaces=first.serial), now=now
    ).record
    other = real.certificates.issue(real.request("acc_two"), now=now).record
    assert _erase(real, now) == 2
    assert real.certificates.of_account("acc_one") == ()
    with real.database.read() as connection:
        listed = {one.serial: one for one in read_revoked(connection, ca_id="issuing-1", now=now)}
        numbers = connection.execute(select(certified_subject.c.account_id)).scalars().all()
    assert set(listed) == {first.serial, second.serial}
    assert numbers == ["acc_two"]
    for one in (first, second):
        kept = real.certificates.get(one.serial)
        assert kept.state is CertificateState.REVOKED
        assert kept.changed_at == now
        assert (kept.account_id, kept.kid, kept.replaces, kept.der, kept.der_sealed) == (None,) * 5
        assert kept.spki_sha256 != one.spki_sha256
        assert kept.issued_at < now <= one.not_after < kept.not_after
        assert kept.not_after - one.not_after <= timedelta(days=1)
    assert real.certificates.get(other.serial) == other


def test_a_key_of_an_erased_account_is_certified_for_nobody_else(real, now: datetime) -> None:
    """Also when lookup keys followed one another since."""
    request = real.request()
    real.certificates.issue(request, now=now)
    _erase(real, now, reason=RevocationReason.KEY_COMPROMISE)
    real.sealer.replace_key(MacPurpose.LOOKUP, log=real.log, now=now)
    with pytest.raises(CsrRefused, match="key_already_certified"):
        real.certificates.issue(real.request("acc_two", public_spki=request.public_spki), now=now)
