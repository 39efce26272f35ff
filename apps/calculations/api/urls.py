"""Routes of the calculations."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
