"""Who acts: the name of an operator, as the log carries it.

What lives here: reading it, apart from everything else that commands share, because the signer's
process imports nothing of the provider.
"""

from __future__ import annotations

import getpass
import re
from typing import Final

import click

_OPERATOR: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}")


def read_operator(given: str | None) -> str:
    """The name that was given, or that of the user of this shell.

    Raises  BadParameter: there is none, or the log cannot carry it.
    """
    try:
        name = given or getpass.getuser()
    except (OSError, KeyError, ImportError) as nobody:
        raise click.BadParameter("give the name of the operator") from nobody
    if _OPERATOR.fullmatch(name) is None:
        raise click.BadParameter("a letter, then letters, digits, dots, hyphens, underscores")
    return name
