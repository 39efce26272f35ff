"""A small bank with one thing of each kind, and callers who may do everything, but not here."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import override_settings

from apps.approvals.models import ApprovalRequest
from apps.approvals.selectors import policies_forget
from apps.approvals.services import delegation_create, document_add, policy_activate, policy_draft, request_submit
from apps.audit.exporting import export_make
from apps.audit.models import Export
from apps.audit.verifying import verification_request
from apps.core import clock
from apps.identity.models import Branch, Role, User
from apps.identity.permissions import PERMISSIONS
from apps.jobs.models import CloseRun, DeadLetter, Job
from apps.ledger.selectors import business_date_current
from apps.ledger.services import period_create
from tests.conftest import ApiClient, caches_forget, connection_kept
from tests.factories.accounts import AccountFactory, ProductFactory, cash_move
from tests.factories.books import gl_account_ready
from tests.factories.identity import PASSWORD, BranchFactory, RoleFactory, user_make
from tests.factories.members import MemberFactory
from tests.security.compliance import compliance_things
from tests.security.counter import counter_things
from tests.security.deposits import deposit_things
from tests.security.lending import lending_things
from tests.security.lending_security import securing_things
from tests.security.notices import notice_things, push_on
from tests.security.people import people_things
from tests.security.reports import report_things
from tests.security.routes import Route
from tests.security.signing import signing_things

KES = {"amount": "1.00", "currency": "KES"}


@contextlib.contextmanager
def undone() -> Iterator[None]:
    """What is written inside is rolled back."""
    block = transaction.atomic()
    block._from_testcase = True  # as pytest-django's own: durable transactions may open inside of it
    with block:
        try:
            yield
        finally:
            transaction.set_rollback(True)


@dataclass
class Bank:
    """`root` may do everything everywhere. `ids` has an object for each URL parameter, `bodies` a body that is
    accepted for each operation that takes one."""

    branch: Branch
    elsewhere: Branch
    root: ApiClient
    ids: dict[str, Any] = field(default_factory=dict)
    bodies: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def headers(self, route: Route, method: str) -> dict[str, str]:
        """Those that the operation demands."""
        made = {}
        if route.view is not None and method in route.view.idempotent_methods:
            made["Idempotency-Key"] = uuid.uuid4().hex
        if route.view is not None and method in route.view.if_match_methods:
            made["If-Match"] = '"1"'
        return made

    def body(self, route: Route, method: str) -> dict[str, Any]:
        """A body that is accepted; empty for operations without one."""
        return self.bodies.get((method, route.template.removeprefix("/api/v1/")), {})

    def send(
        self, client: ApiClient, route: Route, method: str, body: Any = None, query: str = "", **options: Any
    ) -> Any:
        """Call an operation on the bank's own things; whatever it does is undone."""
        headers = {**self.headers(route, method), **options.pop("headers", {})}
        url = options.pop("url", None) or route.url(self.ids)
        data = body if isinstance(body, bytes | str) else None if body is None else json.dumps(body)
        content_type = options.pop("content_type", "application/json")
        client.raise_request_exception = False
        with undone():
            return client.generic(
                method, url + query, data or b"", content_type if data else "", headers=headers, **options
            )


@pytest.fixture
def _files(settings: Any, banks: Banks) -> None:
    settings.MEDIA_ROOT = banks.media
    settings.NUMINA = push_on(settings.NUMINA)


class Banks:
    """The bank of a file of tests, in a transaction around them: making it takes a second.

    Its tests find the clock at the moment it was made, where its codes and step-ups are good however slow the machine
    is. Signed tokens are read by the real clock, so after some minutes it is undone and made anew.
    """

    GOOD_FOR_SECONDS = 150

    def __init__(self, media: Path) -> None:
        self.media = media
        self.stack = contextlib.ExitStack()
        self.bank: Bank | None = None
        self.made_at = 0.0
        self.moment = clock.now()

    def get(self) -> Bank:
        """The bank as it was made."""
        old = time.monotonic() - self.made_at > self.GOOD_FOR_SECONDS
        if self.bank is None or (old and len(connection.atomic_blocks) == 1):
            self.close()
            self.stack.enter_context(undone())
            self.moment = clock.now()
            with override_settings(MEDIA_ROOT=self.media, NUMINA=push_on(settings.NUMINA)), clock.frozen(self.moment):
                self.bank = _bank_make()
            self.made_at = time.monotonic()
        return self.bank

    def close(self) -> None:
        """Undo it."""
        self.stack.close()
        caches_forget()


