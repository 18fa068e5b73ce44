"""The alarm: no seeded name, number, birth date, password or secret where it must not be.

What lives here: recognisable data (`SEEDED`) and a watch over every log record, every URL that is
requested or redirected to, every response header, error page and metric, and whatever a test
writes to its output.  A test in which one of them turns up fails, whatever else it found.  It
also knows numbers of the invented provinces, whichever test made them up.
Source: architecture, "State" (ground rules of the data).  Not here: what product code redacts.
"""

from __future__ import annotations

import base64
import http.client
import json
import logging
import re
import sys
import traceback
import unicodedata
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, quote_plus, unquote_plus

import pytest
import structlog
import structlog._base
from werkzeug.test import Client, TestResponse


@dataclass(frozen=True, slots=True)
class Seeded:
    """A person, an organisation and secrets that occur nowhere else.

    The province prefixes 003 and 005 were never assigned, nor were organisation codes `99…`.
    """

    name: str = "Nguyễn Thị Lấp Lánh Ánh"
    citizen_number: str = "003183027451"
    old_number: str = "998040217"
    passport: str = "Q9904127"
    birth_date: str = "1983-02-17"
    email: str = "lap.lanh.anh@hop-thu.example"
    phone: str = "0999183217"
    address: str = "Ngõ 917 phố Lấp Lánh, xã Tưởng Tượng"
    password: str = "Vườn chuối 7 sao lấp lánh!"
    totp_secret: str = "LAPLANHSEEDEDTOTP234567ABCDEFGHI"
    other_name: str = "Trần Văn Nhấp Nháy"
    other_citizen_number: str = "005079083146"
    organization_name: str = "CÔNG TY TNHH LẤP LÁNH TƯỞNG TƯỢNG"
    enterprise_code: str = "9900831740"
    client_secret: str = "lap-lanh-client-secret-Zk3vQ8r1T5yW0xN7bC2m"


SEEDED: Final = Seeded()

_PUBLIC: Final = frozenset({"organization_name", "enterprise_code"})
"""The business register is public: allowed at rest, still refused in logs, URLs and errors."""

_INVENTED_NUMBER: Final = re.compile(r"(?<![0-9A-Za-z_.-])00[3579]\d{9}(?![0-9A-Za-z_-])")
_TYPED_AGAIN: Final = re.compile(
    r"<input[^>]*\bname=\"(?:identifier|full_name|birthdate|address)\"[^>]*>"
)
"""The login form gives back to its reader what the reader typed."""

_ERROR_FROM: Final = 400
_ALWAYS_WATCHED: Final = ("/metrics", "/healthz", "/readyz")


def _unaccented(text: str) -> str:
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(sign for sign in plain if not unicodedata.combining(sign)).upper()


@lru_cache(maxsize=256)
def spellings(value: str) -> frozenset[str]:
    """The forms in which a value can hide in a text: as it is, encoded, decomposed, unaccented."""
    forms = {value, unicodedata.normalize("NFC", value), unicodedata.normalize("NFD", value)}
    forms.add(_unaccented(value))
    year, dash, rest = value.partition("-")
    if dash and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        month, _, day = rest.partition("-")
        forms |= {f"{day}/{month}/{year}", f"{day}-{month}-{year}", f"{year}{month}{day}"}
    forms |= {encode(form) for form in tuple(forms) for encode in (quote, quote_plus)}
    forms |= {json.dumps(form)[1:-1] for form in tuple(forms)}
    forms |= {base64.b64encode(value.encode()).decode().rstrip("=")}
    forms |= {ascii(form)[1:-1] for form in (value, _unaccented(value))}
    return frozenset(form.casefold() for form in forms)


class PiiAlarm:
    """What was found so far in the running test; `watch` may be called by any test."""

    def __init__(self) -> None:
        self.findings: list[str] = []
        self._extra: dict[str, str] = {}
        self._excused: list[str] = []

    def start(self) -> None:
        """Forget the test before."""
        self.findings = []
        self._extra = {}
        self._excused = []

    def seed(self, value: str, *, kind: str) -> str:
        """Watch for one more value, such as a secret that the test just received."""
        self._extra[kind] = value
        return value

    @contextmanager
    def excuse(self, where: str, *, reason: str) -> Iterator[None]:
        """Let seeded data pass in places that begin with `where`, for a stated reason."""
        assert reason
        self._excused.append(where)
        try:
            yield
        finally:
            self._excused.remove(where)

    def watch(self, text: str, where: str) -> None:
        """Search `text`; what is found fails the running test at the end of its phase."""
        if any(where.startswith(excused) for excused in self._excused):
            return
        searched = f"{text} {unquote_plus(text)}" if where.startswith("url") else text
        for kind in self.kinds_in(searched):
            self.findings.append(f"{kind} in {where}: {_shortened(text)}")

    def watch_bytes(self, data: bytes, *, where: str) -> None:
        """Search stored bytes for what belongs to a person; public register data may be there."""
        text = data.decode("utf-8", errors="replace").casefold()
        for kind, value in self._values().items():
            if kind in _PUBLIC:
                continue
            if any(form in text for form in spellings(value)):
                self.findings.append(f"{kind} in {where}")

    def watch_response(self, response: TestResponse, *, url: str) -> None:
        """Search an answer of the application: where it was asked, where it leads, what failed."""
        self.watch(url, "url requested")
        for name, value in response.headers.items():
            place = "url in Location" if name == "Location" else f"header {name}"
            self.watch(value, place)
        path = url.partition("?")[0]
        if response.status_code >= _ERROR_FROM or path.endswith(_ALWAYS_WATCHED):
            page = _TYPED_AGAIN.sub("", response.get_data(as_text=True))
            self.watch(page, f"error page {response.status_code}")

    def kinds_in(self, text: str) -> list[str]:
        """Which kinds of seeded data occur in `text`."""
        folded = text.casefold()
        kinds = [
            kind
            for kind, value in self._values().items()
            if any(form in folded for form in spellings(value))
        ]
        if not kinds and _INVENTED_NUMBER.search(text):
            kinds.append("a citizen number")
        return kinds

    def _values(self) -> dict[str, str]:
        return {one.name: getattr(SEEDED, one.name) for one in fields(Seeded)} | self._extra


