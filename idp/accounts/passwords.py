"""Passwords: argon2id of ours, and argon2id over hashes that came from older systems.

What lives here: hashing, checking and wrapping.  Costs: 19 MiB, two passes, one lane (OWASP's
second choice, about 20 ms here); a hash with other costs is made anew at the next sign-in.

Normalisation.  A new password is hashed in NFKC, which NIST SP 800-63B-3 §5.1.1.2 names: the same
Vietnamese word typed on two keyboards is the same password.  Imported hashes were made by systems
that took the bytes as they came, and keyboards send NFC; so against those the NFC is tried, and
after the first success the password is hashed anew in NFKC.  At most 1024 bytes, never empty, no
NUL (bcrypt would stop reading there).

Imported hashes.  `import_hash` keeps an imported hash as FOREIGN: sealed under the data key of the
person, whom nobody can guess at without the service's keys.  `wrap` turns it into WRAPPED: argon2id
over the old digest, which is then forgotten.  Checking WRAPPED computes the old digest from the
password and hands it to argon2id; checking FOREIGN does the same work with an argon2id whose answer
is not needed.  So every check costs exactly one argon2id, and the old algorithm once when there is
one.  What to spend for an identifier that nobody has is decided in `decoys`.

Threads.  The threads that answer requests hand every computation to a few that do nothing else, one
for each core: more at once would not be faster, as 19 MiB each do not fit into a cache together,
and the allocator would keep that memory for every thread that ever hashed.
Not here: counting attempts (`attempts`), storage.
Source: RFC 9106; NIST SP 800-63B-3 §5.1.1.2; OWASP Password Storage Cheat Sheet.
"""

from __future__ import annotations

import hmac
import os
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TypeVar

from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type, hash_secret, verify_secret

from idp.accounts.credentials import PasswordForm, StoredPassword
from idp.accounts.errors import PasswordUnusable
from idp.accounts.foreign_hashes import compute_foreign, decoy_salt, parse_foreign_hash

MAX_PASSWORD_BYTES: Final = 1024
MIN_NEW_PASSWORD_CHARS: Final = 8

_SALT_BYTES: Final = 16
_DIGEST_BYTES: Final = 32

_Made = TypeVar("_Made")
_threads: Final[dict[int, ThreadPoolExecutor]] = {}
"""The threads that hash, by the process they belong to: a fork has none of its parent's."""


@dataclass(frozen=True, slots=True)
class Argon2Costs:
    """What one argon2id of ours costs.  RFC 9106 §4; OWASP."""

    memory_kib: int = 19_456
    passes: int = 2
    lanes: int = 1


@dataclass(frozen=True, slots=True)
class PreparedPassword:
    """A typed password in the two forms that are hashed; UTF-8, 1 to 1024 bytes, no NUL."""

    native: bytes = field(repr=False)
    foreign: bytes = field(repr=False)


class Hashing:
    """The dear computations and nothing else, so that a test can count them."""

    def __init__(self, costs: Argon2Costs) -> None:
        self.costs = costs

    def hash(self, secret: bytes) -> str:
        """One argon2id with a fresh salt, as a PHC string."""
        return _run(
            lambda: hash_secret(
                secret,
                secrets.token_bytes(_SALT_BYTES),
                time_cost=self.costs.passes,
                memory_cost=self.costs.memory_kib,
                parallelism=self.costs.lanes,
                hash_len=_DIGEST_BYTES,
                type=Type.ID,
            ).decode()
        )

    def verify(self, encoded: str, secret: bytes) -> bool:
        """Whether an argon2id PHC string is that of `secret`."""
        try:
            return _run(lambda: verify_secret(encoded.encode(), secret, Type.ID))
        except (VerificationError, InvalidHashError):
            return False

    def compute_foreign(self, scheme: str, *, salt: str, password: bytes) -> str:
        """See `foreign_hashes.compute_foreign`."""
        return _run(lambda: compute_foreign(scheme, salt=salt, password=password))


