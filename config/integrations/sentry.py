"""Error reports to Sentry, when SENTRY_DSN is set. Nothing about a person or an amount leaves the bank by this way."""

import sentry_sdk
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.django import DjangoIntegration

from config.env import Env


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
    )
