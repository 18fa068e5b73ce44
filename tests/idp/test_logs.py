"""Lines are JSON, carry the request's id, and never what an exception was told."""

from __future__ import annotations

import json
import logging

import structlog

from idp.errors import StorageUnavailable
from idp.logs import describe_exception
from tests.support.log_lines import log_lines
from tests.support.pii_alarm import Seeded


def test_line_says_when_how_serious_what_and_for_which_request():
    with log_lines("INFO", request_id=lambda: "req_1") as read:
        structlog.get_logger("antin.test").info("job_done", kind="logout")
        (line,) = read()
        assert line.pop("time").endswith("Z")
        assert line == {
            "level": "info",
            "event": "job_done",
            "kind": "logout",
            "request_id": "req_1",
            "logger": "antin.test",
        }


def test_lines_below_the_level_are_not_written():
    with log_lines("WARNING") as read:
        structlog.get_logger("antin.test").info("quiet")
        logging.getLogger("some.library").info("quiet")
        logging.getLogger("some.library").warning("loud %s", "indeed")
        assert [line["event"] for line in read()] == ["loud indeed"]


def test_exception_is_told_by_type_code_and_place_without_its_message(seeded: Seeded):
    with log_lines("INFO") as read:

        def parse(raw: str) -> int:
            return int(raw)

        try:
            try:
                parse(seeded.name)
            except ValueError as problem:
                raise StorageUnavailable from problem
        except StorageUnavailable as failure:
            structlog.get_logger().error("refused", exc_info=failure)
        (line,) = read()
        outer, inner = line["exception"]
        assert outer["type"] == "idp.errors.StorageUnavailable"
        assert outer["code"] == "temporarily_unavailable"
        assert inner["type"] == "builtins.ValueError"
        assert inner["at"][-1].startswith("tests/idp/test_logs.py:")
        assert seeded.name not in json.dumps(line, ensure_ascii=False)


def test_exception_of_a_library_is_told_in_the_same_way(pii_alarm, seeded: Seeded):
    with log_lines("INFO") as read:
        with pii_alarm.excuse("log record of some.library", reason="a library says what it likes"):
            try:
                int(seeded.name)
            except ValueError:
                logging.getLogger("some.library").exception("cannot")
        (line,) = read()
        assert [one["type"] for one in line["exception"]] == ["builtins.ValueError"]
        assert seeded.name not in json.dumps(line, ensure_ascii=False)


def test_what_is_no_plain_value_is_told_by_its_type(seeded: Seeded):
    with log_lines("INFO") as read:

        class Held:
            def __repr__(self) -> str:
                return seeded.name

        with_value = {"held": [1, object()], "person": Held}
        structlog.get_logger().info("odd", **with_value)
        assert read()[0]["held"] == [1, "object"]


def test_endless_chain_of_causes_is_cut():
    error = ValueError()
    error.__cause__ = error
    assert len(describe_exception(error)) == 4
