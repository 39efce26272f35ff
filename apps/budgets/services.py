"""Writing budgets: drafts, copies, lines, activation; rules, commitments, alerts."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Max

from apps.audit.services import record
from apps.budgets import notices
from apps.budgets.control import commitment_check
from apps.budgets.errors import BudgetLineNotValid, BudgetNotDraft, CommitmentNotOpen, CostCentreNotValid
from apps.budgets.models import (
    Budget,
    BudgetAlert,
    BudgetLine,
    BudgetRule,
    Commitment,
    CostCentre,
    CostCentrePlace,
)
from apps.budgets.selectors import Place, actuals, committed, rules_by_code
from apps.budgets.spreads import spread
from apps.core.errors import Conflict, IdempotencyKeyReused, PreconditionFailed
from apps.core.ids import uuid7
from apps.core.money import minor_round
from apps.core.notices import notify
from apps.core.trail import history_stamp
from apps.identity.models import Branch, User
from apps.ledger.selectors import gl_accounts_by_code
from apps.ledger.totals import results_by_month

LINES_MAX = 5_000


@dataclass(frozen=True, slots=True)
class LinePlan:
    """A line as it is written: a month's amount or, with `spread`, a year's, in minor units on the account's side."""

    branch: Branch
    code: str
    amount: int
    month: int | None = None
    spread: str = "even"


@transaction.atomic
def budget_draft(
    *,
    acting_user: User,
    year: int,
    currency: str,
    title: str,
    note: str,
    at: dt.datetime,
    source: Budget | None = None,
    from_actuals: bool = False,
    factor: Decimal = Decimal(1),
    pk: UUID | None = None,
) -> Budget:
    """Begin a version: empty, a copy of another one, or what the year before came to; each month times `factor`.

    `pk` is made of the key of whoever asks: asked again, the version is the one of the first time. Raises `Conflict`
    when somebody else begins one at the same moment, `BudgetLineNotValid` for a copy of a version in another currency,
    `IdempotencyKeyReused` for another version under the key.
    """
    known = Budget.objects.filter(pk=pk).first() if pk else None
    if known is not None:
        if (known.year, known.currency, known.title, known.note) != (year, currency, title, note):
            raise IdempotencyKeyReused
        return known
    if source is not None and source.currency != currency:
        raise BudgetLineNotValid(f"The version that is copied is in {source.currency}.", pointer="/copy_of")
    last = Budget.objects.filter(year=year, currency=currency).aggregate(last=Max("number"))["last"] or 0
    try:
        with transaction.atomic():
            budget = Budget(
                pk=pk or uuid7(), year=year, currency=currency, number=last + 1, title=title, note=note,
                created_by=acting_user, created_at=at,
            )  # fmt: skip
            history_stamp(budget, acting_user=acting_user, reason="drafted")
            budget.save()
    except IntegrityError as error:
        raise Conflict("Somebody else began a version at this moment.") from error
    if from_actuals:
        rows = _lines_of_last_year(budget, factor)
    elif source is not None:
        rows = [
            BudgetLine(
                budget=budget, branch_id=line.branch_id, gl_account_id=line.gl_account_id,
                month=line.month.replace(year=year), amount=_times(line.amount, factor),
            )
            for line in source.lines.all()
        ]  # fmt: skip
    else:
        rows = []
    BudgetLine.objects.bulk_create(rows, batch_size=1_000)
    record(
        action="budgets.budget.drafted", acting_user=acting_user, target=budget, at=at,
        after={"year": year, "currency": currency, "number": budget.number, "lines": len(rows)},
    )  # fmt: skip
    return budget


def _times(amount: int, factor: Decimal) -> int:
    return minor_round(amount * Fraction(factor), 1, "half_even")


def _lines_of_last_year(budget: Budget, factor: Decimal) -> list[BudgetLine]:
    before = budget.year - 1
    read = results_by_month(first=dt.date(before, 1, 1), last=dt.date(before, 12, 31), currency=budget.currency)
    nodes = gl_accounts_by_code(codes={code for _, code, _ in read})
    return [
        BudgetLine(
            budget=budget, branch_id=branch, gl_account=nodes[code], month=month.replace(year=budget.year),
            amount=_times(max(net if nodes[code].type == "income" else -net, 0), factor),
        )
        for (branch, code, month), net in read.items()
    ]  # fmt: skip


@transaction.atomic
def budget_lines_set(
    *, acting_user: User, budget: Budget, lines: Sequence[LinePlan], version: int, at: dt.datetime
) -> Budget:
    """Write lines of a draft; those of the same branch, account and month are replaced, amounts of zero taken out.

    Raises `BudgetNotDraft`, `BudgetLineNotValid`, `PreconditionFailed` for a stale version.
    """
    _draft_touch(budget, version, at)
    nodes = _nodes(lines)
    months: dict[tuple[UUID, str, dt.date], int] = {}
    for place, line in enumerate(lines):
        for month, amount in _months(budget, line):
            key = (line.branch.pk, line.code, month)
            if key in months:
                raise BudgetLineNotValid("The same month of the same account comes twice.", pointer=f"/lines/{place}")
            months[key] = amount
    BudgetLine.objects.bulk_create(
        [
            BudgetLine(budget=budget, branch_id=branch, gl_account=nodes[code], month=month, amount=amount)
            for (branch, code, month), amount in months.items()
        ],
        batch_size=1_000,
        update_conflicts=True,
        unique_fields=["budget", "branch", "gl_account", "month"],
        update_fields=["amount"],
    )
    budget.lines.filter(amount=0).delete()
    budget.refresh_from_db()
    record(
        action="budgets.budget.lines_set", acting_user=acting_user, target=budget, at=at, after={"lines": len(months)}
    )
    return budget


