"""The evidence of a consent, for the person who gave it and nobody else."""

from __future__ import annotations

import hashlib

from idp.accounts.lifecycle import AccountLifecycle
from idp.oauth.consent_receipts import ConsentReceipts
from idp.storage.consents import consents_of
from idp.web.consent_evidence import read_evidence
from keystore.destruction import DestructionList
from tests.support.provider import Provider
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, BINH


def receipts(provider: Provider) -> ConsentReceipts:
    services = provider.services
    return ConsentReceipts(services.database, people=services.people, sealer=services.sealer)


def test_the_text_is_the_one_whose_hash_is_on_record(provider_on_both: Provider) -> None:
    """NĐ 356/2025 Art. 6: consent can be proven, word for word."""
    provider = provider_on_both
    Browser(provider).tokens()
    with provider.services.database.read() as connection:
        (given,) = consents_of(connection, ANH.account_id)
    found = receipts(provider).find(given.consent_id, account_id=ANH.account_id)
    assert found is not None
    assert found.consent == given
    lines = "\n".join(read_evidence(found.text).lines)
    assert hashlib.sha256(lines.encode()).hexdigest() == given.text_sha256


def test_nobody_else_reads_it(provider: Provider) -> None:
    Browser(provider).tokens()
    with provider.services.database.read() as connection:
        (given,) = consents_of(connection, ANH.account_id)
    find = receipts(provider).find
    assert find(given.consent_id, account_id=BINH.account_id) is None
    assert find("con_" + "0" * 32, account_id=ANH.account_id) is None


def test_with_the_person_the_text_is_gone(provider: Provider) -> None:
    """Architecture §3: deleting a person destroys the data key."""
    Browser(provider).tokens()
    services = provider.services
    with services.database.read() as connection:
        (given,) = consents_of(connection, ANH.account_id)
    lifecycle = AccountLifecycle(
        services.database,
        sealer=services.sealer,
        log=services.log,
        destructions=DestructionList(
            services.settings.effective_destruction_list, sealer=services.sealer
        ),
    )
    lifecycle.close(ANH.account_id, reason="test", now=provider.now)
    lifecycle.erase(ANH.account_id, reason="test", now=provider.now)
    assert receipts(provider).find(given.consent_id, account_id=ANH.account_id) is None
