"""Both simulated registers in one process, on one port, with a page of switches.

Run as `python -m idp.sandbox.registers FILE`, where FILE is the sandbox's `registers.json`.  The
page at `/` shows who stands in the registers, and makes them be away, slow or nonsense, renumber
somebody or dissolve an organisation: whatever a developer wants to see the service bear.
Not here: what a register answers (`register_simulators.py`).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any, Final

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from idp.sandbox.register_people import Standing
from idp.sandbox.register_simulators import Answered, Mode, Registers

POPULATION_PATH: Final = "/ThongTinCongDan"
BUSINESS_PATH: Final = "/chiTietDoanhNghiep"
_SLOW_S: Final = 40.0
"""Longer than any deadline that a deployment may set."""

Wait = Callable[[float], object]


class RegisterServer:
    """The WSGI application.  Takes   wait: how a slow register spends its time."""

    def __init__(self, registers: Registers, *, wait: Wait = time.sleep) -> None:
        self._registers = registers
        self._wait = wait

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one request."""
        request = Request(environ)
        return self._answer(request)(environ, start_response)

    def _answer(self, request: Request) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        if request.path == POPULATION_PATH and request.method == "POST":
            self._be_slow(self._registers.population_mode)
            body = request.get_data()
            return _as_response(self._registers.answer_population(body, headers=headers))
        if request.path == BUSINESS_PATH and request.method == "GET":
            self._be_slow(self._registers.business_mode)
            query = request.query_string.decode("ascii", "replace")
            return _as_response(self._registers.answer_business(query, headers=headers))
        if request.path != "/":
            return Response("Not Found", 404)
        if request.method == "POST":
            return self._switch(request)
        return Response(self._page(), mimetype="text/html")

    def _be_slow(self, mode: Mode) -> None:
        if mode is Mode.SLOW:
            self._wait(_SLOW_S)

    def _switch(self, request: Request) -> Response:
        # a page of another site must not move switches: it would spoil what somebody tries out
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            return Response("Forbidden", 403)
        form, registers = request.form, self._registers
        try:
            if "population" in form:
                registers.population_mode = Mode(form["population"])
            if "business" in form:
                registers.business_mode = Mode(form["business"])
            if "renumber" in form:
                registers.renumber(form["renumber"], new=form["new"].strip())
            if "code" in form:
                registers.set_standing(form["code"], Standing(form["standing"]))
        except (KeyError, ValueError):
            return Response("Bad Request", 400)
        return Response(status=303, headers={"Location": "/"})

    def _page(self) -> str:
        registers = self._registers
        modes = "".join(
            f"<form method='post'><p><label>{title} <select name='{name}'>{_options(Mode, now)}"
            "</select></label> <button>Đặt</button></p></form>"
            for title, name, now in (
                ("Cơ sở dữ liệu dân cư (population)", "population", registers.population_mode),
                ("Đăng ký doanh nghiệp (business)", "business", registers.business_mode),
            )
        )
        people = "".join(
            f"<li><b>{escape(one.name)}</b>, {one.birthdate}, <code>{one.number}</code>"
            f"{'' if one.replaced is None else f' (trước đây {one.replaced})'}"
            f"<form method='post'><input type='hidden' name='renumber' value='{one.number}'>"
            f"<label>Đổi số thành <input name='new' pattern='[0-9]{{12}}' required></label> "
            "<button>Đổi</button></form></li>"
            for one in registers.citizens.values()
        )
        enterprises = "".join(
            f"<li><b>{escape(one.name)}</b>, <code>{one.code}</code>"
            f"<form method='post'><input type='hidden' name='code' value='{one.code}'>"
            f"<label>Tình trạng <select name='standing'>{_options(Standing, one.standing)}"
            "</select></label> <button>Đặt</button></form></li>"
            for one in registers.enterprises.values()
        )
        return (
            "<!doctype html><html lang='vi'><meta charset='utf-8'>"
            "<meta name='viewport' content='width=device-width'>"
            "<title>Cơ sở dữ liệu mô phỏng</title>"
            "<style>body{font:1rem/1.5 sans-serif;max-width:60rem;margin:1rem auto;padding:0 1rem}"
            "form{margin:.25rem 0 1rem}</style>"
            "<h1>Cơ sở dữ liệu mô phỏng (không có thật)</h1>"
            f"{modes}<h2>Công dân</h2><ul>{people}</ul><h2>Tổ chức</h2><ul>{enterprises}</ul>"
        )


def _options(kind: type[Mode | Standing], now: str) -> str:
    return "".join(
        f"<option{' selected' if one.value == now else ''}>{one.value}</option>" for one in kind
    )


def _as_response(answered: Answered) -> Response:
    return Response(answered.body, answered.status, content_type=answered.content_type)


class _Quiet(WSGIRequestHandler):
    """No line per request: addresses carry codes of organisations."""

    def log_request(self, *_args: Any) -> None:
        """Say nothing."""


def run(settings: dict[str, Any]) -> None:
    """Serve until the process ends."""
    registers = Registers(
        settings["user"],
        settings["secret"],
        f"http://127.0.0.1:{settings['port']}{POPULATION_PATH}",
        settings["authorization"],
    )
    server = make_server(
        "127.0.0.1",
        settings["port"],
        RegisterServer(registers),
        threaded=True,
        request_handler=_Quiet,
    )
    server.serve_forever()


if __name__ == "__main__":
    run(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
