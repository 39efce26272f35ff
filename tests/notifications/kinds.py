"""Kinds of notices that tests send."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from apps.core.notices import EMAIL, IN_APP, PUSH, SMS, Amount, Kind, Texts, kind_register

AT = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


@dataclass(frozen=True)
class LoanApproved:
    """What the tests tell people."""

    product: str
    amount: Amount
    first_due: dt.date
    decided: dt.datetime
    rate: Decimal
    months: int


SAMPLE = LoanApproved(
    "Harvest loan",
    Amount(12_500_050, "KES"),
    dt.date(2026, 4, 1),
    dt.datetime(2026, 3, 2, 8, 30, tzinfo=dt.UTC),
    Decimal("12.5"),
    24,
)
TEXTS = {
    "en": Texts(
        "Your {product} is approved",
        "Dear {recipient_name},\n\n{amount} at {rate} % over {months} months, first due {first_due}, "
        "decided {decided}.\n\n{bank_name}",
        "{product}: {amount} approved",
    ),
    "sw": Texts("{product} imekubaliwa", "Habari {recipient_name},\n\n{amount}.", "{product}: {amount}"),
}
APPROVED = kind_register(
    Kind(code="tests.loan_approved", title="A loan was approved", sample=SAMPLE, texts=TEXTS, urgent=False)
)
EVERYWHERE = kind_register(
    Kind(
        code="tests.everywhere",
        title="By every channel",
        sample=SAMPLE,
        texts=TEXTS,
        channels=frozenset({IN_APP, EMAIL, SMS, PUSH}),
        fixed=frozenset({IN_APP, EMAIL}),
    )
)
URGENT = kind_register(
    Kind(code="tests.urgent", title="An alarm", sample=SAMPLE, texts=TEXTS, channels=frozenset({SMS}), urgent=True)
)
