"""The calculation engine: pure functions on dates, rates and money; only its API knows Django."""

from django.apps import AppConfig


class CalculationsConfig(AppConfig):
    """The calculation engine: pure functions on dates, rates and money; only its API knows Django."""

    name = "apps.calculations"
    label = "calculations"
    verbose_name = "Calculations"
