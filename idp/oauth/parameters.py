"""Reading a query string or a form body, strictly.

What lives here: from bytes to parameters, each of which occurs once (only `resource` may repeat),
is valid UTF-8, has no control characters and no absurd length.  Not here: their meaning.
Source: RFC 6749 §3.1, §3.2, Appendix B.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import parse_qsl

from idp.oauth.errors import InvalidRequest, MalformedParameters

MAX_BYTES: Final = 32 * 1024
MAX_FIELDS: Final = 60
_MAX_VALUE: Final = 8 * 1024
_LONGER: Final[Mapping[str, int]] = {"id_token_hint": 16 * 1024, "client_assertion": 16 * 1024}
_REPEATABLE: Final = frozenset({"resource"})


class Parameters:
    """Parameters of one request.

    An empty value counts as absent (RFC 6749 §3.1).  A parameter that was sent twice can still be
    asked for, so that an error can be told to the client; `refuse_repeated` does that.
    """

    __slots__ = ("_repeated", "_values")

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            if value:
                self._values.setdefault(name, []).append(value)
        self._repeated = tuple(
            name
            for name, values in self._values.items()
            if len(values) > 1 and name not in _REPEATABLE
        )

    def get(self, name: str) -> str | None:
        """The value of `name` if it was sent exactly once, else None."""
        values = self._values.get(name)
        return values[0] if values is not None and len(values) == 1 else None

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of `name`, in order."""
        return tuple(self._values.get(name, ()))

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def is_repeated(self, name: str) -> bool:
        """Whether `name` was sent more than once although it may not be."""
        return name in self._repeated

    def refuse_repeated(self) -> None:
        """Raise InvalidRequest when any parameter was sent twice.  RFC 6749 §3.1."""
        if self._repeated:
            raise InvalidRequest("a parameter was sent more than once")


def parse_parameters(raw: bytes) -> Parameters:
    """Parse `application/x-www-form-urlencoded` bytes.

    Raises  MalformedParameters(detail): too_large, too_many, invalid_utf8, control_character.
    Source  RFC 6749 Appendix B.
    """
    if len(raw) > MAX_BYTES:
        raise MalformedParameters("too_large")
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict",
            max_num_fields=MAX_FIELDS, separator="&",
        )  # fmt: skip
    except UnicodeDecodeError as problem:
        raise MalformedParameters("invalid_utf8") from problem
    except ValueError as problem:
        raise MalformedParameters("too_many") from problem
    for name, value in pairs:
        if len(value) > _LONGER.get(name, _MAX_VALUE) or len(name) > 100:
            raise MalformedParameters("too_large")
        if not (name + value).isprintable() and any(c < " " or c == "\x7f" for c in name + value):
            raise MalformedParameters("control_character")
    return Parameters(pairs)
