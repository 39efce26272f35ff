"""Deposit products and the accounts that members hold. Money itself is in the ledger; an account points at it."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from django.utils.functional import cached_property
from simple_history.models import HistoricalRecords

from apps.core.models import BaseModel


def _chart(help_text: str) -> Any:
    """A link to a node of the chart that the product's interest or fees are booked to."""
    return models.ForeignKey(
        "ledger.GLAccount", null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text=help_text
    )


class AccountProduct(BaseModel):
    """What a bank offers: the terms that every account of this product shares. Amounts in minor units."""

    class Engine(models.TextChoices):
        DATABASE = "database", "PostgreSQL"
        REALTIME = "realtime", "Real-time engine"

    class Kind(models.TextChoices):
        SAVINGS = "savings", "Savings"
        CURRENT = "current", "Current"
        WALLET = "wallet", "Wallet"
        FIXED_TERM = "fixed_term", "Fixed term"
        RECURRING = "recurring", "Recurring deposit"
        SHARE = "share", "Shares"

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    currency = models.ForeignKey("ledger.Currency", on_delete=models.PROTECT, related_name="+")
    gl_account = models.ForeignKey(
        "ledger.GLAccount", on_delete=models.PROTECT, related_name="+", help_text="The control account of the chart."
    )
    interest_expense = _chart("Interest paid is an expense here; empty: by kind.")
    interest_payable = _chart("Interest accrued and not yet paid is owed here; empty: 2210.")
    overdraft_income = _chart("Interest on overdrafts is earned here; empty: 4120.")
    overdraft_receivable = _chart("Overdraft interest accrued and not yet charged; empty: 1445.")
    tax_payable = _chart("Tax withheld from interest is owed here; empty: 2220.")
    fee_income = _chart("Fees are earned here; empty: 4210.")
    number_prefix = models.CharField(max_length=4, help_text="Digits that begin the numbers of its accounts.")
    overdraft_limit_max = models.BigIntegerField(default=0, help_text="Zero: no overdraft.")
    transaction_limit = models.BigIntegerField(
        null=True, blank=True, help_text="The most one transaction may take out."
    )
    engine = models.CharField(
        max_length=8,
        choices=Engine.choices,
        default=Engine.DATABASE,
        db_default=Engine.DATABASE,
        help_text="What executes transfers of new accounts; accounts in use are moved by `balances reassign`.",
    )
    description = models.CharField(max_length=400, blank=True)
    is_active = models.BooleanField(default=True, help_text="Open for new accounts.")
    history = HistoricalRecords(
        history_id_field=models.BigAutoField(),
        history_change_reason_field=models.TextField(null=True, blank=True),
    )

    class Meta:
        ordering = ("code",)
        verbose_name = "account product"
        constraints = [
            models.CheckConstraint(condition=Q(overdraft_limit_max__gte=0), name="accounts_product_overdraft_positive"),
            models.CheckConstraint(
                condition=Q(transaction_limit__isnull=True) | Q(transaction_limit__gt=0),
                name="accounts_product_limit_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Account(BaseModel):
    """A deposit account. Its balance is that of its ledger account; its status is enforced there too."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        DEBIT_BLOCKED = "debit_blocked", "Debits blocked"
        CREDIT_BLOCKED = "credit_blocked", "Credits blocked"
        FROZEN = "frozen", "Frozen"
        DORMANT = "dormant", "Dormant"
        CLOSED = "closed", "Closed"

    number = models.CharField(max_length=34, unique=True)
    name = models.CharField(max_length=120)
    product = models.ForeignKey(AccountProduct, on_delete=models.PROTECT, related_name="accounts")
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="accounts")
    branch = models.ForeignKey("identity.Branch", on_delete=models.PROTECT, related_name="accounts")
    currency = models.CharField(max_length=3)
    ledger_account = models.OneToOneField(
        "ledger.LedgerAccount", on_delete=models.PROTECT, related_name="deposit_account"
    )
    status = models.CharField(max_length=15, choices=Status.choices, default=Status.ACTIVE)
    status_reason = models.CharField(max_length=200, blank=True)
    status_until = models.DateField(
        null=True, blank=True, help_text="A block ends by itself at the close of this day; empty: when it is lifted."
    )
    overdraft_limit = models.BigIntegerField(default=0, help_text="What the bank agreed to, minor units.")
    fixed_terms = models.ForeignKey(
        "accounts.ProductTerms",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Terms agreed for a time, as of a term deposit; empty: the product's terms of each day.",
    )
    opened_on = models.DateField()
    closed_on = models.DateField(null=True, blank=True)
    history = HistoricalRecords(
        history_id_field=models.BigAutoField(),
        history_change_reason_field=models.TextField(null=True, blank=True),
    )

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = [
            models.Index(fields=("branch", "-created_at"), name="accounts_by_branch"),
            models.Index(fields=("product", "ledger_account"), name="accounts_by_product"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(overdraft_limit__gte=0), name="accounts_overdraft_positive"),
            models.CheckConstraint(
                condition=Q(status="closed", closed_on__isnull=False)
                | (~Q(status="closed") & Q(closed_on__isnull=True)),
                name="accounts_closed_has_date",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    @cached_property
    def holders_now(self) -> list[AccountHolder]:
        """The further holders of the open business day with their members; lists read them for all rows at once."""
        return list(self.holders.in_force().select_related("member").order_by("pk"))


class HolderQuerySet(models.QuerySet["AccountHolder"]):
    """Filters of holders."""

    def in_force(self) -> HolderQuerySet:
        """Those that are holders on the open business day."""
        today = RawSQL("(SELECT b.current FROM ledger_businessdate b)", ())
        return self.filter(Q(since=None) | Q(since__lte=today), Q(until=None) | Q(until__gte=today))


class AccountHolder(models.Model):
    """A further member on an account from a day until another: joint owner or signatory.

    The first owner is `Account.member`. Without `since` it is one from the opening on.
    """

    class Role(models.TextChoices):
        JOINT = "joint", "Joint owner"
        SIGNATORY = "signatory", "Signatory"

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="holders")
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="held_accounts")
    role = models.CharField(max_length=10, choices=Role.choices)
    since = models.DateField(null=True, help_text="The first day; empty: from the opening.")
    until = models.DateField(null=True, help_text="The last day; empty: until it is ended.")
    objects = HolderQuerySet.as_manager()
    history = HistoricalRecords(
        history_id_field=models.BigAutoField(),
        history_change_reason_field=models.TextField(null=True, blank=True),
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("account", "member"), condition=Q(until=None), name="accounts_holder_once_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(until=None) | Q(since=None) | Q(until__gte=F("since")),
                name="accounts_holder_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member_id} on {self.account_id}"
