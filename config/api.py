"""The one list of API routes. Paths are below /api/v1/ and have no trailing slash."""

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

_APPS = ("core", "identity", "members", "accounts", "payments", "balances", "ledger", "audit")

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include(f"apps.{app}.api.urls"))
    for app in _APPS
    if find_spec(f"apps.{app}") and find_spec(f"apps.{app}.api") and find_spec(f"apps.{app}.api.urls")
]
