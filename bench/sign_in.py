"""Whole sign-ins, password included, by several browsers at once.

What lives here: one person's way from the portal's redirect to tokens, as a browser and a portal
walk it (pages, form with its CSRF token, redirect, code exchange), and a measurement made of many.
Four requests and one argon2id a sign-in: a load generator in Python is far from being the limit.
Source: OpenID Connect Core §3.1.
"""

from __future__ import annotations

import http.client
import itertools
import re
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

from bench.load import LoadFailed, Sample
from bench.population import PASSWORD, Person
from bench.side import CHALLENGE, REDIRECT_URI, VERIFIER, Side

_CSRF: Final = re.compile(r'name="csrf_token"[^>]*\bvalue="([^"]+)"')
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    location: str
    cookies: dict[str, str]
    text: str


def sign_in(connection: http.client.HTTPConnection, side: Side, person: Person) -> None:
    """One sign-in in a fresh browser, from /authorize to tokens.

    Raises  LoadFailed when a step is not answered as it should be.
    """
    query = {
        "response_type": "code",
        "client_id": side.portal.client_id,
        "redirect_uri": REDIRECT_URI,
        "scope": "openid",
        "state": "trang-thai",
        "nonce": "so-dung-mot-lan",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    begun = _ask(connection, "GET", f"/authorize?{urlencode(query)}", status=303)
    place = urlsplit(begun.location).path
    page = _ask(connection, "GET", place, cookies=begun.cookies)
    csrf = _CSRF.search(page.text)
    if csrf is None:
        raise LoadFailed(f"no form at {place}")
    form = {"csrf_token": csrf[1], "identifier": person.number, "password": PASSWORD}
    cookies = begun.cookies | page.cookies
    back = _ask(connection, "POST", f"{place}/login", form=form, cookies=cookies, status=303)
    code = parse_qs(urlsplit(back.location).query).get("code")
    if code is None:
        raise LoadFailed("no code came back")
    exchange = {
        "grant_type": "authorization_code",
        "code": code[0],
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    tokens = _ask(connection, "POST", side.paths.token, form=exchange, headers=side.portal.header())
    if '"id_token"' not in tokens.text:
        raise LoadFailed("no ID token")


def measure_sign_ins(
    side: Side, people: Sequence[Person], *, seconds: float, browsers: int
) -> Sample:
    """Sign in for `seconds`, everybody in turn, `browsers` at once.

    The rate is over the time until the last one is through: the server has work until then.
    """
    everybody = itertools.cycle(people)
    lock, durations = threading.Lock(), list[float]()
    begin, before_s = time.perf_counter(), side.server.cpu_s()

    def walk() -> None:
        with closing(
            http.client.HTTPConnection("127.0.0.1", side.server.port, timeout=30)
        ) as connection:
            while time.perf_counter() - begin < seconds:
                with lock:
                    person = next(everybody)
                started = time.perf_counter()
                sign_in(connection, side, person)
                durations.append(time.perf_counter() - started)

    with ThreadPoolExecutor(browsers) as pool:
        for walked in [pool.submit(walk) for _ in range(browsers)]:
            walked.result()
    elapsed = time.perf_counter() - begin
    return Sample(
        rate=len(durations) / elapsed,
        p50_ms=statistics.median(durations) * 1000,
        p99_ms=sorted(durations)[int(len(durations) * 0.99)] * 1000,
        cpu_ms=(side.server.cpu_s() - before_s) * 1000 / len(durations),
    )


def _ask(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    *,
    form: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    cookies: dict[str, str] | None = None,
    status: int = 200,
) -> _Answer:
    sent = dict(headers or {})
    if form is not None:
        sent |= _FORM
    if cookies:
        sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    connection.request(method, target, None if form is None else urlencode(form), sent)
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status != status:
        raise LoadFailed(
            f"{answer.status} instead of {status} at {urlsplit(target).path}: {text[:500]}"
        )
    return _Answer(answer.status, answer.headers.get("Location", ""), dict(_cookies(answer)), text)


def _cookies(answer: http.client.HTTPResponse) -> Iterator[tuple[str, str]]:
    for line in answer.headers.get_all("Set-Cookie", []):
        name, _, rest = line.partition("=")
        yield name, rest.partition(";")[0]
