"""Routes of core: health, the schema and its pages."""

from django.urls import path

from apps.core.api import docs, health

app_name = "core"

urlpatterns = [
    path("health/live", health.LiveView.as_view(), name="health-live"),
    path("health/ready", health.ReadyView.as_view(), name="health-ready"),
    path("schema", docs.schema, name="schema"),
    path("docs", docs.docs, name="docs"),
    path("docs/errors", docs.error_codes, name="docs-errors"),
]
