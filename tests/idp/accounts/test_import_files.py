"""Reading import files: every way of being wrong spoils one line."""

from __future__ import annotations

import pytest

from idp.accounts.import_files import (
    MAX_LINE_BYTES,
    ImportFileRefused,
    open_import_file,
    read_rows,
)


def write(tmp_path, content: str | bytes, *, name="people.csv"):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def rows_of(tmp_path, content: str | bytes, *, name="people.csv"):
    source = open_import_file(write(tmp_path, content, name=name))
    return list(read_rows(source, offset=source.first_offset, line=source.first_line))


def test_csv_rows_carry_their_cells_and_line_numbers(tmp_path) -> None:
    found = rows_of(tmp_path, 'kind,name\ncitizen, An \n\nforeigner,"B, C"\r\ncitizen,')
    assert [(row.line, dict(row.cells)) for row in found] == [
        (2, {"kind": "citizen", "name": "An"}),
        (4, {"kind": "foreigner", "name": "B, C"}),
        (5, {"kind": "citizen"}),
    ]


@pytest.mark.parametrize(
    "content", ["\ufeffkind;name\ncitizen;An, B\n", "name;kind\nAn, B;citizen"]
)
def test_a_spreadsheet_may_write_a_mark_and_semicolons(tmp_path, content) -> None:
    (row,) = rows_of(tmp_path, content)
    assert row.cells == {"kind": "citizen", "name": "An, B"}


def test_json_lines(tmp_path) -> None:
    found = rows_of(
        tmp_path,
        '{"kind": "citizen", "account_level": 2, "email_verified": true, "phone": null}\n'
        '{"kind": "citizen"}',
        name="people.jsonl",
    )
    assert [dict(row.cells) for row in found] == [
        {"kind": "citizen", "account_level": "2", "email_verified": "true"},
        {"kind": "citizen"},
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'citizen,"open', "row_malformed"),
        (b'citizen,"a"b', "row_malformed"),
        (b"citizen", "row_columns"),
        (b"citizen,a,b", "row_columns"),
        (b"citizen,\xff\xfe", "row_encoding"),
        (b"citizen," + b"x" * MAX_LINE_BYTES, "row_too_long"),
        (b"citizen," + b"x" * 5 * MAX_LINE_BYTES, "row_too_long"),
    ],
)
def test_a_bad_csv_line_spoils_itself_only(tmp_path, line, problem) -> None:
    found = rows_of(tmp_path, b"kind,name\ncitizen,A\n" + line + b"\ncitizen,B\n")
    assert [(row.line, row.problem) for row in found] == [(2, None), (3, problem), (4, None)]
    assert dict(found[2].cells) == {"kind": "citizen", "name": "B"}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{", "row_malformed"),
        (b"[]", "row_malformed"),
        (b'{"kind": {}}', "row_malformed"),
        (b'{"kind": "a"} {"kind": "b"}', "row_malformed"),
        (b'{"colour": "red"}', "column_unknown"),
        (b'{"kind": "\xff"}', "row_encoding"),
    ],
)
def test_a_bad_json_line_spoils_itself_only(tmp_path, line, problem) -> None:
    found = rows_of(tmp_path, line + b'\n{"kind": "citizen"}\n', name="people.jsonl")
    assert [(row.line, row.problem) for row in found] == [(1, problem), (2, None)]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("people.txt", "kind\n", "format_unknown"),
        ("people", "kind\n", "format_unknown"),
        ("people.csv", "", "header_missing"),
        ("people.csv", "name,email\n", "header_missing"),
        ("people.csv", b"kind,\xff\n", "header_missing"),
        ("people.csv", 'kind,"open\n', "header_missing"),
        ("people.csv", "kind,colour\n", "column_unknown"),
        ("people.csv", "kind,name,name\n", "column_repeated"),
    ],
)
def test_a_file_that_is_none_of_ours_is_refused_whole(tmp_path, name, content, reason) -> None:
    with pytest.raises(ImportFileRefused) as refused:
        open_import_file(write(tmp_path, content, name=name))
    assert refused.value.reason == reason


def test_a_file_without_header_does_not_show_its_first_row(tmp_path) -> None:
    with pytest.raises(ImportFileRefused) as refused:
        open_import_file(write(tmp_path, "kind,Trần Văn Lạ\n"))
    assert refused.value.column == "2"


def test_reading_goes_on_from_any_row(tmp_path) -> None:
    content = "kind,name\n" + "".join(f"citizen,ế{number}\n" for number in range(50))
    source = open_import_file(write(tmp_path, content))
    whole = list(read_rows(source, offset=source.first_offset, line=source.first_line))
    for position, row in enumerate(whole):
        rest = list(read_rows(source, offset=row.end_offset, line=row.line + 1))
        assert rest == whole[position + 1 :]


def test_equal_files_have_one_name(tmp_path) -> None:
    one = open_import_file(write(tmp_path, "kind\n", name="a.csv"))
    other = open_import_file(write(tmp_path, "kind\n", name="b.csv"))
    assert one.sha256 == other.sha256
    assert one.size_bytes == 5
