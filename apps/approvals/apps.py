"""Maker-checker: registered actions, policies as data, levels, inbox."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    """Maker-checker: registered actions, policies as data, levels, inbox."""

    name = "apps.approvals"
    label = "approvals"
    verbose_name = "Approvals"

    def ready(self) -> None:
        """Register the actions of this app and of identity, the messages' task, and the loader of policies."""
        from apps.approvals import actions, notices, reference, tasks
        from apps.core.reference import loader_register

        actions.actions_register()
        notices.task_register(tasks.event_announce)
        loader_register("approval_policies", reference.policies_load)
