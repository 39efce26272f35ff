"""Routes of audit."""

from django.urls import path

from apps.audit.api import views

app_name = "audit"

urlpatterns = [
    path("audit/logs", views.AuditLogsView.as_view(), name="logs"),
    path("audit/exports", views.AuditExportsView.as_view(), name="exports"),
    path("audit/exports/<uuid:export_id>", views.AuditExportView.as_view(), name="export"),
    path("audit/exports/<uuid:export_id>/file", views.AuditExportFileView.as_view(), name="export-file"),
    path("audit/verifications", views.AuditVerificationsView.as_view(), name="verifications"),
    path("audit/verifications/<uuid:verification_id>", views.AuditVerificationView.as_view(), name="verification"),
]
