"""Reads of dividends and of the instalments of recurring deposits."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from apps.accounts.models import Dividend, DividendShare, TermDeposit, TermInstalment
from apps.accounts.selectors._access import accounts_visible_to
from apps.core.errors import NotFound
from apps.identity.models import User


def dividends_all() -> QuerySet[Dividend]:
    """Dividends of the bank, with their products."""
    return Dividend.objects.select_related("product")


def dividend_get(*, pk: UUID) -> Dividend:
    """One dividend. Raises `NotFound`."""
    found = dividends_all().filter(pk=pk).first()
    if found is None:
        raise NotFound("No such dividend.")
    return found


def dividend_shares_visible_to(user: User, dividend: Dividend) -> QuerySet[DividendShare]:
    """What each account gets, as far as the user may see the share accounts."""
    accounts = accounts_visible_to(user).select_related(None).values("pk")
    return dividend.shares.filter(account__in=accounts).select_related("account", "target")


def instalments_of(term: TermDeposit) -> QuerySet[TermInstalment]:
    """The instalments of a term, in their order; none of one that was placed at once."""
    return term.instalments.select_related("term__account")
