"""Personal data and secrets stay out of logs and error reports, wherever they stand."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest

from config.env import env_read
from config.integrations.logging import logging_settings
from config.integrations.sentry import before_breadcrumb, before_send

PERSONAL = {
    "card": "4111111111111111",
    "iban": "DE89370400440532013000",
    "e-mail": "grace.atieno@example.com",
    "phone": "+254712345678",
    "bearer": "Bearer abc.def-123",
    "token": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2ln",
    "api key": "nk_live_a1b2c3d4e5f6",
}


def logged(write: Any) -> dict[str, Any]:
    """The line that the production formatter makes of what `write(logger)` says."""
    settings = logging_settings(env_read({"NUMINA_LOG_FORMAT": "json"}))
    made = dict(settings["formatters"]["lines"])
    formatter = made.pop("()")(**made)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger = logging.getLogger("tests.redaction")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        write(logger)
    finally:
        logger.removeHandler(handler)
        logger.propagate = True
    found: dict[str, Any] = json.loads(stream.getvalue())
    return found


@pytest.mark.parametrize("kind", sorted(PERSONAL))
@pytest.mark.parametrize("place", ["message", "extra", "nested", "exception"])
def test_nothing_personal_reaches_the_log(kind: str, place: str) -> None:
    value = PERSONAL[kind]

    def write(logger: logging.Logger) -> None:
        match place:
            case "message":
                logger.error("refused %s for somebody", value)
            case "extra":
                logger.error("refused", extra={"field": value})
            case "nested":
                logger.error("refused", extra={"body": {"rows": [{"about": f"x {value} y"}]}})
            case _:
                try:
                    raise ValueError(f"cannot use {value}")
                except ValueError:
                    logger.exception("refused")

    line = json.dumps(logged(write))
    assert value not in line
    assert "[redacted]" in line


def test_a_line_break_does_not_make_a_second_line() -> None:
    found = logged(lambda logger: logger.error('one\r\n{"level":"info"}\x1b[31m two'))
    assert "two" in found["event"]


def test_what_is_not_personal_stays() -> None:
    found = logged(lambda logger: logger.error("posted 1250.00 KES to 010000000041 at 2026-11-21T09:00:00+00:00"))
    assert found["event"] == "posted 1250.00 KES to 010000000041 at 2026-11-21T09:00:00+00:00"


@pytest.mark.parametrize("kind", sorted(PERSONAL))
def test_nothing_personal_reaches_an_error_report(kind: str) -> None:
    value = PERSONAL[kind]
    event = {
        "request": {
            "method": "GET",
            "url": f"https://bank.example/api/v1/members?q={value}",
            "query_string": value,
            "headers": {"Authorization": value},
            "cookies": value,
            "data": {"x": value},
        },
        "user": {"email": value},
        "exception": {"values": [{"type": "ValueError", "value": f"cannot use {value}"}]},
        "extra": {"deep": [{"x": value}]},
    }
    sent = before_send(event, {})
    assert value not in json.dumps(sent)
    assert sent["request"] == {"method": "GET", "url": "https://bank.example/api/v1/members"}
    assert "user" not in sent


def test_steps_before_a_fault_hold_no_values() -> None:
    crumb = {"category": "query", "message": "SELECT * FROM members_member WHERE number = 'M1'", "data": {"x": 1}}
    assert before_breadcrumb(crumb, {}) == {"category": "query", "message": "SELECT * FROM members_member"}
