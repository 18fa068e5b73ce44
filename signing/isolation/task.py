"""What can be asked of the process that reads documents.

What lives here: `Task`, the name of a function behind the walls with the shapes of its argument and
answer, and `Isolation`, whoever has such a task done.  Tasks themselves stand in
`signing/messages`, the functions in `signing/parsing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar, runtime_checkable

import msgspec

from signing.isolation.blob import Blob

Asked = TypeVar("Asked", bound=msgspec.Struct)
Answered = TypeVar("Answered", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Task(Generic[Asked, Answered]):
    """One kind of work.

    Takes   function: `package.module:function` inside of `signing.parsing`, called as
            `function(asked, inputs, output)`: `inputs` are memoryviews in the order in which they
            were given, `output` is a binary file for what is too large for an answer;
            asked, answered: msgspec structs, in an answer each text, octets and tuple with its
            greatest length; most_answer_bytes: of all of it.
    What the function refuses, it raises as `DocumentRefused`; anything else is a fault of its own.
    """

    function: str
    asked: type[Asked]
    answered: type[Answered]
    most_answer_bytes: int = 1 << 20


class Isolation(Protocol):
    """Has tasks done where a hostile document can do no harm; safe to share between threads."""

    def run(
        self,
        task: Task[Asked, Answered],
        asked: Asked,
        *,
        inputs: Sequence[Blob] = (),
    ) -> tuple[Answered, Blob]:
        """Have it done, and wait.

        Returns the answer, and what was written to `output` (the caller closes it).  Neither is to
        be believed: whoever parses may be in other hands.
        Raises  DocumentRefused (as the function did); ParsingFailed.
        """


READERS_OF_CHECKS: Final = "verify"
"""The tenant of those who read documents that anybody has checked."""


@runtime_checkable
class Separating(Isolation, Protocol):
    """One that can keep apart whose documents are read."""

    def for_tenant(self, tenant: str) -> Isolation:
        """The same for one tenant alone: who read documents of another never reads this one's."""


def for_tenant(isolation: Isolation, tenant: str) -> Isolation:
    """The view of one tenant, where whoever reads documents can be kept apart."""
    return isolation.for_tenant(tenant) if isinstance(isolation, Separating) else isolation


def for_xml(isolation: Isolation, tenant: str) -> Isolation:
    """For XML and what has it inside: a library in C reads it, and never anything else."""
    return for_tenant(isolation, f"xml:{tenant}")


def for_pictures(isolation: Isolation, tenant: str) -> Isolation:
    """For pictures and comparisons: by somebody who never prepares a signature."""
    return for_tenant(isolation, f"pictures:{tenant}")
