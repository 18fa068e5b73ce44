"""Keys of persons move from software into a token, and never out of it."""

from __future__ import annotations

import secrets

import pytest

from keystore.backends.errors import PersonalKekUnknown
from keystore.backends.personal_mixed import MixedPersonalKeys
from keystore.backends.personal_pkcs11 import TokenPersonalKeys
from keystore.backends.personal_roots import TokenPersonalRoots
from keystore.backends.personal_software import SoftwarePersonalKeys
from keystore.backends.token_sessions import TokenSessions
from keystore.errors import SealBroken
from keystore.kek import Kek, KekRing
from tests.support.personal_keys import (
    check_moves_to_another_root_key,
    check_names_an_unknown_root_key,
    check_opens_for_its_record_alone,
    check_refuses_what_it_does_not_sign,
    check_signs_each_digest,
    digests,
)


class _Both:
    """One software root key and one of a token, and the backends over them."""

    def __init__(self, sessions: TokenSessions) -> None:
        self.in_token = TokenPersonalRoots(sessions).make()
        self.in_file = Kek(secrets.token_bytes(32))
        self.ring = KekRing((self.in_file, self.in_token))
        self.before = SoftwarePersonalKeys(KekRing((self.in_file,)))
        self.mixed = MixedPersonalKeys(
            self.ring,
            software=SoftwarePersonalKeys(self.ring),
            token=TokenPersonalKeys(self.ring, sessions=sessions),
        )


@pytest.fixture
def both(sessions: TokenSessions) -> _Both:
    """Both kinds."""
    return _Both(sessions)


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "PS256-3072", "RS256"])
def test_rewrapping_takes_a_key_into_the_token(both: _Both, algorithm: str) -> None:
    both.ring.use(both.in_token.kek_id)
    check_moves_to_another_root_key(both.before, both.mixed, algorithm=algorithm)


@pytest.mark.parametrize("where", ["in_file", "in_token"])
def test_it_is_a_backend_like_any_other(both: _Both, where: str) -> None:
    both.ring.use(getattr(both, where).kek_id)
    check_signs_each_digest(both.mixed, algorithm="ES256", hash_name="sha256")
    check_opens_for_its_record_alone(both.mixed)
    check_refuses_what_it_does_not_sign(both.mixed)
    made = both.mixed.make("ES256", context="k1")
    assert made.kek_id == getattr(both, where).kek_id == both.mixed.kek_ids()[0]
    check_names_an_unknown_root_key(
        both.mixed, foreign=SoftwarePersonalKeys(KekRing((Kek(secrets.token_bytes(32)),)))
    )


def test_within_one_kind_a_key_is_rewrapped_there(both: _Both) -> None:
    made = both.mixed.make("ES256", context="k1")
    assert both.mixed.rewrap(made.wrapped, context="k1")[1] == both.in_file.kek_id


def test_what_is_in_a_token_does_not_come_out(both: _Both) -> None:
    both.ring.use(both.in_token.kek_id)
    made = both.mixed.make("ES256", context="k1")
    both.ring.use(both.in_file.kek_id)
    with pytest.raises(PersonalKekUnknown):
        both.mixed.rewrap(made.wrapped, context="k1")
    both.mixed.sign_digests(
        made.wrapped, algorithm="ES256", context="k1", digests=digests(1), hash_name="sha256"
    )


def test_a_key_of_another_record_is_not_taken_in(both: _Both) -> None:
    made = both.before.make("ES256", context="k1")
    both.ring.use(both.in_token.kek_id)
    with pytest.raises(SealBroken):
        both.mixed.rewrap(made.wrapped, context="k2")
