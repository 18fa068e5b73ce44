"""Finding paths from a certificate to an anchor, among certificates that anybody put there.

What lives here: the search, bounded in steps whatever is among them.
Source: RFC 4158 §2.4 and §3.5 (building paths, what to try first), §2.7.1 (loops);
RFC 5280 §6.1 (what makes a path), §4.2.1.1 and §4.2.1.2 (identifiers of keys).
Not here: validating (`certificate_path`).
"""

from __future__ import annotations

import itertools
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from signing.validation.certificates import (
    Certificate,
    find_certificate,
    is_signed_by,
    key_with_parameters,
    lacks_parameters,
)
from signing.validation.names import ComparableName, name_key
from signing.validation.paths import AnchorPurpose, CertificatePath, TrustAnchors

MOST_CERTIFICATES: Final = 4096
"""Of a pool; what comes after is not read."""
MOST_PATHS: Final = 16
MOST_STEPS: Final = 512
"""Candidates tried in one search."""
MOST_LOOKED_AT: Final = 4096
"""Candidates compared in one search, before any is tried."""
LONGEST: Final = 16
"""Certificates in a path."""
_FAR: Final = 1 << 30


class CertificatePool:
    """Certificates by name, each read once; keep one for a document.

    Takes   certificates: DER, in any order; unreadable ones are left out.
    """

    def __init__(self, certificates: Iterable[bytes] = ()) -> None:
        given = itertools.islice(dict.fromkeys(certificates), MOST_CERTIFICATES)
        self.certificates = tuple(
            found for one in given if (found := find_certificate(one)) is not None
        )
        self._by_subject: dict[ComparableName | bytes, list[Certificate]] = defaultdict(list)
        self._by_key: dict[tuple[ComparableName | bytes, bytes], list[Certificate]] = defaultdict(
            list
        )
        self._by_issuer: dict[ComparableName | bytes, list[Certificate]] = defaultdict(list)
        self._distances: deque[tuple[TrustAnchors, Mapping[ComparableName | bytes, int]]] = deque(
            maxlen=4
        )
        for one in self.certificates:
            name = name_key(one.subject)
            self._by_subject[name].append(one)
            if one.extensions.subject_key is not None:
                self._by_key[name, one.extensions.subject_key].append(one)
            self._by_issuer[name_key(one.issuer)].append(one)

    def by_subject(self, name: bytes) -> tuple[Certificate, ...]:
        """Those of a name (DER)."""
        return tuple(self._by_subject.get(name_key(name), ()))

    def issuers_of(self, certificate: Certificate) -> Iterator[Certificate]:
        """Those of the right name, first the ones with the right identifier of the key."""
        name = name_key(certificate.issuer)
        wanted = certificate.extensions.authority_key
        fitting = self._by_key.get((name, wanted), ()) if wanted is not None else ()
        yield from fitting
        yield from (
            one
            for one in self._by_subject.get(name, ())
            if not fitting or one.extensions.subject_key != wanted
        )

    def distances(self, anchors: TrustAnchors) -> Mapping[ComparableName | bytes, int]:
        """How many certificates lie, at least, between a name and an anchor, by names alone.

        Names that lead to no anchor are not in it.
        """
        for asked, answer in self._distances:
            if asked is anchors:
                return answer
        names = dict.fromkeys((*self._by_issuer, *self._by_subject))
        found = {name: 0 for name in names if anchors.by_subject(self._any_der(name))}
        waiting = deque(found)
        while waiting:
            name = waiting.popleft()
            for one in self._by_issuer.get(name, ()):
                below = name_key(one.subject)
                if below not in found:
                    found[below] = found[name] + 1
                    waiting.append(below)
        self._distances.append((anchors, found))
        return found

    def _any_der(self, name: ComparableName | bytes) -> bytes:
        if name in self._by_subject:
            return self._by_subject[name][0].subject
        return self._by_issuer[name][0].issuer


