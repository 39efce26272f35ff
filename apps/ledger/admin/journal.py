"""Pages of the journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RangeDateFilter

from apps.core import display
from apps.core.admin import NuminaAdmin, money_html
from apps.identity.selectors import user_labels
from apps.ledger.figures import entries_search, entries_touching
from apps.ledger.models import JournalEntry, JournalSeal

OUTCOME_CHIPS = {"OK": "good", "NSF": "warn", "BATCH": "plain"}


def outcome_chip(entry: JournalEntry) -> SafeString:
    """Posted, or why it was refused."""
    return display.chip(entry.get_outcome_display(), OUTCOME_CHIPS.get(entry.outcome, "bad"))


class KindFilter(admin.SimpleListFilter):
    """By kind of entry. The kinds are a short fixed list: reading them from the journal would be a scan."""

    title = "kind"
    parameter_name = "kind"
    kinds = (
        "deposit", "withdrawal", "transfer", "reversal", "manual", "fee", "interest", "hold_capture", "import",
        "opening", "settlement", "cash_movement",
    )  # fmt: skip

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, display.kind_text(kind)) for kind in self.kinds]

    def queryset(self, request: HttpRequest, queryset: QuerySet[JournalEntry]) -> QuerySet[JournalEntry]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(JournalEntry)
class JournalEntryAdmin(NuminaAdmin):
    """Entries, newest first; a page an entry with its lines, its seal, and the reversal or the original."""

    view_permission = "ledger.view"
    list_title = "Journal"
    empty_text = (
        "Every movement of money writes its entry here: the first payment, the first fee, the first close of business."
    )
    subtitle = "Journal entry"
    overview_template = "ledger/journal_entry.html"
    list_display = (
        "number",
        "booked",
        "business_date",
        "kind_words",
        "text",
        "reference",
        "entry_money",
        "result",
    )
    list_filter = (("business_date", RangeDateFilter), KindFilter, "outcome")
    list_filter_submit = True
    search_fields = ("reference",)  # shows the search field; see get_search_results
    search_help_text = "Entry number, transaction id, reference or text"
    ordering = ("-id",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[JournalEntry]:
        user: Any = request.user
        entries = super().get_queryset(request).prefetch_related("lines")
        if user.scope == "all":
            return entries
        return entries_touching(entries, branch_ids=user.branch_ids)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[JournalEntry], search_term: str
    ) -> tuple[QuerySet[JournalEntry], bool]:
        term = search_term.replace("\x00", "").strip()[:100]
        return (entries_search(queryset, term) if term else queryset), False

    @admin.display(description="Entry")
    def number(self, entry: JournalEntry) -> str:
        return f"#{entry.pk}"

    @admin.display(description="Booked")
    def booked(self, entry: JournalEntry) -> str:
        return display.moment_text(entry.booked_at).removesuffix(" UTC")

    @admin.display(description="Kind")
    def kind_words(self, entry: JournalEntry) -> str:
        return display.kind_text(entry.kind)

    @admin.display(description="Description")
    def text(self, entry: JournalEntry) -> str:
        return entry.description or entry.counterparty or display.EMPTY

    @admin.display(description="Amount")
    def entry_money(self, entry: JournalEntry) -> str:
        return (
            format_html_join(" ", "{}", ((money_html(minor, code),) for code, minor in amounts_of(entry)))
            or display.EMPTY
        )

    @admin.display(description="Outcome")
    def result(self, entry: JournalEntry) -> SafeString:
        return outcome_chip(entry)

    def record_title(self, record: JournalEntry) -> str:
        return f"Entry #{record.pk}"

    def record_subtitle(self, record: JournalEntry) -> str:
        return f"Journal entry · {display.kind_text(record.kind)}"

    def record_chips(self, record: JournalEntry) -> Iterable[SafeString]:
        yield outcome_chip(record)
        if record.reverses_id:
            yield display.chip("Reversal", "warn")

    def overview_context(self, request: HttpRequest, record: JournalEntry) -> dict[str, Any]:
        lines = list(record.lines.select_related("account__gl_account", "account__branch").order_by("line_no"))
        seal = JournalSeal.objects.filter(pk=record.pk).first()
        actor = _actor_label(record)
        return {
            "entry_lines": [(line, _is_own(request, line)) for line in lines],
            "entry_totals": totals_of(lines),
            "entry_seal": bytes(seal.hash).hex() if seal else "",
            "entry_reversal": record.reversals.filter(outcome="OK").first(),
            "entry_original": record.reverses if record.reverses_id else None,
            "entry_facts": self._facts(record, actor),
        }

    def _facts(self, record: JournalEntry, actor: str) -> list[tuple[str, object]]:
        facts: list[tuple[str, object]] = [
            ("Booked", display.moment_text(record.booked_at)),
            ("Business date", display.day_text(record.business_date)),
            ("Value date", display.day_text(record.value_date)),
            ("Asked for by", actor),
            ("Channel", display.kind_text(record.channel) if record.channel else display.EMPTY),
            ("Description", record.description or display.EMPTY),
            ("Counterparty", record.counterparty or display.EMPTY),
            ("Reference", record.reference or display.EMPTY),
        ]
        if record.client_timestamp:
            facts.append(("Client's time", display.moment_text(record.client_timestamp)))
        return facts


def _is_own(request: HttpRequest, line: Any) -> bool:
    """May the user see the balance of this line's account? Those of other branches only as a party of the entry."""
    user: Any = request.user
    return user.scope == "all" or line.account.branch_id in user.branch_ids


def _actor_label(entry: JournalEntry) -> str:
    if entry.actor is None:
        return "System"
    return user_labels(user_ids=[entry.actor]).get(entry.actor, str(entry.actor))


def amounts_of(entry: JournalEntry) -> list[tuple[str, int]]:
    """What the entry moved: the sum of its debits by currency, from lines that are loaded."""
    sums: Counter[str] = Counter()
    for line in entry.lines.all():
        if line.side == "D":
            sums[line.currency] += line.amount
    return sorted(sums.items())


def totals_of(lines: Iterable[Any]) -> list[tuple[str, int, int]]:
    """(currency, debits, credits) of lines."""
    debits: Counter[str] = Counter()
    credits_: Counter[str] = Counter()
    for line in lines:
        (debits if line.side == "D" else credits_)[line.currency] += line.amount
    return [(code, debits[code], credits_[code]) for code in sorted(debits | credits_)]


def entry_url(entry_id: int) -> str:
    """The page of an entry."""
    return reverse("admin:ledger_journalentry_change", args=[entry_id])
