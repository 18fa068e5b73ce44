"""Validating a path of certificates, step by step beside the standard.

What lives here: RFC 5280 §6.1, revocation left out (`revocation` has it), and the names by which
others come to paths at all.
Source: RFC 5280 §6.1.1 to §6.1.6; RFC 9618 (policies as a graph); RFC 5914 (anchors).
Nothing here raises: a certificate that cannot be read is a finding.
"""

from __future__ import annotations

from datetime import datetime

from signing.validation.path_building import find_paths
from signing.validation.paths import (
    ANY_PATH,
    ANY_POLICY,
    CertificatePath,
    PathFault,
    PathFinding,
    PathResult,
    PathSettings,
    TrustAnchor,
    TrustAnchors,
)

__all__ = [
    "ANY_PATH",
    "ANY_POLICY",
    "CertificatePath",
    "PathFault",
    "PathFinding",
    "PathResult",
    "PathSettings",
    "TrustAnchor",
    "TrustAnchors",
    "find_paths",
    "validate_path",
]


def validate_path(
    path: CertificatePath, *, at: datetime, settings: PathSettings = ANY_PATH
) -> PathResult:
    """What speaks against a path at a time.

    Takes   at: the time of interest, aware.
    Returns every finding; none means that the path is valid.  Never raises.
    Does not look at revocation, nor at what the certificate of interest is for.
    Source  RFC 5280 §6.1.
    """
    raise NotImplementedError(path, at, settings)
