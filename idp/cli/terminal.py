"""Text that others wrote, on the terminal of an operator.

What lives here: the one door through which commands print what a database, a witness or a file
says.  A terminal obeys what is not a letter: such text could take a line back, hide the next one or
write one of its own.  Source: ECMA-48; Unicode, general categories C and Z; RFC 8259 §7 (the form
in which it is shown).  Not here: what is printed for programs, which JSON escapes by itself.
"""

from __future__ import annotations

import json

import click


def printable(text: str) -> str:
    r"""What a terminal shows and nothing that it obeys: `\u001b` for ESC, `\n` for a line feed."""
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)


def tell(line: str, *, is_aside: bool = False) -> None:
    """Print one line, which stays one.  Takes is_aside: beside the result, on stderr."""
    click.echo(printable(line), err=is_aside)


def tell_lines(text: str) -> None:
    """Print text of several lines, each of which ends with a line feed."""
    for line in text.removesuffix("\n").split("\n"):
        tell(line)