def _draft_touch(budget: Budget, version: int, at: dt.datetime) -> None:
    changed = Budget.objects.filter(pk=budget.pk, version=version, status=Budget.Status.DRAFT).update(
        version=F("version") + 1, updated_at=at
    )
    if changed:
        return
    if Budget.objects.filter(pk=budget.pk, status=Budget.Status.DRAFT).exists():
        raise PreconditionFailed
    raise BudgetNotDraft("Begin a new version of it.")


def _nodes(lines: Sequence[LinePlan]) -> dict[str, Any]:
    nodes = gl_accounts_by_code(codes={line.code for line in lines})
    for place, line in enumerate(lines):
        node = nodes.get(line.code)
        if node is None or node.type not in ("income", "expense") or node.usage != "detail":
            raise BudgetLineNotValid(
                f"{line.code} is no income or expense account that is posted to.",
                pointer=f"/lines/{place}/account_code",
            )
    return nodes


def _months(budget: Budget, line: LinePlan) -> list[tuple[dt.date, int]]:
    if line.month is not None:
        return [(dt.date(budget.year, line.month, 1), line.amount)]
    before: list[int] = [0] * 12
    if line.spread == "like_last_year":
        first, last = dt.date(budget.year - 1, 1, 1), dt.date(budget.year - 1, 12, 31)
        read = results_by_month(first=first, last=last, currency=budget.currency, branch_ids=[line.branch.pk])
        for (_, code, month), net in read.items():
            if code == line.code:
                before[month.month - 1] = abs(net)
    shares = spread(line.amount, line.spread, before=before)
    return [(dt.date(budget.year, month, 1), share) for month, share in enumerate(shares, 1)]


def budget_activate(*, acting_user: User, budget: Budget, at: dt.datetime) -> Budget:
    """Have a draft hold from now on, in place of the version before. In the caller's transaction.

    Raises `BudgetNotDraft`. Twice is once.
    """
    current = Budget.objects.get(pk=budget.pk)
    if current.status == Budget.Status.ACTIVE:
        return current
    if current.status != Budget.Status.DRAFT:
        raise BudgetNotDraft("It has been replaced.")
    for other in Budget.objects.filter(year=current.year, currency=current.currency, status=Budget.Status.ACTIVE):
        other.status = Budget.Status.REPLACED
        other.version += 1
        history_stamp(other, acting_user=acting_user, reason="replaced")
        other.save()
    current.status = Budget.Status.ACTIVE
    current.activated_at = at
    current.version += 1
    history_stamp(current, acting_user=acting_user, reason="activated")
    current.save()
    record(
        action="budgets.budget.activated", acting_user=acting_user, target=current, at=at,
        before={"status": "draft"}, after={"status": "active"},
    )  # fmt: skip
    return current


@transaction.atomic
def budget_activate_now(*, acting_user: User, budget: Budget, at: dt.datetime) -> Budget:
    """`budget_activate` in a transaction of its own, where no policy asks for approval."""
    return budget_activate(acting_user=acting_user, budget=budget, at=at)


@transaction.atomic
def rule_set(
    *, acting_user: User, code: str, mode: str, span: str, alert_percent: int, at: dt.datetime
) -> BudgetRule | None:
    """Say what happens beyond the budget of an expense account or header; mode "none" takes the rule away.

    Raises `BudgetLineNotValid`.
    """
    node = gl_accounts_by_code(codes=[code]).get(code)
    if node is None or node.type != "expense":
        raise BudgetLineNotValid(f"{code} is no expense.", pointer="/account_code")
    record(
        action="budgets.rule.set", acting_user=acting_user, object_type="budgets.budgetrule", object_id=code,
        object_label=str(node), after={"mode": mode, "span": span, "alert_percent": alert_percent}, at=at,
    )  # fmt: skip
    if mode == "none":
        BudgetRule.objects.filter(gl_account=node).delete()
        return None
    facts = {"mode": mode, "span": span, "alert_percent": alert_percent, "changed_by": acting_user}
    return BudgetRule.objects.update_or_create(gl_account=node, defaults=facts)[0]


