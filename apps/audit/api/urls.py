"""Routes of audit."""

from django.urls import path

from apps.audit.api.views import AuditEventsView

app_name = "audit"

urlpatterns = [path("audit/events", AuditEventsView.as_view(), name="events")]
