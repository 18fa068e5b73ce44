"""One line for every request where that is wanted, and one for whatever went wrong."""

from __future__ import annotations

from idp.web.request_facts import current_request_id
from tests.idp.web.conftest import MakeWorker
from tests.support.log_lines import log_lines
from tests.support.pii_alarm import Seeded


def test_request_leaves_one_line_with_its_route_and_nothing_of_its_address(
    make_worker: MakeWorker, seeded: Seeded, pii_alarm
):
    worker = make_worker(access_log=True)
    with log_lines("INFO") as read:
        with pii_alarm.excuse("url", reason="what a stranger may put into an address"):
            worker.get(f"/interaction/{seeded.citizen_number}?login_hint={seeded.email}")
        (line,) = (one for one in read() if one["event"] == "request")
        assert line["route"] == "/interaction/<interaction_id>"
        assert (line["method"], line["status"], line["refusal"]) == (
            "GET",
            410,
            "interaction_expired",
        )
        assert isinstance(line["ms"], float)
        assert isinstance(line["pid"], int)


def test_request_leaves_no_line_unless_it_is_asked_for(make_worker: MakeWorker):
    worker = make_worker()
    with log_lines("DEBUG") as read:
        for path in ("/jwks", "/.well-known/openid-configuration", "/healthz", "/help", "/nowhere"):
            worker.get(path)
        worker.provider.userinfo("no-token")
        assert read() == []


def test_exception_in_a_view_is_told_under_the_id_of_its_request(make_worker: MakeWorker):
    worker = make_worker()
    worker.provider.app.add_url_rule("/fail", "fail", lambda: 1 // 0)
    with log_lines("WARNING", request_id=current_request_id) as read:
        answer = worker.get("/fail")
        (line,) = read()
        assert line["request_id"] == answer.headers["X-Request-Id"]
        assert line["exception"][0]["type"] == "builtins.ZeroDivisionError"
        assert current_request_id() == ""
