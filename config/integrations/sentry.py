"""Error reports to Sentry, when SENTRY_DSN is set. Nothing about a person or an amount leaves the bank by this way."""

from typing import Any

import sentry_sdk
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.django import DjangoIntegration

from config.env import Env
from config.integrations.logging import clean

# What a report may say of the request: which page, never with what.
REQUEST_KEPT = ("method", "url")


def sentry_start(env: Env) -> None:
    """Start reporting; does nothing without a DSN. Request bodies, users and local variables are not sent."""
    if not env.sentry_dsn:
        return
    sentry_sdk.init(
        dsn=env.sentry_dsn,
        environment=env.sentry_environment,
        integrations=[DjangoIntegration(), CeleryIntegration()],
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        traces_sample_rate=0.0,
        before_send=before_send,
        before_send_transaction=before_send,
        before_breadcrumb=before_breadcrumb,
    )


def before_send(event: Any, _hint: Any) -> Any:
    """The report without query strings, headers, cookies and users, and with what looks personal cut out of every text:
    an exception's message may quote a value."""
    request = event.get("request")
    if isinstance(request, dict):
        kept = {name: request[name] for name in REQUEST_KEPT if name in request}
        kept["url"] = str(kept.get("url", "")).partition("?")[0]
        event["request"] = kept
    event.pop("user", None)
    event.pop("server_name", None)
    return clean(event)


def before_breadcrumb(crumb: Any, _hint: Any) -> Any:
    """Steps before the fault: statements of SQL may hold values, so only their beginning is kept."""
    if crumb.get("category") == "query":
        crumb["message"] = str(crumb.get("message", "")).partition(" WHERE ")[0][:200]
    crumb.pop("data", None)
    return clean(crumb)
