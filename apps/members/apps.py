"""Members: the people and businesses that the bank serves."""

from django.apps import AppConfig


class MembersConfig(AppConfig):
    name = "apps.members"
    label = "members"
    verbose_name = "Members"
