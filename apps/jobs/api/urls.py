"""Routes of the jobs."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
