"""Passwords that others have lost: a short list of ours, and a long one that an operator keeps.

What lives here: looking a password up offline.  The long list is a text file of SHA-1 hashes in
hexadecimal, one to a line, sorted, each followed by nothing or by `:` and a count, as the public
collections of breached passwords are given out.  It is searched by halving, about forty reads, and
never read as a whole.  Nothing of the password leaves the process.
Source: NIST SP 800-63B-4 §3.1.1.2 (a list of values known to be commonly used or compromised).
Not here: how strong a password is (`password_rules.py`).
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Final

from idp.accounts.errors import BreachListUnusable
from idp.accounts.names import name_key
from idp.errors import StorageUnavailable

_OWN: Final = Path(__file__).with_name("common_passwords.txt")
_LINE: Final = re.compile(rb"([0-9A-Fa-f]{40})(?::[0-9]{1,12})?\r?")
_HASH_CHARS: Final = 40
_MOST_LINE: Final = 64
"""Bytes that hold any line with what ends it."""


class BreachedPasswords:
    """Whether a password is on a list; safe to share between threads.

    Takes   file: the long list, or None where there is none.
    Raises  BreachListUnusable: it cannot be read, is no such list, or is not sorted.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._list = None if file is None else HashList(file)

    def __contains__(self, password: str) -> bool:
        """Raises  StorageUnavailable: the list cannot be read any more."""
        if bare_form(password) in common_passwords():
            return True
        if self._list is None:
            return False
        forms = {unicodedata.normalize(form, password) for form in ("NFC", "NFKC")}
        return any(self._list.holds(form) for form in forms)


class HashList:
    """A sorted file of SHA-1 hashes, held open."""

    def __init__(self, file: Path) -> None:
        try:
            self._fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
            self._size = os.fstat(self._fd).st_size
            first = self._line_from(0)
            last = self._line_from(max(0, self._size - _MOST_LINE), is_last=True)
        except OSError as failure:
            raise BreachListUnusable("unreadable") from failure
        if first is None or last is None:
            raise BreachListUnusable("no_hashes")
        if first[0] > last[0]:
            raise BreachListUnusable("not_sorted")

    def holds(self, password: str) -> bool:
        """Whether the SHA-1 of the password, as UTF-8, is in the file."""
        hashed = hashlib.sha1(password.encode(), usedforsecurity=False)  # noqa: TID251 - their format
        wanted = hashed.hexdigest().upper().encode()
        try:
            return self._find(wanted)
        except OSError as failure:
            raise StorageUnavailable from failure

    def _find(self, wanted: bytes) -> bool:
        """Halve `low … high`, within which the line begins if it is there at all."""
        low, high = 0, self._size
        while low < high:
            middle = (low + high) // 2
            found = self._line_from(middle)
            if found is None or found[0] > wanted:
                high = middle
            elif found[0] < wanted:
                low = found[1]
            else:
                return True
        return False

    def _line_from(self, offset: int, *, is_last: bool = False) -> tuple[bytes, int] | None:
        """The first line that begins at `offset` or after it: its hash, and where the next begins.

        Takes   is_last: the last line instead.
        """
        start = max(0, offset - 1)  # a line begins at `offset` itself when one ends right before
        read = os.pread(self._fd, 2 * _MOST_LINE + 1, start)
        if offset > 0:
            cut = read.find(b"\n")
            if cut < 0:
                return None
            start, read = start + cut + 1, read[cut + 1 :]
        lines = read.split(b"\n")
        if is_last:
            kept = [line for line in lines if line.strip()]
            lines = kept[-1:] or [b""]
        line = lines[0]
        if not line.strip():
            return None
        match = _LINE.fullmatch(line)
        if match is None:
            raise BreachListUnusable("no_hashes")
        return match[1].upper(), start + len(line) + 1


@cache
def common_passwords() -> frozenset[str]:
    """The short list: passwords that are tried first, in their bare form."""
    return frozenset(read_words(_OWN))


def read_words(file: Path) -> list[str]:
    """The words of a list of ours, in order; a line that begins with `#` says what it is."""
    lines = file.read_text(encoding="ascii").splitlines()
    return [word for line in lines if not line.startswith("#") for word in line.split()]


def bare_form(text: str) -> str:
    """Lower case, without accents and spaces: `Mật Khẩu 1` → `matkhau1`."""
    return name_key(text).replace(" ", "").lower()
