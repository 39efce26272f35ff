"""Loans of the demo bank: about 70 in 100 on time, 14 up to a month late, 6 up to three, 10 later than that.

Members of groups, who answer for each other, have a loan each that is paid by the week.
"""

from __future__ import annotations

import datetime as dt
import random
import uuid
from dataclasses import dataclass

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
GROUP = "GROUP"
GROUP_NAMES = (
    *("Umoja", "Tumaini", "Upendo", "Pamoja", "Jitegemee", "Baraka"),
    *("Amani", "Neema", "Imani", "Faraja", "Mwangaza", "Ushirika"),
)
GROUP_SIZE = 5, 8
LOGINS = "NBO"  # where the demo's staff work
GROUP_WEEKS = 40


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """A group to be: its members are of one branch and borrowed on the same day."""

    name: str
    place: str
    meets_on: int
    start: dt.date
    members: tuple[MemberPlan, ...]


def loans_plan(plan: Plan, branches: dict[str, Branch]) -> list[LoanPast]:
    """The loans of a bank, the same for the same plan. Members who had joined early enough to have one."""
    rng = random.Random(f"{plan.seed}:{plan.profile.name}:loans")  # noqa: S311  (must repeat, not be secret)
    chosen = _borrowers(plan, rng)
    terms = {
        one.product.code: one
        for one in LoanProductTerms.objects.select_related("product").filter(
            product__code__in=(*SHAPES, GROUP), number=1
        )
    }
    found = [_past(plan, member, branches, terms, rng) for member in chosen]
    for group in groups_plan(plan):
        found += [_of_group(plan, group, n, branches[group.place], terms[GROUP]) for n in range(len(group.members))]
    return found


def _borrowers(plan: Plan, rng: random.Random) -> list[MemberPlan]:
    """Who has a loan of his own; the same for the same plan."""
    able = _able(plan)
    chosen = rng.sample(able, min(len(able), len(plan.members) * SHARE[1] // SHARE[0], LOANS_MAX))
    if plan.members[0] in able and plan.members[0] not in chosen:
        chosen[0] = plan.members[0]  # the demo login of a member has something to look at
    return chosen


def _able(plan: Plan) -> list[MemberPlan]:
    """Members who had joined early enough to have a loan."""
    return [one for one in plan.members if (plan.today - one.joined_on).days > 3 * MONTH and not one.dormant]


def groups_plan(plan: Plan) -> list[GroupPlan]:
    """The groups of a bank, the same for the same plan; the more members it has, the more groups."""
    rng = random.Random(f"{plan.seed}:{plan.profile.name}:groups")  # noqa: S311  (must repeat, not be secret)
    alone = random.Random(f"{plan.seed}:{plan.profile.name}:loans")  # noqa: S311  (must repeat, not be secret)
    taken = {one.index for one in _borrowers(plan, alone)}
    people: dict[str, list[MemberPlan]] = {}
    for one in _able(plan):
        if one.kind == "person" and one.index and one.index not in taken:
            people.setdefault(one.place.code, []).append(one)
    places = sorted(people, key=lambda code: (len(people[code]) < GROUP_SIZE[0], code != LOGINS, -len(people[code])))
    found = []
    for n, name in enumerate(GROUP_NAMES[: max(len(plan.members) // 400, 1)]):
        place = places[n % len(places)]
        size = rng.randint(*GROUP_SIZE)
        members, people[place] = people[place][:size], people[place][size:]
        if len(members) < GROUP_SIZE[0]:
            break
        start = plan.today - dt.timedelta(days=rng.randint(8, 11) * 7 + rng.randint(0, 6))
        found.append(GroupPlan(name, place, start.isoweekday(), start, tuple(members)))
    return found


def _of_group(plan: Plan, group: GroupPlan, n: int, branch: Branch, terms: LoanProductTerms) -> LoanPast:
    """The loan of a group's member: the last of a group is a week or two behind."""
    member = group.members[n]
    due = ((plan.today - group.start).days - 1) // 7
    missed = 2 if n == len(group.members) - 1 else 0
    return LoanPast(
        id=uuid.uuid5(member.id, "group loan"),
        member_id=member.id,
        member_name=member.display_name,
        branch=branch,
        terms=terms,
        principal=(20 + 5 * (n % 5)) * 1_000 * 100,
        rate=terms.rate,
        instalments=GROUP_WEEKS,
        start=group.start,
        paid=max(due - missed, 0),
    )


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
