"""Business calendars, and the days that a bank closes or opens of its own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from apps.audit.services import record
from apps.core import clock
from apps.core.admin import NuminaHistoryAdmin, NuminaTabularInline
from apps.jobs.models import BusinessCalendar, Closure, OpeningHours
from apps.jobs.selectors import public_holidays

KEEP = "jobs.manage"


class CalendarForm(forms.ModelForm):
    """Refuses countries that nobody knows the holidays of, and weeks without a business day."""

    class Meta:
        model = BusinessCalendar
        fields = ("code", "name", "country", "subdivision", "weekend", "is_default", "branches")

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        weekend = values.get("weekend") or []
        if any(not 1 <= day <= 7 for day in weekend) or len(set(weekend)) > 6:
            raise ValidationError({"weekend": "Numbers from 1 (Monday) to 7 (Sunday), at most six of them."})
        values["country"] = values.get("country", "").upper()
        try:
            public_holidays(values["country"], values.get("subdivision", ""), clock.now().year)
        except NotImplementedError:
            raise ValidationError({"country": "The holidays of this country, or part of it, are not known."}) from None
        return values


class KeptHere(NuminaHistoryAdmin):
    """Written through these pages, with an event in the trail: nothing but the row depends on it."""

    view_permission, add_permission, change_permission = "jobs.view", KEEP, KEEP

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save and record, in the transaction of the form."""
        super().save_model(request, obj, form, change)
        after = {name: str(form.cleaned_data.get(name)) for name in form.changed_data}
        verb = "changed" if change else "created"
        record(
            action=f"jobs.{self.opts.model_name}.{verb}", acting_user=request.user, target=obj, after=after,
            at=clock.now(),
        )  # fmt: skip


class OpeningHoursForm(forms.ModelForm):
    """A table's cells have no labels to be seen: the names are there to be heard."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, words in (("weekday", "Day of the week"), ("opens", "Opens"), ("closes", "Closes")):
            self.fields[name].widget.attrs["aria-label"] = words


class OpeningHoursInline(NuminaTabularInline):
    """Days of the week on which the branches work at other hours than 8 to 17."""

    model = OpeningHours
    view_permission, add_permission, change_permission = "jobs.view", KEEP, KEEP
    form = OpeningHoursForm
    fields = ("weekday", "opens", "closes")
    extra = 1
    max_num = 7

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may change the calendar: the usual hours count again."""
        return self.has_change_permission(request, obj)


@admin.register(BusinessCalendar)
class BusinessCalendarAdmin(KeptHere):
    """Without any calendar the bank's country counts, with Saturday and Sunday."""

    empty_text = "Without a calendar a branch works from Monday to Friday, public holidays of the country excepted."
    form = CalendarForm
    fields = ("code", "name", "country", "subdivision", "weekend", "is_default", "branches")
    list_title = "Calendars"
    list_display = ("code", "name", "country", "subdivision", "weekend", "is_default")
    search_fields = ("code", "name")
    inlines = (OpeningHoursInline,)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Save the hours, and record them as they are afterwards."""
        super().save_formset(request, form, formset, change)
        if formset.has_changed():
            hours = [str(row) for row in OpeningHours.objects.filter(calendar=form.instance)]
            record(
                action="jobs.businesscalendar.hours_changed", acting_user=request.user, target=form.instance,
                after={"hours": hours}, at=clock.now(),
            )  # fmt: skip


@admin.register(Closure)
class ClosureAdmin(KeptHere):
    """A day off that no law knows, or a Saturday on which the bank works."""

    empty_text = "Days on which the bank is closed besides weekends and public holidays."
    list_display = ("day", "name", "calendar", "is_open")
    list_select_related = ("calendar",)
    list_filter = ("calendar", "is_open")
    search_fields = ("name",)
    fields = ("calendar", "day", "name", "is_open")
