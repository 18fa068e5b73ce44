"""Finding paths from a certificate to an anchor, among certificates that anybody put there.

What lives here: the search, bounded in steps whatever is among them.
Source: RFC 4158 (building paths), RFC 5280 §6.1 (what makes a path), §4.2.1.1 and §4.2.1.2.
Not here: validating (`certificate_path`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from signing.validation.paths import CertificatePath, TrustAnchors


def find_paths(
    certificate: bytes, *, among: Iterable[bytes], anchors: TrustAnchors, at: datetime
) -> Iterator[CertificatePath]:
    """The paths from a certificate to anchors, the most promising first.

    Takes   certificate: DER; among: DER of possible issuers in any order, unreadable ones and
            doublets included (or a `CertificatePool`, which spares reading them again);
            at: the time of interest: certificates that are valid then come first.
    Yields  paths that are signed link by link, **not validated**; none when nothing leads to an
            anchor.  At most `MOST_PATHS`, after at most `MOST_STEPS` steps.  Never raises.
    """
    raise NotImplementedError(certificate, among, anchors, at)
