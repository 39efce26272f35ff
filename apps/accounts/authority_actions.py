"""Who holds an account and signs for it: changes that may need approval. Loaded when Django starts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Q

from apps.accounts import services
from apps.accounts.actions import concern
from apps.accounts.errors import HolderInvalid
from apps.accounts.models import Account, AccountHolder, MandateRule
from apps.accounts.selectors import account_get_for, holders_of, mandate_rules
from apps.approvals.differences import json_kept, tried
from apps.approvals.models import ApprovalRequest
from apps.approvals.registry import Action, Change, Execution, Payload, Preview, Result, action_register
from apps.approvals.services import request_submit
from apps.core.display import day_text, money_text
from apps.ledger.selectors import business_date_current
from apps.members.selectors import members_visible_to

if TYPE_CHECKING:
    from apps.identity.models import User
    from apps.members.models import Member

AUTHORITY = "accounts.authority"
ONE_DAY = dt.timedelta(days=1)
MINOR_MAX = 2**63 - 1
TITLES = {"holder_add": "Add a holder to", "holder_end": "End a holder of", "mandate_set": "Set the mandate of"}
"""By what is done: how a request is titled. Each is the service of that name."""


def authority_change(
    *, maker: User, account: Account, version: int, do: str, values: Mapping[str, Any], at: dt.datetime
) -> tuple[ApprovalRequest | None, Any]:
    """Make a change, or ask for approval of it where a policy wants that: (the request or None, what was made).

    `do` is one of TITLES, `values` are those of its service without the day of today. A first or last day that is over
    when the change is approved is then the earliest that may be. Raises as `request_submit` and the service, and
    `HolderInvalid` for a member out of the maker's reach.
    """
    if do == "mandate_set":
        values = {**values, "rules": [asdict(one) for one in values["rules"]]}
    payload = {
        "account_id": str(account.pk), "version": version, "do": do, "values": json_kept(values),
        "asked_on": business_date_current().isoformat(),
    }  # fmt: skip
    approval = request_submit(kind=AUTHORITY, maker=maker, payload=payload, at=at)
    return approval, None if approval is not None else _change(maker, payload)


def _change(maker: User, payload: Payload) -> Any:
    """Do it, as the service does. Raises what that raises; KeyError, TypeError, ValueError for what nobody can read."""
    do, values, today = payload["do"], payload["values"], business_date_current()
    account = account_get_for(user=maker, pk=UUID(payload["account_id"]))
    late = dt.date.fromisoformat(payload["asked_on"]) < today
    common: dict[str, Any] = {
        "acting_user": maker, "account_id": account.pk, "expected_version": payload["version"], "today": today,
    }  # fmt: skip

    def day(name: str, earliest: dt.date) -> dt.date:
        wanted = dt.date.fromisoformat(values[name])
        return max(wanted, earliest) if late else wanted

    match do:
        case "holder_add":
            member = _member(maker, values)
            role = AccountHolder.Role(values["role"]).value
            return services.holder_add(member_id=member.pk, role=role, since=day("since", today), **common)
        case "holder_end":
            until, holder_id = day("until", today - ONE_DAY), int(values["holder_id"])
            return services.holder_end(holder_id=holder_id, until=until, reason=values["reason"], **common)
        case "mandate_set":
            rules = [_rule(one) for one in values["rules"]]
            return services.mandate_set(rules=rules, since=day("since", today), **common)
        case _:
            raise ValueError(f"there is no change {do!r}")


def _member(maker: User, values: Mapping[str, Any]) -> Member:
    found = members_visible_to(maker).filter(pk=UUID(values["member_id"])).first()
    if found is None:
        raise HolderInvalid("No such member, or not an active one.", pointer="/member_id")
    return found


def _rule(one: Mapping[str, Any]) -> services.MandateTerms:
    """A rule of a payload, which may come from outside whole."""
    amount, count = one["amount_to"], one["count"]
    if not (amount is None or (type(amount) is int and 0 < amount <= MINOR_MAX)):
        raise ValueError("an amount is a whole number of minor units above zero")
    if not (count is None or type(count) is int):
        raise TypeError("a count is a whole number")
    return services.MandateTerms(amount, MandateRule.Rule(one["rule"]).value, count)


def _validate(maker: User, payload: Payload) -> None:
    tried(lambda: _change(maker, payload))


def _preview(maker: User, payload: Payload) -> Preview:
    account, today = account_get_for(user=maker, pk=UUID(payload["account_id"])), business_date_current()
    do, values = payload["do"], payload["values"]

    def made() -> dict[str, str]:
        _change(maker, payload)
        return _shown(account, today)

    before, after = _shown(account, today), tried(made)
    rows = [Change(label, before.get(label, ""), after.get(label, "")) for label in dict.fromkeys([*before, *after])]
    first_or_last = values.get("since") or values["until"]
    facts = concern(account, on=today)
    if do == "holder_add":  # whose own affair it is as well
        member = _member(maker, values)
        facts["member_ids"] += (member.pk,)
        facts["interested_ids"] += (member.user_id,) if member.user_id is not None else ()
    return Preview(
        title=f"{TITLES[do]} account {account.number}",
        changes=(
            *(row for row in rows if row.before != row.after),
            Change(
                "Last day" if do == "holder_end" else "From",
                "",
                f"{day_text(dt.date.fromisoformat(first_or_last))}, or the approval if that is later",
            ),
            *((Change("Reason", "", str(values["reason"])),) if do == "holder_end" else ()),
        ),
        key=f"account {account.pk}",
        url=f"/admin/accounts/account/{account.pk}/people/",
        **facts,
    )


def _shown(account: Account, today: dt.date) -> dict[str, str]:
    """Holders and rules of today and of later, in words, by whom or what they are for."""
    standing = Q(until=None) | Q(until__gte=today)
    shown: dict[str, list[str]] = {}
    for holder in holders_of(account=account, current=False).filter(standing).order_by("pk"):
        label = f"{holder.member.display_name} ({holder.member.number})"
        shown.setdefault(label, []).append(holder.get_role_display() + _days(holder.since, holder.until))
    for rule in mandate_rules(account_id=account.pk).filter(standing).order_by("since", "amount_to"):
        to = money_text(rule.amount_to, account.currency, with_currency=True)
        label = "Any other amount" if rule.amount_to is None else f"Up to {to}"
        signs = f"{rule.count} together" if rule.count else rule.get_rule_display()
        shown.setdefault(label, []).append(signs + _days(rule.since, rule.until))
    return {label: "; ".join(texts) for label, texts in shown.items()}


def _days(since: dt.date | None, until: dt.date | None) -> str:
    return (f", from {day_text(since)}" if since else "") + (f", until {day_text(until)}" if until else "")


def _execute(execution: Execution) -> Result:
    _change(execution.maker, execution.payload)
    account_id = execution.payload["account_id"]
    return Result({"account_id": account_id}, f"/api/v1/accounts/{account_id}")


def actions_register() -> None:
    """Make the action known."""
    action_register(
        Action(
            AUTHORITY, "Holders and mandate of an account", "accounts.update",
            _validate, _preview, _execute, transactional=True,
        )
    )  # fmt: skip
