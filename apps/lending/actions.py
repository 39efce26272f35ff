"""What of lending may need approval: applications, paying out, and what costs the bank money. Loaded at the start."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.approvals.registry import Action, Change, Execution, Payload, Preview, Result, action_register
from apps.core.display import money_text
from apps.core.money import Money
from apps.identity.models import User
from apps.ledger.selectors import business_date_current
from apps.lending import services
from apps.lending.errors import ApplicationStateWrong
from apps.lending.models import Loan, LoanApplication
from apps.lending.selectors import application_get_for, loan_get_for, servicing_of
from apps.lending.services import Act, Asked, act_plan

APPLICATION = "lending.application"
ASKING = {
    "disbursement": ("lending.disbursement", "Payout of a loan", "lending.disburse"),
    "write_off": ("lending.write_off", "Write-off of a loan", "lending.write_off"),
    "payoff": ("lending.settlement", "Settlement of a loan for less", "lending.change"),
    "waiver": ("lending.waiver", "Waiver of interest, fees or penalties", "lending.change"),
    "reschedule": ("lending.reschedule", "Reschedule of a loan", "lending.change"),
    "moratorium": ("lending.moratorium", "Moratorium of a loan", "lending.change"),
    "rate_change": ("lending.rate_change", "Another rate of a loan", "lending.change"),
    "top_up": ("lending.top_up", "Top-up of a loan", "lending.disburse"),
}
"""Kinds of events that a policy may want approved: the action's name, its title, the maker's permission."""


def act_kind(act: Act) -> str:
    """The action that an act is; empty for those that never wait, such as a payment or a payoff in full."""
    if act.kind == "payoff" and not act.discount:
        return ""
    return ASKING[act.kind][0] if act.kind in ASKING else ""


def act_payload(*, asked: Asked, loan: Loan, act: Act) -> dict[str, Any]:
    """The payload of an act, as it is kept with its request."""
    return {"fingerprint": asked.fingerprint.hex(), "loan_id": str(loan.pk), "act": act.payload()}


def application_payload(application: LoanApplication) -> dict[str, Any]:
    """The payload of a request to approve an application."""
    return {"application_id": str(application.pk)}


def _about(record: Loan | LoanApplication) -> dict[str, Any]:
    member = record.member
    flags = () if member.status == "active" else ("member_not_active",)
    return {
        "branch_id": record.branch_id,
        "branch_code": record.branch.code,
        "product": record.product.code,
        "member_type": member.kind,
        "member_label": str(member),
        "member_status": member.status,
        "member_ids": (member.pk,),
        "interested_ids": (member.user_id,) if member.user_id else (),
        "risk_flags": flags,
    }


# -- applications


def _application(maker: User, payload: Payload) -> LoanApplication:
    application = application_get_for(user=maker, pk=UUID(payload["application_id"]))
    if application.status != LoanApplication.Status.SUBMITTED:
        raise ApplicationStateWrong(f"The application is {application.get_status_display().lower()}.")
    return application


def _application_validate(maker: User, payload: Payload) -> None:
    _application(maker, payload)


def _application_preview(maker: User, payload: Payload) -> Preview:
    application = application_get_for(user=maker, pk=UUID(payload["application_id"]))
    amount = Money(application.amount, application.product.currency_id)
    share = application.affordability.get("share")
    return Preview(
        title=f"Loan application {application.number} of {application.member.display_name}",
        changes=(
            Change("Product", "", str(application.product)),
            Change("Amount", "", money_text(amount.minor, amount.currency, with_currency=True)),
            Change("Instalments", "", str(application.instalments)),
            Change("Purpose", "", application.purpose),
            Change("Share of the income left", "", f"{Decimal(share) * 100:.2f} %" if share else ""),
            Change("Score", "", "" if application.score is None else str(application.score)),
        ),
        amount=amount,
        key=f"application {application.pk}",
        url=f"/admin/lending/loanapplication/{application.pk}/change/",
        **_about(application),
    )


def _application_execute(execution: Execution) -> Result:
    application = services.application_decide(
        acting_user=execution.maker,
        application_id=UUID(execution.payload["application_id"]),
        approve=True,
        business_date=business_date_current(),
        at=execution.at,
        by_approval=True,
    )
    return Result({"application_id": str(application.pk)}, f"/api/v1/loan-applications/{application.pk}")


def _application_ended(payload: Payload, state: str) -> None:
    services.application_return(application_id=UUID(payload["application_id"]), is_rejected=state == "rejected")


# -- events of loans


def act_size(loan: Loan, act: Act) -> int:
    """How much an event is about, minor units: what limits of roles and policies measure."""
    if act.kind == "write_off":
        return services.books_held(servicing=servicing_of(loan.pk)).principal
    return max(act.money.amount, act.discount)


def _act_validate(maker: User, payload: Payload) -> None:
    loan = loan_get_for(user=maker, pk=UUID(payload["loan_id"]))
    servicing, act = servicing_of(loan.pk), Act.of(payload["act"])
    act_plan(servicing=servicing, today=business_date_current(), user=maker, act=act)


def _act_preview(maker: User, payload: Payload) -> Preview:
    loan = loan_get_for(user=maker, pk=UUID(payload["loan_id"]))
    act = Act.of(payload["act"])
    servicing = servicing_of(loan.pk)
    plan = act_plan(servicing=servicing, today=business_date_current(), user=maker, act=act)
    held = services.books_held(servicing=servicing)
    before = held.principal
    dues = [str(rows[-1]) if rows else "" for rows in (
        [row.due_on for row in servicing.rows], [one.row.due for one in plan.after.rows],
    )]  # fmt: skip

    def shown(minor: int) -> str:
        return money_text(minor, loan.currency, with_currency=True)

    cost = act.discount or (before if act.kind == "write_off" else act.money.amount)
    return Preview(
        title=f"{ASKING[act.kind][1]} {loan.number}",
        changes=(
            Change("Principal owed", shown(before), shown(plan.books.principal)),
            Change("Interest owed", shown(held.interest), shown(plan.books.interest)),
            Change("Last due date", *dues),
            Change("Reason", "", act.reason),
        ),
        amount=Money(cost, loan.currency) if cost else None,
        key=f"loan {loan.pk} {act.kind}",
        url=f"/admin/lending/loan/{loan.pk}/change/",
        **_about(loan),
    )


def _act_execute(execution: Execution) -> Result:
    payload = execution.payload
    done = services.act_carry_out(
        asked=Asked(execution.maker, execution.key, execution.fingerprint),
        loan_id=UUID(payload["loan_id"]),
        act=Act.of(payload["act"]),
        at=execution.at,
    )
    return Result({"event_id": str(done.event.pk)}, f"/api/v1/loans/{payload['loan_id']}/transactions")


def actions_register() -> None:
    """Make the actions known."""
    action_register(
        Action(
            APPLICATION, "Loan application", "lending.apply",
            _application_validate, _application_preview, _application_execute,
            transactional=True, ended=_application_ended,
        )
    )  # fmt: skip
    for name, title, permission in ASKING.values():
        action_register(Action(name, title, permission, _act_validate, _act_preview, _act_execute))
