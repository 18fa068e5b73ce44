"""What portals may ask for, and nothing else."""

from __future__ import annotations

import msgspec
import pytest

from signing.appearance.rules import CopyForm
from signing.appearance.wanted import (
    AttachmentWanted,
    CopyWanted,
    GeneralWanted,
    PersonWanted,
    SealWanted,
    Wanted,
    read_wanted,
)
from signing.errors import RequestRefused
from signing.messages.appearance import Paragraph, Typeface
from signing.messages.text_positions import FindText


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (
            '{"kind": "person", "title": "CHỦ TỊCH", "name": "Người Mây"}',
            PersonWanted(title="CHỦ TỊCH", name="Người Mây"),
        ),
        (
            '{"kind": "person", "page": 2, "box": [1, 2, 3, 4]}',
            PersonWanted(page=2, box=(1, 2, 3, 4)),
        ),
        ('{"kind": "person", "field": "Ký tên"}', PersonWanted(field="Ký tên")),
        ('{"kind": "seal"}', SealWanted()),
        ('{"kind": "seal", "over": "Signature1"}', SealWanted(over="Signature1")),
        ('{"kind": "attachment", "number": "1/QĐ"}', AttachmentWanted("1/QĐ")),
        (
            '{"kind": "copy", "form": "sao_luc", "agency": "Sở Mẫu"}',
            CopyWanted(CopyForm.RE_ISSUE, "Sở Mẫu"),
        ),
        ('{"kind": "general"}', GeneralWanted()),
    ],
)
def test_each_kind_is_read(raw: str, wanted: Wanted) -> None:
    assert read_wanted(raw.encode(), signers=2) == (wanted, wanted)
    listed = f"[{raw}, null]".encode()
    assert read_wanted(listed, signers=2) == (wanted, None)
    assert read_wanted(msgspec.json.encode(wanted), signers=1) == (wanted,)


def test_what_is_shown_of_it_names_nobody() -> None:
    assert "Mây" not in repr(PersonWanted(title="CHỦ TỊCH", name="Người Mây"))
    assert "Mây" not in repr(FindText(0, ("Người Mây",)))
    assert "Mây" not in repr(Paragraph("Người Mây", Typeface.SANS, 10))


def test_nothing_wanted_is_nothing_seen() -> None:
    assert read_wanted(b"", signers=2) == (None, None)


@pytest.mark.parametrize(
    "raw",
    [
        "nothing",
        "null",
        "{}",
        "[]",
        '[{"kind": "general"}]',
        '{"kind": "portrait"}',
        '{"kind": "general", "colour": "gold"}',
        '{"kind": "general", "page": 0}',
        '{"kind": "general", "box": [1, 2, 3, 4], "field": "x"}',
        '{"kind": "general", "box": [1, 2, 3]}',
        '{"kind": "person"}',
        '{"kind": "person", "title": "CHỦ TỊCH"}',
        '{"kind": "person", "name": "Người Mây", "box": [1, 2, 3, 4]}',
        '{"kind": "person", "title": "A", "name": "B", "field": "x"}',
        '{"kind": "person", "title": "", "name": "B"}',
        '{"kind": "copy", "form": "Photocopy", "agency": "Sở Mẫu"}',
        '{"kind": "attachment", "number": "' + "1" * 301 + '"}',
        "[" * 5_000,
    ],
)
def test_anything_else_is_refused(raw: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        read_wanted(raw.encode(), signers=2)
    assert caught.value.reason == "appearance"
    assert caught.value.part.startswith("appearance")
