"""Routes of the approvals."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