def _shortened(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:300]}…"


_alarm: Final = PiiAlarm()

_PLAIN_RECORD: Final = frozenset(vars(logging.makeLogRecord({})))


def _text_of(record: logging.LogRecord) -> str:
    parts = [record.getMessage()]
    parts += [
        f"{name}={value!r}" for name, value in vars(record).items() if name not in _PLAIN_RECORD
    ]
    if record.exc_info and record.exc_info[1] is not None:
        parts += traceback.format_exception(record.exc_info[1])
    return "\n".join(parts)


def _hook_logging(patch: pytest.MonkeyPatch) -> None:
    """Every record of every logger, also of those that do not propagate."""
    handle = logging.Logger.handle

    def watched(self: logging.Logger, record: logging.LogRecord) -> None:
        _alarm.watch(_text_of(record), f"log record of {record.name}")
        handle(self, record)

    patch.setattr(logging.Logger, "handle", watched)


def _hook_structlog(patch: pytest.MonkeyPatch) -> None:
    """What leaves the processors, so that redaction by a processor counts."""
    base = structlog._base.BoundLoggerBase
    process = base._process_event

    def watched(self: Any, method: str, event: str | None, event_kw: dict[str, Any]) -> Any:
        arguments, options = process(self, method, event, event_kw)
        _alarm.watch(f"{arguments!r} {options!r}", "log record of structlog")
        return arguments, options

    patch.setattr(base, "_process_event", watched)


def _hook_clients(patch: pytest.MonkeyPatch) -> None:
    """Requests through the test client, and every URL that this process asks for over HTTP."""
    open_ = Client.open
    put = http.client.HTTPConnection.putrequest

    def opened(self: Client, *arguments: Any, **options: Any) -> TestResponse:
        response = open_(self, *arguments, **options)
        _alarm.watch_response(response, url=response.request.url)
        return response

    def asked(self: http.client.HTTPConnection, method: str, url: str, **options: Any) -> None:
        _alarm.watch(url, "url requested")
        put(self, method, url, **options)

    patch.setattr(Client, "open", opened)
    patch.setattr(http.client.HTTPConnection, "putrequest", asked)


_metrics_reported: Final[set[str]] = set()


def _watch_metrics() -> None:
    """Metrics last as long as the process: each line is held against the first test only."""
    metrics = sys.modules.get("prometheus_client")
    if metrics is None:
        return
    text = metrics.generate_latest().decode()
    if _alarm.kinds_in(text):
        for line in set(text.splitlines()) - _metrics_reported:
            if _alarm.kinds_in(line):
                _metrics_reported.add(line)
                _alarm.watch(line, "a metric")


_patches: Final = pytest.MonkeyPatch()


def pytest_sessionstart() -> None:
    """Put the hooks in place for the whole run."""
    for hook in (_hook_logging, _hook_structlog, _hook_clients):
        hook(_patches)


def pytest_sessionfinish() -> None:
    """Take the hooks away."""
    _patches.undo()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Every test starts with a silent alarm."""
    _alarm.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail the phase in which something was found."""
    report = yield
    if call.when == "teardown":  # its report holds the output of all three phases
        _alarm.watch(report.capstdout + report.capstderr, "output")
        _watch_metrics()
    if _alarm.findings and report.outcome == "passed":
        found = "\n".join(f"  {finding}" for finding in dict.fromkeys(_alarm.findings))
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: personal data or a secret got out\n{found}"
        _alarm.findings = []
    return report


@pytest.fixture
def pii_alarm() -> PiiAlarm:
    """The alarm of the running test: `watch(text, where)`, `seed(value, kind=…)`, `excuse(…)`."""
    return _alarm


@pytest.fixture(scope="session")
def seeded() -> Seeded:
    """Recognisable data, which the alarm knows, for use in any test."""
    return SEEDED
