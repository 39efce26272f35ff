"""Loan groups on the staff site: who belongs to one, what its loans owe, and the sheet of a meeting."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.core import clock
from apps.core.admin import NuminaAdmin
from apps.core.errors import DomainError, InvalidRequest
from apps.core.record_pages import Fact, record_link, user_may
from apps.identity.guards import amount_check
from apps.ledger.selectors import business_date_current
from apps.lending.admin.forms import Sent, actions_of, address_of, new_button
from apps.lending.admin.group_forms import SECURE, WEEKDAYS
from apps.lending.groups import Paid, collection_take, dues_of, loans_of
from apps.lending.models import Loan, LoanGroup
from apps.lending.selectors import group_get_for, groups_visible_to
from apps.lending.services import CHANNEL_NAMES

MEETINGS_SHOWN = 12
REPAY = "lending.repay"


@admin.register(LoanGroup)
class LoanGroupAdmin(NuminaAdmin):
    """Groups whose members answer for each other."""

    empty_text = "A group meets, saves and answers for its loans together: begin one with New group."
    view_permission = "lending.view"
    list_display = ("name", "branch", "day", "people")
    list_filter = ("branch", "is_active")
    search_fields = ("name",)
    ordering = ("name", "id")
    list_before_template = "lending/list_new.html"
    overview_template = "lending/group.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        button = new_button(request, "new-group")
        return super().changelist_view(request, {"list_new": button, **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet[LoanGroup]:
        user: Any = request.user
        found = groups_visible_to(user).select_related("branch")
        return found.annotate(people=Count("members", filter=Q(members__left_on__isnull=True)))

    @admin.display(description="Meets on", ordering="meets_on")
    def day(self, group: LoanGroup) -> str:
        return WEEKDAYS[group.meets_on - 1]

    @admin.display(description="Members")
    def people(self, group: Any) -> int:
        return int(group.people)

    def record_subtitle(self, record: LoanGroup) -> str:
        return f"{record.branch.name} · meets on {WEEKDAYS[record.meets_on - 1]}"

    def record_actions(self, request: HttpRequest, record: LoanGroup) -> Sequence[dict[str, Any]]:
        found = actions_of(request, record, ("join", "leave"))
        if user_may(request, REPAY):
            url = reverse("admin:lending_sheet", args=[record.pk])
            found.insert(0, {"title": "Collect", "url": url, "icon": "payments", "primary": True})
        return [{**one, "primary": n == 0} for n, one in enumerate(found)]

    def record_sections(self, request: HttpRequest, record: LoanGroup) -> list[tuple[str, list[Fact]]]:
        rows = record.members.filter(left_on__isnull=True).select_related("member").order_by("pk")
        site = self.admin_site
        people = [Fact(f"Since {one.joined_on:%d %b %Y}", record_link(request, site, one.member)) for one in rows] or [
            Fact("Members", "None yet")
        ]
        return [("Members", people)]

    def overview_context(self, request: HttpRequest, record: LoanGroup) -> dict[str, Any]:
        loans = list(loans_of(record))
        dues = dues_of(loans, business_date_current())
        return {
            "group_loans": [(loan, dues.get(loan.pk, 0)) for loan in loans],
            "group_due": sum(dues.values()),
            "group_late": sum(1 for loan in loans if loan.standing.days_past_due),
            "group_currency": loans[0].currency if loans else settings.NUMINA["BASE_CURRENCY"],
            "group_meetings": list(record.meetings.select_related("taken_by")[:MEETINGS_SHOWN]),
            "group_may_found": user_may(request, SECURE),
        }


def sheet_page(site: Any, request: HttpRequest, group_id: uuid.UUID) -> HttpResponse:
    """The collection of a meeting, a row a loan: typed from the top down, looked at, and then taken, once."""
    user: Any = request.user
    if not user_may(request, REPAY):
        raise PermissionDenied
    try:
        group = group_get_for(user=user, pk=group_id)
    except DomainError as error:
        raise Http404 from error
    loans, today, sent = list(loans_of(group)), business_date_current(), Sent(request.POST)
    dues, faults, rows = dues_of(loans, today), [], []
    channel = sent.text("channel", 40) or "cash"
    step = request.POST.get("step", "") if request.method == "POST" else ""
    amounts: dict[uuid.UUID, int] = {}
    if step in ("preview", "post"):
        try:
            amounts = {loan.pk: sent.amount(f"amount-{loan.number}", loan.currency) or 0 for loan in loans}
            if not any(amounts.values()):
                raise InvalidRequest("Nothing was entered.")
            if step == "post":
                _take(user, group, loans, amounts, channel, sent)
                messages.success(request, "The collection is entered.")
                return HttpResponseRedirect(address_of(group))
        except DomainError as error:
            step = ""
            faults.append(str(error.detail or error.title))
    for loan in loans:
        entered = sent.values.get(f"amount-{loan.number}")
        rows.append({"loan": loan, "due": dues.get(loan.pk, 0), "entered": entered, "amount": amounts.get(loan.pk, 0)})
    request.current_app = site.name
    due, came = sum(dues.values()), sum(amounts.values())
    context = {
        **site.each_context(request),
        "title": f"Collection · {group.name}",
        "page_crumbs": [
            ("Loan groups", reverse("admin:lending_loangroup_changelist")), (group.name, address_of(group)),
            ("Collection", ""),
        ],
        "page_faults": faults, "sheet_group": group, "sheet_rows": rows, "sheet_day": today,
        "sheet_currency": loans[0].currency if loans else "", "sheet_previewed": step == "preview",
        "sheet_due": due, "sheet_came": came, "sheet_missing": max(due - came, 0),
        "sheet_channel": channel, "sheet_channels": [one for one in CHANNEL_NAMES if one != "payroll"],
        "sheet_key": sent.text("key", 64) or uuid.uuid4().hex,
    }  # fmt: skip
    return TemplateResponse(request, "lending/sheet.html", context)


def _take(
    user: Any, group: LoanGroup, loans: Sequence[Loan], amounts: dict[uuid.UUID, int], channel: str, sent: Sent
) -> None:
    at = clock.now()
    for loan in loans:
        amount_check(user, REPAY, amounts[loan.pk], loan.currency, at=at)
    rows = [Paid(loan.number, amounts[loan.pk]) for loan in loans]
    collection_take(
        asked=sent.asked(user), group=group, rows=rows, channel=channel, today=business_date_current(), at=at
    )
