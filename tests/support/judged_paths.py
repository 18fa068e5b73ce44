"""Paths of certificates that a test judges, with openssl beside us.

What lives here: a root, an authority below it, our verdict and that of `openssl verify`.
Not here: anything that the product imports.
"""

from __future__ import annotations

import base64
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from signing.validation.certificate_path import (
    CertificatePath,
    PathFault,
    PathSettings,
    validate_path,
)
from signing.validation.known_anchors import anchor_of
from signing.validation.paths import PathResult
from tests.support.certificate_paths import AT, Party, authority

ROOT: Final = authority("Root")
CA: Final = authority("CA", by=ROOT)


def path_of(*chain: Party, root: Party = ROOT) -> CertificatePath:
    """A path, whether it holds or not."""
    anchor = anchor_of(root.der, source="test")
    assert anchor is not None
    return CertificatePath(tuple(one.der for one in chain), anchor)


def judge(
    *chain: Party,
    root: Party = ROOT,
    settings: PathSettings | None = None,
    asks: Sequence[str] | None = (),
    at: datetime = AT,
) -> PathResult:
    """Our verdict, once openssl says the same.

    Takes   asks: options of its own for openssl; None when it is not asked.
    """
    result = validate_path(path_of(*chain, root=root), at=at, settings=settings or PathSettings())
    if asks is not None:
        agreed = openssl_verifies(*chain, root=root, asks=asks, at=at)
        assert agreed == result.is_valid, result.findings
    return result


def openssl_verifies(
    *chain: Party, root: Party = ROOT, asks: Sequence[str] = (), at: datetime = AT
) -> bool:
    """Whether openssl takes the chain."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for file, parties in (("leaf", chain[:1]), ("between", chain[1:]), ("root", (root,))):
            (folder / file).write_bytes(b"".join(map(_pem, parties)))
        between = ("-untrusted", str(folder / "between")) if chain[1:] else ()
        command = (
            *("openssl", "verify", "-attime", str(int(at.timestamp()))),
            *("-CAfile", str(folder / "root"), *between, *asks, str(folder / "leaf")),
        )
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _pem(party: Party) -> bytes:
    text = base64.encodebytes(party.der)
    return b"-----BEGIN CERTIFICATE-----\n" + text + b"-----END CERTIFICATE-----\n"


def faults(result: PathResult) -> set[tuple[PathFault, int]]:
    """What was found, and where."""
    return {(one.fault, one.position) for one in result.findings}


def codes(result: PathResult) -> set[str]:
    """What was found, by the codes of the reasons."""
    return {one.reason.code for one in result.findings}
