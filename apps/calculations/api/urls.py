"""Routes of the calculations."""

from django.urls import URLPattern, path

from apps.calculations.api import loans, views

app_name = "calculations"

urlpatterns: list[URLPattern] = [
    path("calculations/conventions", views.ConventionsView.as_view(), name="conventions"),
    path("calculations/day-count", views.DayCountView.as_view(), name="day-count"),
    path("calculations/business-day", views.BusinessDayView.as_view(), name="business-day"),
    path("calculations/recurrence", views.RecurrenceView.as_view(), name="recurrence"),
    path("calculations/interest", views.InterestView.as_view(), name="interest"),
    path("calculations/loan-schedule", loans.LoanScheduleView.as_view(), name="loan-schedule"),
    path("calculations/apr", loans.AprView.as_view(), name="apr"),
    path("calculations/payoff", loans.PayoffView.as_view(), name="payoff"),
    path("calculations/what-if", loans.WhatIfView.as_view(), name="what-if"),
]
