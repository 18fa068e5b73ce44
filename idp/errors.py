"""What can go wrong in the provider, as data.

What lives here: the root of the package's errors.  Each carries a stable `code` and facts as
fields; the sentence for a person is made in `idp/web/errors.py`, in the reader's language.
"""

from __future__ import annotations

from typing import ClassVar


class AntinError(Exception):
    """Root of every error that the provider raises on purpose."""

    code: ClassVar[str] = "server_error"


class StorageUnavailable(AntinError):
    """The database or the ephemeral store does not answer, or cannot store: refuse with 503."""

    code: ClassVar[str] = "temporarily_unavailable"


class UpgradeRunning(AntinError):
    """Somebody else is bringing the tables up to date; `backend` is their process in PostgreSQL."""

    code: ClassVar[str] = "upgrade_running"

    def __init__(self, *, backend: int | None) -> None:
        super().__init__(f"backend {backend} changes the tables")
        self.backend = backend


class TablesBusy(AntinError):
    """A table that a revision alters was never free; the revision before it is whole.

    `backends` are processes in PostgreSQL whose transactions are open longest.
    """

    code: ClassVar[str] = "tables_busy"

    def __init__(self, revision: str, *, backends: tuple[int, ...]) -> None:
        super().__init__(f"revision {revision}, backends {backends}")
        self.revision = revision
        self.backends = backends


class SecondFactorUnavailable(StorageUnavailable):
    """The second-factor verifier does not answer: whatever needs it is refused like the rest."""


class SettingsInvalid(AntinError):
    """A setting is missing, unknown or of the wrong form.

    `name` is the setting as the operator writes it (`ANTIN_…`), `reason` an English sentence.
    """

    code: ClassVar[str] = "settings_invalid"

    def __init__(self, name: str, *, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason
