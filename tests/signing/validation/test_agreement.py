"""Three hundred files, sound and changed: `pdfsig`, `openssl` and `xmlsec` say what we say of them.

Of each program a hundred.  What is compared is integrity alone: whether what was signed is what is
there, and the key signed it.  Whom to trust is another question, which nobody is asked here.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from lxml import etree

from signing.formats.material import Level
from signing.formats.signed_data import read_signed_data
from signing.model import SignatureFormat
from signing.validation.model import DocumentReport
from signing.validation.report.summary import Integrity, integrity_of
from tests.support.handmade_pdf import plain_document
from tests.support.signatory import Hand
from tests.support.validation_house import ValidationHouse
from tests.support.xml_checkers import Signed, xmlsec_accepts

_T = TypeVar("_T")
_FILES = 100
_SOUND_ONES = 4
"""One of so many is left as it is."""


class _Chance:
    """Numbers without a pattern, the same in every run."""

    def __init__(self) -> None:
        self._drawn = 0

    def below(self, most: int) -> int:
        """A number from 0 on."""
        self._drawn += 1
        return int.from_bytes(hashlib.sha256(str(self._drawn).encode()).digest()) % most

    def one_of(self, several: Sequence[_T]) -> _T:
        """One of them."""
        return several[self.below(len(several))]


def _hands(house: ValidationHouse) -> list[Hand]:
    pki = house.pki
    return [pki.citizen, pki.citizen_384, pki.citizen_rsa, pki.seal]


def _is_intact(report: DocumentReport) -> bool:
    return len(report.signatures) == 1 and integrity_of(report.signatures[0]) is Integrity.INTACT


def _changed(
    signed: bytes, places: list[range], chance: _Chance, *, octets: bytes = b""
) -> Iterator[bytes]:
    """The file itself and others, each with one octet changed at one of these places."""
    for number in range(_FILES // 4):
        if number % _SOUND_ONES == 0:
            yield signed
            continue
        place = chance.one_of(chance.one_of(places))
        octet = signed[place] ^ 1 << chance.below(8)
        if octets:
            octet = chance.one_of([one for one in octets if one != signed[place]])
        yield signed[:place] + bytes((octet,)) + signed[place + 1 :]


def _compare(
    house: ValidationHouse,
    make: Callable[[Hand, _Chance], Iterator[bytes]],
    ask: Callable[[bytes, Hand], bool],
) -> None:
    chance = _Chance()
    said: list[tuple[bool, bool]] = []
    for hand in _hands(house):
        for content in make(hand, chance):
            ours = _is_intact(house.validate(content))
            theirs = ask(content, hand)
            assert ours is theirs, (len(said), ours, theirs)
            said.append((ours, theirs))
    assert len(said) == _FILES
    assert _FILES // _SOUND_ONES <= sum(ours for ours, _ in said) < _FILES // 2


def test_pdfsig_says_the_same_of_a_hundred_pdf(
    validation_house: ValidationHouse, tmp_path: Path
) -> None:
    def make(hand: Hand, chance: _Chance) -> Iterator[bytes]:
        plain = plain_document().classic()
        signed = validation_house.pdf(Level.B, hand=hand, content=plain)
        # not the revision of the signature itself: without a signature there is nothing to compare
        return _changed(signed, [range(9, len(plain) - 200)], chance)

    def ask(content: bytes, _: Hand) -> bool:
        file = tmp_path / "file.pdf"
        file.write_bytes(content)
        done = subprocess.run(
            ["pdfsig", "-nocert", file], capture_output=True, text=True, check=False, timeout=30
        )
        return "Signature Validation: Signature is Valid." in done.stdout

    _compare(validation_house, make, ask)


def test_openssl_says_the_same_of_a_hundred_cms(
    validation_house: ValidationHouse, tmp_path: Path
) -> None:
    def make(hand: Hand, chance: _Chance) -> Iterator[bytes]:
        content = bytes(chance.below(256) for _ in range(60))
        signed = validation_house.sign(
            SignatureFormat.CADES_ENVELOPING, Level.B, hand=hand, content=content
        )
        signer = read_signed_data(signed).signers[0]
        # as they stand in the file, the attributes have another tag than as they are signed
        parts = [content, signer.signed_attributes[1:], signer.signature]
        places = [range(at, at + len(one)) for one in parts if (at := signed.index(one))]
        return _changed(signed, places, chance)

    def ask(content: bytes, _: Hand) -> bool:
        file = tmp_path / "file.p7m"
        file.write_bytes(content)
        command = ["openssl", "cms", "-verify", "-noverify", "-binary", "-inform", "DER"]
        command += ["-in", str(file), "-out", str(tmp_path / "out")]
        return subprocess.run(command, capture_output=True, check=False, timeout=30).returncode == 0

    _compare(validation_house, make, ask)


def test_xmlsec_says_the_same_of_a_hundred_xml(validation_house: ValidationHouse) -> None:
    def make(hand: Hand, chance: _Chance) -> Iterator[bytes]:
        text = "".join(chance.one_of("abc đơn") for _ in range(40))
        signed = validation_house.sign(
            SignatureFormat.XADES_ENVELOPED,
            Level.B,
            hand=hand,
            content=f"<a xmlns='urn:x' b='1'><c>{text}</c></a>".encode(),
        )
        # the certificate is handed to them, and read from there by us
        start, end = signed.index(b"<ds:KeyInfo"), signed.index(b"</ds:KeyInfo>")
        return _changed(signed, [range(start), range(end, len(signed))], chance, octets=b"aZ0 =<")

    def ask(content: bytes, hand: Hand) -> bool:
        try:
            return xmlsec_accepts(Signed("one", content, hand.signatory.certificate))
        except (etree.XMLSyntaxError, AssertionError):
            return False

    _compare(validation_house, make, ask)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """What the library says of changed files is no concern of these tests."""
    caplog.set_level("CRITICAL", logger="pyhanko")
