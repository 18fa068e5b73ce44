"""The settings: what an operator may set.

What lives here: every setting with its unit and default, and what stands in place of an empty one.
Not here: where they are read and what is refused (`settings_loading.py`), anything that acts on
them.  Source: architecture, "Contracts".
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from idp.settings_delivery import DeliverySettings


class Settings(DeliverySettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that an operator may set; names are lower case here, `ANTIN_…` outside."""

    issuer: str = "http://localhost:8000"
    """Issuer identifier and origin of every page of the provider; no path, no trailing slash."""
    var: Path = Path("var")
    """Folder of the database, the ephemeral store and the KEK when those are not set."""
    database_url: str = ""
    """SQLAlchemy URL; empty: SQLite in `var`."""
    ephemeral_url: str = ""
    """`redis://…`, a `postgresql+psycopg://…` URL, or empty: SQLite in `var`."""
    queue_url: str = ""
    """`redis://…` for the clock of deferred work, or empty: SQLite in `var`."""
    kek_file: Path | None = None
    """The root key-encryption key, base64url in a file of mode 0600; empty: `var/kek`."""
    kek: str = ""
    """The same key in a variable, for platforms that inject secrets that way."""
    kek_pkcs11_module: Path | None = None
    """Library of a hardware module (PKCS #11) that holds the root key instead; beside a file or
    variable only while changing from one to the other."""
    kek_pkcs11_token: str = ""
    """Label of the token in that module."""
    kek_pkcs11_key: str = "antin kek"
    """Label of the root keys in that token."""
    kek_pkcs11_pin_file: Path | None = None
    """The token's PIN, in a file of mode 0600."""
    kek_pkcs11_pin: str = ""
    """The same PIN in a variable."""
    signer_kek_file: Path | None = None
    """The root keys of personal signing keys, in a file of mode 0600 that only the user of
    `antin signer` can read; empty: `var/signer-kek`."""
    keys_pkcs11_module: Path | None = None
    """Library of a hardware module (PKCS #11) in which the service's signing keys are made; empty:
    in software.  Keys from before stay where they are until others follow them."""
    keys_pkcs11_token: str = ""
    """Label of the token in that module."""
    keys_pkcs11_pin_file: Path | None = None
    """The PIN of its user, in a file of mode 0600."""
    keys_pkcs11_pin: str = ""
    """The same PIN in a variable."""
    signer_pkcs11_module: Path | None = None
    """Library of a hardware module whose root keys personal signing keys are under; empty: those of
    `signer_kek_file`.  Only `antin signer` may have the PIN."""
    signer_pkcs11_token: str = ""
    """Label of the token in that module."""
    signer_pkcs11_key: str = "antin personal root key"
    """Label of the root keys in that token."""
    signer_pkcs11_pin_file: Path | None = None
    """The PIN of its user, in a file of mode 0600 that only the user of `antin signer` can read."""
    signer_pkcs11_pin: str = ""
    """The same PIN in a variable."""
    destruction_list: Path | None = None
    """File that lists destroyed data keys, apart from the database and its backups, so that no
    restored backup brings them back; empty: `var/destroyed`. Revoked and suspended certificates are
    listed beside it, in `revoked`."""

    host: str = "127.0.0.1"
    """Address to listen on, IPv4 or IPv6, no name."""
    port: int = 8000
    """Port to listen on; nobody else may be served there."""
    metrics_host: str = "127.0.0.1"
    """Address of the listener for /metrics and the details of /readyz."""
    metrics_port: int = 0
    """Port of that listener of `antin serve`; 0: no listener and no metrics."""
    work_metrics_port: int = 0
    """The same for `antin work`."""
    workers: int = 1
    """Worker processes; about one per core."""
    threads: int = 8
    """Threads of one worker; also its database connections."""
    tls_certificate: Path | None = None
    """PEM chain of the server, its own certificate first; empty: http behind a proxy that ends TLS.
    `kill -HUP` reads it again."""
    tls_key: Path | None = None
    """PEM private key that goes with it, without a password."""
    tls_minimum: Literal["1.2", "1.3"] = "1.3"
    """Oldest version of TLS that is spoken."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose X-Forwarded-For and X-Request-Id are believed, separated by
    commas; nobody else's are."""
    drain_s: int = 5
    """How long /readyz answers 503 before connections close on stop."""
    finish_s: int = 25
    """How long running requests may take after that before their worker is killed."""

    source_passwords_per_15min: int = 100
    """How many wrong passwords one network address (IPv6: /64) may try in 15 minutes, over all
    accounts. Mobile carriers put thousands of people behind one address: raise it where
    `too_many_attempts` meets people who typed nothing wrong. Each account keeps its own limit."""
    source_codes_per_15min: int = 50
    """The same for one-time codes."""

    session_lifetime_s: int = 12 * 3600
    """Absolute lifetime of a browser session."""
    password_fresh_s: int = 3600
    """How long a password counts as the first factor of a step-up to level 2."""
    factor_change_fresh_s: int = 600
    """How long ago a sign-in may have been for somebody to change what they sign in with."""
    changed_contact_wait_s: int = 72 * 3600
    """How long after somebody changed their telephone number or e-mail address a code sent there
    is no second factor yet."""
    recovery_wait_s: int = 259_200
    """How long whoever is told of a reset password can lock the account by the notice's link."""
    breached_passwords_file: Path | None = None
    """Sorted file of SHA-1 hashes of breached passwords, one to a line, each with `:count` or
    without, as public collections are given out; new passwords on it are refused. A short list is
    built in."""
    interaction_lifetime_s: int = 1800
    """How long a sign-in that was begun may take."""
    code_lifetime_s: int = 60
    """Lifetime of an authorization code."""
    access_token_lifetime_s: int = 300
    """Lifetime of an access token."""
    id_token_lifetime_s: int = 300
    """Lifetime of an ID token."""
    refresh_lifetime_s: int = 30 * 24 * 3600
    """Absolute lifetime of a refresh family; a client may have a shorter one, never a longer."""
    refresh_grace_s: int = 10
    """How long a refresh token just replaced still answers with the same successor."""
    grant_cache_s: int = 5
    """How stale the state of a grant may be at userinfo and introspection."""

    jwks_cache_s: int = 3600
    """max-age of /jwks; a new key is published this long plus the margin before it signs."""
    jwks_margin_s: int = 300
    """Clocks that are off, and caches that keep a little longer than they may."""
    key_rotation_s: int = 90 * 24 * 3600
    """How long a key signs before the next one follows."""

    signer_address: str = ""
    """Where `antin signer` is reached: `unix:/path` or `tls://host:port`; empty: `var/signer.sock`.
    """
    signer_listen: str = ""
    """Where it listens when that is another address; empty: the same."""
    signer_folder: Path | None = None
    """Folder of what the signer remembers by itself, for its user alone; empty: `var/signer`."""
    signer_database_url: str = ""
    """SQLAlchemy URL with a role of its own for the signer; empty: `database_url`."""
    signer_users: tuple[int, ...] = ()
    """User ids that may connect to the Unix socket, separated by commas; empty: its own alone."""
    signer_group: str = ""
    """Name of a group that may open the Unix socket (mode 0660); empty: its owner alone (0600)."""
    signer_tls_certificate: Path | None = None
    """PEM chain of this side of `tls://`: the signer's own, or that of whoever asks it."""
    signer_tls_key: Path | None = None
    """PEM private key that goes with it."""
    signer_tls_ca: Path | None = None
    """PEM of the authority that certifies the other side, and nobody else."""
    signer_callers: tuple[str, ...] = ()
    """DNS names in certificates that may ask over `tls://`, separated by commas; empty: any
    certificate of that authority."""
    signer_keepers: tuple[str, ...] = ()
    """Who may have the signer resume and destroy keys, separated by commas: `antin work` and
    operators, by user ids on a Unix socket, by DNS names in certificates over `tls://`; empty: the
    signer's own user alone, over `tls://` nobody."""
    signer_destructions_per_hour: int = 100
    """Keys that one signer destroys within an hour; what is asked beyond that waits."""
    signer_processes: int = 1
    """Processes that open personal keys; about one per core of its host."""
    signer_connections: int = 64
    """Connections that one of them serves at a time; at least the threads of all who ask."""
    signer_origins: tuple[str, ...] = ()
    """Origins of pages on which a signature may be confirmed, separated by commas; empty: the
    issuer."""
    signer_rp_id: str = ""
    """RP ID of passkeys: the host of the pages on which people sign in and confirm, or the domain
    above all of them; empty: the host name of the first of those origins.  The first passkey that
    is enrolled settles it: with another one no server starts."""
    signer_verifier_keys: Path | None = None
    """JWK Set of the second-factor verifier; empty: no statement of it is believed."""
    signer_log_keys: tuple[str, ...] = ()
    """Public keys of the signers' log rows, hexadecimal, separated by commas (`antin log
    signer-key`); a row of any other is not taken into the log."""
    signer_needs_statement: bool = False
    """Whether enrolling a passkey key needs a statement of the second-factor verifier as well."""

    verifier_address: str = ""
    """Where `antin verifier` is reached: `unix:/path` or `tls://host:port`; empty: there is none,
    the service holds authenticator secrets itself and no one-time code confirms a signature."""
    verifier_listen: str = ""
    """Where it listens when that is another address; empty: the same, or `var/verifier.sock`."""
    verifier_kek_file: Path | None = None
    """The root keys of authenticator secrets, in a file of mode 0600 that only the user of
    `antin verifier` can read; empty: `var/verifier-kek`."""
    verifier_folder: Path | None = None
    """Folder of what the verifier remembers by itself, for its user alone; empty: `var/verifier`.
    """
    verifier_database_url: str = ""
    """SQLAlchemy URL with a role of its own that only reads; empty: `database_url`."""
    verifier_users: tuple[int, ...] = ()
    """User ids that may connect to the Unix socket, separated by commas; empty: its own alone."""
    verifier_group: str = ""
    """Name of a group that may open the Unix socket (mode 0660); empty: its owner alone (0600)."""
    verifier_tls_certificate: Path | None = None
    """PEM chain of this side of `tls://`: the verifier's own, or that of whoever asks it."""
    verifier_tls_key: Path | None = None
    """PEM private key that goes with it."""
    verifier_tls_ca: Path | None = None
    """PEM of the authority that certifies the other side, and nobody else."""
    verifier_callers: tuple[str, ...] = ()
    """DNS names in certificates that may ask over `tls://`, separated by commas; empty: any
    certificate of that authority."""
    verifier_keepers: tuple[str, ...] = ()
    """Who may tell the verifier that an activation code was given out at proofing, separated by
    commas: operators, never `antin serve`; by user ids on a Unix socket, by DNS names in
    certificates over `tls://`; empty: the verifier's own user alone, over `tls://` nobody."""
    verifier_processes: int = 1
    """Processes that check codes; one is enough for hundreds a second."""
    verifier_connections: int = 64
    """Connections that one of them serves at a time; at least the threads of all who ask."""
    verifier_confirms_at_once: bool = False
    """Whether codes of an authenticator that was not bound at proofing confirm signatures without
    waiting 72 hours; refused outside of a sandbox."""

    tsa_enabled: bool = False
    """Whether /tsa answers; outside of a sandbox only with time_sources or time_chronyc."""
    tsa_policies: tuple[str, ...] = ("2.999.4.1",)
    """Policies of timestamps as object identifiers, separated by commas, the usual one first."""
    tsa_accuracy_ms: int = 1000
    """How far the time in a token may be off, in milliseconds; the watch stops before that."""
    tsa_ordered: bool = False
    """Whether tokens are ordered by their times: for an authority of one host alone, which keeps
    the last time in `var/timestamps`."""
    time_sources: tuple[str, ...] = ()
    """NTP servers that this host's clock is compared with, three or more, separated by commas."""
    time_chronyc: Path | None = None
    """Absolute path of `chronyc` where the chrony of this host is asked instead (NTS)."""

    ocsp_lifetime_s: int = 43_200
    """How long an answer about the status of a certificate may be believed, in seconds."""
    ocsp_live_per_second: int = 200
    """Status answers that one process signs at once because they could not be signed ahead (those
    with a nonce), in a second on average; beyond that it says tryLater."""
    crl_lifetime_s: int = 86_400
    """How long a revocation list may be believed, in seconds; there is a newer one after half."""

    documents_folder: Path | None = None
    """Folder of documents that wait for a signature, sealed, on a disk that `antin serve` and
    `antin work` of all hosts share; empty: `var/documents`."""
    document_mib: int = 50
    """How large one document to be signed may be, in MiB; 200 at most."""
    request_mib: int = 200
    """How large all documents of one request may be together, in MiB."""
    signing_open_requests: int = 10_000
    """How many requests of one portal may be open at a time."""
    signing_open_mib: int = 20_000
    """How large the documents of one portal's open requests may be together, in MiB."""
    signing_requests_per_minute: int = 6_000
    """How many signing requests one portal may send within a minute; more are answered with 429."""
    signing_waiting_each: int = 100
    """How many requests of one portal may wait for the same person at a time."""
    signing_evidence_years: int = 10
    """For how many years the certificate, its status and revocation data at the time of a signature
    are kept; at B-LTA for 20 at least.
    """
    signing_timestamps: str = ""
    """Address of the timestamp authority for signatures; empty: this deployment's own."""
    signing_roots: Path | None = None
    """PEM of roots at which chains of timestamps and certificates may end, beside our own."""
    isolation_processes: int = 2
    """Processes of one worker that read documents of other people, at most; started when needed."""
    isolation_jobs: int = 2_000
    """Jobs of such a process until another takes its place; 1: none reads two documents, at half a
    second of work for each."""
    signing_pages_compared: bool = True
    """Whether a PDF in which a signature was prepared is drawn once more, and compared with what
    the signer saw, before she may confirm; some 5 ms for each document, 30 where any page may
    differ."""
    isolation_unlocked: bool = False
    """Whether documents are read where this host can load no filter for system calls: whoever takes
    over the reader of documents then has what its user has. The line `isolation` of the log says
    at the start which walls stand and which this host does not let be raised; without the filter
    it is an error."""

    trust_folder: Path | None = None
    """Folder of certificates (PEM or DER) at which chains of other people's signatures may end,
    beside our own roots, on a disk that all hosts share; its folder `lists` keeps trusted lists
    that were fetched; empty: `var/trust`."""
    trust_lists: tuple[str, ...] = ()
    """Trusted lists (ETSI TS 119 612) whose services are trusted, separated by commas: addresses,
    or absolute paths of files; a list of lists brings those that it names."""
    trust_list_signers: Path | None = None
    """PEM of the certificates that may sign these lists; a list signed by anybody else is
    refused."""
    verify_files_per_minute: int = 120
    """How many files one network address (IPv6: /64) may have checked in a minute; 0: any number.
    Portals that show who they are, and `antin verify`, are not counted."""
    verify_online: bool = True
    """Whether the status of certificates in documents is asked where they say, when a document
    brings none; without it a report says that the status could not be had."""

    log_origin: str = ""
    """Name of the append-only log, to which `/public` and `/private` are added; empty: host of the
    issuer and `/log`. A log that was begun keeps the name it has."""
    log_witnesses: tuple[str, ...] = ()
    """Witnesses that cosign the log, separated by commas: each its URL and its verifier keys,
    separated by spaces; empty: what the log signs is all there is."""
    log_quorum: int = 1
    """How many different witnesses make a checkpoint count."""

    pki_base_url: str = ""
    """Origin of the addresses in certificates (CRL, OCSP, issuer); empty: the issuer's.  Plain http
    is usual there."""
    pki_organisation: str = ""
    """Who runs the certification authority, as its certificates name it; empty: there is none."""
    pki_organisation_identifier: str = ""
    """Its identifier as ETSI EN 319 412-1 writes it: NTRVN-…, VATVN-… or GOVVN-…."""
    pki_ca_name: str = "Ấn Tín"
    """How its authorities are called; 24 characters at most."""
    pki_policy_arc: str = ""
    """Object identifier under which the policies of its certificates hang; of its own."""
    pki_subject_numbers: Literal["opaque", "etsi", "vietnamese"] = "opaque"
    """What tells people of one name apart in certificates: a random number, the identification
    number as ETSI writes it, or the random number beside UID=CCCD:…."""
    pki_crl_shards: int = 0
    """Into how many lists a new issuing CA's revocations are divided; 0: one list."""
    pki_qualified_in: str = ""
    """Country under whose law certificates are issued as qualified; empty: none are."""
    pki_pds_url: str = ""
    """https address of the disclosure statement in English; needed where they are qualified."""
    pki_cps_url: str = ""
    """https address of the certification practice statement; empty: certificates name none."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least important lines that are written."""
    access_log: bool = False
    """Whether every request leaves a line (at INFO); without it only what went wrong does."""
    egress_private: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """client_id → private networks that may be called for it (portals on the state network)."""
    egress_ca_file: Path | None = None
    """PEM of further trust anchors for portals, beside the system's."""

    def __repr__(self) -> str:
        # the key, and passwords inside of addresses
        return f"Settings(issuer={self.issuer!r}, …)"

    @property
    def is_https(self) -> bool:
        """Whether cookies are `__Host-` and Secure."""
        return self.issuer.startswith("https://")

    @property
    def effective_database_url(self) -> str:
        """`database_url`, or SQLite in `var`."""
        return self.database_url or f"sqlite:///{self.var.absolute() / 'antin.db'}"

    @property
    def effective_ephemeral_url(self) -> str:
        """`ephemeral_url`, or SQLite in `var`, in a file of its own."""
        return self.ephemeral_url or f"sqlite:///{self.var.absolute() / 'ephemeral.db'}"

    @property
    def effective_kek_file(self) -> Path:
        """`kek_file`, or `var/kek`."""
        return self.kek_file or self.var / "kek"

    @property
    def effective_signer_kek_file(self) -> Path:
        """`signer_kek_file`, or `var/signer-kek`."""
        return self.signer_kek_file or self.var / "signer-kek"

    @property
    def effective_verifier_address(self) -> str:
        """`verifier_address`, or a Unix socket in `var`: where it is, if it runs."""
        return self.verifier_address or f"unix:{self.var.absolute() / 'verifier.sock'}"

    @property
    def effective_verifier_kek_file(self) -> Path:
        """`verifier_kek_file`, or `var/verifier-kek`."""
        return self.verifier_kek_file or self.var / "verifier-kek"

    @property
    def effective_verifier_folder(self) -> Path:
        """`verifier_folder`, or `var/verifier`."""
        return self.verifier_folder or self.var / "verifier"

    @property
    def effective_destruction_list(self) -> Path:
        """`destruction_list`, or `var/destroyed`."""
        return self.destruction_list or self.var / "destroyed"

    @property
    def effective_documents_folder(self) -> Path:
        """`documents_folder`, or `var/documents`."""
        return self.documents_folder or self.var / "documents"

    @property
    def effective_trust_folder(self) -> Path:
        """`trust_folder`, or `var/trust`."""
        return self.trust_folder or self.var / "trust"

    @property
    def effective_timestamps_url(self) -> str:
        """`signing_timestamps`, or this deployment's own authority."""
        return self.signing_timestamps or f"{self.issuer}/tsa"

    @property
    def effective_log_origin(self) -> str:
        """`log_origin`, or host of the issuer and `/log`."""
        return self.log_origin or f"{urlsplit(self.issuer).netloc}/log"

    @property
    def effective_log_quorum(self) -> int:
        """`log_quorum`, or 0 where there are no witnesses."""
        return self.log_quorum if self.log_witnesses else 0

    @property
    def effective_signer_address(self) -> str:
        """`signer_address`, or a Unix socket in `var`."""
        return self.signer_address or f"unix:{self.var.absolute() / 'signer.sock'}"

    @property
    def effective_signer_folder(self) -> Path:
        """`signer_folder`, or `var/signer`."""
        return self.signer_folder or self.var / "signer"

    @property
    def effective_signer_origins(self) -> tuple[str, ...]:
        """`signer_origins`, or the issuer alone."""
        return self.signer_origins or (self.issuer,)

    @property
    def effective_signer_rp_id(self) -> str:
        """`signer_rp_id`, or the host of the first origin."""
        return self.signer_rp_id or urlsplit(self.effective_signer_origins[0]).hostname or ""
