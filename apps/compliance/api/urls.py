"""Routes of compliance."""

from django.urls import path

from apps.compliance.api import views

app_name = "compliance"

urlpatterns = [
    path("compliance/flags", views.FlagsView.as_view(), name="flags"),
    path("compliance/flags/<uuid:flag_id>", views.FlagView.as_view(), name="flag"),
    path("compliance/flags/<uuid:flag_id>/decision", views.FlagDecisionView.as_view(), name="flag-decision"),
    path("privacy/requests", views.PrivacyRequestsView.as_view(), name="requests"),
    path("privacy/requests/<uuid:privacy_request_id>", views.PrivacyRequestView.as_view(), name="request"),
    path("privacy/requests/<uuid:privacy_request_id>/data", views.PrivacyDataView.as_view(), name="data"),
    path("privacy/requests/<uuid:privacy_request_id>/certificate", views.CertificateView.as_view(), name="certificate"),
    path("privacy/requests/<uuid:privacy_request_id>/decision", views.ErasureDecisionView.as_view(), name="decision"),
    path("privacy/holds", views.LegalHoldsView.as_view(), name="holds"),
    path("privacy/holds/<uuid:legal_hold_id>/lift", views.LegalHoldLiftView.as_view(), name="hold-lift"),
]
