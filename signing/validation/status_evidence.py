"""A heap of certificates, lists and answers, and looking things up in it.

What lives here: `Evidence`, and what one inquiry into a state carries along.
Source: RFC 5280 §6.3.3 (a) (the local cache), EN 319 102-1 §5.2.6.
Not here: any judgement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import islice
from typing import Final, TypeAlias

from signing.formats.der import INTEGER, header
from signing.validation.names import ComparableName, name_key
from signing.validation.path_building import CertificatePool
from signing.validation.paths import CertificatePath
from signing.validation.revocation_lists import RevocationList, find_list
from signing.validation.status import CertificateStatus, StatusSettings
from signing.validation.status_answers import Answer, Single, find_answer
from signing.validation.verdict import Reason, because
from signing.validation.verify_value import is_value_of

MOST_PIECES: Final = 1024
"""Lists, and answers; what comes after is not read."""
MOST_ABOUT_ONE: Final = 32
"""Lists of one issuer or answers about one certificate that are looked at, the newest first."""
MOST_READ: Final = 128
"""Answers that are read about one certificate."""
MOST_VERIFIED: Final = 256
"""Signatures verified in one inquiry."""
DEEPEST: Final = 4
"""Who signed the evidence about who signed the evidence, and so on."""


class Evidence:
    """A heap of certificates, lists and answers, from wherever; read when somebody asks.

    Takes   DER each; what cannot be read is left out (`unreadable` says so).
    Keep one for a document: it remembers what it has read.
    """

    def __init__(
        self,
        *,
        certificates: Iterable[bytes] = (),
        ocsp_responses: Iterable[bytes] = (),
        crls: Iterable[bytes] = (),
    ) -> None:
        self.certificates = tuple(dict.fromkeys(certificates))
        self.ocsp_responses = tuple(dict.fromkeys(islice(ocsp_responses, MOST_PIECES)))
        self.crls = tuple(dict.fromkeys(islice(crls, MOST_PIECES)))
        # by identity: the heap keeps its pieces as long as it lives
        self._signed: dict[tuple[int, bytes], bool] = {}
        self._about: dict[bytes, tuple[tuple[Answer, Single], ...]] = {}
        self._unknown_entries: dict[int, bool] = {}
        self._pools: dict[tuple[bytes, ...], CertificatePool] = {}

    def is_signed(self, piece: RevocationList | Answer, *, key: bytes) -> bool:
        """Whether a key (DER of its SubjectPublicKeyInfo, whole) signed a piece; remembered."""
        asked = (id(piece), key)
        if asked not in self._signed:
            is_small = len(piece.der) + len(key) <= _ORDINARY
            verify = _remembered_value if is_small else _is_value
            self._signed[asked] = verify(piece, key)
        return self._signed[asked]

    def has_unknown_entries(self, found: RevocationList) -> bool:
        """As the list says; remembered.

        Raises  DerMalformed.
        """
        if id(found) not in self._unknown_entries:
            self._unknown_entries[id(found)] = found.has_unknown_entries()
        return self._unknown_entries[id(found)]

    @cached_property
    def pool(self) -> CertificatePool:
        """The certificates by name; what an answer brings along is looked for in the answer."""
        return CertificatePool(self.certificates)

    def pool_with(self, others: tuple[bytes, ...]) -> CertificatePool:
        """The pool and some certificates more (DER); remembered."""
        if others not in self._pools:
            known = {one.der for one in self.pool.certificates}
            more = tuple(one for one in others if one not in known)
            together = (*more, *known)
            self._pools[others] = CertificatePool(together) if more else self.pool
        return self._pools[others]

    @property
    def unreadable(self) -> tuple[Reason, ...]:
        """How many answers and lists could not be read, or refuse to answer."""
        answers = sum(find_answer(one) is None for one in self.ocsp_responses)
        lists = len(self.crls) - len(self._lists)
        return tuple(
            because(code, count=str(count))
            for code, count in (("ocsp_unreadable", answers), ("crl_unreadable", lists))
            if count
        )

    def lists_of(self, issuer: bytes) -> tuple[RevocationList, ...]:
        """The lists of an issuer (DER of the name), deltas included, the newest first."""
        return self._lists_by_issuer.get(name_key(issuer), ())[:MOST_ABOUT_ONE]

    def answers_about(self, serial: bytes) -> tuple[tuple[Answer, Single], ...]:
        """What answers say about certificates with this number, the newest first.

        Only answers in which the number stands are read at all.
        """
        if serial not in self._about:
            number = header(INTEGER, len(serial)) + serial
            mine = islice((one for one in self.ocsp_responses if number in one), MOST_READ)
            found = sorted(
                (
                    (answer, single)
                    for answer in map(find_answer, mine)
                    for single in (answer.singles if answer else ())
                    if answer and single.serial == serial
                ),
                key=lambda one: one[1].this_update,
                reverse=True,
            )
            self._about[serial] = tuple(found[:MOST_ABOUT_ONE])
        return self._about[serial]

    @cached_property
    def _lists(self) -> tuple[RevocationList, ...]:
        return tuple(found for one in self.crls if (found := find_list(one)) is not None)

    @cached_property
    def _lists_by_issuer(self) -> dict[ComparableName | bytes, tuple[RevocationList, ...]]:
        found: dict[ComparableName | bytes, list[RevocationList]] = defaultdict(list)
        for one in sorted(self._lists, key=lambda each: each.this_update, reverse=True):
            found[name_key(one.issuer)].append(one)
        return {name: tuple(lists) for name, lists in found.items()}


def _is_value(piece: RevocationList | Answer, key: bytes) -> bool:
    return is_value_of(key, signed=piece.signed)


_ORDINARY: Final = 16 * 1024
_remembered_value: Final = lru_cache(maxsize=1024)(_is_value)


Ask: TypeAlias = Callable[[CertificatePath, int, "Inquiry"], CertificateStatus]


@dataclass(slots=True)
class Budget:
    """How many signatures may still be verified."""

    left: int = MOST_VERIFIED

    def spend(self) -> bool:
        """Whether one more may be."""
        self.left -= 1
        return self.left >= 0


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One inquiry into states, and those that it leads to.

    Takes   ask: how the state of somebody who signed evidence is found;
            pending: certificates whose state is being found: evidence that hangs on one of them
            would prove itself.
    """

    evidence: Evidence
    at: datetime
    settings: StatusSettings
    ask: Ask
    pending: frozenset[bytes] = field(default=frozenset(), repr=False)
    budget: Budget = field(default_factory=Budget)

    @property
    def now(self) -> datetime:
        """The time at which evidence is judged."""
        return self.settings.now or self.at

    def signers_at(self, piece: bytes, *, made: datetime) -> datetime:
        """When those who signed a piece of evidence have to be valid."""
        since = self.settings.exists_since and self.settings.exists_since(piece)
        if since:
            return since
        return self.now if self.settings.is_time_of_signers_needed else made

    def find_time_fault(self, this_update: datetime, next_update: datetime | None) -> str:
        """Whether evidence is of its time: empty, or the code of a reason."""
        settings = self.settings
        # NOTE: arithmetic on our own times alone: a stranger's may be the last of the year 9999
        if this_update > self.now + settings.skew:
            return "evidence_not_yet"
        if settings.is_current_needed and not self.is_current(this_update, next_update):
            return "evidence_stale"
        return ""

    def is_current(self, this_update: datetime, next_update: datetime | None) -> bool:
        """Whether newer evidence was not due yet."""
        earliest = self.now - self.settings.skew
        if next_update is None:
            return this_update >= earliest - self.settings.without_end
        return next_update >= earliest

    def about(self, certificate: bytes, *, at: datetime) -> Inquiry | None:
        """The inquiry about somebody who signed evidence; None where it would go in circles.

        Takes   at: when he had to be good: whoever was revoked since then could have written
                evidence of any date, and is good for what is proved to be older.
        """
        if certificate in self.pending or len(self.pending) >= DEEPEST:
            return None
        settings = replace(self.settings, now=self.now)
        return replace(self, at=at, settings=settings, pending=self.pending | {certificate})
