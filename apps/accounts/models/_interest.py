"""Balances by day, interest by day, interest paid: facts that the close of business writes, set-based.

Rows of a day are keyed by the ledger account's number, without foreign keys that PostgreSQL would look up for each of
a million rows: the close writes them from `accounts_account` in the same statement. Amounts in minor units.
"""

from django.db import models
from django.db.models import F, Q

from apps.accounts.models._accounts import Account, AccountProduct


class DayBalance(models.Model):
    """The balance at the end of a day on which it changed: by business date (`booked`) and by value date (`valued`)."""

    pk = models.CompositePrimaryKey("account_id", "day")
    account_id = models.BigIntegerField(help_text="The ledger account.")
    day = models.DateField()
    booked = models.BigIntegerField()
    valued = models.BigIntegerField()

    class Meta:
        db_table = "accounts_day_balance"

    def __str__(self) -> str:
        return f"{self.account_id} {self.day}: {self.booked}"


class Accrual(models.Model):
    """Interest of one day of an account, decided at the close of `accrued_on`: what is earned, or owed on an overdraft.

    Rows are only ever added. When a back-dated movement changes a day, a later row has the difference (`is_correction`)
    and the balance as it is seen now; the sum of a day's rows is the day's interest.
    """

    pk = models.CompositePrimaryKey("day", "account_id", "accrued_on")
    day = models.DateField()
    account_id = models.BigIntegerField(help_text="The ledger account.")
    accrued_on = models.DateField(help_text="The business date whose close wrote it.")
    terms_id = models.UUIDField()
    base = models.DecimalField(max_digits=30, decimal_places=10, help_text="What the interest was taken on.")
    earned = models.DecimalField(max_digits=30, decimal_places=10)
    owed = models.DecimalField(max_digits=30, decimal_places=10)
    is_correction = models.BooleanField(default=False)

    class Meta:
        db_table = "accounts_accrual"
        indexes = [
            models.Index(fields=("account_id",), condition=Q(is_correction=True), name="accounts_accrual_corrections")
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.day}: {self.earned - self.owed}"


class Reaccrual(models.Model):
    """An account whose past changed: its days from `since` on are accrued anew at the next close."""

    account_id = models.BigIntegerField(primary_key=True)
    since = models.DateField()

    class Meta:
        db_table = "accounts_reaccrual"

    def __str__(self) -> str:
        return f"{self.account_id} since {self.since}"


class CloseMark(models.Model):
    """How far a range of ledger accounts has got: journal entries in the balances by day, days accrued and paid."""

    partition = models.CharField(max_length=24, primary_key=True)
    journal_id = models.BigIntegerField(default=0, help_text="The newest entry that the balances by day contain.")
    accrued_through = models.DateField(null=True)
    accrued_on = models.DateField(null=True, help_text="The last business date whose close accrued.")
    posted_until = models.DateField(null=True, help_text="Interest of the days before it has been paid where due.")
    fees_on = models.DateField(null=True, help_text="The last business date whose close noted fees.")
    fees_journal_id = models.BigIntegerField(default=0, help_text="The newest entry that fees were taken of.")

    class Meta:
        db_table = "accounts_close_mark"

    def __str__(self) -> str:
        return f"{self.partition}: accrued through {self.accrued_through}"


class InterestTotal(models.Model):
    """All interest that accrued on a product at a branch, exactly, and how much of it is in the general ledger."""

    class Side(models.TextChoices):
        EARNED = "earned", "Earned by members"
        OWED = "owed", "Owed on overdrafts"

    id = models.BigAutoField(primary_key=True)
    product = models.ForeignKey(AccountProduct, on_delete=models.PROTECT, related_name="+")
    branch = models.ForeignKey("identity.Branch", on_delete=models.PROTECT, related_name="+")
    side = models.CharField(max_length=6, choices=Side.choices)
    exact = models.DecimalField(max_digits=30, decimal_places=10, default=0)
    booked = models.BigIntegerField(default=0)
    entries = models.PositiveIntegerField(default=0, db_default=0, help_text="Entries made; each has its number.")

    class Meta:
        db_table = "accounts_interest_total"
        constraints = [models.UniqueConstraint(fields=("product", "branch", "side"), name="accounts_total_once")]

    def __str__(self) -> str:
        return f"{self.product_id} {self.branch_id} {self.side}: {self.exact}"


class InterestPosting(models.Model):
    """Interest paid or charged for the days before `until`. `earned` and `owed` are exact, `carried_*` what is left.

    `credit`, `debit` and `tax` are what was booked, negative where more had been paid before than was due. A refused
    one (the account is blocked, or has too little for overdraft interest) is tried again at each close.
    """

    class Status(models.TextChoices):
        POSTED = "posted", "Posted"
        REFUSED = "refused", "Refused, tried again"

    id = models.BigAutoField(primary_key=True)
    # Looked up once a statement, by a trigger; `accounts_posting_by_account` is its index.
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="interest_postings", db_index=False, db_constraint=False
    )
    since = models.DateField()
    until = models.DateField()
    business_date = models.DateField()
    earned = models.DecimalField(max_digits=30, decimal_places=10)
    owed = models.DecimalField(max_digits=30, decimal_places=10)
    credit = models.BigIntegerField()
    debit = models.BigIntegerField()
    tax = models.BigIntegerField()
    carried_earned = models.DecimalField(max_digits=30, decimal_places=10)
    carried_owed = models.DecimalField(max_digits=30, decimal_places=10)
    transaction_id = models.UUIDField()
    status = models.CharField(max_length=8, choices=Status.choices)

    class Meta:
        db_table = "accounts_interest_posting"
        ordering = ("-until", "-id")
        indexes = [
            models.Index(F("account"), F("until").desc(), F("id").desc(), name="accounts_posting_by_account"),
            models.Index(fields=("account",), condition=Q(status="refused"), name="accounts_posting_refused"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} until {self.until}: {self.credit - self.debit - self.tax}"
