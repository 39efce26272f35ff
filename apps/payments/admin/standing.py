"""Standing instructions on the staff site: list, record with its dates, and the buttons; a tab of each account."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from apps.accounts.admin import AccountAdmin
from apps.accounts.models import Account
from apps.core import clock, display
from apps.core.admin import NuminaHistoryAdmin, money_column
from apps.core.errors import DomainError, InvalidRequest
from apps.core.record_pages import Fact, Tab, record_link, user_may
from apps.ledger.figures import business_date_or_none
from apps.ledger.selectors import business_date_current
from apps.payments import services
from apps.payments.admin.forms import text_read, version_read
from apps.payments.admin.standing_form import HOLIDAYS, INSTRUCT, rhythm_words, standing_form_page
from apps.payments.models import StandingInstruction
from apps.payments.selectors import executions_of, instructions_visible_to
from apps.payments.standing_dates import bank_days, dates_of

CHIPS = {"active": "good", "paused": "warn", "ended": "plain", "cancelled": "plain"}
EXECUTION_CHIPS = {"paid": "good", "waiting": "warn", "failed": "bad", "skipped": "plain"}
EXECUTIONS_SHOWN, DATES_SHOWN, TAB_ROWS = 50, 5, 50


def amount_words(instruction: StandingInstruction) -> str:
    """What each date moves, in words."""
    currency = instruction.currency
    match instruction.kind:
        case StandingInstruction.Kind.FIXED:
            words = display.money_text(instruction.amount, currency, with_currency=True)
        case StandingInstruction.Kind.PERCENTAGE:
            words = f"{(instruction.percentage or Decimal()).normalize():f} % of the balance"
        case _:
            words = f"All above {display.money_text(instruction.keep, currency, with_currency=True)}"
    if instruction.amount_max is not None:
        words += f", at most {display.money_text(instruction.amount_max, currency, with_currency=True)}"
    return words


def dates_ahead(instruction: StandingInstruction, today: dt.date) -> list[Any]:
    """The next few dates of an instruction."""
    if instruction.next_nominal is None:
        return []
    days = bank_days(branch_id=instruction.source.branch_id)
    ahead = (one for one in dates_of(instruction, days) if one.nominal >= instruction.next_nominal)
    return list(islice(ahead, DATES_SHOWN))


@admin.register(StandingInstruction)
class StandingInstructionAdmin(NuminaHistoryAdmin):
    """Instructions from accounts in reach."""

    view_permission = "accounts.view"
    empty_text = "Money that is moved again and again: begin with New standing instruction, here or on an account."
    subtitle = "Standing instruction"
    list_display = ("source", "to", "moves", "next_on", "state", "dates_paid", "total_money")
    list_filter = ("status", "kind")
    search_fields = ("source__number", "destination__number")
    list_before_template = "payments/standing_new.html"
    overview_template = "payments/instruction.html"

    total_money = money_column("Moved so far", "total")

    def get_queryset(self, request: HttpRequest) -> QuerySet[StandingInstruction]:
        user: Any = request.user
        return instructions_visible_to(user)

    @admin.display(description="To", ordering="destination__number")
    def to(self, instruction: StandingInstruction) -> str:
        return instruction.destination.number

    @admin.display(description="Each date")
    def moves(self, instruction: StandingInstruction) -> str:
        return amount_words(instruction)

    @admin.display(description="Status", ordering="status")
    def state(self, instruction: StandingInstruction) -> SafeString:
        return display.chip(instruction.get_status_display(), CHIPS[instruction.status])

    def record_title(self, record: StandingInstruction) -> str:
        return f"{record.source.number} to {record.destination.number}"

    def record_chips(self, record: StandingInstruction) -> Iterable[SafeString]:
        yield self.state(record)

    def record_sections(self, request: HttpRequest, record: StandingInstruction) -> list[tuple[str, list[Fact]]]:
        site = self.admin_site
        what = [
            Fact("From", record_link(request, site, record.source)),
            Fact("To", record_link(request, site, record.destination)),
            Fact("Each date", amount_words(record)),
            self.fact(request, record, "description"),
            self.fact(request, record, "reference"),
            Fact("Set up by", str(record.created_by)),
        ]
        ends = [
            f"on {display.day_text(record.ends_on)}" if record.ends_on else "",
            f"after {record.count_max} dates" if record.count_max else "",
            f"with {display.money_text(record.total_max, record.currency)} in all" if record.total_max else "",
        ]
        when = [
            Fact("Dates", rhythm_words(record.rule)),
            self.fact(request, record, "starts_on"),
            Fact("On holidays", HOLIDAYS.get(record.convention, display.kind_text(record.convention))),
            Fact("Ends", " or ".join(word for word in ends if word) or "when it is cancelled"),
            Fact("Without funds", _retries_words(record.retries)),
            self.fact(request, record, "catch_up"),
        ]
        if record.status_reason:
            when.append(self.fact(request, record, "status_reason"))
        return [("What", what), ("When", when)]

    def overview_context(self, request: HttpRequest, record: StandingInstruction) -> dict[str, Any]:
        today = business_date_or_none() or clock.now().date()
        rows = executions_of(record)[:EXECUTIONS_SHOWN]
        return {
            "instruction_dates": dates_ahead(record, today),
            "instruction_rows": [(row, EXECUTION_CHIPS[row.status]) for row in rows],
            "instruction_may": user_may(request, INSTRUCT),
            "instruction_due": record.status == "active" and record.next_on is not None and record.next_on <= today,
        }

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.act_view)
        new = self.admin_site.admin_view(partial(standing_form_page, self.admin_site))
        return [
            path("new/", new, name="payments_standinginstruction_new"),
            path("<uuid:object_id>/act/", view, name="payments_standinginstruction_act"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"standing_may_begin": user_may(request, INSTRUCT), **(extra_context or {})}
        return super().changelist_view(request, context)

    def act_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """One of the buttons; back to the record with what came of it."""
        record: StandingInstruction = self.record_get(request, str(object_id))
        act = _ACTS.get(request.POST.get("action", ""))
        if request.method != "POST" or act is None or not user_may(request, INSTRUCT):
            raise PermissionDenied
        try:
            self.message_user(request, act(request, record), messages.SUCCESS)
        except DomainError as error:
            self.message_user(request, str(error.detail or error.title), messages.ERROR)
        return HttpResponseRedirect(reverse("admin:payments_standinginstruction_change", args=[record.pk]))


def _retries_words(retries: int) -> str:
    if not retries:
        return "not tried again"
    return f"tried again on {retries} business day{'s' if retries > 1 else ''}"


def _reason(request: HttpRequest) -> str:
    reason = text_read(request, "reason", max_length=200)
    if not reason:
        raise InvalidRequest("Say why.")
    return reason


def _common(request: HttpRequest, record: StandingInstruction) -> dict[str, Any]:
    return {
        "acting_user": request.user,
        "instruction_id": record.pk,
        "expected_version": version_read(request),
        "at": clock.now(),
    }


def _pause(request: HttpRequest, record: StandingInstruction) -> str:
    services.instruction_pause(reason=_reason(request), **_common(request, record))
    return "Paused."


def _resume(request: HttpRequest, record: StandingInstruction) -> str:
    done = services.instruction_resume(**_common(request, record))
    return f"It goes on. Next on {display.day_text(done.next_on)}." if done.next_on else "None of its dates lies ahead."


def _cancel(request: HttpRequest, record: StandingInstruction) -> str:
    services.instruction_cancel(reason=_reason(request), **_common(request, record))
    return "Cancelled."


def _run(request: HttpRequest, record: StandingInstruction) -> str:
    done = services.instruction_run(instruction_id=record.pk, business_date=business_date_current(), at=clock.now())
    if not done:
        return "Nothing is due."
    return ", ".join(f"{display.day_text(one.nominal)}: {one.get_status_display().lower()}" for one in done)


_ACTS: dict[str, Callable[[HttpRequest, StandingInstruction], str]] = {
    "pause": _pause,
    "resume": _resume,
    "cancel": _cancel,
    "run": _run,
}


def _tab(request: HttpRequest, record: Any) -> dict[str, Any]:
    user: Any = request.user
    outgoing = instructions_visible_to(user).filter(source=record.pk)[:TAB_ROWS]
    return {
        "account_instructions": [(one, amount_words(one), CHIPS[one.status]) for one in outgoing],
        "standing_may_begin": record.status != Account.Status.CLOSED and user_may(request, INSTRUCT),
        "standing_from": record.number,
    }


AccountAdmin.tab_add(Tab("standing", "Standing instructions", "payments/instructions_tab.html", _tab))
