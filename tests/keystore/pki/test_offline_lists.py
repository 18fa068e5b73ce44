"""Lists that come by hand alone are known by their ends."""

from __future__ import annotations

from datetime import datetime, timedelta

from keystore.clock import to_ms
from keystore.pki.model import RevocationReason
from keystore.pki.offline_lists import read_offline_lists


def test_the_newest_list_of_a_root_is_read_as_it_was_signed(real, now: datetime) -> None:
    (first,) = read_offline_lists(real.authorities.records(), now=now)
    assert (first.ca_id, first.shard, first.number, first.entries) == ("root-1", None, 1, 0)
    assert first.next_update - first.this_update == timedelta(days=366)
    issuing = real.authorities.get("issuing-1").parsed.serial_number
    reason = RevocationReason.KEY_COMPROMISE
    real.states.revoke(issuing, reason=reason, now=now)
    later = now + timedelta(days=300)
    real.ceremony.renew_crl("root-1", root_key=real.root_key, now=later)
    (second,) = read_offline_lists(real.authorities.records(), now=later)
    assert (second.number, second.entries) == (to_ms(later), 1)
    assert second.next_update > first.next_update


def test_an_expired_root_needs_no_list(real, now: datetime) -> None:
    after = real.authorities.get("root-1").not_after + timedelta(seconds=1)
    assert read_offline_lists(real.authorities.records(), now=after) == ()
