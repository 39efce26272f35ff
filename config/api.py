"""The one list of API routes. Paths are below /api/v1/ and have no trailing slash."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("apps.payments.api.urls")),  # first: the hottest routes are found soonest
    path("", include("apps.accounts.api.urls")),
    path("", include("apps.core.api.urls")),
    path("", include("apps.identity.api.urls")),
    path("", include("apps.members.api.urls")),
    path("", include("apps.balances.api.urls")),
    path("", include("apps.ledger.api.urls")),
    path("", include("apps.lending.api.urls")),
    path("", include("apps.audit.api.urls")),
    path("", include("apps.compliance.api.urls")),
    path("", include("apps.reporting.api.urls")),
    path("", include("apps.budgets.api.urls")),
    path("", include("apps.jobs.api.urls")),
    path("", include("apps.notifications.api.urls")),
    path("", include("apps.approvals.api.urls")),
    path("", include("apps.calculations.api.urls")),
]
