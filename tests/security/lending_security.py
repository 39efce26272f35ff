"""Security of a loan, a credit line and a group of the bank's member, for the walk over all operations."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.core import clock
from apps.ledger.selectors import business_date_current
from apps.lending.collateral import collateral_add
from apps.lending.credit_lines import credit_line_decide, credit_line_draw, credit_line_request
from apps.lending.groups import group_create, group_join
from apps.lending.guarantors import guarantor_add
from tests.factories.identity import user_make
from tests.factories.lending import asked, loan_make, product_make
from tests.factories.members import MemberFactory

KES = {"amount": "1.00", "currency": "KES"}


def securing_things(account: Any) -> tuple[dict[str, Any], dict[tuple[str, str], dict[str, Any]]]:
    """Ids by URL parameter, and bodies that are accepted."""
    today, at = business_date_current(), clock.now()
    product, friend = product_make(kind="credit_line"), MemberFactory(branch=account.branch)
    other = MemberFactory(branch=account.branch)
    loan = loan_make(
        product=product_make(kind="group"), account=account, principal=50_000, start=today - dt.timedelta(days=40)
    )
    thing = collateral_add(acting_user=None, loan_id=loan.pk, kind="land", description="A plot", at=at)
    guarantor = guarantor_add(acting_user=None, loan_id=loan.pk, member_id=friend.pk, amount=100, at=at)
    clerk, chief = user_make(), user_make()
    line = credit_line_request(
        acting_user=clerk, product_id=product.pk, member_id=account.member_id, account_id=account.pk, limit=10_000,
        business_date=today, at=at,
    )  # fmt: skip
    credit_line_decide(acting_user=chief, line_id=line.pk, approve=True, business_date=today, at=at)
    credit_line_draw(asked=asked(clerk), line_id=line.pk, amount=500, at=at)
    group = group_create(acting_user=None, name="Umoja", branch_id=account.branch_id, at=at)
    group_join(acting_user=None, group=group, member_id=account.member_id, today=today, at=at)
    officer = user_make("lending.view", branch=account.branch)
    one = "loans/{loan_id}"
    return {
        "collateral_id": thing.pk,
        "guarantor_id": guarantor.pk,
        "line_id": line.pk,
        "group_id": group.pk,
    }, {
        ("POST", one + "/collateral"): {
            "kind": "vehicle", "description": "A lorry", "share_percent": "60", "owner": "Alice", "reference": "KBX 1",
        },
        ("POST", one + "/guarantors"): {"member_id": str(other.pk), "amount": KES},
        ("POST", one + "/promises"): {"due_on": today.isoformat(), "amount": KES, "note": "By phone"},
        ("POST", one + "/pauses"): {
            "starts_on": today.isoformat(), "ends_on": (today + dt.timedelta(days=9)).isoformat(), "reason": "Flood",
        },
        ("POST", "loan-collateral/{collateral_id}/valuations"): {
            "valued_on": today.isoformat(), "amount": KES, "valuer": "Valuers Ltd",
        },
        ("POST", "credit-lines"): {
            "loan_product_id": str(product.pk), "member_id": str(account.member_id), "account_id": str(account.pk),
            "limit": {"amount": "100.00", "currency": "KES"}, "purpose": "Stock",
        },
        ("POST", "credit-lines/{line_id}/preview"): {"kind": "draw", "amount": KES},
        ("POST", "loan-products/{loan_product_id}/provision-policies"): {
            "effective_from": today.isoformat(), "method": "ifrs9", "stage_2_after": 30, "stage_3_after": 90,
            "cure_days": 0, "pd_12_months_percent": "2", "pd_lifetime_percent": "10", "lgd_percent": "45",
            "with_interest": True,
        },
        ("POST", one + "/officer"): {"user_id": str(officer.pk)},
        ("POST", "credit-lines/{line_id}/draws"): {"amount": KES},
        ("POST", "credit-lines/{line_id}/repayments"): {"amount": KES},
        ("POST", "credit-lines/{line_id}/changes"): {"action": "block", "note": "Looked into"},
        ("POST", "loan-groups"): {"name": "Amani", "branch_id": str(account.branch_id), "meeting_weekday": 2},
        ("POST", "loan-groups/{group_id}/members"): {"member_id": str(other.pk)},
        ("POST", "loan-groups/{group_id}/collections"): {
            "channel": "mobile", "rows": [{"loan": loan.number, "amount": KES}],
        },
    }  # fmt: skip
