"""What a sandbox needs beside people and portals: an authority, a witness, a key for the signer.

What lives here: making them once; a second start finds them.  The authority's certificates say
SANDBOX under an arc that means nothing, and the key of its root is thrown away: nobody can ever
make it issue anything else.
Source: architecture, "Sandbox", "Processes".  Not here: starting processes (`command.py`).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from idp.services import Services
from idp.settings import Settings
from idp.signer_log_key import ensure_log_key, find_public_log_key
from keystore.log.witness_folder import WitnessFolder
from keystore.purposes import LOG

_ROOT: Final = "sandbox-root"
_ISSUING: Final = "sandbox-issuing"
_WITNESS: Final = "witness.sandbox.example/one"


def make_authority(services: Services, *, now: datetime) -> None:
    """Root and issuing CA, certificates of the services under it, and the first status answers."""
    pki, status = services.trust.pki, services.trust.status
    if pki is None or status is None:
        return
    if not pki.authorities.records():
        root = pki.ceremony.make_root(_ROOT, now=now)
        pki.ceremony.add_root(root, now=now)
        pki.ceremony.add_issuing(_ISSUING, root_id=_ROOT, root_key=root.key, now=now)
    pki.timestamp_certificates.renew_due(now)
    pki.ocsp_certificates.renew_due(now)
    pki.document_certificates.renew_due(now)
    status.signer.sign_ahead(now)
    status.publisher.publish_due(now)


def make_witness(services: Services, *, folder: Path, now: datetime) -> tuple[str, ...]:
    """A witness in `folder` that watches the log of this sandbox; returns its verifier keys."""
    services.keyrings.of(LOG).ensure(now)
    log = services.trust.log
    opened = WitnessFolder(folder)
    if not folder.exists():
        opened.create(name=_WITNESS)
    vkeys = [
        verifier.vkey
        for origin in log.origins.values()
        for verifier in log.keys.verifiers(origin, now=now)
    ]
    opened.add_logs(vkeys)
    return tuple(one.verifier.vkey for one in opened.read_signers())


def make_signer_log_key(settings: Settings) -> str:
    """The public key that marks the log rows of this sandbox's signer, made once."""
    ensure_log_key(settings)
    return find_public_log_key(settings)
