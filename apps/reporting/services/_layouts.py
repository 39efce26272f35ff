"""Layouts of statements and rates of translation: what people may change about how statements are drawn."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Max

from apps.audit.services import record
from apps.reporting.errors import LayoutChanged, TranslationRateBase
from apps.reporting.models import StatementLayout, TranslationRate
from apps.reporting.statements import layout_check
from apps.reporting.statements.chart import chart_read

if TYPE_CHECKING:
    from apps.identity.models import User


def layout_write(
    *, acting_user: User, kind: str, definition: dict[str, Any], note: str, at: dt.datetime
) -> StatementLayout:
    """Write the next version of a layout; it holds from now on, for every date. Raises `LayoutNotValid`,
    `LayoutChanged` when somebody else wrote one at the same moment.
    """
    layout_check(kind, definition, chart_read())
    try:
        with transaction.atomic():
            last = StatementLayout.objects.filter(kind=kind).aggregate(last=Max("number"))["last"] or 0
            StatementLayout.objects.filter(kind=kind, is_active=True).update(
                is_active=False, updated_at=at, version=F("version") + 1
            )
            layout = StatementLayout.objects.create(
                kind=kind, number=last + 1, definition=definition, note=note, created_by=acting_user, created_at=at
            )
            record(
                action="reporting.layout.written", acting_user=acting_user, target=layout,
                after={"kind": kind, "number": layout.number, "note": note}, at=at,
            )  # fmt: skip
    except IntegrityError as error:
        raise LayoutChanged from error
    return layout


@transaction.atomic
def layout_reset(*, acting_user: User, kind: str, at: dt.datetime) -> None:
    """Go back to the built-in layout. Nothing happens where it holds already."""
    active = StatementLayout.objects.filter(kind=kind, is_active=True).first()
    if active is None:
        return
    StatementLayout.objects.filter(pk=active.pk).update(is_active=False, updated_at=at, version=F("version") + 1)
    record(action="reporting.layout.reset", acting_user=acting_user, target=active, at=at)


@transaction.atomic
def translation_rate_set(
    *, acting_user: User, currency: str, day: dt.date, rate: Decimal, at: dt.datetime
) -> TranslationRate:
    """Say what one unit of a currency was worth in the base currency at the end of a day; a correction replaces it.

    Raises `TranslationRateBase` for the base currency itself.
    """
    if currency == settings.NUMINA["BASE_CURRENCY"]:
        raise TranslationRateBase(pointer="/currency")
    before = TranslationRate.objects.filter(currency=currency, day=day).values_list("rate", "version").first()
    row, _ = TranslationRate.objects.update_or_create(
        currency=currency,
        day=day,
        defaults={"rate": rate, "entered_by": acting_user, "version": (before[1] if before else 0) + 1},
    )
    record(
        action="reporting.rate.set", acting_user=acting_user, target=row, at=at,
        before={"rate": str(before[0])} if before else None, after={"rate": str(rate)},
    )  # fmt: skip
    return row