@transaction.atomic
def cost_centre_set(
    *, acting_user: User, code: str, name: str, places: Sequence[tuple[Branch | None, str]], at: dt.datetime
) -> CostCentre:
    """Say what a cost centre is called and which places (branch or every branch, code of the chart) are its own.

    The places are replaced whole. Raises `CostCentreNotValid`.
    """
    nodes = gl_accounts_by_code(codes={one for _, one in places})
    for place, (_, one) in enumerate(places):
        if one not in nodes or nodes[one].type not in ("income", "expense"):
            raise CostCentreNotValid(f"{one} is no income or expense.", pointer=f"/places/{place}/account_code")
    centre, _ = CostCentre.objects.update_or_create(
        code=code, defaults={"name": name, "changed_by": acting_user, "updated_at": at}
    )
    centre.places.all().delete()
    try:
        with transaction.atomic():
            CostCentrePlace.objects.bulk_create(
                [CostCentrePlace(cost_centre=centre, branch=branch, gl_account=nodes[one]) for branch, one in places]
            )
    except IntegrityError as error:
        raise CostCentreNotValid("A place belongs to one cost centre, once.", pointer="/places") from error
    said = [f"{branch.code if branch else '*'} {one}" for branch, one in places]
    record(
        action="budgets.cost_centre.set", acting_user=acting_user, target=centre, at=at,
        after={"name": name, "places": said},
    )  # fmt: skip
    return centre


@transaction.atomic
def commitment_create(
    *,
    acting_user: User,
    branch: Branch,
    code: str,
    month: dt.date,
    amount: int,
    currency: str,
    reference: str,
    description: str,
    at: dt.datetime,
) -> Commitment:
    """Promise money of a budget. It is checked as an entry is. Raises `BudgetLineNotValid`, `BudgetExceeded`."""
    node = gl_accounts_by_code(codes=[code]).get(code)
    if node is None or node.type != "expense" or node.usage != "detail":
        raise BudgetLineNotValid(f"{code} is no expense that is posted to.", pointer="/account_code")
    commitment_check(place=(branch.pk, code), amount=amount, currency=currency, day=month)
    commitment = Commitment.objects.create(
        branch=branch, gl_account=node, month=month.replace(day=1), currency=currency, amount=amount,
        reference=reference, description=description, created_by=acting_user, created_at=at,
    )  # fmt: skip
    record(
        action="budgets.commitment.created", acting_user=acting_user, target=commitment, at=at,
        after={"account": code, "branch": branch.code, "amount": amount, "currency": currency},
    )  # fmt: skip
    return commitment


@transaction.atomic
def commitment_end(*, acting_user: User, commitment: Commitment, status: str, at: dt.datetime) -> Commitment:
    """Say that a commitment was spent or released: its money is free again. Raises `CommitmentNotOpen`."""
    changed = Commitment.objects.filter(pk=commitment.pk, status=Commitment.Status.OPEN).update(
        status=status, ended_by=acting_user, ended_at=at, updated_at=at, version=F("version") + 1
    )
    if not changed:
        raise CommitmentNotOpen
    commitment.refresh_from_db()
    record(
        action=f"budgets.commitment.{status}", acting_user=acting_user, target=commitment, at=at,
        before={"status": "open"}, after={"status": status},
    )  # fmt: skip
    return commitment


def alerts_raise(*, day: dt.date, at: dt.datetime) -> int:
    """Note which budgets of the month of `day` are nearly used up or gone beyond, and tell who keeps budgets; how many.

    Each is told once a month and level.
    """
    raised = 0
    rules = rules_by_code()
    for budget in Budget.objects.filter(year=day.year, status=Budget.Status.ACTIVE):
        raised += _alerts_of(budget, rules, day, at)
    return raised


def _alerts_of(budget: Budget, rules: dict[str, BudgetRule], day: dt.date, at: dt.datetime) -> int:
    month = day.replace(day=1)
    used: dict[Place, int] = defaultdict(int)
    for sums in (
        actuals(first=month, last=day, currency=budget.currency),
        committed(first=month, last=day, currency=budget.currency),
    ):
        for place, amount in sums.items():
            used[place] += amount
    made = []
    for line in budget.lines.filter(month=month, gl_account__type="expense").select_related("gl_account", "branch"):
        rule = rules.get(line.gl_account.code)
        spent = used.get((line.branch_id, line.gl_account.code), 0)
        percent = rule.alert_percent if rule else 100
        if not line.amount or spent * 100 < line.amount * percent:
            continue
        level = BudgetAlert.Level.OVER if spent > line.amount else BudgetAlert.Level.NEAR
        alert, is_new = BudgetAlert.objects.get_or_create(
            budget=budget, branch=line.branch, gl_account=line.gl_account, month=month, level=level,
            defaults={"planned": line.amount, "used": spent, "created_at": at},
        )  # fmt: skip
        if is_new:
            made.append(alert)
    for alert in made:
        with transaction.atomic():
            notify(
                notices.ALERT,
                recipients=[user.pk for user in _keepers()],
                context=notices.BudgetWarning(
                    str(alert.gl_account), alert.branch.code, notices.Phrase(alert.get_level_display().lower()),
                    notices.Amount(alert.used, budget.currency), notices.Amount(alert.planned, budget.currency),
                ),
                at=at, link="/admin/budgets/", key=f"budget alert {alert.pk}",
            )  # fmt: skip
    return len(made)


def _keepers() -> list[User]:
    holders = User.objects.filter(is_active=True, roles__permissions__contains=["budgets.manage"]).distinct()
    return list(holders)