class Passwords:
    """Hashes, checks and wraps passwords.

    Takes   hashing: the computations with our costs.
    """

    def __init__(self, hashing: Hashing) -> None:
        self._hashing = hashing
        self._nobodys = hashing.hash(secrets.token_bytes(_DIGEST_BYTES))
        self._own_prefix = _prefix(hashing.costs)

    def hash_new(self, raw_password: str) -> StoredPassword:
        """Hash a password that somebody has chosen.

        Raises  PasswordUnusable: `too_short`, `too_long` or `malformed`.
        """
        prepared = prepare(raw_password)
        if prepared is None:
            is_long = len(raw_password.encode("utf-8", "replace")) > MAX_PASSWORD_BYTES
            raise PasswordUnusable("too_long" if is_long else "malformed")
        if len(prepared.native.decode()) < MIN_NEW_PASSWORD_CHARS:
            raise PasswordUnusable("too_short")
        return self.rehash(prepared)

    def rehash(self, prepared: PreparedPassword) -> StoredPassword:
        """Hash a password that has just been checked, at today's costs."""
        return StoredPassword(PasswordForm.NATIVE, "", "", self._hashing.hash(prepared.native))

    def check(
        self, stored: StoredPassword | None, prepared: PreparedPassword, *, decoy_scheme: str = ""
    ) -> bool:
        """Whether the password is the stored one; always at the cost of exactly one argon2id.

        Takes   stored: None when there is no account or no password, which is never right;
                decoy_scheme: the foreign work to do in that case, as `decoys` chooses.
        """
        if stored is None:
            secret = prepared.native
            if decoy_scheme:
                secret = self._compute(decoy_scheme, decoy_salt(decoy_scheme), prepared)
            self._hashing.verify(self._nobodys, secret)
            return False
        match stored.form:
            case PasswordForm.NATIVE:
                return self._hashing.verify(stored.secret, prepared.native)
            case PasswordForm.DIRECT:
                return self._hashing.verify(stored.secret, prepared.foreign)
            case PasswordForm.WRAPPED:
                digest = self._compute(stored.scheme, stored.salt, prepared)
                return self._hashing.verify(stored.secret, digest)
            case PasswordForm.FOREIGN:
                digest = self._compute(stored.scheme, stored.salt, prepared)
                self._hashing.verify(self._nobodys, digest)
                return hmac.compare_digest(digest, stored.secret.encode())

    def needs_rehash(self, stored: StoredPassword) -> bool:
        """Whether a password that was right should be hashed anew."""
        is_ours = stored.form is PasswordForm.NATIVE
        return not (is_ours and stored.secret.startswith(self._own_prefix))

    def import_hash(self, encoded: str) -> StoredPassword:
        """Take a hash from an older system, without computing anything.

        Returns DIRECT when it is argon2id at exactly our costs, otherwise FOREIGN: a dearer one
                taken as it is would give away by its time that the account exists.
        Raises  ForeignHashRefused.
        """
        foreign = parse_foreign_hash(encoded)
        if self._is_our_cost(foreign.scheme):
            return StoredPassword(PasswordForm.DIRECT, "", "", encoded.removeprefix("argon2"))
        return StoredPassword(PasswordForm.FOREIGN, foreign.scheme, foreign.salt, foreign.digest)

    def wrap(self, stored: StoredPassword) -> StoredPassword:
        """Put argon2id over a FOREIGN hash; any other form is returned as it is."""
        if stored.form is not PasswordForm.FOREIGN:
            return stored
        wrapped = self._hashing.hash(stored.secret.encode())
        return StoredPassword(PasswordForm.WRAPPED, stored.scheme, stored.salt, wrapped)

    def _compute(self, scheme: str, salt: str, prepared: PreparedPassword) -> bytes:
        return self._hashing.compute_foreign(scheme, salt=salt, password=prepared.foreign).encode()

    def _is_our_cost(self, scheme: str) -> bool:
        costs = self._hashing.costs
        return scheme.startswith(f"argon2id:19:{costs.memory_kib}:{costs.passes}:{costs.lanes}:")


def prepare(raw_password: str) -> PreparedPassword | None:
    """The two forms of a typed password; None when it is empty, too long, or no text.

    The answer does not depend on any account, so refusing early tells nobody anything.
    """
    if not 0 < len(raw_password) <= MAX_PASSWORD_BYTES or "\x00" in raw_password:
        return None
    try:
        native = unicodedata.normalize("NFKC", raw_password).encode()
        foreign = unicodedata.normalize("NFC", raw_password).encode()
    except UnicodeEncodeError:
        return None
    if max(len(native), len(foreign)) > MAX_PASSWORD_BYTES:
        return None
    return PreparedPassword(native, foreign)


def _prefix(costs: Argon2Costs) -> str:
    return f"$argon2id$v=19$m={costs.memory_kib},t={costs.passes},p={costs.lanes}$"


def _run(compute: Callable[[], _Made]) -> _Made:
    """Compute on one of the threads that hash; what it raises is raised here."""
    pid = os.getpid()
    threads = _threads.get(pid)
    if threads is None:
        # whoever comes second uses the first one's: an executor without work has no thread yet
        cores = len(os.sched_getaffinity(0))
        threads = _threads.setdefault(
            pid, ThreadPoolExecutor(cores, thread_name_prefix="antin-hash")
        )
    return threads.submit(compute).result()