@pytest.fixture(scope="module")
def banks(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Banks]:
    with django_db_blocker.unblock(), connection_kept():
        made = Banks(tmp_path_factory.mktemp("media"))
        yield made
        made.close()


@pytest.fixture
def bank(banks: Banks, _files: None) -> Iterator[Bank]:
    """The bank as it was made: what a test does to it is undone."""
    made = banks.get()
    with undone(), clock.frozen(banks.moment):
        yield replace(made, ids=dict(made.ids), bodies=dict(made.bodies))


def _bank_make() -> Bank:
    branch, elsewhere = BranchFactory(), BranchFactory()
    root = ApiClient(user_make(*PERMISSIONS, scope="all", branch=branch)).step_up()
    bank = Bank(branch, elsewhere, root)
    for code in ("1120", "1250", "2110", "5510", "1220", "3390"):
        gl_account_ready(code)
    if not Role.objects.filter(code="member").exists():
        RoleFactory(code="member", scope="own")
    owner = user_make("accounts.view", scope="own", is_staff=False, branch=branch)
    product = ProductFactory(is_active=True)
    alice = MemberFactory(branch=branch, user=owner)
    account = AccountFactory(member=alice, product=product, branch=branch)
    cash_move(account, "1000.00")
    empty = AccountFactory(member=alice, product=product, branch=branch)
    neighbour = AccountFactory(member=MemberFactory(branch=branch), product=product, branch=branch)
    _bodies(bank, product, alice, account, empty, neighbour)
    made = {
        "payment_id": ("transfers", "POST"),
        "hold_id": ("holds", "POST"),
        "transaction_id": ("ledger/journal-entries", "POST"),
    }
    for name, (path, method) in made.items():
        response = root.post(path, bank.bodies[method, path], headers={"Idempotency-Key": uuid.uuid4().hex})
        assert response.status_code == 201, response.content
        bank.ids[name] = response.json()["id"]
    run = root.post(
        "imports/transactions", b"a,b\n", content_type="text/csv", headers={"Idempotency-Key": uuid.uuid4().hex}
    )
    assert run.status_code == 202, run.content
    failed = Job.objects.create(
        kind="balances.books_verify",
        queue="bulk",
        status="failed",
        attempts_max=4,
        available_at=clock.now(),
        branch=branch,
    )
    letter = DeadLetter.objects.create(job=failed, kind=failed.kind, queue="bulk", reason="error", attempts=1)
    day = business_date_current()
    period = period_create(
        acting_user=root.user, code="SEC", starts_on=dt.date(1950, 1, 1), ends_on=dt.date(1950, 1, 31)
    )
    assert period.ends_on < day
    assert root.user is not None
    for ids, bodies in (
        notice_things(root.user),
        compliance_things(root.user, alice),
        report_things(root.user),
        people_things(root.user, root.access),
        counter_things(root.user, branch, account),
        deposit_things(product, account),
        lending_things(account),
        securing_things(account),
        signing_things(root.user, account),
    ):
        bank.ids |= ids
        bank.bodies |= bodies
    bank.ids |= {
        "member_id": alice.pk,
        "account_id": account.pk,
        "product_id": product.pk,
        "user_id": owner.pk,
        "run_id": run.json()["id"],
        "job_id": run.json()["id"],
        "letter_id": letter.pk,
        "close_id": CloseRun.objects.create(
            business_date=dt.date(1950, 1, 2), started_at=clock.now(), status="done"
        ).pk,
        "period_id": period.pk,
        "code_or_id": "1120",
        "verification_id": verification_request(acting_user=root.user).pk,
        "export_id": _export(root.user).pk,
    }
    _approvals(bank, owner)
    return bank


