"""Forms of loan groups: found one, let members in and out."""

from __future__ import annotations

from typing import Any

from apps.core import clock
from apps.core.errors import InvalidRequest
from apps.identity.models import Branch
from apps.ledger.selectors import business_date_current
from apps.lending.admin.forms import Field, Form, Sent, forms_add
from apps.lending.groups import group_create, group_join, group_leave
from apps.lending.models import LoanGroup
from apps.lending.selectors import group_get_for

SECURE = "lending.secure"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _branches(user: Any) -> list[tuple[str, str]]:
    branches = Branch.objects.order_by("name")
    if user.scope != "all":
        branches = branches.filter(pk__in=user.branch_ids)
    return [(str(one.pk), one.name) for one in branches]


def _new_fields(user: Any, record: Any) -> list[Field]:
    days = [(str(n), day) for n, day in enumerate(WEEKDAYS, 1)]
    return [
        Field("name", "Name"),
        Field("branch", "Branch", "choice", str(user.branch_id or ""), options=_branches(user)),
        Field("meets_on", "Meets on", "choice", options=days),
    ]


def _new(user: Any, record: Any, sent: Sent) -> LoanGroup:
    branch = sent.key("branch")
    if branch is None or str(branch) not in dict(_branches(user)):
        raise InvalidRequest("Choose a branch in your reach.", pointer="/branch")
    return group_create(
        acting_user=user, name=sent.text("name", 80), branch_id=branch, meets_on=sent.whole("meets_on"), at=clock.now()
    )


def _join(user: Any, group: LoanGroup, sent: Sent) -> LoanGroup:
    member = sent.member(user)
    group_join(acting_user=user, group=group, member_id=member.pk, today=business_date_current(), at=clock.now())
    return group


def _leave_fields(user: Any, group: LoanGroup) -> list[Field]:
    rows = group.members.filter(left_on__isnull=True).select_related("member").order_by("pk")
    return [Field("member", "Member", "choice", options=[(str(one.member_id), str(one.member)) for one in rows])]


def _leave(user: Any, group: LoanGroup, sent: Sent) -> LoanGroup:
    member = sent.key("member")
    if member is None:
        raise InvalidRequest("Choose a member.", pointer="/member")
    group_leave(acting_user=user, group=group, member_id=member, today=business_date_current(), at=clock.now())
    return group


forms_add(
    new_group=Form("New group", "group_add", SECURE, _new_fields, _new),
    join=Form(
        "Add a member", "person_add", SECURE, lambda *_: [Field("member", "Member number")], _join, find=group_get_for
    ),
    leave=Form("Take a member out", "person_remove", SECURE, _leave_fields, _leave, find=group_get_for),
)
