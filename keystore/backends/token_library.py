"""A PKCS #11 library in this process: started for threads, started again, counted in and out.

What lives here: `TokenLibrary`, one per library file and process.  Three things that the binding
leaves to its user:

* **Threads.**  The binding starts a library with no arguments, which tells it that one thread will
  call (PKCS #11 §5.4: C_Initialize), and then calls it from many, without the interpreter's lock.
  SoftHSM switches its own locks off then.  So the library is stopped and started once more with
  CKF_OS_LOCKING_OK.
* **Processes.**  After a fork the child holds sessions that are not its own (§5.4: behaviour of
  applications and forking): it must start the library anew before anything else.
* **A token that was away.**  A removed and returned token shows itself only to a library that was
  started anew.  That ends every session, so it waits until no call is under way, and everybody's
  sessions are of another `generation` afterwards.

Source: PKCS #11 Base Specification v2.40 §5.4 and §6.7.  Not here: sessions
(`keystore/backends/token_sessions.py`).  This file imports the binding: import it only where a
token is configured.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, Final

import pkcs11
from pkcs11.exceptions import PKCS11Error

from keystore.backends.errors import TokenUnavailable

_OS_LOCKING_OK: Final = 2
_OK: Final = 0


class _InitializeArguments(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("create_mutex", ctypes.c_void_p),
        ("destroy_mutex", ctypes.c_void_p),
        ("lock_mutex", ctypes.c_void_p),
        ("unlock_mutex", ctypes.c_void_p),
        ("flags", ctypes.c_ulong),
        ("reserved", ctypes.c_void_p),
    ]


_Call = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p)


class _FunctionList(ctypes.Structure):
    """The beginning of CK_FUNCTION_LIST."""

    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("version", ctypes.c_ubyte * 2),
        ("initialize", _Call),
        ("finalize", _Call),
    ]


class TokenLibrary:
    """One library, started for threads.  Get it with `get_library`."""

    def __init__(self, module: Path) -> None:
        self._module = module
        self._binding: Any = None
        self._functions: Any = None
        self._reset()

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._running = 0
        self._restarting = False
        self._is_started = False
        self.generation: object = object()
        """Sessions of another generation are gone."""
        self.logins: dict[str, Any] = {}
        """The one session per token that is logged in; it is never closed, or all would be out."""

    @contextmanager
    def running(self) -> Iterator[Any]:
        """Within it the library stays started; gives the binding's object of it.

        Raises  TokenUnavailable when it does not start.
        """
        with self._changed:
            while self._restarting:
                self._changed.wait()
            if not self._is_started:
                self._start()
            self._running += 1
        try:
            yield self._binding
        finally:
            with self._changed:
                self._running -= 1
                if not self._running:
                    self._changed.notify_all()

    def restart(self, *, seen: object) -> None:
        """Stop and start the library, unless somebody did since `seen` was its generation.

        Must not be called within `running`.
        """
        with self._changed:
            if self.generation is not seen or self._restarting:
                return
            self._restarting = True
            try:
                while self._running:
                    self._changed.wait()
                self._start()
            finally:
                self._restarting = False
                self._changed.notify_all()

    def _start(self) -> None:
        self.generation, self.logins, self._is_started = object(), {}, False
        try:
            if self._binding is None:
                self._binding = pkcs11.lib(str(self._module))
            if self._functions is None:
                self._functions = _functions(self._module)
        except (PKCS11Error, OSError, AttributeError) as failure:
            raise TokenUnavailable("library") from failure
        functions = self._functions.contents
        functions.finalize(None)  # whatever it answers: after it the library is not started
        arguments = _InitializeArguments(flags=_OS_LOCKING_OK)
        if functions.initialize(ctypes.byref(arguments)) != _OK:
            raise TokenUnavailable("library")
        self._is_started = True

    def __repr__(self) -> str:
        return f"TokenLibrary({self._module.name})"


def _functions(module: Path) -> Any:
    # the only symbol that a library must export (§5.4); everything else is in the list
    loaded = ctypes.CDLL(str(module))
    functions = ctypes.POINTER(_FunctionList)()
    if loaded.C_GetFunctionList(ctypes.byref(functions)) != _OK:
        raise TokenUnavailable("library")
    return functions


_libraries: Final[dict[Path, TokenLibrary]] = {}
_adding: Final = threading.Lock()


def get_library(module: Path) -> TokenLibrary:
    """The one object of that library in this process."""
    with _adding:
        found = _libraries.get(module)
        if found is None:
            found = _libraries[module] = TokenLibrary(module)
        return found


def _after_fork() -> None:
    for library in _libraries.values():
        with suppress(RuntimeError):
            library._reset()  # noqa: SLF001 - of this file


os.register_at_fork(after_in_child=_after_fork)
