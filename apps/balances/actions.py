"""What of the books may need approval: a manual journal entry. Loaded when Django starts."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from django.conf import settings

from apps.approvals.registry import Action, Change, Execution, Payload, Preview, Result, action_register
from apps.balances import services
from apps.balances.controls import entry_controls_run
from apps.balances.errors import EntryNotBalanced, refusal_of
from apps.balances.services import ManualLine
from apps.core.display import money_text
from apps.core.idempotency import transaction_id_for
from apps.core.money import Money
from apps.core.trace import trace_id
from apps.identity.models import User
from apps.identity.selectors import branches_visible_to
from apps.ledger.errors import BranchUnknown, GLAccountNotPostable, GLAccountUnknown
from apps.ledger.selectors import business_date_current, gl_accounts_by_code

ENTRY = "ledger.manual_entry"


def entry_payload(body: dict[str, Any], *, fingerprint: bytes) -> dict[str, Any]:
    """The validated body of a manual entry as it is kept with its request."""
    days = {name: body[name].isoformat() if body.get(name) else None for name in ("business_date", "value_date")}
    lines = [
        {
            "account_code": line["account_code"],
            "branch": line["branch"],
            "side": line["side"],
            "amount": line["amount"].amount,
            "currency": line["amount"].currency,
        }
        for line in body["lines"]
    ]
    return {
        "fingerprint": fingerprint.hex(),
        "description": body["description"],
        "reference": body["reference"],
        "lines": lines,
        **days,
    }


def entry_lines(*, user: User, lines: list[dict[str, Any]]) -> list[ManualLine]:
    """The lines with their branches, credit-positive; amounts are Money. Raises BranchUnknown for one out of reach."""
    codes = {line["branch"] for line in lines}
    known = {branch.code: branch for branch in branches_visible_to(user).filter(code__in=codes)}
    found = []
    for index, line in enumerate(lines):
        branch = known.get(line["branch"])
        if branch is None:
            raise BranchUnknown(f"There is no branch {line['branch']}.", pointer=f"/lines/{index}/branch")
        money = line["amount"]
        found.append(
            ManualLine(
                gl_code=line["account_code"],
                branch_id=branch.pk,
                branch_code=branch.code,
                currency=money.currency,
                amount=money.minor if line["side"] == "credit" else -money.minor,
            )
        )
    return found


def entry_amount(lines: list[dict[str, Any]]) -> Money:
    """What the policy looks at: the debits in the base currency or, without any, those in the first line's."""
    debits: Counter[str] = Counter()
    for line in lines:
        if line["side"] == "debit":
            debits[line["amount"].currency] += line["amount"].minor
    currency = lines[0]["amount"].currency
    others = set(debits) - {settings.NUMINA["BASE_CURRENCY"]}
    if not others:
        currency = settings.NUMINA["BASE_CURRENCY"]
    elif currency not in others:
        currency = sorted(others)[0]  # without a known rate it counts as the highest
    return Money(debits[currency], currency)


def _lines(payload: Payload) -> list[dict[str, Any]]:
    return [
        {**line, "amount": Money.parse(line["amount"], line["currency"], positive=True)} for line in payload["lines"]
    ]


def _validate(maker: User, payload: Payload) -> None:
    lines = entry_lines(user=maker, lines=_lines(payload))
    sums: Counter[str] = Counter()
    for line in lines:
        sums[line.currency] += line.amount
    if any(sums.values()):
        raise EntryNotBalanced("Debits and credits of a currency differ.", pointer="/lines")
    nodes = gl_accounts_by_code(codes={line.gl_code for line in lines})
    for index, line in enumerate(lines):
        node, pointer = nodes.get(line.gl_code), f"/lines/{index}/account_code"
        if node is None:
            raise GLAccountUnknown(f"The chart of accounts has no {line.gl_code}.", pointer=pointer)
        if node.usage != "detail" or not node.allows_manual or not node.is_active:
            raise GLAccountNotPostable(f"{node} takes no manual entries.", pointer=pointer)
    entry_controls_run(lines, entry_day(payload.get("business_date")))


def entry_day(given: str | dt.date | None) -> dt.date:
    """The business date of an entry by hand: the one given, or the open one."""
    if isinstance(given, str):
        return dt.date.fromisoformat(given)
    return given or business_date_current()


def _preview(maker: User, payload: Payload) -> Preview:
    lines = _lines(payload)
    branches = {branch.code: branch for branch in branches_visible_to(maker)}
    home = branches.get(lines[0]["branch"])
    nodes = gl_accounts_by_code(codes={line["account_code"] for line in lines})
    rows = [Change("Description", "", str(payload["description"])), Change("Reference", "", str(payload["reference"]))]
    rows += [
        Change(
            f"{line['side'].capitalize()} {nodes[line['account_code']]}, {line['branch']}",
            "",
            money_text(line["amount"].minor, line["amount"].currency, with_currency=True),
        )
        for line in lines
    ]
    return Preview(
        title=f"Manual entry: {payload['description']}",
        changes=tuple(rows),
        amount=entry_amount(lines),
        branch_id=home.pk if home else None,
        branch_code=home.code if home else "",
        channel="back-office",
        risk_flags=entry_controls_run(entry_lines(user=maker, lines=lines), entry_day(payload.get("business_date"))),
    )


def _execute(execution: Execution) -> Result:
    payload, maker = execution.payload, execution.maker
    days = {name: payload.get(name) for name in ("business_date", "value_date")}
    transaction_id = transaction_id_for(maker.pk, execution.key)
    result = services.entry_post(
        transaction_id=transaction_id,
        client_id=str(maker.pk),
        key=execution.key,
        fingerprint=execution.fingerprint,
        lines=entry_lines(user=maker, lines=_lines(payload)),
        description=payload["description"],
        reference=payload["reference"],
        business_date=dt.date.fromisoformat(days["business_date"]) if days["business_date"] else None,
        value_date=dt.date.fromisoformat(days["value_date"]) if days["value_date"] else None,
        actor_id=maker.pk,
        correlation_id=trace_id(),
    )
    (outcome,) = result.outcomes
    if not outcome.ok:
        raise refusal_of(outcome.code)
    return Result({"transaction_id": str(transaction_id)}, f"/api/v1/ledger/journal-entries/{transaction_id}")


def actions_register() -> None:
    """Make the action known."""
    action_register(Action(ENTRY, "Manual journal entry", "ledger.post", _validate, _preview, _execute))
