"""Every page of a person's account after five years of twenty sign-ins a day: server time.

What lives here: which pages there are, as the application's own map of addresses says, a table of
what their addresses need, and the measurement: the worker's application, called in this process as
a server calls it, in a session that has just given two factors.
A page that is not in the table ends the run: whoever adds one says here how it is asked for.
Not here: the five years (`bench/five_years.py`).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from flask import Flask
from werkzeug.test import EnvironBuilder

from bench.five_years import SIGN_INS_A_DAY, YEARS, Lived, live, sign_in
from bench.population import add_clients, add_people
from bench.provider import open_deployment
from bench.stores import Stores
from bench.trust import make_authority
from idp.app import create_app
from idp.history import HistoryPlace
from idp.own_certificates import name_of
from idp.own_history import SHOWN
from idp.services import Services
from idp.storage.history import history_of
from idp.storage.key_uses import uses_of
from idp.web.account.history import MOST_SEQ
from idp.web.cookies import Cookies
from idp.web.front import Front
from keystore.clock import to_ms

TARGET_MS: Final = 200.0
OTHERS: Final = 10_000
_SEQ: Final = f"<int(max={MOST_SEQ}):seq>"
_WARM: Final = 5
_TIMES: Final = 100
Say = Callable[[str], None]


class PageUnknown(Exception):
    """There is a page of the account that the table does not know."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One address; `status`: 303 where it only leads on to another page."""

    path: str
    of: str = ""
    status: int = 200


