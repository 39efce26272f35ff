"""Third-party models with the staff site's own look: left as they are, their inputs would be invisible."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule

from apps.core import display
from apps.core.admin import NuminaAdmin

BEAT_MODELS = (PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule)

for model in BEAT_MODELS:
    admin.site.unregister(model)  # django_celery_beat stands before our apps in INSTALLED_APPS, so it is registered


class ScheduleAdmin(NuminaAdmin):
    """The schedule is code; here it is looked at. Who looks after users looks after this."""

    view_permission = "identity.manage_users"


for model in BEAT_MODELS[1:]:
    admin.site.register(model, ScheduleAdmin)


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(ScheduleAdmin):
    """What runs when, and when it was last sent off."""

    subtitle = "Schedule"
    list_display = ("name", "when", "queue_name", "state", "last_run", "total_run_count")
    list_select_related = ("interval", "crontab", "solar", "clocked")
    list_filter = ("enabled",)
    search_fields = ("name", "task")
    fields = ("name", "task", "when", "queue_name", "enabled", "last_run", "total_run_count", "description")

    @admin.display(description="When")
    def when(self, task: Any) -> str:
        return str(task.scheduler)

    @admin.display(description="Queue")
    def queue_name(self, task: Any) -> str:
        return task.queue or "as the task says"

    @admin.display(description="Status", ordering="enabled")
    def state(self, task: Any) -> SafeString:
        return display.chip("On", "good") if task.enabled else display.chip("Off", "plain")

    @admin.display(description="Last sent off", ordering="last_run_at")
    def last_run(self, task: Any) -> str:
        moment: dt.datetime | None = task.last_run_at
        return display.moment_text(moment) if moment else "Never"

    def record_title(self, record: Any) -> str:
        return str(record.name)

    def record_chips(self, record: Any) -> Iterable[SafeString]:
        yield self.state(record)