def find_paths(
    certificate: bytes,
    *,
    among: Iterable[bytes] | CertificatePool,
    anchors: TrustAnchors,
    at: datetime,
) -> Iterator[CertificatePath]:
    """The paths from a certificate to anchors, the most promising first.

    1. A certificate that is itself an anchor is a path by itself.
    2. An anchor that issued the last certificate ends a path.
    3. Otherwise those that may have issued it are tried: the ones with the right identifier of the
       key, authorities, those valid then, and those nearest to an anchor first; none whose name
       leads to no anchor; no name with the same key twice.

    Takes   certificate: DER; among: DER of possible issuers in any order, unreadable ones and
            doublets included, or a pool, which spares reading them again;
            at: the time of interest, aware.
    Yields  paths that are signed link by link, **not validated**; none when nothing leads to an
            anchor.  At most `MOST_PATHS`, after at most `MOST_STEPS` steps.  Never raises.
    """
    first = find_certificate(certificate)
    if first is None:
        return
    pool = among if isinstance(among, CertificatePool) else CertificatePool(among)
    search = _Search(pool, anchors, at)
    for path in itertools.islice(search.paths((first,)), MOST_PATHS):
        if _is_signed(path):
            yield path


@dataclass(slots=True)
class _Search:
    pool: CertificatePool
    anchors: TrustAnchors
    at: datetime
    steps: int = 0
    may_look_at: int = MOST_LOOKED_AT
    distances: Mapping[ComparableName | bytes, int] = field(init=False)

    def __post_init__(self) -> None:
        self.distances = self.pool.distances(self.anchors)

    def paths(self, chain: tuple[Certificate, ...]) -> Iterator[CertificatePath]:
        """All paths that go on from a chain, the certificate of interest first in it."""
        last = chain[-1]
        # 1
        if len(chain) == 1 and (itself := self.anchors.contains(last.der)) is not None:
            yield CertificatePath((last.der,), itself)
        # 2
        for anchor in self.anchors.by_subject(last.issuer):
            if self._may_step() and is_signed_by(last, key=anchor.key):
                yield CertificatePath(tuple(one.der for one in chain), anchor)
        # 3
        if len(chain) == LONGEST:
            return
        for above in self._issuers(last, chain=chain):
            if not self._may_step():
                return
            if _may_have_signed(last, above):
                yield from self.paths((*chain, above))

    def _issuers(
        self, certificate: Certificate, *, chain: tuple[Certificate, ...]
    ) -> list[Certificate]:
        used = {(name_key(one.subject), one.key) for one in chain}
        looked_at = list(itertools.islice(self.pool.issuers_of(certificate), self.may_look_at))
        self.may_look_at -= len(looked_at)
        found = [
            one
            for one in looked_at
            if (name_key(one.subject), one.key) not in used
            and name_key(one.issuer) in self.distances
            and not self._is_taken(one)
        ]
        return sorted(found, key=lambda one: self._promise(one, below=certificate))

    def _is_taken(self, certificate: Certificate) -> bool:
        """Whether it was taken as an anchor already, one that is believed for anything."""
        anchor = self.anchors.contains(certificate.der)
        return anchor is not None and anchor.purpose is AnchorPurpose.ANYTHING

    def _promise(self, one: Certificate, *, below: Certificate) -> tuple[int, bool, bool, int]:
        wanted = below.extensions.authority_key
        mine = one.extensions.subject_key
        return (
            1 if wanted is None or mine is None else 0 if wanted == mine else 2,
            not one.is_authority,
            not one.is_valid_at(self.at),
            self.distances.get(name_key(one.issuer), _FAR),
        )

    def _may_step(self) -> bool:
        self.steps += 1
        return self.steps <= MOST_STEPS


def _may_have_signed(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether the signature fits; True where the key alone does not tell (inherited parameters)."""
    return lacks_parameters(issuer) or is_signed_by(certificate, key=issuer.key)


def _is_signed(path: CertificatePath) -> bool:
    """Whether every link holds, from the anchor on, with parameters that keys inherit."""
    if path.is_anchor:
        return True
    key = path.anchor.key
    for der in reversed(path.certificates):
        certificate = find_certificate(der)
        if certificate is None or not is_signed_by(certificate, key=key):
            return False
        key = key_with_parameters(certificate, inherited=key)
    return True
