"""The collection that other tests sign is what it promises to be."""

from __future__ import annotations

from tests.support.pdf_programs import NAMES


def test_the_collection_has_many_files_by_many_programs(pdf_programs) -> None:
    assert tuple(pdf_programs) == NAMES
    programs = {made.program.split(" ")[0].strip(",:") for made in pdf_programs.values()}
    assert len(NAMES) >= 14
    assert len(programs) >= 8
    assert all(made.content.startswith(b"%PDF-1.") for made in pdf_programs.values())
