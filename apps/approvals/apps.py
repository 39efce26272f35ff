"""Maker-checker: registered actions, policies as data, levels, inbox."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    """Maker-checker: registered actions, policies as data, levels, inbox."""

    name = "apps.approvals"
    label = "approvals"
    verbose_name = "Approvals"
