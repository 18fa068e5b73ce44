"""The settings: read once from `ANTIN_*` variables or a TOML file, refused at start by name.

What lives here: every setting with its unit and default, and the rules that refuse a dangerous
combination.  Not here: anything that acts on them.  Source: architecture, "Contracts".
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import msgspec

from idp.errors import SettingsInvalid

_PREFIX: Final = "ANTIN_"
_NOT_SETTINGS: Final = frozenset({"ANTIN_CONFIG", "ANTIN_CORPUS", "ANTIN_CHROMIUM"})
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

    host: str = "127.0.0.1"
    port: int = 8000
    metrics_port: int = 0
    """Listener of its own for /metrics and the details of /readyz; 0: none."""
    workers: int = 1
    threads: int = 8
    """Threads of one worker; also its database connections."""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose X-Forwarded-For is believed; nobody else's is."""
    drain_s: int = 5
    """How long /readyz answers 503 before connections close on stop."""

    session_lifetime_s: int = 12 * 3600
    """Absolute lifetime of a browser session."""
    password_fresh_s: int = 3600
    """How long a password counts as the first factor of a step-up to level 2."""
    interaction_lifetime_s: int = 1800
    code_lifetime_s: int = 60
    access_token_lifetime_s: int = 300
    id_token_lifetime_s: int = 300
    refresh_lifetime_s: int = 30 * 24 * 3600
    """Absolute lifetime of a refresh family; a client may have a shorter one, never a longer."""
    refresh_grace_s: int = 10
    """How long a refresh token just replaced still answers with the same successor."""
    grant_cache_s: int = 5
    """How stale the state of a grant may be at userinfo and introspection."""

    jwks_cache_s: int = 3600
    """max-age of /jwks; a new key is published this long plus the margin before it signs."""
    jwks_margin_s: int = 300
    key_rotation_s: int = 90 * 24 * 3600

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    egress_private: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """client_id → private networks that may be called for it (portals on the state network)."""
    egress_ca_file: Path | None = None
    """PEM of further trust anchors for portals, beside the system's."""

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


_PATHS: Final = frozenset({"kek_file", "tls_certificate", "tls_key", "egress_ca_file"})

_BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "port": (1, 65535),
    "metrics_port": (0, 65535),
    "workers": (1, 256),
    "threads": (1, 128),
    "drain_s": (0, 600),
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
    if key == "trusted_proxies":
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
