"""Loans on the staff site: the list with its arrears, and a page a loan with schedule, events, accruals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from apps.balances.selectors import balances_read
from apps.core import display
from apps.core.admin import NuminaHistoryAdmin, money_column
from apps.core.display import money_text
from apps.core.record_pages import Fact, Tab, record_link, user_may
from apps.lending.admin.forms import actions_of
from apps.lending.admin.loan_forms import LOAN_FORMS
from apps.lending.collateral import coverage_read
from apps.lending.models import (
    Collateral,
    Guarantor,
    Loan,
    LoanDay,
    LoanEvent,
    LoanPenalty,
    PaymentPromise,
    ProvisionChange,
)
from apps.lending.selectors import (
    STANDING_FIGURES,
    earned_explain,
    instalment_explain,
    loans_visible_to,
    rows_current,
    standing_explain,
)
from apps.members.models import Member
from apps.members.search import WordsMatch, query_of

STATUS_CHIPS = {"active": "good", "approved": "info", "closed": "plain", "written_off": "bad"}
DAYS_SHOWN = 62
EVENTS_SHOWN = 100
LATE_BADLY = 30


def loan_chip(loan: Loan) -> SafeString:
    """The state of a loan."""
    return display.chip(loan.get_status_display(), STATUS_CHIPS.get(loan.status, "plain"))


def late_chip(days: int) -> SafeString:
    """How late: none, a little, badly."""
    if not days:
        return display.chip("On time", "good")
    return display.chip(f"{days} days late", "bad" if days > LATE_BADLY else "warn")


class LateFilter(admin.SimpleListFilter):
    """By how many days the oldest instalment is late."""

    title = "arrears"
    parameter_name = "late"
    BANDS = {"0": (0, 0), "1": (1, 30), "31": (31, 60), "61": (61, 90), "91": (91, 100_000)}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("0", "On time"), ("1", "1 to 30 days"), ("31", "31 to 60 days"), ("61", "61 to 90 days"),
            ("91", "More than 90 days"),
        ]  # fmt: skip

    def queryset(self, request: HttpRequest, queryset: QuerySet[Loan]) -> QuerySet[Loan]:
        band = self.BANDS.get(self.value() or "")
        return queryset.filter(status="active", standing__days_past_due__range=band) if band else queryset


@admin.register(Loan)
class LoanAdmin(NuminaHistoryAdmin):
    """Loans: what is owed, what is late, and everything that happened."""

    view_permission = "lending.view"
    empty_text = "A loan stands here once its application is approved and the offer accepted: begin with Applications."
    notes_reads = True
    at_one_moment = True
    list_display = (
        "number",
        "holder",
        "product_name",
        "branch_name",
        "state",
        "arrears",
        "overdue_money",
        "lent_money",
    )
    list_filter = ("status", LateFilter, "product", "branch")
    search_fields = ("number",)
    search_help_text = "Loan number, or a member's name"
    ordering = ("-created_at", "-id")
    overview_template = "lending/loan.html"

    lent_money = money_column("Lent", "principal")
    overdue_money = money_column("Overdue", "standing__overdue_total")
    overdue_money.admin_order_field = None  # type: ignore[attr-defined]  # a sum that no index serves

    def get_queryset(self, request: HttpRequest) -> QuerySet[Loan]:
        user: Any = request.user
        return loans_visible_to(user)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Loan], search_term: str
    ) -> tuple[QuerySet[Loan], bool]:
        term = search_term.replace("\x00", "").strip()[:100]
        if not term:
            return queryset, False
        if term.isascii() and term.isdigit():
            return queryset.filter(number__startswith=term), False
        query = query_of(term)
        if not query:
            return queryset.none(), False
        return queryset.filter(Q(member_id__in=Member.objects.filter(WordsMatch(query)).values("pk"))), False

    @admin.display(description="Member")
    def holder(self, loan: Loan) -> str:
        return loan.member.display_name

    @admin.display(description="Product", ordering="product__name")
    def product_name(self, loan: Loan) -> str:
        return loan.product.name

    @admin.display(description="Branch", ordering="branch__name")
    def branch_name(self, loan: Loan) -> str:
        return loan.branch.name

    @admin.display(description="Status", ordering="status")
    def state(self, loan: Loan) -> SafeString:
        return loan_chip(loan)

    @admin.display(description="Arrears", ordering="standing__days_past_due")
    def arrears(self, loan: Loan) -> SafeString | str:
        return late_chip(loan.standing.days_past_due) if loan.status == Loan.Status.ACTIVE else ""

    def record_subtitle(self, record: Loan) -> str:
        return f"{record.member.display_name} · {record.product.name} · {record.currency}"

    def record_chips(self, record: Loan) -> Iterable[SafeString]:
        yield loan_chip(record)
        if record.status == Loan.Status.ACTIVE:
            yield late_chip(record.standing.days_past_due)
        if record.standing.is_non_accrual:
            yield display.chip("Interest in suspense", "bad")

    def record_actions(self, request: HttpRequest, record: Loan) -> Sequence[dict[str, Any]]:
        from apps.lending.admin.acts import kinds_open

        return [
            {
                "title": title,
                "url": reverse("admin:lending_act", args=[record.pk, kind]),
                "icon": icon,
                "primary": number == 0,
            }
            for number, (kind, title, icon) in enumerate(kinds_open(request, record))
        ] + [{**one, "primary": False} for one in actions_of(request, record, LOAN_FORMS)]

    def overview_context(self, request: HttpRequest, record: Loan) -> dict[str, Any]:
        standing, figure = record.standing, request.GET.get("explain", "")
        money = partial(money_text, currency=record.currency)
        explained = standing_explain(loan=record, figure=figure, show=money) if figure in STANDING_FIGURES else None
        ids = (record.principal_account_id, record.interest_account_id, record.charges_account_id)
        found = balances_read(account_ids=ids)
        principal, interest, charges = (-found[one].booked for one in ids)
        return {
            "loan_owed": principal + interest + charges,
            "loan_principal": principal,
            "loan_interest": interest,
            "loan_charges": charges,
            "loan_overdue": standing.overdue_total,
            "loan_standing": standing,
            "loan_explained": explained,
            "loan_api": f"loans/{record.pk}",
        }

    def record_sections(self, request: HttpRequest, record: Loan) -> list[tuple[str, list[Fact]]]:
        standing, site = record.standing, self.admin_site
        contract = [
            Fact("Borrower", record_link(request, site, record.member)),
            self.fact(request, record, "product"),
            self.fact(request, record, "branch"),
            Fact("Lent", money_text(record.principal, record.currency, with_currency=True)),
            Fact("Rate a year", f"{record.rate * 100:f}".rstrip("0").rstrip(".") + " %"),
            self.fact(request, record, "instalments"),
            self.fact(request, record, "started_on"),
            self.fact(request, record, "matures_on"),
        ]
        late = [
            Fact("As of", display.day_text(standing.as_of)),
            Fact("Days past due", standing.days_past_due),
            Fact("Bucket", standing.bucket or "None"),
            Fact("Stage", standing.get_stage_display()),
            Fact("Provision", money_text(standing.provision, record.currency, with_currency=True)),
            Fact("Interest in suspense", money_text(standing.suspended, record.currency, with_currency=True)),
            Fact("Books up to the morning of", display.day_text(standing.booked_through)),
        ]
        return [("Contract", contract), ("Where it stands", late)]


def _schedule(request: HttpRequest, record: Loan) -> dict[str, Any]:
    raw = request.GET.get("explain", "")
    rows = rows_current(record)
    number = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 5 else 0
    explained = instalment_explain(loan=record, number=number) if number in {row.number for row in rows} else None
    if raw == "interest" and record.standing.booked_through is not None and rows:
        explained = earned_explain(loan=record, day=record.standing.booked_through)
    return {
        "loan_rows": rows,
        "loan_explained": explained,
        "loan_day": record.standing.as_of,
        "loan_api": f"loans/{record.pk}",
    }


def _transactions(request: HttpRequest, record: Loan) -> dict[str, Any]:
    events = LoanEvent.objects.filter(loan=record).select_related("entered_by").order_by("-sequence")[:EVENTS_SHOWN]
    return {"loan_events": list(events), "loan_may_reverse": user_may(request, "lending.reverse")}


def _accruals(request: HttpRequest, record: Loan) -> dict[str, Any]:
    penalties = LoanPenalty.objects.filter(loan=record).order_by("-as_of", "due_on")
    return {
        "loan_days": list(LoanDay.objects.filter(loan=record)[:DAYS_SHOWN]),
        "loan_penalties": list(penalties[:DAYS_SHOWN]),
        "loan_provision_changes": list(ProvisionChange.objects.filter(loan=record)[:DAYS_SHOWN]),
    }


def _security(request: HttpRequest, record: Loan) -> dict[str, Any]:
    coverage = coverage_read(loan=record)
    share = coverage["share"]
    return {
        "loan_coverage": coverage,
        "loan_secures": user_may(request, "lending.secure"),
        "loan_share": None if share is None else f"{share * 100:.2f}",
        "loan_things": list(Collateral.objects.filter(loan=record)),
        "loan_guarantors": list(Guarantor.objects.filter(loan=record).select_related("member")),
        "loan_promises": list(PaymentPromise.objects.filter(loan=record)[:DAYS_SHOWN]),
    }


LoanAdmin.tab_add(Tab("schedule", "Schedule", "lending/schedule.html", _schedule))
LoanAdmin.tab_add(Tab("transactions", "Transactions", "lending/transactions.html", _transactions))
LoanAdmin.tab_add(Tab("accruals", "Accruals", "lending/accruals.html", _accruals))
LoanAdmin.tab_add(Tab("security", "Security", "lending/security.html", _security))
