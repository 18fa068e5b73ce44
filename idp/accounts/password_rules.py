"""Which new passwords are taken.

What lives here: the rules, in the order in which they are told: long enough, not made of what is
known of the person, not on a list of breached passwords, not quickly guessed.  How quickly is
estimated by zxcvbn, which knows English; Vietnamese words and the person's own data go with it.
Vietnamese passwords are mostly typed without accents, so the estimate looks at the bare letters.
Source: NIST SP 800-63B-4 §3.1.1.2; OWASP ASVS 6.2.
Not here: hashing (`passwords.py`), the lists (`breached_passwords.py`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from idp.accounts.breached_passwords import BreachedPasswords, bare_form, read_words
from idp.accounts.errors import PasswordUnusable
from idp.accounts.model import Account
from idp.accounts.passwords import MAX_PASSWORD_BYTES, MIN_NEW_PASSWORD_CHARS, prepare

LEAST_GUESSES_LOG10: Final = 8.0
"""What zxcvbn calls "safely unguessable": score 3."""

_WORDS: Final = Path(__file__).with_name("vietnamese_words.txt")
_PART: Final = 16
"""Characters that are estimated at once: with twice as many that stand for several letters each,
one estimate takes seconds."""
_MOST_PARTS: Final = 4
_LEAST_OWN: Final = 3
_LEAST_BESIDE: Final = 5
"""Characters that must be left beside what is known of the person."""


def check_new_password(
    raw_password: str, *, own: Sequence[str], breached: BreachedPasswords
) -> None:
    """Whether a new password is taken.

    Takes   own: what is known of the person, as `own_words` gives it.
    Raises  PasswordUnusable: `malformed`, `too_long`, `too_short`, `personal`, `breached`, `weak`;
            StorageUnavailable.
    """
    prepared = prepare(raw_password)
    if prepared is None:
        is_long = len(raw_password.encode("utf-8", "replace")) > MAX_PASSWORD_BYTES
        raise PasswordUnusable("too_long" if is_long else "malformed")
    password = prepared.native.decode()
    if len(password) < MIN_NEW_PASSWORD_CHARS:
        raise PasswordUnusable("too_short")
    left = bare_form(password)
    for word in sorted(own, key=len, reverse=True):
        left = left.replace(word, "")
    if len(left) < _LEAST_BESIDE and len(left) < len(bare_form(password)):
        raise PasswordUnusable("personal")
    if password in breached:
        raise PasswordUnusable("breached")
    if guesses_log10(password, own=own) < LEAST_GUESSES_LOG10:
        raise PasswordUnusable("weak")


def guesses_log10(password: str, *, own: Sequence[str]) -> float:
    """How many guesses a good guesser needs, as a power of ten.

    A long password is estimated in parts; a part that comes again counts once.
    """
    from zxcvbn import zxcvbn  # noqa: PLC0415 - its words would be 13 MiB of every worker

    bare = _without_accents(password)[: _PART * _MOST_PARTS]
    parts = dict.fromkeys(bare[at : at + _PART] for at in range(0, len(bare), _PART))
    words = [*own, *_vietnamese_words()]
    return sum(float(zxcvbn(part, user_inputs=words)["guesses_log10"]) for part in parts)


def own_words(account: Account) -> tuple[str, ...]:
    """What somebody who knows the person would try: names, dates, numbers, in their bare forms."""
    profile = account.profile
    found = [*profile.name.split(), profile.name]
    born = profile.birthdate
    if born is not None:
        year = f"{born.year:04d}"
        found += [year, year[2:] if born.month is None else ""]
        if born.month is not None and born.day is not None:
            day, month = f"{born.day:02d}", f"{born.month:02d}"
            found += [
                f"{one}{two}{of}"
                for of in (year, year[2:], "")
                for one, two in ((day, month), (month, day))
            ]
            found += [f"{year}{month}{day}"]
    if profile.phone is not None:
        digits = profile.phone.lstrip("+")
        found += [digits, f"0{digits[2:]}" if digits.startswith("84") else digits, digits[-6:]]
    if profile.email is not None:
        found += re.split(r"[@._+-]", profile.email)
    for one in account.identifiers:
        found += [one.value, one.value[-6:]]
    bare = (bare_form(one) for one in found)
    return tuple(dict.fromkeys(one for one in bare if len(one) >= _LEAST_OWN))


@cache
def _vietnamese_words() -> tuple[str, ...]:
    return tuple(dict.fromkeys(read_words(_WORDS)))


def _without_accents(text: str) -> str:
    plain = text.replace("Đ", "D").replace("đ", "d")
    kept = (one for one in unicodedata.normalize("NFD", plain) if not unicodedata.combining(one))
    return unicodedata.normalize("NFC", "".join(kept))
