"""Writes of notifications: what people are told, how it gets there, what they chose."""

from apps.notifications.services._create import Created, notification_create
from apps.notifications.services._deliver import BATCH, UNDONE, delivery_retry, delivery_send_bulk, delivery_send_due
from apps.notifications.services._inbox import notification_mark_read, notification_mark_read_all
from apps.notifications.services._preferences import Wish, preference_set_many, rhythm_set
from apps.notifications.services._purge import notices_purge
from apps.notifications.services._reports import Report, delivery_report
from apps.notifications.services._subscriptions import subscription_create, subscription_end
from apps.notifications.services._suppress import suppression_lift
from apps.notifications.services._templates import template_remove, template_save

__all__ = [
    "BATCH",
    "UNDONE",
    "Created",
    "Report",
    "Wish",
    "delivery_report",
    "delivery_retry",
    "delivery_send_bulk",
    "delivery_send_due",
    "notices_purge",
    "notification_create",
    "notification_mark_read",
    "notification_mark_read_all",
    "preference_set_many",
    "rhythm_set",
    "subscription_create",
    "subscription_end",
    "suppression_lift",
    "template_remove",
    "template_save",
]
