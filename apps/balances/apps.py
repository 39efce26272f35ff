"""Balances: the only door for money."""

from django.apps import AppConfig


class BalancesConfig(AppConfig):
    name = "apps.balances"
    label = "balances"
    verbose_name = "Balances"
