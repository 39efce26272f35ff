"""Notifications on the staff site: the bell and one's own choices, deliveries, the bank's words."""

from apps.notifications.admin.deliveries import DeliveryAdmin
from apps.notifications.admin.inbox import NotificationAdmin
from apps.notifications.admin.suppressions import SuppressionAdmin
from apps.notifications.admin.words import TemplateAdmin

__all__ = ["DeliveryAdmin", "NotificationAdmin", "SuppressionAdmin", "TemplateAdmin"]
