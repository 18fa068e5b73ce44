"""Sessions with a token: opened when first needed, one per thread at a time, opened again.

What lives here: `TokenSessions`, through which everything of ours reaches a token.  An act is given
a session of its own; when the token fails, it is tried again with a new session, then with the
library started anew (a token that was removed and is back), then it fails as `TokenUnavailable`,
and the next act tries again: nothing has to be restarted by hand.  For one key that is not in a
token that has others, nothing is started anew.  A PIN that was refused is never
tried a second time, because a few wrong ones lock a token.
Source: PKCS #11 Base Specification v2.40 §5.6 (one login counts for all sessions of a process).
Not here: keys.  This file imports the binding: import it only where a token is configured.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from pkcs11 import Attribute, ObjectClass
from pkcs11.attributes import AttributeMapper
from pkcs11.exceptions import (
    NoSuchKey,
    PinExpired,
    PinIncorrect,
    PinInvalid,
    PinLenRange,
    PinLocked,
    PKCS11Error,
    UserAlreadyLoggedIn,
)

from keystore.backends.errors import TokenPinRefused, TokenUnavailable
from keystore.backends.token_library import TokenLibrary, get_library
from keystore.errors import KekInvalid
from keystore.private_files import read_private_file

_RESTART_PAUSE_S: Final = 1.0
_PIN_REFUSED: Final = (PinIncorrect, PinInvalid, PinLenRange, PinLocked, PinExpired)

_Answer = TypeVar("_Answer")


class TokenPin:
    """The PIN of a token's user; its `repr` shows nothing."""

    __slots__ = ("_pin",)

    def __init__(self, pin: str) -> None:
        self._pin: Final = pin

    def reveal(self) -> str:
        """The PIN, for the login and nothing else."""
        return self._pin

    def __repr__(self) -> str:
        return "TokenPin(…)"


def load_pin(*, file: Path | None, value: str | None) -> TokenPin:
    """Read the PIN from its file (mode 0600, refused otherwise) or from the environment.

    Raises  KekInvalid: missing, both_given, unreadable, readable_by_others, malformed.
    """
    if file is not None and value is not None:
        raise KekInvalid("both_given")
    if file is not None:
        value = read_private_file(file).decode("utf-8", "replace").strip()
    if not value:
        raise KekInvalid("missing")
    return TokenPin(value)


@dataclass(slots=True)
class OpenSession:
    """A session for one act at a time, and the keys that it has met."""

    session: Any
    generation: object
    keys: dict[bytes, Any] = field(default_factory=dict)

    def private_key(self, key_id: bytes) -> Any:
        """The private key of that CKA_ID.

        Raises  NoSuchKey of the binding.
        """
        return self._find(key_id, object_class=ObjectClass.PRIVATE_KEY)

    def secret_key(self, key_id: bytes) -> Any:
        """The secret key of that CKA_ID.

        Raises  NoSuchKey of the binding.
        """
        return self._find(key_id, object_class=ObjectClass.SECRET_KEY)

    def _find(self, key_id: bytes, *, object_class: ObjectClass) -> Any:
        found = self.keys.get(key_id)
        if found is None:
            found = self.session.get_key(object_class=object_class, id=key_id)
            self.keys[key_id] = found
        return found


