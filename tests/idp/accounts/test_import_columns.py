"""One row of an import: what each column may hold, and the code that refuses it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from idp.accounts.birthdates import Birthdate
from idp.accounts.credentials import PasswordForm
from idp.accounts.import_columns import COLUMNS, RowRefused, parse_row
from idp.accounts.model import AccountKind, AccountLevel, Gender, IdentifierKind
from idp.accounts.passwords import Passwords
from tests.idp.accounts.conftest import CountingHashing, parsed

PASSWORDS = Passwords(CountingHashing())
CITIZEN = {"kind": "citizen", "personal_id_number": "003091000017", "name": "Người Mẫu"}
FOREIGNER = {"kind": "foreigner", "foreigner_id": "NN1234567", "name": "A. Sample"}
FIRM = {"kind": "organisation", "enterprise_code": "9900000016", "name": "Công ty Mẫu"}
MANDATE = {
    "kind": "mandate",
    "personal_id_number": "003091000017",
    "enterprise_code": "9900000016",
}


def parse(now, row, **cells):
    whole = {name: text for name, text in {**row, **cells}.items() if text}
    return parse_row(whole, passwords=PASSWORDS, now=now)


def test_a_whole_citizen(now) -> None:
    row = parse(
        now,
        CITIZEN,
        legacy_id_9="012345678",
        passport_number="C1234567",
        birthdate="02/09/1991",
        gender="Nam",
        email="An@THU.example",
        email_verified="true",
        phone="090 000 0000",
        address="1 phố Mẫu",
        account_level="2",
        password_hash="$2b$04$" + "a" * 53,
    )
    account = row.account
    assert account is not None
    assert (account.kind, account.level) == (AccountKind.CITIZEN, AccountLevel.TWO)
    assert [one.kind for one in account.identifiers] == [
        IdentifierKind.PERSONAL_ID_NUMBER,
        IdentifierKind.LEGACY_ID_9,
        IdentifierKind.PASSPORT_NUMBER,
    ]
    profile = account.profile
    assert (profile.birthdate, profile.gender) == (Birthdate(1991, 9, 2), Gender.MALE)
    assert (profile.email, profile.is_email_verified) == ("An@thu.example", True)
    assert (profile.phone, profile.is_phone_verified) == ("+84900000000", False)
    assert profile.nationality == "VNM"
    assert profile.address is not None
    assert row.password is not None
    assert row.password.form is PasswordForm.FOREIGN
    assert row.has_warnings  # the province was never assigned


def test_a_foreigner_and_an_organisation(now) -> None:
    foreigner = parse(
        now, FOREIGNER, nationality="fra", passport_number="12AB34567", passport_country="FRA"
    ).account
    assert foreigner is not None
    assert foreigner.level is AccountLevel.ONE
    assert foreigner.profile.nationality == "FRA"
    assert foreigner.identifiers[1].value == "FRA/12AB34567"
    row = parse(now, FIRM, legal_representatives="003091000017|005091000018")
    assert row.account is not None
    assert row.account.level is None
    assert [wish.holder.value for wish in row.mandates] == ["003091000017", "005091000018"]


def test_a_mandate_lasts_to_the_end_of_its_last_day_in_viet_nam(now) -> None:
    (wish,) = parse(now, MANDATE, valid_from="2026-01-01", valid_to="2026-12-31").mandates
    assert wish.valid_from == datetime(2025, 12, 31, 17, tzinfo=UTC)
    assert wish.valid_to == datetime(2026, 12, 31, 17, tzinfo=UTC)
    (open_ended,) = parse(now, MANDATE).mandates
    assert (open_ended.valid_from, open_ended.valid_to) == (now, None)
    (foreign,) = parse(now, MANDATE, personal_id_number="", foreigner_id="NN1234567").mandates
    assert foreign.holder == parsed("NN1234567", kind=IdentifierKind.FOREIGNER_ID)


@pytest.mark.parametrize(
    ("row", "cells", "code"),
    [
        (CITIZEN, {"kind": "person"}, "kind_unknown"),
        (CITIZEN, {"kind": ""}, "kind_unknown"),
        (CITIZEN, {"personal_id_number": ""}, "personal_id_number_missing"),
        (CITIZEN, {"personal_id_number": "123"}, "personal_id_number_malformed"),
        (CITIZEN, {"legacy_id_9": "123"}, "legacy_id_9_malformed"),
        (CITIZEN, {"passport_number": "x"}, "passport_number_malformed"),
        (CITIZEN, {"passport_number": "C1234567", "passport_country": "V"},
         "passport_country_malformed"),
        (CITIZEN, {"name": ""}, "name_missing"),
        (CITIZEN, {"name": "\u200b"}, "name_missing"),
        (CITIZEN, {"name": "x" * 201}, "name_too_long"),
        (CITIZEN, {"address": "x" * 301}, "address_too_long"),
        (CITIZEN, {"birthdate": "1991-02-30"}, "birthdate_malformed"),
        (CITIZEN, {"gender": "x"}, "gender_unknown"),
        (CITIZEN, {"nationality": "VN"}, "nationality_malformed"),
        (CITIZEN, {"email": "an@thu"}, "email_malformed"),
        (CITIZEN, {"email": "a" * 250 + "@thu.example"}, "email_malformed"),
        (CITIZEN, {"email_verified": "có"}, "email_verified_malformed"),
        (CITIZEN, {"phone": "12"}, "phone_malformed"),
        (CITIZEN, {"phone_verified": "x"}, "phone_verified_malformed"),
        (CITIZEN, {"account_level": "3"}, "account_level_unknown"),
        (CITIZEN, {"password_hash": "md5$x"}, "password_hash_unsupported"),
        (CITIZEN, {"password_hash": "$2b$15$" + "a" * 53}, "password_hash_too_costly"),
        (CITIZEN, {"password_hash": "$2b$xx"}, "password_hash_malformed"),
        (CITIZEN, {"legal_representatives": "003091000017"},
         "legal_representatives_not_for_people"),
        (FOREIGNER, {"foreigner_id": ""}, "foreigner_id_missing"),
        (FIRM, {"enterprise_code": "9900000017"}, "enterprise_code_malformed"),
        (FIRM, {"account_level": "1"}, "account_level_not_for_organisations"),
        (FIRM, {"password_hash": "$2b$04$" + "a" * 53}, "password_hash_not_for_organisations"),
        (FIRM, {"legal_representatives": "123"}, "legal_representatives_malformed"),
        (FIRM, {"legal_representatives": "|".join(["003091000017"] * 101)},
         "legal_representatives_malformed"),
        (MANDATE, {"personal_id_number": ""}, "personal_id_number_missing"),
        (MANDATE, {"enterprise_code": ""}, "enterprise_code_missing"),
        (MANDATE, {"valid_from": "x"}, "valid_from_malformed"),
        (MANDATE, {"valid_to": "9999-12-31"}, "valid_to_malformed"),
        (MANDATE, {"valid_from": "0001-01-01"}, "valid_from_malformed"),
        (MANDATE, {"valid_to": "2020-01-01"}, "valid_to_before_valid_from"),
    ],
)  # fmt: skip
def test_what_is_wrong_has_a_code(now, row, cells, code) -> None:
    with pytest.raises(RowRefused) as refused:
        parse(now, row, **cells)
    assert refused.value.code == code


def test_no_code_repeats_what_the_row_says(now) -> None:
    with pytest.raises(RowRefused) as refused:
        parse(now, CITIZEN, email="lạ@@thu.example")
    assert "lạ" not in str(refused.value)


def test_an_organisation_keeps_no_personal_columns(now) -> None:
    account = parse(now, FIRM, birthdate="1991", gender="male").account
    assert account is not None
    assert (account.profile.birthdate, account.profile.gender) == (None, None)


def test_a_mandate_that_begins_today_may_end_today(now) -> None:
    today = (now + timedelta(hours=7)).date().isoformat()
    (wish,) = parse(now, MANDATE, valid_from=today, valid_to=today).mandates
    assert wish.valid_to is not None
    assert wish.valid_to - wish.valid_from == timedelta(days=1)


def test_every_column_is_described() -> None:
    assert all(COLUMNS.values())