def _export(user: User) -> Export:
    """A file of the trail that a job made."""
    asked = Export.objects.create(requested_by=user, form="csv", reason="Audit", upto=2**62, total=1)
    return export_make(export_id=asked.pk, at=clock.now(), progress=lambda done: None)


def _approvals(bank: Bank, owner: Any) -> None:
    """A request of root's that waits, a draft of a policy, and a delegation; the rules ask for nothing of payments."""
    rule = {"segments": [{"name": "All", "when": {}, "bands": [{"from": "0", "to": None, "levels": []}]}]}
    level = {"name": "Somebody", "stage": 1, "who": {"position": "head_office"}}
    asking = {"segments": [{"name": "All", "when": {}, "bands": [{"from": "0", "to": None, "levels": [level]}]}]}
    root, day = bank.root.user, dt.date(2020, 1, 1)
    assert root is not None
    policies_forget()
    policy = policy_draft(
        acting_user=root, kind="identity.user_roles", name="Roles", effective_from=day, document=asking
    )
    policy_activate(acting_user=root, policy_id=policy.pk, at=clock.now())
    draft = policy_draft(acting_user=root, kind="approvals.policy", name="Rules", effective_from=day, document=rule)
    second = user_make(*PERMISSIONS, scope="all", branch=bank.branch)
    payload = {"user_id": str(owner.pk), "roles": ["member"], "reason": "Asked for it"}
    approval = request_submit(kind="identity.user_roles", maker=root, payload=payload, at=clock.now())
    assert approval is not None
    starts, ends = dt.datetime(2099, 1, 1, tzinfo=dt.UTC), dt.datetime(2099, 2, 1, tzinfo=dt.UTC)
    delegation, _ = delegation_create(
        acting_user=root, delegate=second, starts_at=starts, ends_at=ends, at=clock.now(), reason="Leave"
    )
    document, _ = document_add(
        acting_user=root, request_id=approval.public_id, name="note.txt", content=b"Agreed.", at=clock.now()
    )
    ApprovalRequest.objects.filter(pk=approval.pk).update(version=1)  # as the If-Match of all operations here has it
    bank.ids |= {"approval_id": approval.public_id, "policy_id": draft.pk, "delegation_id": delegation.pk}
    bank.ids["document_id"] = document.public_id
    one = "approvals/{approval_id}/"
    bank.bodies |= {
        ("POST", "approvals"): {
            "kind": "identity.user_roles", "payload": {**payload, "user_id": str(second.pk)}, "comment": "Please",
        },
        # Those held already: another change of this user waits for approval.
        ("PUT", "users/{user_id}/roles"): {"roles": owner.role_codes, "reason": "As before"},
        ("POST", one + "comments"): {"comment": "Why?"},
        ("POST", one + "documents"): {"name": "a.txt", "content": "QWdyZWVkLg=="},
        ("POST", one + "cancellation"): {"comment": "Not needed"},
        ("POST", one + "escalation"): {"comment": "Urgent"},
        ("POST", one + "assignment"): {"user_id": str(second.pk), "comment": "Please"},
        ("POST", "approvals/decisions"): {
            "verdict": "reject", "comment": "No", "items": [{"id": str(approval.public_id), "version": 1}],
        },
        ("POST", "approvals/policies"): {
            "kind": "identity.user_roles", "name": "Next", "effective_from": "2099-01-01", "document": asking,
        },
        ("POST", "approvals/simulations"): {"kind": "identity.user_roles", "amount": KES, "risk_flags": ["pep"]},
        ("POST", "approvals/delegations"): {
            "delegate_id": str(second.pk), "starts_at": "2098-01-01T00:00:00Z", "ends_at": "2098-02-01T00:00:00Z",
            "kinds": ["identity.user_roles"], "limit": KES, "reason": "Leave",
        },
    }  # fmt: skip


