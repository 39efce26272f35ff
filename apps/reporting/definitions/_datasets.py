"""What users may report on: datasets of typed fields, each with the permission that its values need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, CharField, F, Value, When
from django.db.models.functions import Concat, NullIf, Trim

from apps.accounts.selectors import accounts_visible_to
from apps.identity.models import User
from apps.ledger.selectors import branches_in_reach
from apps.ledger.totals import journal_lines
from apps.lending.models import Loan, LoanEvent
from apps.members.selectors import members_visible_to

MONEY, COUNT, TEXT, DATE = "money", "count", "text", "date"


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its kind says which filters it takes; `path` is an expression or a path of the ORM, ours."""

    key: str
    title: str
    kind: str
    path: Any
    permission: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Rows that belong together: `rows(user)` is what a user may see of them, `currency` the path of their unit."""

    code: str
    title: str
    permission: str
    rows: Callable[[User], Any]
    fields: Sequence[Field]
    currency: str = "currency"

    def field_of(self, key: str) -> Field | None:
        """The field with this key, or None."""
        return next((one for one in self.fields if one.key == key), None)


def _name(prefix: str) -> Any:
    """A member's name: of the business, or first and last."""
    person = Trim(Concat(f"{prefix}first_name", Value(" "), f"{prefix}last_name"))
    business = NullIf(F(f"{prefix}business_name"), Value(""))
    return Case(When(**{f"{prefix}kind": "business"}, then=business), default=person, output_field=CharField())


def _in_reach(queryset: Any, user: User, path: str) -> Any:
    reach = branches_in_reach(user=user)
    return queryset if reach is None else queryset.filter(**{f"{path}__in": reach})


_ACCOUNTS = Dataset(
    "accounts", "Deposit accounts", "accounts.view", accounts_visible_to,
    (
        Field("number", "Account", TEXT, "number"),
        Field("name", "Name", TEXT, "name"),
        Field("product", "Product", TEXT, "product__code"),
        Field("kind", "Kind", TEXT, "product__kind"),
        Field("branch", "Branch", TEXT, "branch__code"),
        Field("member", "Member", TEXT, "member__number", "members.view"),
        Field("currency", "Currency", TEXT, "currency"),
        Field("status", "Status", TEXT, "status"),
        Field("opened_on", "Opened", DATE, "opened_on"),
        Field("closed_on", "Closed", DATE, "closed_on"),
        Field("balance", "Balance", MONEY, "ledger_account__balance__balance"),
        Field("held", "Held", MONEY, "ledger_account__balance__held"),
        Field("overdraft_limit", "Overdraft limit", MONEY, "overdraft_limit"),
    ),
)  # fmt: skip

_MEMBERS = Dataset(
    "members", "Members", "members.view", members_visible_to,
    (
        Field("number", "Member", TEXT, "number"),
        Field("name", "Name", TEXT, _name("")),
        Field("kind", "Kind", TEXT, "kind"),
        Field("status", "Status", TEXT, "status"),
        Field("branch", "Branch", TEXT, "branch__code"),
        Field("city", "City", TEXT, "city"),
        Field("country", "Country", TEXT, "country"),
        Field("joined_on", "Joined", DATE, "joined_on"),
        Field("exited_on", "Left", DATE, "exited_on"),
        Field("email", "E-mail", TEXT, "email", "members.reveal"),
        Field("date_of_birth", "Born", DATE, "date_of_birth", "members.reveal"),
    ),
)  # fmt: skip

_LINES = Dataset(
    "journal", "Lines of the journal", "ledger.view",
    lambda user: journal_lines(branch_ids=branches_in_reach(user=user)),
    (
        Field("entry", "Entry", COUNT, "journal_id"),
        Field("business_date", "Business date", DATE, "business_date"),
        Field("value_date", "Value date", DATE, "journal__value_date"),
        Field("kind", "Kind", TEXT, "journal__kind"),
        Field("channel", "Channel", TEXT, "journal__channel"),
        Field("description", "Description", TEXT, "journal__description"),
        Field("reference", "Reference", TEXT, "journal__reference"),
        Field("gl_code", "GL code", TEXT, "account__gl_account__code"),
        Field("gl_name", "GL account", TEXT, "account__gl_account__name"),
        Field("gl_type", "Type", TEXT, "account__gl_account__type"),
        Field("branch", "Branch", TEXT, "account__branch__code"),
        Field("account", "Account", TEXT, "account__number", "accounts.view"),
        Field("side", "Side", TEXT, "side"),
        Field("currency", "Currency", TEXT, "currency"),
        Field("amount", "Amount", MONEY, "amount"),
    ),
)  # fmt: skip

_LOANS = Dataset(
    "loans", "Loans", "ledger.view", lambda user: _in_reach(Loan.objects.all(), user, "branch_id"),
    (
        Field("number", "Loan", TEXT, "number"),
        Field("member", "Member", TEXT, "member__number", "members.view"),
        Field("name", "Name", TEXT, _name("member__"), "members.view"),
        Field("product", "Product", TEXT, "product__code"),
        Field("branch", "Branch", TEXT, "branch__code"),
        Field("status", "Status", TEXT, "status"),
        Field("currency", "Currency", TEXT, "currency"),
        Field("started_on", "Started", DATE, "started_on"),
        Field("matures_on", "Matures", DATE, "matures_on"),
        Field("instalments", "Instalments", COUNT, "instalments"),
        Field("agreed", "Agreed", MONEY, "principal"),
        Field("days_past_due", "Days late", COUNT, "standing__days_past_due"),
        Field("overdue_principal", "Overdue principal", MONEY, "standing__overdue_principal"),
        Field("stage", "Stage", COUNT, "standing__stage"),
        Field("provision", "Allowance", MONEY, "standing__provision"),
    ),
)  # fmt: skip

_LOAN_EVENTS = Dataset(
    "loan-events", "Events of loans", "ledger.view",
    lambda user: _in_reach(LoanEvent.objects.filter(reversed_at=None), user, "loan__branch_id"),
    (
        Field("loan", "Loan", TEXT, "loan__number"),
        Field("product", "Product", TEXT, "loan__product__code"),
        Field("branch", "Branch", TEXT, "loan__branch__code"),
        Field("kind", "Kind", TEXT, "kind"),
        Field("business_date", "Entered", DATE, "business_date"),
        Field("value_date", "Value date", DATE, "value_date"),
        Field("channel", "Channel", TEXT, "channel"),
        Field("currency", "Currency", TEXT, "loan__currency"),
        Field("amount", "Amount", MONEY, "amount"),
        Field("principal", "Principal", MONEY, "principal"),
        Field("interest", "Interest", MONEY, "interest"),
    ),
    currency="loan__currency",
)  # fmt: skip

DATASETS: Mapping[str, Dataset] = {one.code: one for one in (_ACCOUNTS, _MEMBERS, _LINES, _LOANS, _LOAN_EVENTS)}