class TokenSessions:
    """The way to one token; shared by all threads of a process, usable before and after a fork.

    Takes   module: the vendor's library; label: of the token; pin: of its user.
    """

    def __init__(self, module: Path, *, label: str, pin: TokenPin) -> None:
        self._module = module
        self._label = label
        self._pin = pin
        self._idle: deque[OpenSession] = deque()
        self._login = threading.Lock()
        self._refused: str | None = None
        self._restarted_at: float | None = None

    def run(self, act: Callable[[OpenSession], _Answer]) -> _Answer:
        """What `act` answers when it is given a session; it may be called up to three times.

        Raises  TokenUnavailable, TokenPinRefused; what `act` raises itself, unless it is an error
                of the token.
        """
        library = get_library(self._module)
        seen: list[object] = []
        failure: Exception | None = None
        for attempt in range(3):
            if attempt == 2 and not self._restart(library, seen=seen[-1]):
                break
            try:
                with library.running() as binding:
                    seen.append(library.generation)
                    opened = self._take(library, binding)
                    try:
                        answer = act(opened)
                    except NoSuchKey as missing:
                        # of a token that is there and has others: starting the library anew would
                        # stop everybody for one key that is gone
                        if attempt and _has_keys(opened.session):
                            self._idle.append(opened)
                            raise TokenUnavailable("no_such_key") from missing
                        with suppress(PKCS11Error):
                            opened.session.close()
                        raise
                    except RuntimeError:
                        with suppress(PKCS11Error):
                            opened.session.close()
                        raise
                    except Exception:  # of ours: the session is as it was
                        self._idle.append(opened)
                        raise
                    self._idle.append(opened)
                    return answer
            except (PKCS11Error, RuntimeError) as error:
                # whatever it is: what a token says when it is pulled out is not written anywhere
                failure = error
        reason = "no_such_key" if isinstance(failure, NoSuchKey) else type(failure).__name__
        raise TokenUnavailable(reason) from failure

    def _restart(self, library: TokenLibrary, *, seen: object) -> bool:
        now = time.monotonic()
        if library.generation is not seen:
            return True
        if self._restarted_at is not None and now - self._restarted_at < _RESTART_PAUSE_S:
            return False  # it was just tried; threads that fail together do not take turns
        self._restarted_at = now
        library.restart(seen=seen)
        return True

    def _take(self, library: TokenLibrary, binding: Any) -> OpenSession:
        while self._idle:
            try:
                opened = self._idle.pop()
            except IndexError:
                break
            if opened.generation is library.generation:
                return opened
        token = binding.get_token(token_label=self._label)
        if self._label not in library.logins:
            self._log_in(library, token)
        # opened without the PIN: it shares the login, and closing it logs nobody out
        session = token.open(rw=True, attribute_mapper=_Mapper())
        return OpenSession(session, library.generation)

    def _log_in(self, library: TokenLibrary, token: Any) -> None:
        with self._login:
            if self._refused is not None:
                raise TokenPinRefused(self._refused)
            if self._label in library.logins:
                return
            try:
                library.logins[self._label] = token.open(rw=True, user_pin=self._pin.reveal())
            except UserAlreadyLoggedIn:  # by other code of this process: as good
                library.logins[self._label] = None
            except _PIN_REFUSED as refusal:
                self._refused = type(refusal).__name__
                raise TokenPinRefused(self._refused) from None

    def __repr__(self) -> str:
        return f"TokenSessions({self._label})"


def _has_keys(session: Any) -> bool:
    """Whether any key is found; a token that was pulled out may seem to be empty."""
    for kind in (ObjectClass.PRIVATE_KEY, ObjectClass.SECRET_KEY):
        with suppress(PKCS11Error), closing(session.get_objects({Attribute.CLASS: kind})) as found:
            if next(found, None) is not None:
                return True
    return False


class _Mapper(AttributeMapper):
    """What a private key may have, and no more: tokens refuse a template with ENCRYPT in it.

    The binding gives every unwrapped key the template of a secret key.
    """

    def generic_key_template(
        self,
        base_template: dict[Attribute, Any],
        *,
        capabilities: Any,
        id_: bytes | None,
        label: str | None,
        store: bool,
    ) -> dict[Attribute, Any]:
        """For an unwrapped private key: a session object that signs and never comes out."""
        if base_template.get(Attribute.CLASS) is not ObjectClass.PRIVATE_KEY:
            return super().generic_key_template(
                base_template, capabilities=capabilities, id_=id_, label=label, store=store
            )
        return {
            **base_template,
            Attribute.TOKEN: store,
            Attribute.PRIVATE: True,
            Attribute.SENSITIVE: True,
            Attribute.EXTRACTABLE: False,
            Attribute.SIGN: True,
        }
