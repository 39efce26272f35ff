"""The bank's one set of books.

Sign: every stored balance and signed amount is **credit-positive** integer minor units, so the balances of all accounts
of a currency add up to zero. A deposit held for a member is positive, cash in the vault is negative. Lines themselves
carry a side and a positive amount; screens and reports show each account by its normal side.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from apps.core.ids import uuid7
from apps.core.models import BaseModel


class Currency(models.Model):
    """A currency that the bank keeps books in; reference data from ISO 4217."""

    code = models.CharField(primary_key=True, max_length=3)
    exponent = models.PositiveSmallIntegerField(help_text="Decimal places of the minor unit.")
    name = models.CharField(max_length=80)
    is_enabled = models.BooleanField(default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("code",)
        verbose_name_plural = "currencies"
        constraints = [models.CheckConstraint(condition=Q(exponent__lte=4), name="ledger_currency_exponent_iso")]

    def __str__(self) -> str:
        return self.code


class BusinessDate(models.Model):
    """The bank's open business day: one row. Postings read it under the shared day lock, cut-off changes it alone."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    current = models.DateField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="ledger_businessdate_one_row")]

    def __str__(self) -> str:
        return self.current.isoformat()


class AccountingPeriod(BaseModel):
    """A stretch of business dates that is closed as one. Dates outside every period count as open."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    code = models.CharField(max_length=20, unique=True)
    starts_on = models.DateField()
    ends_on = models.DateField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT)
    history = HistoricalRecords()

    class Meta:
        ordering = ("-starts_on",)
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="ledger_period_ends_after_start"),
        ]

    def __str__(self) -> str:
        return self.code


class GLAccount(BaseModel):
    """A node of the chart of accounts. Headers group, detail nodes are posted to, control nodes carry sub-accounts."""

    class Type(models.TextChoices):
        ASSET = "asset", "Asset"
        LIABILITY = "liability", "Liability"
        EQUITY = "equity", "Equity"
        INCOME = "income", "Income"
        EXPENSE = "expense", "Expense"

    class Usage(models.TextChoices):
        HEADER = "header", "Header"
        DETAIL = "detail", "Detail"
        CONTROL = "control", "Control"

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=120)
    type = models.CharField(max_length=10, choices=Type.choices)
    usage = models.CharField(max_length=10, choices=Usage.choices)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    is_contra = models.BooleanField(default=False, help_text="Its normal side is the opposite of its type's.")
    allows_manual = models.BooleanField(default=True, help_text="Staff may post manual entries to it.")
    is_active = models.BooleanField(default=True)
    description = models.CharField(max_length=400, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("code",)
        verbose_name = "GL account"
        verbose_name_plural = "chart of accounts"
        constraints = [
            models.CheckConstraint(
                condition=~Q(usage="control") | Q(allows_manual=False), name="ledger_gl_control_not_manual"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    @property
    def normal_side(self) -> str:
        """``D`` or ``C``: the side on which the account normally grows."""
        debit_type = self.type in (self.Type.ASSET, self.Type.EXPENSE)
        return "D" if debit_type != self.is_contra else "C"


class LedgerAccount(models.Model):
    """An account that can be posted to: one branch, one currency, under one node of the chart.

    Internal accounts exist once a (GL account, branch, currency, stripe); a customer's account hangs under a control
    account, so the general ledger and the sub-ledgers agree by construction.
    """

    class Kind(models.TextChoices):
        CUSTOMER = "customer", "Customer"
        INTERNAL = "internal", "Internal"

    id = models.BigAutoField(primary_key=True)
    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    gl_account = models.ForeignKey(GLAccount, on_delete=models.PROTECT, related_name="ledger_accounts")
    branch = models.ForeignKey("identity.Branch", on_delete=models.PROTECT, related_name="+")
    # No index: a bank has few currencies, and on new tables PostgreSQL chose it for the foreign keys of lines, which
    # then read every account of the currency for each line.
    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    number = models.CharField(max_length=34, unique=True)
    name = models.CharField(max_length=160)
    stripe = models.PositiveSmallIntegerField(default=0, help_text="Hot internal accounts are spread over stripes.")
    opened_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(
                fields=("gl_account", "branch", "currency", "stripe"),
                condition=Q(kind="internal"),
                name="ledger_internal_account_once",
            ),
            # The target of the composite foreign key (account, currency) of lines: a line is in its account's currency.
            models.UniqueConstraint(fields=("id", "currency"), name="ledger_account_id_currency"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


class JournalEntry(models.Model):
    """One transaction in the books, or the record of one that was refused (outcome other than OK, no lines).

    Append-only. ``id`` is drawn after the locks of its accounts, so id order is a serial history. The columns
    ``partition``, ``epoch``, ``seq`` and ``chain_hash`` say where the entry was executed; the database is partition 0.
    """

    class Outcome(models.TextChoices):
        OK = "OK", "Posted"
        NSF = "NSF", "Insufficient funds"
        FROZEN = "FROZEN", "Account blocked"
        CLOSED = "CLOSED", "Account closed"
        CCY = "CCY", "Currency mismatch"
        LIMIT = "LIMIT", "Amount out of range"
        REVERSED = "REVERSED", "Already reversed"
        BATCH = "BATCH", "Another item of the batch was refused"

    id = models.BigAutoField(primary_key=True)
    transaction_id = models.UUIDField(editable=False)
    kind = models.CharField(max_length=30)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    line_count = models.PositiveSmallIntegerField()
    business_date = models.DateField()
    value_date = models.DateField()
    booked_at = models.DateTimeField()
    client_timestamp = models.DateTimeField(null=True)
    actor = models.UUIDField(null=True, help_text="The user who asked for it; empty for the system.")
    correlation_id = models.CharField(max_length=64, blank=True)
    channel = models.CharField(max_length=20, blank=True)
    description = models.CharField(max_length=200, blank=True)
    counterparty = models.CharField(max_length=140, blank=True)
    reference = models.CharField(max_length=64, blank=True)
    reverses = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="reversals", db_index=False)
    partition = models.SmallIntegerField(default=0)
    epoch = models.BigIntegerField(default=0)
    seq = models.BigIntegerField(null=True)
    chain_hash = models.BinaryField(null=True)

    class Meta:
        db_table = "ledger_journal"
        ordering = ("-id",)
        verbose_name = "journal entry"
        verbose_name_plural = "journal entries"
        indexes = [
            models.Index(fields=("business_date", "id"), name="ledger_journal_by_date"),
            models.Index(fields=("reference",), condition=~Q(reference=""), name="ledger_journal_by_reference"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=("reverses",), condition=Q(outcome="OK", reverses__isnull=False), name="ledger_reversed_once"
            ),
            models.UniqueConstraint(
                fields=("partition", "epoch", "seq"), condition=Q(seq__isnull=False), name="ledger_engine_sequence_once"
            ),
            models.CheckConstraint(
                condition=Q(outcome="OK", line_count__gte=2) | (~Q(outcome="OK") & Q(line_count=0)),
                name="ledger_refused_has_no_lines",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.kind}"


class JournalLine(models.Model):
    """One side of an entry, with the account's balance before and after it (credit-positive) and its version."""

    class Side(models.TextChoices):
        DEBIT = "D", "Debit"
        CREDIT = "C", "Credit"

    pk = models.CompositePrimaryKey("journal_id", "line_no")
    # The trigger ledger_lines_check looks the entry up, once a statement; no entry is ever deleted. See the migrations.
    journal = models.ForeignKey(
        JournalEntry, on_delete=models.PROTECT, related_name="lines", db_index=False, db_constraint=False
    )
    line_no = models.PositiveSmallIntegerField()
    # The database holds (account, currency) -> ledger_account(id, currency) as one composite key; see the migration.
    account = models.ForeignKey(
        LedgerAccount, on_delete=models.PROTECT, related_name="lines", db_index=False, db_constraint=False
    )
    currency = models.CharField(max_length=3)
    side = models.CharField(max_length=1, choices=Side.choices)
    amount = models.BigIntegerField()
    balance_before = models.BigIntegerField()
    balance_after = models.BigIntegerField()
    account_version = models.BigIntegerField()
    business_date = models.DateField()

    class Meta:
        db_table = "ledger_line"
        ordering = ("journal_id", "line_no")
        indexes = [models.Index(F("account"), F("journal").desc(), name="ledger_line_by_account")]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="ledger_line_amount_positive"),
            models.CheckConstraint(
                condition=Q(side="C", balance_after=F("balance_before") + F("amount"))
                | Q(side="D", balance_after=F("balance_before") - F("amount")),
                name="ledger_line_before_after",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.journal_id}/{self.line_no}"

    @property
    def signed_amount(self) -> int:
        """Minor units, credit-positive."""
        return self.amount if self.side == self.Side.CREDIT else -self.amount


