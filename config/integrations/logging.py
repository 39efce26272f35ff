"""Logs: one JSON object a line (readable lines on a developer's terminal), with the request's id on each.

Secrets and card-like numbers are cut out here, in the last step before writing, so that no caller can forget.
"""

import re
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from config.env import Env

SECRET_NAMES = re.compile(r"password|secret|token|authorization|cookie|otp|pin$|api_?key|signature", re.IGNORECASE)
# Bearer tokens and keys of ours; e-mail addresses; telephone numbers as E.164; account numbers as in IBAN; and runs of
# 13 to 19 digits as on cards. Names and street addresses have no shape: they are never put into a log line.
SECRET_VALUES = re.compile(
    r"nk_(?:live|test)_[\w-]+|[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+|(?<![\w+])\+[1-9]\d{7,14}\b|"
    r"(?i:bearer)\s+[\w\-.~+/=]+|\beyJ[\w-]+\.[\w-]+\.[\w-]*|\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b|(?<![\w.-])\d{13,19}(?![\w.-])"
)
REDACTED = "[redacted]"
DEPTH_MAX = 8  # a chain of exceptions is a list of mappings of lists of mappings
TOO_DEEP = "[too deep]"


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace values of secret-sounding names, and secret-looking text anywhere, by `[redacted]`."""
    for name, value in event.items():
        event[name] = REDACTED if SECRET_NAMES.search(name) else _clean(value, 0)
    return event


def clean(value: Any) -> Any:
    """A value of any shape without secrets and personal data: for whatever leaves the process besides the log."""
    return _clean(value, 0)


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return SECRET_VALUES.sub(REDACTED, value)
    if depth >= DEPTH_MAX and isinstance(value, dict | list | tuple):
        return TOO_DEEP
    if isinstance(value, dict):
        return {
            key: REDACTED if SECRET_NAMES.search(str(key)) else _clean(item, depth + 1) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_clean(item, depth + 1) for item in value]
    return value


def _processors() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.UnicodeDecoder(),
    ]


def logging_settings(env: Env) -> dict[str, Any]:
    """The value of LOGGING, for the level and format that the environment asks for.

    Tracebacks are written without local variables, which hold request bodies and passwords, and before the redaction,
    since an exception's text may quote a value as well.
    """
    last: list[Any] = (
        [structlog.processors.format_exc_info, redact, structlog.dev.ConsoleRenderer(colors=False)]
        if env.log_format == "console"
        else [
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            redact,
            structlog.processors.JSONRenderer(),
        ]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
                "foreign_pre_chain": [*_processors(), structlog.stdlib.ExtraAdder()],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": env.log_level},
        "loggers": {
            "django.request": {"level": "ERROR"},  # 4xx are answers, not faults
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "fontTools": {"level": "WARNING"},
            "weasyprint": {"level": "ERROR"},
        },
    }


def structlog_start() -> None:
    """Send structlog's loggers through the standard library's, so that all lines look the same."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
