"""A small bank of approvers, and an action that only counts how often it was done."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from apps.approvals.errors import ApprovalNotNeeded
from apps.approvals.models import ApprovalPolicy, ApprovalRequest, Approver
from apps.approvals.registry import Action, Change, Execution, Preview, Result, action_register
from apps.approvals.selectors import policies_forget
from apps.approvals.services import policy_activate, policy_draft, request_decide, request_submit
from apps.core.errors import Unprocessable
from apps.core.money import Money
from apps.identity.models import Branch, User
from tests.factories.identity import BranchFactory, RoleFactory, UserFactory

AT = dt.datetime(2026, 11, 23, 7, 0, tzinfo=dt.UTC)  # a Monday, 10:00 in Nairobi
DONE: Counter[str] = Counter()
"""How often each key was carried out: an action that takes the key seriously does it once."""
FAULTS: dict[str, list[Exception]] = {}
"""What executing raises, by the payload's `name`, one after the other."""
BRANCH: dict[str, Branch] = {}


def _validate(maker: User, payload: Any) -> None:
    if payload.get("wrong"):
        raise ApprovalNotNeeded("Wrong on purpose.")


def _preview(maker: User, payload: Any) -> Preview:
    branch = maker.branch
    return Preview(
        title=f"Toy {payload['name']}",
        changes=(Change("Value", "0", str(payload.get("value", 1))),),
        amount=Money.parse(payload["amount"], payload.get("currency", "KES")) if "amount" in payload else None,
        branch_id=branch.pk if branch else None,
        branch_code=branch.code if branch else "",
        product=payload.get("product", ""),
        member_type=payload.get("member_type", ""),
        risk_flags=tuple(payload.get("flags", ())),
        key=payload.get("key", ""),
        interested_ids=tuple(uuid.UUID(pk) for pk in payload.get("interested", ())),
        member_ids=tuple(uuid.UUID(pk) for pk in payload.get("members", ())),
    )


def _execute(execution: Execution) -> Result:
    faults = FAULTS.get(execution.payload["name"], [])
    if faults:
        raise faults.pop(0)
    DONE[execution.key] += 1
    return Result({"key": execution.key})


TOY = Action("tests.toy", "Toy", "members.view", _validate, _preview, _execute)


def toy_register() -> None:
    action_register(TOY)


class Refused(Unprocessable):
    """422: refused on purpose."""

    code = "unprocessable"


@dataclass
class Bank:
    """A tree of branches with one person a position, whose roles have codes of their own."""

    word: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    roles: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.head = BranchFactory(code=f"H{self.word}")
        self.area = BranchFactory(code=f"A{self.word}", parent=self.head)
        self.branch = BranchFactory(code=f"B{self.word}", parent=self.area)
        self.maker = self.person("teller", "members.view", branch=self.branch, scope="branch")
        self.manager = self.person("manager", branch=self.branch, scope="branch")
        self.chief = self.person("chief", branch=self.area, scope="tree")
        self.finance = self.person("finance", branch=self.head)

    def role(self, name: str) -> str:
        return f"{name}-{self.word}"

    def person(self, name: str, *codes: str, branch: Branch, scope: str = "all", decides: bool = True) -> User:
        permissions = [*codes, *(["approvals.decide", "approvals.view"] if decides and name != "teller" else [])]
        role = self.roles.get(name)
        if role is None:
            role = self.roles[name] = RoleFactory(code=self.role(name), permissions=permissions, scope=scope)
        email = f"{name}-{uuid.uuid4().hex[:8]}@example.com"
        user = UserFactory(
            roles=[role], branch=branch, is_staff=True, email=email, full_name=f"{name.title()} {self.word}"
        )
        return User.objects.get(pk=user.pk)

    def level(self, name: str, stage: int, **more: Any) -> dict[str, Any]:
        return {"name": name.title(), "stage": stage, "who": {"role": self.role(name)}, **more}

    def policy(self, *levels: dict[str, Any], kind: str = "tests.toy", **document: Any) -> ApprovalPolicy:
        """One band for every amount, in force at once; a later call takes the place of an earlier one."""
        body = {"segments": [{"name": "All", "when": {}, "bands": [{"from": "0", "to": None, "levels": list(levels)}]}]}
        return self.rules({**body, **document}, kind=kind)

    def rules(self, document: dict[str, Any], *, kind: str = "tests.toy") -> ApprovalPolicy:
        ApprovalPolicy.objects.filter(kind=kind, state="active").update(state="withdrawn")
        policy = policy_draft(
            acting_user=None, kind=kind, name="Rules", effective_from=dt.date(2020, 1, 1), document=document
        )
        policies_forget()
        return policy_activate(acting_user=None, policy_id=policy.pk, at=AT)

    def three_levels(self) -> ApprovalPolicy:
        return self.policy(self.level("manager", 1), self.level("chief", 2), self.level("finance", 3))

    def submit(
        self, *, at: dt.datetime = AT, maker: User | None = None, key: str = "", **payload: Any
    ) -> ApprovalRequest:
        payload.setdefault("name", uuid.uuid4().hex)
        request = request_submit(kind="tests.toy", maker=maker or self.maker, payload=payload, at=at, key=key)
        assert request is not None
        return fresh(request)

    def approver(self, user: User, **fields: Any) -> Approver:
        groups = fields.pop("groups", [])
        row = Approver.objects.create(user=user, **fields)
        row.groups.set(groups)
        return row


def decide(request: ApprovalRequest, user: User, verdict: str = "approve", *, at: dt.datetime = AT, **more: Any) -> Any:
    """A decision on the request as it is now."""
    more.setdefault("comment", "" if verdict == "approve" else "because")
    if "expected_version" not in more:
        more["expected_version"] = fresh(request).version
    return request_decide(acting_user=user, request_id=request.public_id, verdict=verdict, at=at, **more).request


def fresh(request: ApprovalRequest) -> ApprovalRequest:
    return ApprovalRequest.objects.select_related("maker", "branch", "policy").get(pk=request.pk)


def done(request: ApprovalRequest) -> int:
    """How often it was carried out."""
    return sum(count for key, count in DONE.items() if str(request.public_id) in key)
