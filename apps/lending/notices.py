"""What the member hears of an application: that there is an offer, or that there will be none."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from apps.core.notices import Amount, Kind, Texts, kind_register, notify
from apps.lending.models import LoanApplication


@dataclass(frozen=True)
class Offer:
    """What is offered, and until when."""

    application: str
    amount: Amount
    until: dt.date


@dataclass(frozen=True)
class Declined:
    """An application that was not approved."""

    application: str


OFFERED = kind_register(
    Kind(
        "lending.offer_made",
        "A loan is approved",
        Offer("A0000017", Amount(12_500_000, "KES"), dt.date(2026, 1, 31)),
        {
            "en": Texts(
                "Your loan of {amount} is approved",
                "Your application {application} is approved: {amount}. The offer stands until {until}.",
            )
        },
    )
)
DECLINED = kind_register(
    Kind(
        "lending.declined",
        "A loan is not approved",
        Declined("A0000017"),
        {
            "en": Texts(
                "Your application {application} was not approved",
                "Your application {application} was not approved. Your branch tells you why.",
            )
        },
    )
)


def decision_tell(application: LoanApplication) -> None:
    """Tell the member, where that is a user, what was decided, as part of the running transaction."""
    user_id = application.member.user_id
    if user_id is None:
        return
    at, key = application.updated_at, str(application.pk)
    if application.status == LoanApplication.Status.REJECTED:
        notify(DECLINED, recipients=[user_id], context=Declined(application.number), at=at, key=key)
    elif application.offered_amount is not None and application.offer_ends_on is not None:
        amount = Amount(application.offered_amount, application.product.currency_id)
        context = Offer(application.number, amount, application.offer_ends_on)
        notify(OFFERED, recipients=[user_id], context=context, at=at, key=f"{key} {application.offer_ends_on}")
