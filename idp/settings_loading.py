"""Reading the settings: `ANTIN_*` variables or a TOML file, once, refused at start by name.

What lives here: from text to `Settings`, the bounds of numbers, and the rules that refuse a
dangerous combination.  Source: architecture, "Contracts".  Not here: the settings (`settings.py`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from functools import partial
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from idp.errors import SettingsInvalid
from idp.mandate_settings import BOUNDS as MANDATE_BOUNDS
from idp.mandate_settings import refuse_words_that_are_over
from idp.register_settings import BOUNDS as REGISTER_BOUNDS
from idp.register_settings import PATHS as REGISTER_PATHS
from idp.register_settings import refuse_half_a_register
from idp.settings import Settings
from idp.settings_delivery import refuse_half_a_gateway

_PREFIX: Final = "ANTIN_"
SANDBOX_MARK: Final = "ANTIN_SANDBOX"
"""Set by `antin sandbox` for the processes it starts; by nobody else, and no setting."""
_NOT_SETTINGS: Final = frozenset(
    {"ANTIN_OPERATOR", "ANTIN_CONFIG", "ANTIN_CORPUS", "ANTIN_CHROMIUM", SANDBOX_MARK}
)
"""Variables of the same prefix that only tests and the command line read."""


_LISTS: Final = frozenset(
    {
        "trusted_proxies",
        "signer_users",
        "signer_callers",
        "signer_keepers",
        "signer_origins",
        "signer_log_keys",
        "verifier_users",
        "verifier_callers",
        "verifier_keepers",
        "log_witnesses",
        "tsa_policies",
        "time_sources",
        "sms_countries",
        "trust_lists",
    }
)
"""Settings whose values are separated by commas in a variable."""

_PATHS: Final = REGISTER_PATHS | frozenset(
    {
        "time_chronyc",
        "signer_folder",
        "signer_tls_certificate",
        "signer_tls_key",
        "signer_tls_ca",
        "signer_verifier_keys",
        "verifier_kek_file",
        "verifier_folder",
        "verifier_tls_certificate",
        "verifier_tls_key",
        "verifier_tls_ca",
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
        "breached_passwords_file",
        "trust_folder",
        "trust_list_signers",
        "smtp_password_file",
        "smtp2_password_file",
        "sms_token_file",
        "sms2_token_file",
    }
)

_BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "port": (1, 65535),
    "metrics_port": (0, 65535),
    "work_metrics_port": (0, 65535),
    "workers": (1, 256),
    "threads": (1, 128),
    "signer_processes": (1, 64),
    "signer_destructions_per_hour": (0, 1_000_000),
    "signer_connections": (1, 4096),
    "verifier_processes": (1, 64),
    "verifier_connections": (1, 4096),
    "log_quorum": (1, 16),
    "tsa_accuracy_ms": (600, 1000),
    "pki_crl_shards": (0, 4096),
    "ocsp_lifetime_s": (3600, 7 * 24 * 3600),
    "ocsp_live_per_second": (1, 100_000),
    "crl_lifetime_s": (3600, 7 * 24 * 3600),
    "drain_s": (0, 600),
    "finish_s": (1, 600),
    "isolation_processes": (1, 64),
    "isolation_jobs": (1, 1_000_000),
    "signing_requests_per_minute": (1, 1_000_000),
    "signing_waiting_each": (1, 10_000),
    "signing_evidence_years": (10, 100),
    "source_passwords_per_15min": (10, 100_000),
    "source_codes_per_15min": (5, 100_000),
    "source_messages_per_15min": (5, 100_000),
    "verify_files_per_minute": (0, 1_000_000),
    "smtp_port": (1, 65535),
    "smtp2_port": (1, 65535),
    "session_lifetime_s": (60, 24 * 3600),
    "password_fresh_s": (0, 24 * 3600),
    "factor_change_fresh_s": (60, 3600),
    "changed_contact_wait_s": (3600, 30 * 24 * 3600),
    "recovery_wait_s": (3600, 30 * 24 * 3600),
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
    **REGISTER_BOUNDS,
    **MANDATE_BOUNDS,
}
"""Smallest and largest value; the upper ones are promises of the design (code 60 s, grace 10 s)."""


_LOG_KEY: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)


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
    refuse_words_that_are_over(settings)
    _refuse_half_a_token(settings)
    for whose in ("signer", "verifier"):
        _refuse_half_a_strongroom(settings, whose=whose)
    _refuse_foreign_origins(settings)
    refuse_half_a_register(settings)
    _refuse_lists_of_nobody(settings)
    refuse_half_a_gateway(settings)
    for key in settings.signer_log_keys:
        if not _LOG_KEY.fullmatch(key):
            raise SettingsInvalid(
                "ANTIN_SIGNER_LOG_KEYS", reason="must be what `antin log signer-key` prints"
            )
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


def _refuse_half_a_strongroom(settings: Settings, *, whose: str) -> None:
    prefix = f"{_PREFIX}{whose.upper()}"
    address = getattr(settings, f"{whose}_address")
    listen = getattr(settings, f"{whose}_listen")
    for part, given in (("ADDRESS", address), ("LISTEN", listen)):
        if not given or (given.startswith("unix:") and len(given) > len("unix:")):
            continue
        parts = urlsplit(given)
        if parts.scheme != "tls" or not parts.hostname or not parts.port or parts.path:
            raise SettingsInvalid(
                f"{prefix}_{part}", reason="must be unix:/path or tls://host:port"
            )
        if not all(getattr(settings, f"{whose}_tls_{file}") for file in ("certificate", "key")):
            raise SettingsInvalid(f"{prefix}_TLS_CERTIFICATE", reason="tls:// is mutual")
        if getattr(settings, f"{whose}_tls_ca") is None:
            raise SettingsInvalid(f"{prefix}_TLS_CA", reason="tls:// is mutual")
    is_local = not (listen or address).startswith("tls:")
    keepers = getattr(settings, f"{whose}_keepers")
    if any((one.isascii() and one.isdecimal()) != is_local for one in keepers):
        reason = "must be user ids" if is_local else "must be DNS names"
        raise SettingsInvalid(f"{prefix}_KEEPERS", reason=reason)


def _refuse_foreign_origins(settings: Settings) -> None:
    rp_id = settings.effective_signer_rp_id
    login = urlsplit(settings.issuer).hostname or ""
    if not (login == rp_id or login.endswith(f".{rp_id}")):
        raise SettingsInvalid(
            "ANTIN_SIGNER_RP_ID",
            reason=f"must be {login}, where people sign in, or above it",
        )
    for origin in settings.effective_signer_origins:
        host = urlsplit(origin).hostname or ""
        if origin != origin.rstrip("/") or not (host == rp_id or host.endswith(f".{rp_id}")):
            raise SettingsInvalid(
                "ANTIN_SIGNER_ORIGINS", reason=f"must be origins of {rp_id}, without a slash"
            )


def _refuse_lists_of_nobody(settings: Settings) -> None:
    for place in settings.trust_lists:
        if not place.startswith(("https://", "http://", "/")):
            raise SettingsInvalid(
                "ANTIN_TRUST_LISTS", reason="must be addresses, or absolute paths of files"
            )
    if settings.trust_lists and settings.trust_list_signers is None:
        raise SettingsInvalid(
            "ANTIN_TRUST_LIST_SIGNERS", reason="whose signature under these lists is believed"
        )


def _refuse_unless(parse: Callable[[str], object], text: str, *, key: str, reason: str) -> None:
    try:
        parse(text)
    except ValueError as problem:
        raise SettingsInvalid(_PREFIX + key.upper(), reason=reason) from problem