@dataclass(frozen=True, slots=True)
class Took:
    """One line: milliseconds by the clock, and of the processor."""

    name: str
    ms: tuple[float, ...]
    cpu_ms: float
    size: int

    @property
    def median(self) -> float:
        """Of all requests."""
        return statistics.median(self.ms)

    @property
    def p99(self) -> float:
        """Ninety-nine of a hundred were as quick."""
        return sorted(self.ms)[len(self.ms) * 99 // 100 - 1]


@dataclass(frozen=True, slots=True)
class Known:
    """What addresses are made of."""

    services: Services
    lived: Lived
    years: int

    def certificate(self, end: str = "", *, number: int = 0) -> str:
        """One of hers, the newest first; the last of them was never used."""
        pki = self.services.trust.pki
        assert pki is not None, "nothing is certified here"
        found = pki.certificates.of_account(self.lived.account_id)
        return f"/account/certificates/{name_of(found[number])}{end}"

    def event(self, *, back: float) -> HistoryPlace:
        """Where a row of her history from so many years back is."""
        with self.services.database.read() as connection:
            rows = history_of(
                connection,
                self.lived.account_id,
                types=SHOWN,
                before=self._ago(back),
                limit=1,
            )
        return rows[0].place

    def use(self, *, back: float) -> HistoryPlace:
        """Where a use of her key from so many years back is."""
        with self.services.database.read() as connection:
            rows = uses_of(connection, self.lived.account_id, before=self._ago(back), limit=1)
        return rows[0].place

    def _ago(self, back: float) -> HistoryPlace:
        return HistoryPlace(to_ms(self.services.time() - timedelta(days=365 * back)), "", 0)


def _plain(*also: str) -> Callable[[Known], Sequence[Asked]]:
    """A page whose address needs nothing; `also`: queries that it takes."""
    return lambda _known: [Asked(""), *(Asked("", of=one) for one in also)]


def _leads_on(*paths: str) -> Callable[[Known], Sequence[Asked]]:
    """Addresses that only lead on, by a redirect; without paths its own."""
    return lambda _known: [Asked(path, status=303) for path in paths or ("",)]


def _place(place: HistoryPlace) -> str:
    return f"{place.at_ms}.{place.seq}.{place.writer}"


def _history(known: Known) -> Sequence[Asked]:
    return [
        Asked(""),
        Asked(
            f"/account/history?before={_place(known.event(back=known.years * 0.8))}", "years back"
        ),
    ]


def _signatures(known: Known) -> Sequence[Asked]:
    older = f"/account/signatures?before={_place(known.use(back=known.years * 0.8))}"
    return [Asked(""), Asked(older, "years back")]


def _uses(known: Known) -> Sequence[Asked]:
    return [
        Asked(known.certificate("/uses")),
        Asked(known.certificate("/uses", number=-1), "never used"),
    ]


def _event_proof(known: Known) -> Sequence[Asked]:
    place = known.event(back=known.years * 0.8)
    return [Asked(f"/account/history/{place.writer}/{place.seq}")]


def _use_proof(known: Known) -> Sequence[Asked]:
    place = known.use(back=known.years * 0.8)
    return [Asked(f"/account/signatures/0/{place.writer}/{place.seq}")]


_CERTIFICATE: Final = "/account/certificates/<string(length=36):name>"
_PASSKEY: Final = "/account/passkeys/<string(length=36):passkey_id>"
_MANDATE: Final = "/account/mandates/<string(length=36):mandate_id>"
_APP: Final = f"/account/factors/otp_{'0' * 32}"
_NOBODYS: Final = f"mdt_{'0' * 32}"

PAGES: Final[Mapping[str, Callable[[Known], Sequence[Asked]]]] = {
    "/account": _plain(),
    "/account/sessions": _plain(),
    "/account/password": _plain(),
    "/account/history": _history,
    f"/account/history/<string(maxlength=80):writer>/{_SEQ}": _event_proof,
    "/account/consents": _plain(),
    "/account/consents/<consent_id>": lambda known: [
        Asked(f"/account/consents/{known.lived.consents[-1]}")
    ],
    "/account/passkeys": _plain(),
    f"{_PASSKEY}/rename": lambda known: [
        Asked(f"/account/passkeys/{known.lived.passkeys[0]}/rename", status=303)
    ],
    f"{_PASSKEY}/remove": lambda known: [
        Asked(f"/account/passkeys/{known.lived.passkeys[0]}/remove", status=303)
    ],
    "/account/certificates": _plain(),
    "/account/certificates/new": _plain(),
    "/account/certificates/new/<int(max=99):number>": _leads_on("/account/certificates/new/0"),
    _CERTIFICATE: lambda known: [Asked(known.certificate())],
    f"{_CERTIFICATE}/<any('certificate.pem','certificate.der','chain.pem'):file>": lambda known: [
        Asked(known.certificate("/chain.pem"))
    ],
    f"{_CERTIFICATE}/suspend": lambda known: [Asked(known.certificate("/suspend"), status=303)],
    f"{_CERTIFICATE}/revoke": lambda known: [Asked(known.certificate("/revoke"))],
    f"{_CERTIFICATE}/resume": lambda known: [Asked(known.certificate("/resume"), status=303)],
    f"{_CERTIFICATE}/resume/confirm": lambda known: [
        Asked(known.certificate("/resume/confirm"), status=303)
    ],
    f"{_CERTIFICATE}/uses": _uses,
    "/account/signatures": _signatures,
    f"/account/signatures/<int(max=99):number>/<string(maxlength=80):writer>/{_SEQ}": _use_proof,
    "/account/signature-image": _plain(),
    "/account/mandates": _plain(),
    "/account/mandates/<string(length=36):ground>/give": lambda known: [
        Asked(f"/account/mandates/{known.lived.mandate}/give")
    ],
    f"{_MANDATE}/agree": _leads_on(f"/account/mandates/{_NOBODYS}/agree"),
    f"{_MANDATE}/decline": _leads_on(f"/account/mandates/{_NOBODYS}/decline"),
    f"{_MANDATE}/end": _leads_on(f"/account/mandates/{_NOBODYS}/end"),
    "/account/proofing": _plain(),
    "/account/proofing/stop": _leads_on(),
    "/account/data": _plain(),
    "/account/data/confirmed": _plain(),
    "/account/data/requests": _plain(),
    "/account/data/requests/new/<kind>": lambda _known: [
        Asked("/account/data/requests/new/correct")
    ],
    "/account/cases": _plain(),
    "/account/contacts": _plain(),
    "/account/contacts/<channel>/change": _leads_on("/account/contacts/email/change"),
    "/account/contacts/<channel>/confirm": _leads_on("/account/contacts/email/confirm"),
    "/account/factors": _plain(),
    "/account/factors/<string(length=36):totp_id>/remove": _leads_on(f"{_APP}/remove"),
    "/account/factors/<string(length=36):totp_id>/rename": _leads_on(f"{_APP}/rename"),
    "/account/factors/apps": _leads_on(),
    "/account/factors/apps/<string(length=36):pending_id>": _leads_on(
        f"/account/factors/apps/otp_{'0' * 32}"
    ),
    "/account/factors/by-message": _leads_on(),
    "/account/factors/demand": _leads_on(),
    "/account/factors/recovery-codes": _leads_on(),
    "/account/factors/sign-in": _leads_on(),
    "/account/number": _plain(),
    "/account/open": _plain(),
    "/account/open/done": _plain(),
    "/account/not-me": _plain(),
    "/account/invitations": _plain(),
    "/account/invitations/stop": _leads_on(),
    "/account/invitations/take": _leads_on(),
}
"""How each page is asked for, by the rule of its address."""


def account_rules(app: Flask) -> list[str]:
    """The rules of every page of the account that is read by GET."""
    return sorted(
        {
            one.rule
            for one in app.url_map.iter_rules()
            if one.rule.split("/")[1:2] == ["account"] and "GET" in (one.methods or ())
        }
    )


def check_table(app: Flask) -> None:
    """Raises  PageUnknown, naming what the table lacks, or has and nobody serves."""
    known, served = set(PAGES), set(account_rules(app))
    if known != served:
        said = [*(f"not in the table: {one}" for one in sorted(served - known))]
        said += [f"no such page: {one}" for one in sorted(known - served)]
        raise PageUnknown("\n".join(said))


def measure_account(
    stores: Stores, *, folder: Path, others: int = OTHERS, years: int = YEARS, say: Say
) -> tuple[list[Took], str]:
    """Every page; and a line that says what stood behind them."""
    with open_deployment(stores, folder=folder, with_authority=True) as services:
        add_clients(services)
        app = create_app(services)
        check_table(app)
        people = add_people(services, range(others + 1))
        make_authority(services, people=people[1:65])
        say(f"{len(people):,} accounts")
        lived = live(services, people[0], others=people[1:], years=years)
        say(f"{lived.rows:,} rows in the log, {lived.rows_of_hers:,} of them of one person")
        with services.database.transaction() as tx:
            tx.connection.exec_driver_sql("ANALYZE")  # as autovacuum does after a while
        known = Known(services, lived, years)
        ask = _Asking(Front(app, services=services), services, lived)
        took: list[Took] = []
        for rule in account_rules(app):
            took += [ask(rule, asked) for asked in PAGES[rule](known)]
        if ask.wrong:
            raise PageUnknown("\n".join(ask.wrong))
        behind = (
            f"{years} years × {SIGN_INS_A_DAY} sign-ins a day: {lived.rows_of_hers:,} of"
            f" {lived.rows:,} rows of the log are one person's, beside {others:,} other accounts"
        )
    return took, behind


def make_account_table(took: Sequence[Took]) -> str:
    """One line for each, as Markdown."""
    lines = [
        "| page | median ms | p99 ms | CPU ms | bytes | |",
        "| --- | --: | --: | --: | --: | --- |",
    ]
    for one in took:
        verdict = "met" if one.p99 < TARGET_MS else "MISSED"
        lines.append(
            f"| `{one.name}` | {one.median:.1f} | {one.p99:.1f} | {one.cpu_ms:.1f} |"
            f" {one.size:,} | {verdict} |"
        )
    had = sum(one.cpu_ms for one in took) / sum(statistics.fmean(one.ms) for one in took)
    return (
        "\n".join(lines) + f"\n\nTarget: < {TARGET_MS:.0f} ms. The application had a processor for"
        f" {had:.0%} of the time; the rest it waited for PostgreSQL, Redis and other work.\n"
    )


class _Asking:
    """Asks for pages as somebody who is signed in."""

    def __init__(self, front: Front, services: Services, lived: Lived) -> None:
        self._front = front
        self._services = services
        self._lived = lived
        self._cookie = Cookies(services).session
        self.wrong: list[str] = []

    def __call__(self, rule: str, asked: Asked) -> Took:
        """A hundred times, behind a few that do not count."""
        path, _, query = (asked.path or rule).partition("?")
        token = sign_in(self._services, self._lived.account_id)
        ms, cpu_s, size = [], 0.0, 0
        for number in range(_WARM + _TIMES):
            environ = EnvironBuilder(
                path,
                base_url=self._services.settings.issuer,
                query_string=query,
                headers=[("Cookie", f"{self._cookie}={token}")],
            ).get_environ()
            began, began_cpu = time.perf_counter(), time.thread_time()
            status, body = self._once(environ)
            took_ms, took_s = (time.perf_counter() - began) * 1000, time.thread_time() - began_cpu
            if status != asked.status:
                self.wrong.append(f"{path} answers {status}, not {asked.status}")
                break
            if number >= _WARM:
                ms.append(took_ms)
                cpu_s += took_s
                size = len(body)
        name = rule + (f" ({asked.of})" if asked.of else "")
        return Took(_short(name), tuple(ms) or (0.0,), cpu_s * 1000 / _TIMES, size)

    def _once(self, environ: dict[str, Any]) -> tuple[int, bytes]:
        said: list[str] = []

        def start(status: str, _headers: object, _problem: object = None) -> None:
            said.append(status)

        body = b"".join(self._front(environ, start))
        return int(said[0][:3]), body


def _short(rule: str) -> str:
    """A rule without the shapes of its parameters."""
    parts = []
    for part in rule.split("/"):
        head, colon, name = part.rpartition(":")
        parts.append(f"<{name}" if colon and head.startswith("<") else part)
    return "/".join(parts)
