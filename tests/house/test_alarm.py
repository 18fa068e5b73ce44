"""The alarm fails tests: a run of its own over tests that leak, each in another way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.support.tree import ROOT

_LEAKS = '''
    """Each test but the last lets seeded data out."""
    import logging
    import urllib.request
    import flask
    from prometheus_client import Counter
    from tests.support.pii_alarm import SEEDED

    def _client(view):
        app = flask.Flask("leaking")
        app.add_url_rule("/", view_func=view, endpoint="only")
        return app.test_client()

    def test_in_a_log_record(caplog):
        logging.getLogger("deep.below").error("no such person: %s", SEEDED.citizen_number)

    def test_in_a_traceback(caplog):
        try:
            raise ValueError(SEEDED.name)
        except ValueError:
            logging.getLogger("deep.below").exception("failed")

    def test_in_a_url(capsys):
        _client(lambda: "fine").get("/", query_string={"name": SEEDED.name})

    def test_in_a_redirect():
        _client(lambda: flask.redirect("/next?born=" + SEEDED.birth_date)).get("/")

    def test_in_an_error_page():
        _client(lambda: ("<p>" + SEEDED.email, 404)).get("/")

    def test_in_a_header():
        _client(lambda: ("", 200, {"X-Debug": SEEDED.totp_secret})).get("/")

    def test_in_the_output():
        print(SEEDED.password)

    def test_in_a_value_of_its_own(pii_alarm, caplog):
        secret = pii_alarm.seed("made-in-this-test-only", kind="a secret")
        logging.getLogger("deep.below").warning("got %s", secret)

    def test_in_a_metric():
        Counter("leaking", "by person", ["who"]).labels(SEEDED.old_number).inc()

    def test_nowhere():
        page = '<input id="i" name="identifier" value="' + SEEDED.citizen_number + '">'
        _client(lambda: (page, 401)).get("/")
        _client(lambda: SEEDED.name).get("/")
'''


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Name of each leaking test → its outcome, from a run in another process."""
    folder: Path = tmp_path_factory.mktemp("leaks")
    (folder / "test_leaks.py").write_text(dedent(_LEAKS))
    run = subprocess.run(
        (
            *(sys.executable, "-m", "pytest", "-q", "-rA", "--tb=no", "-p", "no:cacheprovider"),
            *("-p", "no:randomly", "-p", "tests.support.pii_alarm", "--show-capture=no"),
            *("-c", "/dev/null", "--rootdir", str(folder), str(folder)),
        ),
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1, run.stdout + run.stderr
    found: dict[str, str] = {}
    for line in run.stdout.splitlines():
        word, _, place = line.partition(" ")
        if word in {"PASSED", "FAILED", "ERROR"} and "::" in place:
            name = place.split("::")[1].split(" ")[0]
            found[name] = word if found.get(name, "PASSED") == "PASSED" else found[name]
    return found


@pytest.mark.parametrize(
    "place",
    [
        "log_record",
        "traceback",
        "url",
        "redirect",
        "error_page",
        "header",
        "the_output",
        "value_of_its_own",
        "metric",
    ],
)
def test_a_leak_fails_the_test(outcomes: dict[str, str], place: str) -> None:
    names = [name for name in outcomes if name.endswith(place)]
    assert [outcomes[name] for name in names] in (["FAILED"], ["ERROR"]), outcomes


def test_what_a_reader_typed_and_what_a_page_shows_is_no_leak(outcomes: dict[str, str]) -> None:
    assert outcomes["test_nowhere"] == "PASSED"
