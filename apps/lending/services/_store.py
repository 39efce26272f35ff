"""Writing a position down: schedule, paid amounts, portions of events, standing, state of the loan."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import connection, models

from apps.core.trail import history_stamp
from apps.lending.models import Loan, LoanEvent, LoanInstalment, LoanSchedule, LoanStanding
from apps.lending.servicing import PaidRow, Position

if TYPE_CHECKING:
    from apps.identity.models import User
    from apps.lending.services._plans import Plan

_PLANNED = ("number", "starts_on", "due_on", "opening", "disbursed", "principal", "interest", "closing", "accrues")
_MOVING = ("fees", "penalties", "charged", "principal_paid", "interest_paid", "fees_paid", "penalties_paid", "paid_on")
_PORTIONS = ("principal", "interest", "fees", "penalties", "overpaid")
_LATENESS = (
    "as_of", "overdue_since", "days_past_due", "overdue_principal", "overdue_interest", "overdue_charges",
    "next_due_on", "next_due_amount",
)  # fmt: skip
_STANDING = (
    "booked_through",
    "interest_booked",
    "charges_booked",
    "penalties_booked",
    "suspended",
    "provision",
    *_LATENESS,
)
_STATE = ("version", "status", "schedule", "started_on", "matures_on", "closed_on")


def position_store(plan: Plan, *, event: LoanEvent, acting_user: User | None) -> None:
    """Write what a plan leads to, in the open transaction."""
    positions_store([(plan, event)], acting_user=acting_user)


def positions_store(done: Sequence[tuple[Plan, LoanEvent]], *, acting_user: User | None) -> None:
    """Write what plans of different loans lead to, in the open transaction; few statements, however many they are."""
    rows: list[LoanInstalment] = []
    events: list[LoanEvent] = []
    loans = []
    for plan, event in done:
        loan = plan.servicing.loan
        rows += _rows_store(plan, event)
        events += _portions_changed(plan.servicing.events, plan.after)
        standing_set(plan.servicing.standing, plan)
        _loan_state(loan, plan)
        loan.version += 1
        history_stamp(loan, acting_user=acting_user, reason=event.kind)
        loans.append(loan)
    rows_update(LoanInstalment, rows, _MOVING)
    rows_update(LoanEvent, events, _PORTIONS)
    rows_update(LoanStanding, [plan.servicing.standing for plan, _ in done], _STANDING)
    rows_update(Loan, loans, _STATE)
    Loan.history.bulk_history_create(loans, update=True)


def rows_update(model: type[models.Model], rows: Sequence[models.Model], names: Sequence[str]) -> None:
    """Write some fields of many rows in one statement; `updated_at`, where there is one, is the database's now."""
    if not rows:
        return
    fields: list[Any] = [model._meta.pk, *(model._meta.get_field(name) for name in names)]
    values = [[one.get_db_prep_save(getattr(row, one.attname), connection) for row in rows] for one in fields]
    columns = [str(one.column) for one in fields]
    moved = [f"{column} = n.{column}" for column in columns[1:]]
    if any(one.name == "updated_at" for one in model._meta.concrete_fields):
        moved.append("updated_at = now()")
    types = [(one.rel_db_type if one.primary_key and one.remote_field else one.db_type)(connection) for one in fields]
    arrays = ", ".join(f"%s::{kind.split('(')[0]}[]" for kind in types)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {model._meta.db_table} t SET {', '.join(moved)}"  # noqa: S608  # nosec B608  # names of our models
            f" FROM unnest({arrays}) AS n ({', '.join(columns)})"
            f" WHERE t.{columns[0]} = n.{columns[0]}",
            values,
        )


def row_values(*, one: PaidRow) -> dict[str, Any]:
    """A row of the replay as the columns of an instalment."""
    row = one.row
    return {
        "number": row.number,
        "starts_on": row.start,
        "due_on": row.due,
        "opening": row.opening,
        "disbursed": row.closing + row.principal - row.opening,
        "principal": row.principal,
        "interest": row.interest,
        "fees": row.fees,
        "penalties": row.penalties,
        "closing": row.closing,
        "accrues": one.accrues,
        "charged": one.charged,
        "principal_paid": one.paid["principal"],
        "interest_paid": one.paid["interest"],
        "fees_paid": one.paid["fees"],
        "penalties_paid": one.paid["penalties"],
        "paid_on": one.paid_on if not one.left else None,
    }


