"""What others believe a signature by: log, authorities, status and time, put together.

What lives here: `Trust`, the keystore's part of a process, and which endpoints that process serves.
All of it is cheap to make and asks nobody: web processes hold the endpoints, the process that does
duties holds what prepares their answers, commands take what they need.
Not here: what any of it does (`keystore`), when duties run (`idp/duties.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from idp.certificate_status import StatusServices, build_status
from idp.egress import Egress
from idp.egress.witnesses import EgressWitnesses
from idp.keyrings import Keyrings
from idp.pki import Pki, build_pki, pki_deployment
from idp.settings import Settings
from idp.timestamps import make_clock, make_tsa
from keystore.log.entries import Tree
from keystore.log.log_keys import KeyringLogKeys
from keystore.log.proofs import Proofs
from keystore.log.row_marks import RowMarks
from keystore.log.sequencer import Sequencer
from keystore.log.signed_heads import HeadFolder
from keystore.log.witnessing import WitnessConfig, Witnessing, parse_witness
from keystore.purposes import LOG
from keystore.web.answer import Endpoint
from keystore.web.certificates import CertificatesEndpoint
from keystore.web.log import LogEndpoint

_log = structlog.get_logger("antin.trust")


@dataclass(frozen=True, slots=True)
class LogServices:
    """The append-only log of a deployment; safe to share between threads.

    `origins`: the names with which a log that was not begun yet will begin.
    """

    keys: KeyringLogKeys
    origins: Mapping[Tree, str]
    sequencer: Sequencer
    proofs: Proofs
    witnesses: tuple[WitnessConfig, ...]
    witnessing: Witnessing | None
    endpoint: LogEndpoint


@dataclass(frozen=True, slots=True)
class Trust:
    """The keystore's part of a process.

    `pki` and `status` are None where this deployment runs no authority.
    """

    log: LogServices
    pki: Pki | None
    status: StatusServices | None
    endpoints: Mapping[str, Endpoint]


def build_trust(
    settings: Settings, *, keyrings: Keyrings, egress: Egress, is_sandbox: bool
) -> Trust:
    """Put it together.

    Raises  SettingsInvalid with the name of the setting; NoteMalformed for a witness.
    """
    log = _build_log(settings, keyrings=keyrings, egress=egress)
    endpoints: dict[str, Endpoint] = {"log": log.endpoint}
    deployment = pki_deployment(settings, is_sandbox=is_sandbox)
    pki = status = None
    if deployment is not None:
        pki = build_pki(deployment, keyrings=keyrings)
        status = build_status(pki, settings=settings, database=keyrings.database, log=keyrings.log)
        endpoints |= {
            "ca": CertificatesEndpoint(pki.authorities),
            "ocsp": status.ocsp,
            "crl": status.crl,
        }
        if settings.tsa_enabled:
            endpoints["tsa"] = make_tsa(
                settings,
                clock=make_clock(
                    settings,
                    database=keyrings.database,
                    log=keyrings.log,
                    is_sandbox=is_sandbox,
                ),
                signer=pki.timestamp_certificates.signer,
                report=_report,
            )
    return Trust(log, pki, status, endpoints)


def _build_log(settings: Settings, *, keyrings: Keyrings, egress: Egress) -> LogServices:
    quorum = settings.effective_log_quorum
    origins = {tree: f"{settings.effective_log_origin}/{tree}" for tree in Tree}
    keys = KeyringLogKeys(keyrings.of(LOG))
    proofs = Proofs(keyrings.database, quorum=quorum)
    witnesses = tuple(parse_witness(one) for one in settings.log_witnesses)
    return LogServices(
        keys=keys,
        origins=origins,
        sequencer=Sequencer(
            keyrings.database,
            origins=origins,
            keys=keys,
            marks=RowMarks(keyrings.sealer, signer_keys=settings.signer_log_keys),
            memory=HeadFolder(settings.var / "log-heads"),
        ),
        proofs=proofs,
        witnesses=witnesses,
        witnessing=Witnessing(
            keyrings.database,
            witnesses=witnesses,
            transport=EgressWitnesses(egress),
            quorum=quorum,
        )
        if witnesses
        else None,
        endpoint=LogEndpoint(
            proofs, keys=keys, witness_keys=[key for one in witnesses for key in one.keys]
        ),
    )


def _report(failure: Exception) -> None:
    """A timestamp that was not given; the caller gets `systemFailure`."""
    _log.error("timestamp_failed", reason=type(failure).__name__, exc_info=failure)
