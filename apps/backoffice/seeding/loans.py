"""Loans of the demo bank: about 70 in 100 on time, 14 up to a month late, 6 up to three, 10 later than that."""

from __future__ import annotations

import datetime as dt
import random
import uuid

from apps.backoffice.seeding.people import MemberPlan, Plan
from apps.identity.models import Branch
from apps.lending.models import LoanProductTerms
from apps.lending.services import LoanPast, loans_take_over

CHUNK = 250
LOANS_MAX = 5_000
SHARE = 10, 3  # of ten members, three have a loan
MISSED = (
    (0, 70),
    (1, 14),
    (2, 4),
    (3, 2),
    (5, 6),
    (8, 4),
)  # instalments that did not come, and of how many in a hundred
MONTH = 30
SHAPES = {  # instalments, and thousands of shillings from and to
    "PERSONAL": (12, 24, 20, 300),
    "BUSINESS": (12, 36, 50, 800),
    "CAR": (24, 48, 300, 1_500),
}


def loans_plan(plan: Plan, branches: dict[str, Branch]) -> list[LoanPast]:
    """The loans of a bank, the same for the same plan. Members who had joined early enough to have one."""
    rng = random.Random(f"{plan.seed}:{plan.profile.name}:loans")  # noqa: S311  (must repeat, not be secret)
    able = [one for one in plan.members if (plan.today - one.joined_on).days > 3 * MONTH and not one.dormant]
    count = min(len(able), len(plan.members) * SHARE[1] // SHARE[0], LOANS_MAX)
    terms = {
        one.product.code: one
        for one in LoanProductTerms.objects.select_related("product").filter(product__code__in=SHAPES, number=1)
    }
    chosen = rng.sample(able, count)
    if plan.members[0] in able and plan.members[0] not in chosen:
        chosen[0] = plan.members[0]  # the demo login of a member has something to look at
    return [_past(plan, member, branches, terms, rng) for member in chosen]


def _past(
    plan: Plan, member: MemberPlan, branches: dict[str, Branch], terms: dict[str, LoanProductTerms], rng: random.Random
) -> LoanPast:
    code = "BUSINESS" if member.kind == "business" else rng.choice(["PERSONAL"] * 6 + ["BUSINESS", "CAR"])
    least, most, low, high = SHAPES[code]
    oldest = (plan.today - max(plan.first, member.joined_on)).days - 5
    months = rng.randint(2, max(oldest // MONTH, 2))
    start = max(plan.today - dt.timedelta(days=months * MONTH + rng.randint(0, 25)), member.joined_on, plan.first)
    instalments = rng.randrange(least, most + 1, 6)
    due = sum(1 for n in range(1, instalments + 1) if start + dt.timedelta(days=31 * n) < plan.today)
    missed = rng.choices([one for one, _ in MISSED], [weight for _, weight in MISSED])[0]
    return LoanPast(
        id=uuid.uuid5(member.id, "loan"),
        member_id=member.id,
        member_name=member.display_name,
        branch=branches[member.place.code],
        terms=terms[code],
        principal=rng.randrange(low, high + 1, 5) * 1_000 * 100,
        rate=terms[code].rate,
        instalments=instalments,
        start=start,
        paid=max(due - missed, 0),
        lags=tuple(rng.choice((0, 0, 0, 1, 2)) for _ in range(4)),
    )


def loans_write(plan: Plan, branches: dict[str, Branch], *, at: dt.datetime) -> int:
    """Write the loans with their past; how many entries of the journal they have. Repeatable."""
    pasts = loans_plan(plan, branches)
    return sum(
        loans_take_over(pasts=pasts[first : first + CHUNK], today=plan.today, at=at)
        for first in range(0, len(pasts), CHUNK)
    )