def _rows_store(plan: Plan, event: LoanEvent) -> list[LoanInstalment]:
    """A new version where what is planned has changed; else the rows whose paid amounts did, to be written."""
    loan, kept = plan.servicing.loan, plan.servicing.rows
    wanted = [(row_values(one=one), one) for one in plan.after.rows]
    if not wanted:
        loan.schedule = None
        return []
    if [_plan_of(row.__dict__) for row in kept] != [_plan_of(values) for values, _ in wanted]:
        last = LoanSchedule.objects.filter(loan=loan).order_by("-number").values_list("number", flat=True).first()
        terms = terms_shown(plan.after)
        schedule = LoanSchedule.objects.create(loan=loan, number=(last or 0) + 1, event=event, terms=terms)
        LoanInstalment.objects.bulk_create(
            [
                LoanInstalment(schedule=schedule, parts=[part.shown() for part in one.stretches], **values)
                for values, one in wanted
            ]
        )
        loan.schedule = schedule
        return []
    changed = []
    for row, (values, _) in zip(kept, wanted, strict=True):
        if any(getattr(row, name) != values[name] for name in _MOVING):
            for name in _MOVING:
                setattr(row, name, values[name])
            changed.append(row)
    return changed


def _plan_of(values: dict[str, Any]) -> tuple[Any, ...]:
    """What makes another version when it changes. Single charges do not: they are in their row as they are made."""
    planned_fees = values["fees"] + values["penalties"] - values["charged"]
    return (*(values[name] for name in _PLANNED), planned_fees)


def terms_shown(position: Position) -> dict[str, Any]:
    """The terms of what is to come, for people."""
    terms = position.terms
    if terms is None:
        return {}
    return {
        "principal": terms.principal,
        "rate": f"{terms.rate:f}",
        "start": terms.start.isoformat(),
        "instalments": terms.count,
        "method": terms.method,
        "amortization": terms.amortization,
        "interest": terms.interest,
        "period_years": str(terms.period_years),
        "tranches": [[date.isoformat(), amount] for date, amount in terms.tranches],
        "rate_changes": [[date.isoformat(), f"{rate:f}"] for date, rate in terms.rate_changes],
        "grace_principal": terms.grace_principal,
        "grace_interest": terms.grace_interest,
        "interest_free": terms.interest_free,
        "balloon": terms.balloon,
    }


def _portions_changed(events: Sequence[LoanEvent], after: Position) -> list[LoanEvent]:
    """The events whose money goes elsewhere now, with where it goes."""
    changed = []
    for event in events:
        portions = after.portions.get(event.pk)
        values = {name: getattr(portions, name) if portions else 0 for name in _PORTIONS}
        if any(getattr(event, name) != values[name] for name in _PORTIONS):
            for name in _PORTIONS:
                setattr(event, name, values[name])
            changed.append(event)
    return changed


def standing_set(standing: LoanStanding, plan: Plan) -> None:
    """What the books hold now, and how late the loan is today."""
    books, after, today = plan.books, plan.after, plan.today
    standing.booked_through = plan.horizon
    standing.interest_booked, standing.charges_booked = books.earned, books.charged
    standing.penalties_booked, standing.suspended = books.penalties, books.suspended
    used = -sum(leg.amount for leg in plan.legs if leg.role.startswith("allowance_"))
    standing.provision -= used
    lateness_set(standing, after, today)


def lateness_set(standing: LoanStanding, position: Position, today: dt.date) -> None:
    """How late the loan is on the morning of a day, and what is next."""
    is_gone = position.is_written_off
    late = [] if is_gone else [one for one in position.rows if one.row.due < today and one.left]
    standing.as_of = today
    standing.overdue_since = late[0].row.due if late else None
    standing.days_past_due = (today - late[0].row.due).days if late else 0
    standing.overdue_principal = sum(one.row.principal - one.paid["principal"] for one in late)
    standing.overdue_interest = sum(one.row.interest - one.paid["interest"] for one in late)
    standing.overdue_charges = sum(one.left for one in late) - standing.overdue_principal - standing.overdue_interest
    coming = None if is_gone else position.next_due(today)
    standing.next_due_on = coming.row.due if coming else None
    standing.next_due_amount = coming.left if coming else 0


def _loan_state(loan: Loan, plan: Plan) -> None:
    after = plan.after
    if not after.rows:
        loan.status, loan.started_on, loan.matures_on, loan.closed_on = Loan.Status.APPROVED, None, None, None
        return
    loan.started_on = after.rows[0].row.start
    loan.matures_on = max(one.row.due for one in after.rows)
    if after.is_written_off:
        loan.status = Loan.Status.WRITTEN_OFF
    elif plan.ends:
        loan.status, loan.closed_on = Loan.Status.CLOSED, loan.closed_on or plan.today
        return
    else:
        loan.status = Loan.Status.ACTIVE
    loan.closed_on = None
