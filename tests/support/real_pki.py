"""An authority as the product makes it: offline root, issuing CA in the keyring, certificates.

What lives here: `RealPki`, the use cases over one database, with requests that a test changes.
Not here: the small authority with plain keys (`tests/support/pki.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from idp.storage.database import Database
from keystore.backends.offline import OfflineKey
from keystore.keyring import Keyring
from keystore.log.record import LogWriter
from keystore.pki.authority import Authorities
from keystore.pki.ceremony import Ceremony
from keystore.pki.certificate_states import CertificateStates
from keystore.pki.certificates import Certificates, IssueRequest
from keystore.pki.deployment import PkiDeployment
from keystore.pki.names import OrganisationSubject, PersonSubject
from keystore.pki.profiles import Profile
from keystore.purposes import CA_ISSUING
from keystore.sealing import Sealer


def new_spki() -> bytes:
    """The public half of a new P-256 key: DER SubjectPublicKeyInfo."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@dataclass
class RealPki:
    """The use cases over one database, and the root's key that an operator would hold."""

    database: Database
    sealer: Sealer
    log: LogWriter
    deployment: PkiDeployment
    keyring: Keyring
    authorities: Authorities
    ceremony: Ceremony
    certificates: Certificates
    states: CertificateStates
    root_key: OfflineKey
    data_keys: dict[str, bytes] = field(default_factory=dict)

    def data_key(self, account_id: str) -> bytes:
        """The data key of an account, the same each time."""
        if account_id not in self.data_keys:
            self.data_keys[account_id] = self.sealer.make_data_key(context=account_id)
        return self.data_keys[account_id]

    def request(self, account_id: str | None = "acc_one", **changes: object) -> IssueRequest:
        """A citizen's certificate; a test changes one thing."""
        given: dict[str, object] = {
            "profile": Profile.CITIZEN,
            "subject": PersonSubject("Người Mây Suối"),
            "public_spki": new_spki(),
            "account_id": account_id,
            "data_key": None if account_id is None else self.data_key(account_id),
            "kid": "key_one",
            "proofing_level": 2,
            "scal": 2,
        }
        return IssueRequest(**(given | changes))

    def seal_request(self, account_id: str = "acc_org", **changes: object) -> IssueRequest:
        """An organisation's seal."""
        subject = OrganisationSubject("Công ty Mây Suối", "NTRVN-9900000013")
        given = {"profile": Profile.SEAL, "subject": subject, "proofing_level": None, "scal": 1}
        return self.request(account_id, **(given | changes))


def make_deployment(**changes: object) -> PkiDeployment:
    """A deployment with a public host name."""
    given: dict[str, object] = {
        "base_url": "http://pki.antin.vn",
        "policy_arc": "1.3.6.1.4.1.99999.1",
        "organisation": "Cơ quan Chứng thực Thử nghiệm",
        "organisation_identifier": "GOVVN-H00.99",
    }
    return PkiDeployment(**(given | changes))


def make_real_pki(
    database: Database,
    *,
    sealer: Sealer,
    log: LogWriter,
    now: datetime,
    deployment: PkiDeployment,
    keyring: Keyring | None = None,
    algorithm: str = "ES256",
) -> RealPki:
    """A root, an issuing CA, and the use cases over them.

    Takes   keyring: of the issuing CA's key, in software if not given; algorithm: of that key.
    """
    if keyring is None:
        keyring = Keyring(database, sealer, log=log, purpose=CA_ISSUING)
    authorities = Authorities(database, keyring=keyring, log=log, deployment=deployment)
    ceremony = Ceremony(database, authorities=authorities, keyring=keyring, log=log)
    root = ceremony.make_root("root-1", now=now)
    ceremony.add_root(root, now=now)
    ceremony.add_issuing(
        "issuing-1", root_id="root-1", root_key=root.key, now=now, algorithm=algorithm
    )
    certificates = Certificates(database, sealer=sealer, log=log, authorities=authorities)
    states = CertificateStates(database, log=log)
    return RealPki(
        database,
        sealer,
        log,
        deployment,
        keyring,
        authorities,
        ceremony,
        certificates,
        states,
        root.key,
    )
