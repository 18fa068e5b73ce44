"""What can go wrong in the registry, as data.

What lives here: the root of the package's errors.  Each carries a stable `code` and facts as
fields.  The reader is an operator at a terminal, never a citizen; no field holds a secret.
"""

from __future__ import annotations

from typing import ClassVar


class RegistryError(Exception):
    """Root of every error that the registry raises on purpose."""

    code: ClassVar[str] = "registry_error"


class ClientInvalid(RegistryError):
    """A client, or what belongs to it, contradicts its profile or a specification.

    `field` is the name as it is written in an import file (`redirect_uris[1]`), `reason` an English
    sentence without the offending value when that could be a secret.
    """

    code: ClassVar[str] = "client_invalid"

    def __init__(self, field: str, *, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class ImportInvalid(RegistryError):
    """An import file cannot be taken in; nothing of it was.

    `index` counts the entries of `table` from 1; both are absent when the file is not TOML at all.
    """

    code: ClassVar[str] = "import_invalid"

    def __init__(
        self,
        file: str,
        *,
        reason: str,
        table: str | None = None,
        index: int | None = None,
        field: str | None = None,
    ) -> None:
        place = file
        if table is not None:
            place += f": [[{table}]]"
        if index is not None:
            place += f" no. {index}"
        if field is not None:
            place += f": {field}"
        super().__init__(f"{place}: {reason}")
        self.file = file
        self.table = table
        self.index = index
        self.field = field
        self.reason = reason


class AlreadyRegistered(RegistryError):
    """The id is taken; `what` is client, `key` the id."""

    code: ClassVar[str] = "already_registered"

    def __init__(self, what: str, *, key: str) -> None:
        super().__init__(f"{what} {key} is registered already")
        self.what = what
        self.key = key


class NotRegistered(RegistryError):
    """Nothing of that kind has this id."""

    code: ClassVar[str] = "not_registered"

    def __init__(self, what: str, *, key: str) -> None:
        super().__init__(f"there is no {what} {key}")
        self.what = what
        self.key = key


class SecondOperatorRequired(RegistryError):
    """Who asked for a statutory basis cannot approve it."""

    code: ClassVar[str] = "second_operator_required"

    def __init__(self, basis_id: str) -> None:
        super().__init__(f"{basis_id} has to be approved by an operator who did not request it")
        self.basis_id = basis_id