class JournalSeal(models.Model):
    """The hash chain: ``hash = sha256(previous hash + digest of the entry with its lines)``, in id order."""

    journal = models.OneToOneField(JournalEntry, primary_key=True, on_delete=models.PROTECT, related_name="seal")
    hash = models.BinaryField(max_length=32)

    class Meta:
        db_table = "ledger_seal"

    def __str__(self) -> str:
        return f"{self.journal_id} {bytes(self.hash).hex()[:16]}"


class SealState(models.Model):
    """Where the sealer stands: one row. What is up to ``ceiling`` is sealed when those in ``waiting`` have ended."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    last_id = models.BigIntegerField(default=0)
    head = models.BinaryField(max_length=32)
    ceiling = models.BigIntegerField(default=0)
    waiting = ArrayField(models.TextField(), default=list, help_text="Virtual ids of transactions that drew an id.")
    sealed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ledger_seal_state"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="ledger_sealstate_one_row")]

    def __str__(self) -> str:
        return f"sealed to {self.last_id}"


class DailyTotal(models.Model):
    """Debits and credits a day, GL account, branch, currency, of sealed entries: a copy, checked by `audit_verify`."""

    id = models.BigAutoField(primary_key=True)
    gl_account = models.ForeignKey(GLAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    branch = models.ForeignKey("identity.Branch", on_delete=models.PROTECT, related_name="+", db_index=False)
    currency = models.CharField(max_length=3)
    business_date = models.DateField()
    debit = models.DecimalField(max_digits=30, decimal_places=0)
    credit = models.DecimalField(max_digits=30, decimal_places=0)
    line_count = models.BigIntegerField()

    class Meta:
        db_table = "ledger_daily_total"
        constraints = [
            models.UniqueConstraint(
                fields=("gl_account", "branch", "currency", "business_date"), name="ledger_daily_total_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.gl_account_id} {self.business_date} {self.currency}"


class PeriodTotal(models.Model):
    """Debits and credits of a closed period, GL account, branch, currency: a copy of daily totals that change no more.

    Nothing is posted into a closed period, so once its last entry is sealed the sums are final. `books_verify` compares
    them with the lines.
    """

    id = models.BigAutoField(primary_key=True)
    period = models.ForeignKey(AccountingPeriod, on_delete=models.PROTECT, related_name="totals", db_index=False)
    gl_account = models.ForeignKey(GLAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    branch = models.ForeignKey("identity.Branch", on_delete=models.PROTECT, related_name="+", db_index=False)
    currency = models.CharField(max_length=3)
    debit = models.DecimalField(max_digits=30, decimal_places=0)
    credit = models.DecimalField(max_digits=30, decimal_places=0)

    class Meta:
        db_table = "ledger_period_total"
        constraints = [
            models.UniqueConstraint(
                fields=("period", "currency", "gl_account", "branch"), name="ledger_period_total_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.period_id} {self.gl_account_id} {self.currency}"
