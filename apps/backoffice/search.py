"""The palette: pages, members, accounts, loans and entries. At most six of a kind, each found through an index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from unfold.dataclasses import SearchResult

from apps.accounts.selectors import accounts_visible_to
from apps.backoffice.navigation import sidebar
from apps.core import display
from apps.core.record_pages import user_may
from apps.ledger.figures import entries_search, entries_touching, posted_entries
from apps.lending.selectors import loans_visible_to
from apps.members.search import matching
from apps.members.selectors import members_visible_to

HITS = 6
REFERENCE_CHARACTERS_MIN = 3


def search_all(request: HttpRequest, term: str) -> list[SearchResult]:
    """What the user may see and `term` names, best kinds first."""
    found = (_members, _accounts, _loans, _entries, _pages)
    return [hit for kind in found for hit in kind(request, term)]


def _pages(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    for group in sidebar(request):
        for item in group["items"]:
            if term.lower() in item["title"].lower():
                yield SearchResult(item["title"], f"Page · {group['title']}", str(item["link"]), item["icon"])


def _members(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    user: Any = request.user
    wanted = matching(term)
    if wanted is None:
        return
    for member in members_visible_to(user).filter(wanted).order_by()[:HITS]:
        status = "" if member.status == "active" else f" · {member.get_status_display()}"
        yield SearchResult(
            member.display_name,
            f"Member {member.number} · {member.branch.name}{status}",
            reverse("admin:members_member_change", args=[member.pk]),
            "person" if member.kind == "person" else "storefront",
        )


def _accounts(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    digits = term.replace(" ", "")
    if not (digits.isascii() and digits.isdigit()):
        return
    user: Any = request.user
    found = accounts_visible_to(user).filter(number__startswith=digits).order_by("number")
    for account in found.select_related("member", "product", "ledger_account__balance")[:HITS]:
        booked = account.ledger_account.balance.balance
        shown = display.money_text(booked, account.currency, with_currency=True)
        yield SearchResult(
            account.number,
            f"Account · {account.member.display_name} · {account.product.name} · {shown}",
            reverse("admin:accounts_account_change", args=[account.pk]),
            "account_balance_wallet",
        )


def _loans(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    digits = term.replace(" ", "")
    if not user_may(request, "lending.view") or not (digits.isascii() and digits.isdigit()):
        return
    user: Any = request.user
    for loan in loans_visible_to(user).filter(number__startswith=digits).order_by("number")[:HITS]:
        yield SearchResult(
            loan.number,
            f"Loan · {loan.member.display_name} · {loan.product.name} · {loan.get_status_display()}",
            reverse("admin:lending_loan_change", args=[loan.pk]),
            "real_estate_agent",
        )


def _entries(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    if not user_may(request, "ledger.view") or not _names_an_entry(term):
        return
    user: Any = request.user
    entries = posted_entries().prefetch_related(None)
    if user.scope != "all":
        entries = entries_touching(entries, branch_ids=user.branch_ids)
    for entry in entries_search(entries, term)[:HITS]:
        said = entry.description or entry.reference or display.kind_text(entry.kind)
        yield SearchResult(
            f"Entry #{entry.pk}",
            f"{display.kind_text(entry.kind)} · {display.day_text(entry.business_date)} · {said}",
            reverse("admin:ledger_journalentry_change", args=[entry.pk]),
            "receipt_long",
        )


def _names_an_entry(term: str) -> bool:
    """A number, a transaction id, or something like a reference (with a digit): names of people are no references."""
    if term.startswith("#") and term[1:].isdigit():
        return True
    try:
        UUID(term)
    except ValueError:
        return len(term) >= REFERENCE_CHARACTERS_MIN and any(character.isdigit() for character in term)
    return True
