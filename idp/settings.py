"""The settings: read once from `ANTIN_*` variables or a TOML file, refused at start by name.

What lives here: every setting with its unit and default, and the rules that refuse a dangerous
combination.  Not here: anything that acts on them.  Source: architecture, "Contracts".
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import partial
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import msgspec

from idp.errors import SettingsInvalid

_PREFIX: Final = "ANTIN_"
SANDBOX_MARK: Final = "ANTIN_SANDBOX"
"""Set by `antin sandbox` for the processes it starts; by nobody else, and no setting."""
_NOT_SETTINGS: Final = frozenset(
    {"ANTIN_OPERATOR", "ANTIN_CONFIG", "ANTIN_CORPUS", "ANTIN_CHROMIUM", SANDBOX_MARK}
)
"""Variables of the same prefix that only tests and the command line read."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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
    restored backup brings them back; empty: `var/destroyed`."""

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
    signer_processes: int = 1
    """Processes that open personal keys; about one per core of its host."""
    signer_connections: int = 64
    """Connections that one of them serves at a time; at least the threads of all who ask."""
    signer_origins: tuple[str, ...] = ()
    """Origins of pages on which a signature may be confirmed, separated by commas; empty: the
    issuer."""
    signer_rp_id: str = ""
    """RP ID of the passkeys that confirm; empty: the host name of the first of those origins."""
    signer_verifier_keys: Path | None = None
    """JWK Set of the second-factor verifier; empty: no statement of it is believed."""
    signer_needs_statement: bool = False
    """Whether enrolling a passkey key needs a statement of the second-factor verifier as well."""

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
    def effective_destruction_list(self) -> Path:
        """`destruction_list`, or `var/destroyed`."""
        return self.destruction_list or self.var / "destroyed"

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


_LISTS: Final = frozenset(
    {
        "trusted_proxies",
        "signer_users",
        "signer_callers",
        "signer_origins",
        "log_witnesses",
        "tsa_policies",
        "time_sources",
    }
)
"""Settings whose values are separated by commas in a variable."""

_PATHS: Final = frozenset(
    {
        "time_chronyc",
        "signer_folder",
        "signer_tls_certificate",
        "signer_tls_key",
        "signer_tls_ca",
        "signer_verifier_keys",
        "kek_file",
        "signer_kek_file",
        "kek_pkcs11_module",
        "kek_pkcs11_pin_file",
        "keys_pkcs11_module",
        "keys_pkcs11_pin_file",
        "signer_pkcs11_module",
        "signer_pkcs11_pin_file",
        "destruction_list",
        "tls_certificate",
        "tls_key",
        "egress_ca_file",
    }
)

_BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "port": (1, 65535),
    "metrics_port": (0, 65535),
    "work_metrics_port": (0, 65535),
    "workers": (1, 256),
    "threads": (1, 128),
    "signer_processes": (1, 64),
    "signer_connections": (1, 4096),
    "log_quorum": (1, 16),
    "tsa_accuracy_ms": (600, 1000),
    "pki_crl_shards": (0, 4096),
    "ocsp_lifetime_s": (3600, 7 * 24 * 3600),
    "ocsp_live_per_second": (1, 100_000),
    "crl_lifetime_s": (3600, 7 * 24 * 3600),
    "drain_s": (0, 600),
    "finish_s": (1, 600),
    "source_passwords_per_15min": (10, 100_000),
    "source_codes_per_15min": (5, 100_000),
    "session_lifetime_s": (60, 24 * 3600),
    "password_fresh_s": (0, 24 * 3600),
    "interaction_lifetime_s": (60, 3600),
    "code_lifetime_s": (1, 60),
    "access_token_lifetime_s": (1, 300),
    "id_token_lifetime_s": (1, 3600),
    "refresh_lifetime_s": (60, 366 * 24 * 3600),
    "refresh_grace_s": (0, 10),
    "grant_cache_s": (0, 5),
    "jwks_cache_s": (1, 24 * 3600),
    "jwks_margin_s": (1, 24 * 3600),
    "key_rotation_s": (1, 366 * 24 * 3600),
}
"""Smallest and largest value; the upper ones are promises of the design (code 60 s, grace 10 s)."""


def load_settings(
    environ: Mapping[str, str],
    *,
    file: Path | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Settings:
    """Read the settings.

    Takes   environ: the process environment; file: TOML with the lower-case names (a variable
            wins over the file); defaults: what a command puts in place of ours.
    Raises  SettingsInvalid with the name of the first setting that is wrong.
    """
    values: dict[str, Any] = dict(defaults or {})
    if file is not None:
        try:
            values.update(tomllib.loads(file.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
            raise SettingsInvalid(str(file), reason=type(problem).__name__) from problem
    fields = {field.name: field for field in msgspec.structs.fields(Settings)}
    for name, text in environ.items():
        if not name.startswith(_PREFIX) or name in _NOT_SETTINGS:
            continue
        key = name.removeprefix(_PREFIX).lower()
        if key not in fields:
            raise SettingsInvalid(name, reason="there is no such setting")
        values[key] = _from_text(key, text)
    for key in values:
        if key not in fields:
            raise SettingsInvalid(_PREFIX + key.upper(), reason="there is no such setting")
    try:
        settings = msgspec.convert(values, Settings, strict=False, dec_hook=_to_path)
    except msgspec.ValidationError as problem:
        # msgspec ends its message with the place, "… - at `$.port`"
        message, _, place = str(problem).partition(" - at `$.")
        name = _PREFIX + place.rstrip("`").split("[")[0].upper()
        raise SettingsInvalid(name, reason=message) from problem
    _refuse_dangerous(settings)
    return settings


def _to_path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str | Path):
        return Path(value)
    raise NotImplementedError(f"expected {kind.__name__}")


def _from_text(key: str, text: str) -> Any:
    if key in _LISTS:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if key == "egress_private":
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError as problem:
            raise SettingsInvalid(_PREFIX + key.upper(), reason="is not JSON") from problem
    if key in _PATHS and not text:
        return None
    return text


def _refuse_dangerous(settings: Settings) -> None:
    for key, (low, high) in _BOUNDS.items():
        if not low <= getattr(settings, key) <= high:
            raise SettingsInvalid(_PREFIX + key.upper(), reason=f"must be from {low} to {high}")
    parts = urlsplit(settings.issuer)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
        raise SettingsInvalid("ANTIN_ISSUER", reason="must be an origin: scheme, host, port")
    if parts.fragment or parts.username or settings.issuer.endswith("/"):
        raise SettingsInvalid("ANTIN_ISSUER", reason="must be an origin: scheme, host, port")
    if parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise SettingsInvalid("ANTIN_ISSUER", reason="must be https")
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise SettingsInvalid("ANTIN_TLS_KEY", reason="certificate and key go together")
    _refuse_half_a_token(settings)
    _refuse_half_a_signer(settings)
    for key in ("host", "metrics_host"):
        _refuse_unless(ip_address, getattr(settings, key), key=key, reason="must be an IP address")
    for proxy in settings.trusted_proxies:
        _refuse_unless(
            partial(ip_network, strict=False),
            proxy,
            key="trusted_proxies",
            reason="must be addresses or networks, separated by commas",
        )
    if settings.metrics_port in {settings.port, settings.work_metrics_port} - {0}:
        raise SettingsInvalid("ANTIN_METRICS_PORT", reason="must be a port of its own")


def _refuse_half_a_token(settings: Settings) -> None:
    for whose in ("kek", "keys", "signer"):
        module, token, pin_file, pin = (
            getattr(settings, f"{whose}_pkcs11_{part}")
            for part in ("module", "token", "pin_file", "pin")
        )
        name = f"{_PREFIX}{whose.upper()}_PKCS11"
        if module is None:
            continue
        if not token:
            raise SettingsInvalid(f"{name}_TOKEN", reason="which token of the module")
        if bool(pin) == (pin_file is not None):
            raise SettingsInvalid(f"{name}_PIN_FILE", reason=f"or {name}_PIN, one of the two")


def _refuse_half_a_signer(settings: Settings) -> None:
    for key in ("signer_address", "signer_listen"):
        address = getattr(settings, key)
        if not address or (address.startswith("unix:") and len(address) > len("unix:")):
            continue
        parts = urlsplit(address)
        if parts.scheme != "tls" or not parts.hostname or not parts.port or parts.path:
            raise SettingsInvalid(
                _PREFIX + key.upper(), reason="must be unix:/path or tls://host:port"
            )
        if not (settings.signer_tls_certificate and settings.signer_tls_key):
            raise SettingsInvalid("ANTIN_SIGNER_TLS_CERTIFICATE", reason="tls:// is mutual")
        if settings.signer_tls_ca is None:
            raise SettingsInvalid("ANTIN_SIGNER_TLS_CA", reason="tls:// is mutual")
    rp_id = settings.effective_signer_rp_id
    for origin in settings.effective_signer_origins:
        host = urlsplit(origin).hostname or ""
        if origin != origin.rstrip("/") or not (host == rp_id or host.endswith(f".{rp_id}")):
            raise SettingsInvalid(
                "ANTIN_SIGNER_ORIGINS", reason=f"must be origins of {rp_id}, without a slash"
            )


def _refuse_unless(parse: Callable[[str], object], text: str, *, key: str, reason: str) -> None:
    try:
        parse(text)
    except ValueError as problem:
        raise SettingsInvalid(_PREFIX + key.upper(), reason=reason) from problem
