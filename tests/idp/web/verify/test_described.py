"""What `/verify` answers is what its description says, to the last member.

Source: OpenAPI 3.1.1; JSON Schema 2020-12 (the few words of it that the description uses).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from idp.web.openapi_verify import verify_schemas
from signing.formats.material import Level
from signing.validation.report.json import report_members
from tests.support.handmade_pdf import plain_document

_SCHEMAS = verify_schemas()
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def _faults(value: Any, schema: Any, place: str = "$") -> Iterator[str]:
    """Where a value is not what the schema says, or says more."""
    if "$ref" in schema:
        schema = _SCHEMAS[schema["$ref"].rpartition("/")[2]]
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place}: {value!r}"
    if "const" in schema and value != schema["const"]:
        yield f"{place}: {value!r}"
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(isinstance(value, _TYPES[kind]) for kind in kinds):
        yield f"{place}: {type(value).__name__}"
    if isinstance(value, dict) and "properties" in schema:
        yield from (
            f"{place}.{name} is missing" for name in schema["required"] if name not in value
        )
        for name, one in value.items():
            if name in schema["properties"]:
                yield from _faults(one, schema["properties"][name], f"{place}.{name}")
            else:
                yield f"{place}.{name} is not described"
    if isinstance(value, list) and "items" in schema:
        for at, one in enumerate(value):
            yield from _faults(one, schema["items"], f"{place}[{at}]")


@pytest.mark.parametrize("kind", ["pdf", "cms", "alone", "unsigned", "empty"])
def test_every_member_of_a_report_is_described(validation_house, kind):
    content = {
        "pdf": lambda: validation_house.pdf(Level.LTA),
        "cms": lambda: validation_house.cms(Level.LT, is_enveloping=True),
        "alone": lambda: validation_house.cms(Level.B),
        "unsigned": plain_document().classic,
        "empty": bytes,
    }[kind]()
    report = report_members(validation_house.validate(content))
    assert not list(_faults(report, _SCHEMAS["VerificationReport"]))


def test_the_check_before_sees_what_it_looks_for():
    for name, wrong in (("answer", "perhaps"), ("more", 1), ("document", [])):
        found = list(_faults({name: wrong}, _SCHEMAS["VerificationReport"]))
        assert any(name in fault for fault in found)