def _bodies(bank: Bank, product: Any, alice: Any, account: Any, empty: Any, neighbour: Any) -> None:
    line = {"branch": bank.branch.code, "amount": KES}
    transfer = {
        "source_account": account.number,
        "destination_account": neighbour.number,
        "amount": KES,
        "description": "Rent",
    }
    cash = {"account": account.number, "amount": KES, "channel": "online", "description": "Paid in"}
    bank.bodies |= {
        ("POST", "auth/register"): {"email": f"{uuid.uuid4().hex}@example.com", "password": "a long pass phrase"},
        ("POST", "auth/login"): {"email": bank.root.user.email, "password": PASSWORD},  # type: ignore[union-attr]
        ("POST", "auth/refresh"): {"refresh": bank.root.refresh},
        ("POST", "auth/logout"): {},
        ("PATCH", "users/me"): {"full_name": "Root"},
        ("POST", "members"): {"kind": "person", "first_name": "Bob", "last_name": "Otieno"},
        ("PATCH", "members/{member_id}"): {"city": "Nairobi"},
        ("POST", "members/{member_id}/status"): {"status": "blocked", "reason": "Asked for it"},
        ("POST", "account-products"): {
            "code": f"S{uuid.uuid4().hex[:8].upper()}",
            "name": "Savings",
            "kind": "savings",
            "currency": "KES",
            "account_code": "2110",
            "number_prefix": "02",
        },
        ("PATCH", "account-products/{product_id}"): {"name": "Savings plus"},
        ("POST", "accounts"): {"product_id": str(product.pk), "member_id": str(alice.pk), "name": "School"},
        ("PATCH", "accounts/{account_id}"): {"name": "School fees"},
        ("POST", "accounts/{account_id}/status"): {"status": "frozen", "reason": "Asked for it"},
        ("POST", "accounts/{account_id}/closure"): {"reason": "Asked for it"},
        ("POST", "deposits"): cash,
        ("POST", "withdrawals"): cash,
        ("POST", "transfers"): transfer,
        ("POST", "transfers/{payment_id}/reversal"): {"reason": "Wrong"},
        ("POST", "transactions/{payment_id}/reversal"): {"reason": "Wrong"},
        ("POST", "transfer-batches"): {"items": [transfer, {**transfer, "description": "Second"}]},
        ("POST", "holds"): {"account": account.number, "amount": KES, "reason": "Card"},
        ("POST", "jobs"): {"kind": "balances.books_verify", "payload": {}},
        ("POST", "close-of-business"): {"dry_run": True},
        ("POST", "dead-letters/{letter_id}/retry"): {"note": "Fixed"},
        ("POST", "dead-letters/{letter_id}/discard"): {"note": "Not needed"},
        ("POST", "holds/{hold_id}/capture"): {"destination_account": neighbour.number},
        ("POST", "ledger/journal-entries"): {
            "description": "Rent of the branch",
            "lines": [
                {**line, "account_code": "5510", "side": "debit"},
                {**line, "account_code": "1220", "side": "credit"},
            ],
        },
        ("POST", "ledger/journal-entries/{transaction_id}/reversal"): {"description": "Wrong"},
        ("POST", "audit/exports"): {"format": "csv", "reason": "Asked for it"},
        ("POST", "audit/verifications"): {},
        ("POST", "ledger/periods"): {"code": "SEC2", "starts_on": "1950-02-01", "ends_on": "1950-02-28"},
    }


@pytest.fixture
def outsiders(bank: Bank) -> dict[str, ApiClient]:
    """Callers with every permission whose reach holds none of the bank's things."""
    return {
        who: ApiClient(user_make(*PERMISSIONS, **options)).step_up()
        for who, options in {
            "a member, with their own things only": {"scope": "own", "is_staff": False},
            "staff of another branch": {"scope": "branch", "branch": bank.elsewhere},
            "staff of no branch": {"scope": "branch", "branch": None},
        }.items()
    }
