"""Why the time cannot be told.

What lives here: the errors of the watch over the clock.  A reason is a stable lower_snake word.
"""

from __future__ import annotations

from typing import ClassVar

from keystore.errors import KeystoreError


class TimeNotAvailable(KeystoreError):
    """The clock is stopped, or nobody knows whether it is right.

    `reason` is stopped (until an operator releases it), unchecked (no check against the sources is
    recent enough) or storage (nobody can say whether it is stopped).
    """

    code: ClassVar[str] = "time_not_available"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SourceUnavailable(KeystoreError):
    """One source gave no reading that could be used.

    `reason` is no_answer, unresolvable, malformed, unsynchronised, refused or too_uncertain.
    """

    code: ClassVar[str] = "time_source_unavailable"

    def __init__(self, source: str, *, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason


class NoMajority(KeystoreError):
    """The sources do not say together what time it is: `agreeing` of `asked` at most."""

    code: ClassVar[str] = "time_no_majority"

    def __init__(self, *, agreeing: int, asked: int) -> None:
        super().__init__(f"{agreeing} of {asked}")
        self.agreeing = agreeing
        self.asked = asked


class SourcesUnsynchronised(KeystoreError):
    """Most sources say that they do not know the time themselves (leap indicator 3)."""

    code: ClassVar[str] = "time_sources_unsynchronised"

    def __init__(self, *, alarms: int, asked: int) -> None:
        super().__init__(f"{alarms} of {asked}")
        self.alarms = alarms
        self.asked = asked


class ReferenceInvalid(KeystoreError):
    """What should watch the clock cannot: fewer than three sources, or a name that is none."""

    code: ClassVar[str] = "time_reference_invalid"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
