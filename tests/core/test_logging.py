"""What may never reach a log: secrets, and the variables of a function that failed."""

from __future__ import annotations

import dataclasses
import io
import logging
import logging.config
from collections.abc import Callable
from typing import Any

import pytest

from config.env import env_read
from config.integrations.logging import TOO_DEEP, logging_settings, redact

PASSWORD = "correct-horse-battery"
CARD = "4111111111111111"
IBAN = "DE89370400440532013000"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"


@pytest.fixture(params=["json", "console"])
def written(request: pytest.FixtureRequest) -> Callable[[Callable[[logging.Logger], None]], str]:
    """Runs a function with a logger set up as in the product; what it wrote."""

    def run(write: Callable[[logging.Logger], None]) -> str:
        settings = logging_settings(dataclasses.replace(env_read(), log_format=request.param))
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        formatter = dict(settings["formatters"]["lines"])
        handler.setFormatter(formatter.pop("()")(**formatter))
        logger = logging.getLogger("numina.test")
        logger.propagate = False
        logger.handlers = []
        logger.addHandler(handler)
        write(logger)
        return stream.getvalue()

    return run


def _fails(body: dict[str, Any]) -> None:
    secret_local = f"local {body}"
    raise ValueError(f"cannot take card {CARD}, Bearer {TOKEN}", len(secret_local))


def _failure_logged(logger: logging.Logger) -> None:
    try:
        try:
            _fails({"password": PASSWORD})
        except ValueError as error:
            raise RuntimeError("second") from error
    except RuntimeError:
        logger.exception("it failed for %s", IBAN)


def test_tracebacks_tell_where_and_never_what_the_variables_held(written: Callable[..., str]) -> None:
    text = written(_failure_logged)

    assert "it failed" in text
    assert "_fails" in text
    assert "ValueError" in text
    assert "RuntimeError" in text
    assert PASSWORD not in text
    assert "secret_local" not in text.replace("len(secret_local)", "")


def test_secrets_in_messages_and_in_exceptions_are_cut_out(written: Callable[..., str]) -> None:
    text = written(_failure_logged)

    for secret in (CARD, TOKEN, IBAN):
        assert secret not in text
    assert "[redacted]" in text


def test_line_ends_do_not_make_a_second_line() -> None:
    settings = logging_settings(dataclasses.replace(env_read(), log_format="json"))
    formatter = dict(settings["formatters"]["lines"])
    made = formatter.pop("()")(**formatter)
    record = logging.LogRecord("numina", logging.WARNING, "", 1, 'a\r\n{"event": "forged"}\x1b[31m', (), None)

    assert len(made.format(record).splitlines()) == 1


def test_what_lies_too_deep_to_be_looked_at_is_left_out() -> None:
    value: Any = {"password": PASSWORD}
    for _ in range(20):
        value = {"inner": [value]}

    text = repr(redact(None, "", {"event": "deep", "value": value}))

    assert PASSWORD not in text
    assert TOO_DEEP in text
