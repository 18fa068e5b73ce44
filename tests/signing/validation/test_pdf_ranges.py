"""What a signature of a PDF says that it is over: each rule of the range, each way around it."""

from __future__ import annotations

import pytest

from signing.isolation.blob import Blob
from signing.messages.pdf_validation import SignatureRead
from signing.validation.pdf_ranges import SignedOctets, check_overlaps, check_ranges

_CMS = bytes.fromhex("30030201ff")
_HOLE = b"<" + _CMS.hex().encode() + b"0000>"
_BEFORE = b"%PDF-1.7 /Contents "
_AFTER = b" /Rest %%EOF\n"
_FILE = _BEFORE + _HOLE + _AFTER
_START, _END = len(_BEFORE), len(_BEFORE) + len(_HOLE)
_RANGE = (0, _START, _END, len(_AFTER))


def _read(
    byte_range: tuple[int, ...] = _RANGE, contents: tuple[int, int] = (_START, _END)
) -> SignatureRead:
    return SignatureRead(byte_range=byte_range, contents=contents, starts_at=0)


def _codes(file: bytes, read: SignatureRead) -> list[tuple[str, str]]:
    found = check_ranges(memoryview(file), read)
    return [(one.code, one.fact("why")) for one in found.malformed]


def test_a_sound_range_is_everything_but_the_value() -> None:
    """ISO 32000-2 §12.8.1: from the first octet to the last, but for the hole."""
    ranges = check_ranges(memoryview(_FILE), _read())
    assert (ranges.malformed, ranges.doubts) == ((), ())
    assert ranges.octets == _CMS
    assert ranges.end == len(_FILE)
    with Blob.of(_FILE) as document:
        octets = SignedOctets(document, ranges)
        assert b"".join(octets.chunks() or ()) == _BEFORE + _AFTER
        assert octets.digest("sha256") is not None
        assert octets.digest("no such hash") is None


@pytest.mark.parametrize(
    ("byte_range", "code"),
    [
        ((), ("universal_signature_forgery", "byte_range_missing")),
        ((0, 1, 2), ("universal_signature_forgery", "byte_range_not_four_numbers")),
        ((*_RANGE, 7, 7), ("universal_signature_forgery", "byte_range_not_four_numbers")),
        ((0, -1, _END, 5), ("byte_range_overlap", "parts_overlap")),
        ((0, _END, _START, 5), ("byte_range_overlap", "parts_overlap")),
        ((0, _START, _END, 10_000), ("byte_range_invalid", "beyond_the_end")),
        (
            (1, _START, _END, len(_AFTER)),
            ("byte_range_invalid", "does_not_begin_at_the_first_octet"),
        ),
        ((0, _START, _END + 3, len(_AFTER) - 3), ("signature_wrapping", "hole_is_not_the_value")),
        ((0, _START - 2, _END, len(_AFTER)), ("signature_wrapping", "hole_is_not_the_value")),
        ((0, _START + 1, _END, len(_AFTER)), ("signature_wrapping", "hole_is_not_the_value")),
    ],
)
def test_a_range_that_breaks_a_rule_is_called_by_its_name(
    byte_range: tuple[int, ...], code: tuple[str, str]
) -> None:
    """Mladenov et al. (2019): each of these made some reader say "valid"."""
    assert code in _codes(_FILE, _read(byte_range))


@pytest.mark.parametrize("value", [b"", b"00", b"0000000000", b"xyz"])
def test_a_value_that_is_none_is_a_forgery(value: bytes) -> None:
    """Nothing to verify is not the same as nothing wrong."""
    file = _BEFORE + b"<" + value + b">" + _AFTER
    end = len(file) - len(_AFTER)
    read = _read((0, _START, end, len(_AFTER)), (_START, end))
    assert _codes(file, read) == [("universal_signature_forgery", "value_empty")]


def test_a_value_that_is_nowhere_is_a_forgery() -> None:
    """The dictionary has none, or it does not stand in the file by itself."""
    assert ("universal_signature_forgery", "value_missing") in _codes(_FILE, _read(contents=(0, 0)))


def test_a_dictionary_behind_what_it_signed_was_put_there_later() -> None:
    """Its value is a copy, and everything else in it is somebody else's."""
    file = _FILE + _FILE
    later = (len(_FILE) + _START, len(_FILE) + _END)
    assert ("signature_dictionary_replaced", "") in _codes(file, _read(contents=later))


def test_what_is_odd_and_no_more_is_a_doubt() -> None:
    """Octets behind the signature within the hole, and a range that ends anywhere."""
    file = _BEFORE + b"<" + _CMS.hex().encode() + b"00ff>" + b" no end"
    end = len(file) - 7
    ranges = check_ranges(memoryview(file), _read((0, _START, end, 7), (_START, end)))
    assert [one.code for one in ranges.doubts] == [
        "byte_range_ends_within_a_revision",
        "octets_behind_the_signature",
    ]
    assert ranges.malformed == ()


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        ("30800201ff0000", "30800201ff0000"),
        ("3080308002010100000000", "3080308002010100000000"),
        ("3003020101", "3003020101"),
        ("30820003020101", "30820003020101"),
    ],
)
def test_what_says_no_length_is_cut_at_its_end(octets: str, expected: str) -> None:
    """X.690 §8.1.3.6: zeroes end it, and zeroes fill up the hole behind it."""
    file = _BEFORE + b"<" + octets.encode() + b"00" * 20 + b">" + _AFTER
    end = len(file) - len(_AFTER)
    ranges = check_ranges(memoryview(file), _read((0, _START, end, len(_AFTER)), (_START, end)))
    assert ranges.octets.hex() == expected
    assert ranges.doubts == ()


@pytest.mark.parametrize("octets", ["3080", "30" + "80" * 40, "3084ffffffff", "3080" * 200])
def test_what_has_no_end_is_taken_as_it_is(octets: str) -> None:
    """No loop and no fault; whoever reads the CMS says what is wrong with it."""
    file = _BEFORE + b"<" + octets.encode() + b">" + _AFTER
    end = len(file) - len(_AFTER)
    ranges = check_ranges(memoryview(file), _read((0, _START, end, len(_AFTER)), (_START, end)))
    assert ranges.octets.hex() == octets


def test_no_two_signatures_share_a_hole_and_none_ends_in_one() -> None:
    """Each hole is within what a later signature is over, or behind it."""
    one = check_ranges(memoryview(_FILE), _read())
    assert set(check_overlaps([one, one])) == {0, 1}
    cut = check_ranges(memoryview(_FILE), _read((0, 2, 5, _START - 1), (2, 5)))
    assert check_overlaps([one, cut])[1].fact("why") == "ends_inside_of_a_signature"
    assert check_overlaps([one]) == {}
