"""Tabs of a product: its terms from date to date, its fees, and the forms that add the next ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse

from apps.accounts import services
from apps.accounts.admin.accounts import AccountProductAdmin
from apps.accounts.errors import FeeInvalid, TermsInvalid
from apps.accounts.interest_terms import DAY_COUNTS
from apps.accounts.models import AccountProduct, ProductFee, ProductTerms
from apps.accounts.product_actions import product_change
from apps.accounts.selectors import fees_of_product, terms_of_product, terms_on
from apps.calculations.day_counts import convention_get
from apps.calculations.rounding import decimal_text
from apps.core import clock
from apps.core.currencies import currency_get
from apps.core.errors import DomainError, InvalidAmount
from apps.core.money import amount_parse
from apps.core.query_forms import day_typed
from apps.core.record_pages import Tab, user_may
from apps.core.text import ungrouped
from apps.ledger.figures import business_date_or_none

MANAGE = "products.manage"
ROWS_MAX, WHOLE_DIGITS = 100, 4


def _today() -> dt.date:
    return business_date_or_none() or clock.now().date()


def _percent(rate: object) -> str:
    return decimal_text(Decimal(str(rate)), shift=2)


def _tiers_shown(rows: list[list[Any]]) -> list[tuple[int, str]]:
    return [(int(start), _percent(rate)) for start, rate in rows]


def _terms_context(request: HttpRequest, record: AccountProduct) -> dict[str, Any]:
    today = _today()
    current = terms_on(product_id=record.pk, day=today)
    rows = [
        {
            "terms": one,
            "rates": _tiers_shown(one.rates),
            "overdraft": _tiers_shown(one.overdraft_rates),
            "days": convention_get(one.day_count).formula,
            "tax": _percent(one.tax_rate) if one.tax_rate else "",
            "state": "now" if one == current else "later" if one.effective_from > today else "over",
        }
        for one in terms_of_product(product_id=record.pk)[:ROWS_MAX]
    ]
    fees = [
        {
            "fee": fee,
            "percent": _percent(fee.percent) if fee.percent else "",
            "over": fee.effective_to is not None and fee.effective_to < today,
        }
        for fee in fees_of_product(product_id=record.pk).order_by("kind", "-effective_from")[:ROWS_MAX]
    ]
    return {
        "terms_rows": rows,
        "terms_fees": fees,
        "terms_may": user_may(request, MANAGE),
        "terms_earliest": services.terms_earliest(today=today),
        "terms_today": today,
        "terms_choices": {
            "balance_method": ProductTerms.Method.choices,
            "tiering": ProductTerms.Tiering.choices,
            "compounding": ProductTerms.Compounding.choices,
            "posting": ProductTerms.Posting.choices,
        },
        "terms_defaults": {"posting": "monthly", "balance_method": "daily"},
        "terms_day_counts": [(name, f"{name}: {convention_get(name).formula}") for name in DAY_COUNTS],
        "terms_fee_kinds": ProductFee.Kind.choices,
    }


def _tiers_read(text: str, exponent: int, label: str) -> list[list[object]]:
    """Tiers typed one a line as "from rate%", the first from 0; a lone rate is one for every balance."""
    rows: list[list[object]] = []
    for line in text.splitlines():
        words = [ungrouped(word) for word in line.replace("%", " ").split()]
        if not words:
            continue
        try:
            start, rate = ("0", words[0]) if len(words) == 1 else words
            rows.append([amount_parse(start, exponent) if start != "0" else 0, str(Decimal(rate) / 100)])
        except (InvalidAmount, ArithmeticError, ValueError) as error:
            raise TermsInvalid(f"{label}: “{line.strip()[:40]}” is not a balance and a rate.") from error
    return rows


def _terms_set(request: HttpRequest, product: AccountProduct) -> str:
    posted, exponent = request.POST, currency_get(product.currency_id).exponent
    names = ("balance_method", "tiering", "compounding", "posting", "day_count")
    values: dict[str, Any] = {name: posted[name] for name in names if posted.get(name)}
    for name, field in (("balance_method", "Method"), ("tiering", "Tiering"), ("compounding", "Compounding")):
        if name in values and values[name] not in getattr(ProductTerms, field).values:
            raise TermsInvalid("Choose from the list.")
    if values.get("posting") not in ProductTerms.Posting.values:
        raise TermsInvalid("Choose when interest is paid.")
    values |= {
        "effective_from": _day(posted.get("effective_from", "")),
        "rates": _tiers_read(posted.get("rates", ""), exponent, "Rates"),
        "overdraft_rates": _tiers_read(posted.get("overdraft_rates", ""), exponent, "Overdraft rates"),
        "tax_rate": _fraction(posted.get("tax", ""), "Tax"),
        "interest_minimum": _amount(posted.get("interest_minimum", ""), exponent, "Earns from"),
        "minimum_balance": _amount(posted.get("minimum_balance", ""), exponent, "Minimum balance"),
        "minimum_kept": posted.get("minimum_kept") == "on",
        "maximum_balance": _amount(posted.get("maximum_balance", ""), exponent, "Maximum balance") or None,
        "early_rate": _fraction(posted["early"], "Broken early") if posted.get("early", "").strip() else None,
        "grace_days": _days(posted.get("grace", "")) or 0,
        "channels": posted.get("channels", "").replace(",", " ").split(),
        "dormant_after_days": _days(posted.get("dormant", "")),
        "note": posted.get("note", ""),
    }
    return _changed(request, product, "terms_set", values, f"The terms hold from {values['effective_from']}.")


def _terms_withdraw(request: HttpRequest, product: AccountProduct) -> str:
    values = {"terms_id": _id(request.POST.get("terms", ""))}
    return _changed(request, product, "terms_withdraw", values, "The terms were taken back.")


def _fee_add(request: HttpRequest, product: AccountProduct) -> str:
    posted, exponent = request.POST, currency_get(product.currency_id).exponent
    kind = posted.get("kind", "")
    if kind not in ProductFee.Kind.values:
        raise FeeInvalid("Choose what the fee is for.")
    most = posted.get("fee_max", "").strip()
    values = {
        "name": posted.get("name", ""),
        "kind": kind,
        "amount": _amount(posted.get("amount", ""), exponent, "Amount"),
        "percent": _fraction(posted.get("percent", ""), "Percent"),
        "fee_min": _amount(posted.get("fee_min", ""), exponent, "At least"),
        "fee_max": _amount(most, exponent, "At most") if most else None,
        "free_quota": _days(posted.get("free", "")) or 0,
        "channels": posted.get("channels", "").replace(",", " ").split(),
        "effective_from": _day(posted.get("effective_from", "")),
    }
    return _changed(
        request, product, "fee_add", values, f"{values['name']} is charged from {values['effective_from']}."
    )


def _fee_end(request: HttpRequest, product: AccountProduct) -> str:
    values = {"fee_id": _id(request.POST.get("fee", "")), "effective_to": _today()}
    return _changed(request, product, "fee_end", values, "The fee is charged for the last time today.")


def _changed(request: HttpRequest, product: AccountProduct, do: str, values: dict[str, Any], done: str) -> str:
    """Make the change, or hand it to the approvals where a policy asks for that; what to say of it."""
    user: Any = request.user
    approval, _ = product_change(maker=user, product=product, do=do, values=values, at=clock.now())
    return done if approval is None else f"{approval.number} waits for approval now; you will hear of the decision."


def _day(text: str) -> dt.date:
    try:
        return day_typed(text)
    except ValueError as error:
        raise TermsInvalid("From: not a date.") from error


def _days(text: str) -> int | None:
    """A whole number of at most four digits; None where there is none."""
    bare = text.strip()
    if bare and not (bare.isascii() and bare.isdigit() and len(bare) <= WHOLE_DIGITS):
        raise TermsInvalid("Days and quotas: a whole number of at most four digits.")
    return int(bare) if bare else None


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise TermsInvalid("There is no such row.") from error


def _amount(text: str, exponent: int, label: str) -> int:
    bare = ungrouped(text)
    if not bare or bare == "0":
        return 0
    try:
        return amount_parse(bare, exponent)
    except InvalidAmount as error:
        raise TermsInvalid(f"{label}: {error.detail}") from error


def _fraction(text: str, label: str) -> Decimal:
    bare = text.replace("%", "").strip()
    try:
        value = Decimal(bare or "0") / 100
    except ArithmeticError as error:
        raise TermsInvalid(f"{label}: not a percentage.") from error
    if not value.is_finite() or not 0 <= value < 1:
        raise TermsInvalid(f"{label}: from 0 to below 100 %.")
    return value


_ACTS: dict[str, Callable[[HttpRequest, AccountProduct], str]] = {
    "set": _terms_set,
    "withdraw": _terms_withdraw,
    "fee": _fee_add,
    "end": _fee_end,
}


def terms_change_view(admin: AccountProductAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """A POST of one of the tab's forms; what the service refuses is said above them."""
    product = admin.record_get(request, object_id)
    if not user_may(request, MANAGE):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    act = _ACTS.get(request.POST.get("action", ""))
    try:
        if act is None:
            raise TermsInvalid("There is no such form.")
        messages.success(request, act(request, product))
    except DomainError as error:
        messages.error(request, error.detail)
    return HttpResponseRedirect(reverse("admin:accounts_accountproduct_terms", args=[product.pk]))


TERMS_TAB = Tab("terms", "Terms and fees", "accounts/terms.html", _terms_context)
AccountProductAdmin.tab_add(TERMS_TAB)
AccountProductAdmin.terms_change_view = terms_change_view
