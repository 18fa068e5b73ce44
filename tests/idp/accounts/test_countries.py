"""Text messages go to the countries that the operator chose, and nobody is left without a word."""

from __future__ import annotations

import pytest

from idp.accounts.channels import Channel, Destination
from idp.accounts.countries import Countries, CountryNotServed
from idp.errors import SettingsInvalid
from idp.settings_loading import load_settings
from tests.support.factor_house import FactorHouse
from tests.support.sent_messages import messages_of

_ABROAD = "+88213000017"


@pytest.mark.parametrize(
    ("beginnings", "address", "is_served"),
    [
        (("84",), "+84900000017", True),
        (("84",), "+85620000017", False),
        (("84",), "+18400000017", False),
        (("84", "856"), "+85620000017", True),
        (("1650",), "+16500000017", True),
        (("1650",), "+18760000017", False),
    ],
)
def test_a_number_is_of_a_country_by_how_it_begins(
    beginnings: tuple[str, ...], address: str, *, is_served: bool
) -> None:
    """ITU-T E.164 §6."""
    assert Countries(beginnings).serve(Destination(Channel.SMS, address)) is is_served


def test_mail_knows_no_country() -> None:
    assert Countries(("84",)).serve(Destination(Channel.EMAIL, "1@mail.example"))


@pytest.mark.parametrize("wrong", ["", "+84", "084", "vn", "84 1"])
def test_what_names_no_country_is_refused_at_the_start(wrong: str) -> None:
    environ = {"ANTIN_ISSUER": "https://login.example", "ANTIN_SMS_COUNTRIES": wrong}
    with pytest.raises(SettingsInvalid, match="ANTIN_SMS_COUNTRIES"):
        load_settings(environ)


def test_countries_are_listed() -> None:
    environ = {"ANTIN_ISSUER": "https://login.example", "ANTIN_SMS_COUNTRIES": "84, 856"}
    assert load_settings(environ).sms_countries == ("84", "856")


def test_no_code_is_sent_to_a_number_of_another_country(factor_house: FactorHouse) -> None:
    """NIST SP 800-63B-4 §3.1.3.3; nothing is counted against the person either."""
    for _ in range(30):
        with pytest.raises(CountryNotServed):
            factor_house.begin(_ABROAD)
    assert messages_of(factor_house.database, factor_house.sealer) == []
    assert factor_house.begin("+84900000099")
