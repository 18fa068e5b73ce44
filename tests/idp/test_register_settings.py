"""Settings of the registers are refused at the start, by name."""

from __future__ import annotations

import pytest

from idp.errors import SettingsInvalid
from idp.settings_loading import load_settings

_WHOLE = {
    "population_url": "https://dancu.example/service",
    "population_user": "antin",
    "population_secret_file": "/run/secret",
    "population_service_code": "1.001",
    "population_unit": "H01",
    "population_officer": "CB01",
    "business_url": "https://doanhnghiep.example/chiTietDoanhNghiep",
}


def _load(**given: str) -> object:
    return load_settings({f"ANTIN_{name.upper()}": value for name, value in given.items()})


def test_a_deployment_may_have_no_register_and_may_have_both() -> None:
    _load()
    _load(**_WHOLE)


@pytest.mark.parametrize(
    "missing",
    [name for name in _WHOLE if name.startswith("population_") and name != "population_url"],
)
def test_half_a_register_is_refused(missing: str) -> None:
    given = {name: value for name, value in _WHOLE.items() if name != missing}
    with pytest.raises(SettingsInvalid) as refused:
        _load(**given)
    assert refused.value.name == f"ANTIN_{missing.upper()}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("population_url", "ftp://dancu.example"),
        ("population_url", "http://dancu.example"),
        ("population_url", "https://user@dancu.example"),
        ("population_url", "https://dancu.example/?a=b"),
        ("business_url", "doanhnghiep.example"),
        ("business_url", "http://doanhnghiep.example/chiTiet"),
        ("population_user", "an:tin"),
        ("population_xroad_client", "VN / GOV"),
        ("population_authorization", "digest"),
        ("population_timeout_s", "0"),
        ("population_valid_s", "86401"),
        ("business_timeout_s", "31"),
        ("business_valid_s", "-1"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        _load(**{**_WHOLE, name: value})
    assert refused.value.name == f"ANTIN_{name.upper()}"
