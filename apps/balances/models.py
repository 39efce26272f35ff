"""The state of every ledger account, the keys that make a transaction happen once, and holds.

Only `apps.balances` touches these tables. PostgreSQL refuses a change of a balance outside its posting function.
"""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from apps.core.ids import uuid7


class Partition(models.Model):
    """Accounts executed by one sequence. Partition 0 is pinned to the database and always SAFE."""

    class Mode(models.TextChoices):
        FAST = "FAST", "Engine executes"
        DRAIN = "DRAIN", "Nobody executes, journaled entries are being posted"
        SAFE = "SAFE", "Database only"

    id = models.SmallIntegerField(primary_key=True)
    mode = models.CharField(max_length=5, choices=Mode.choices, default=Mode.SAFE)
    epoch = models.BigIntegerField(default=0)
    nonce = models.CharField(max_length=64, blank=True)
    head_seq = models.BigIntegerField(default=0)
    head_hash = models.CharField(max_length=64, blank=True)
    flips = models.BigIntegerField(default=0)
    hold = models.CharField(max_length=200, null=True, blank=True)
    fenced_why = models.CharField(max_length=200, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(mode__in=("FAST", "DRAIN", "SAFE")), name="balances_partition_mode"),
            models.CheckConstraint(condition=~Q(id=0) | Q(mode="SAFE"), name="balances_partition_zero_is_safe"),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.mode}"


class PartitionPost(models.Model):
    """How far journaled entries are posted; a row of its own, so that the poster never blocks the journaler."""

    partition = models.OneToOneField(Partition, primary_key=True, on_delete=models.PROTECT, related_name="post")
    epoch = models.BigIntegerField(default=0)
    posted_seq = models.BigIntegerField(default=0)
    posted_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.partition_id} posted to {self.posted_seq}"


class PartitionEvent(models.Model):
    """What happened to a partition: activated, fenced, safe, healed, checked with a difference; and who asked."""

    id = models.BigAutoField(primary_key=True)
    partition = models.ForeignKey(Partition, on_delete=models.PROTECT, related_name="events")
    event = models.CharField(max_length=10)
    epoch = models.BigIntegerField()
    head_seq = models.BigIntegerField(db_default=0)
    why = models.CharField(max_length=200, blank=True, db_default="")
    actor = models.UUIDField(null=True, help_text="Empty for the engine itself.")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "balances_partition_event"
        ordering = ("-id",)
        indexes = [models.Index(F("partition"), F("id").desc(), name="balances_partition_events")]

    def __str__(self) -> str:
        return f"{self.partition_id} {self.event} {self.why}".rstrip()


class PartitionCheck(models.Model):
    """The last comparison of the engine's memory with the books: of a sample, all the time, and of everything."""

    class Kind(models.TextChoices):
        SAMPLE = "sample", "Sample"
        FULL = "full", "Everything"

    id = models.BigAutoField(primary_key=True)
    partition = models.ForeignKey(Partition, on_delete=models.PROTECT, related_name="checks")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    accounts = models.BigIntegerField()
    differences = models.BigIntegerField()
    detail = models.JSONField(default=list)
    at = models.DateTimeField()

    class Meta:
        db_table = "balances_partition_check"
        constraints = [models.UniqueConstraint(fields=("partition", "kind"), name="balances_partition_check_once")]

    def __str__(self) -> str:
        return f"{self.partition_id} {self.kind}: {self.differences} differences in {self.accounts} accounts"


class Balance(models.Model):
    """The posted state of a ledger account, credit-positive minor units. Its key is the ledger account's."""

    class Status(models.TextChoices):
        OPEN = "O", "Open"
        NO_DEBITS = "D", "Debits blocked"
        NO_CREDITS = "C", "Credits blocked"
        FROZEN = "F", "Frozen"
        CLOSED = "X", "Closed"

    account = models.OneToOneField(
        "ledger.LedgerAccount", primary_key=True, on_delete=models.PROTECT, related_name="balance"
    )
    partition = models.ForeignKey(Partition, on_delete=models.PROTECT, default=0, db_index=False, related_name="+")
    currency = models.CharField(max_length=3)
    kind = models.CharField(max_length=8)
    balance = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)
    overdraft_limit = models.BigIntegerField(default=0)
    status = models.CharField(max_length=1, choices=Status.choices, default=Status.OPEN)
    version = models.BigIntegerField(default=0)
    owner_epoch = models.BigIntegerField(default=0)
    token = models.BigIntegerField(default=0)
    database_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(held__gte=0), name="balances_held_not_negative"),
            models.CheckConstraint(condition=Q(overdraft_limit__gte=0), name="balances_limit_not_negative"),
            models.CheckConstraint(condition=Q(kind__in=("customer", "internal")), name="balances_kind"),
            models.CheckConstraint(
                condition=Q(kind="internal") | Q(balance__gte=F("held") - F("overdraft_limit")),
                name="balances_available_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(balance__gte=-9_000_000_000_000_000, balance__lte=9_000_000_000_000_000),
                name="balances_exact_in_doubles",
            ),
            models.CheckConstraint(condition=~Q(status="X") | Q(balance=0, held=0), name="balances_closed_is_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.balance} {self.currency}"

    @property
    def available(self) -> int:
        """What may be taken out now, minor units: booked less held plus the overdraft."""
        return self.balance - self.held + self.overdraft_limit


class TransactionKey(models.Model):
    """What makes a transaction happen once: its id, the fingerprint of what was asked, and the final outcome.

    The id is uuid5 of (client, idempotency key), so any node computes the same id for the same key and the primary key
    alone is the unique constraint on (client, key).
    """

    transaction_id = models.UUIDField(primary_key=True)
    client_id = models.CharField(max_length=64)
    idempotency_key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    outcome = models.CharField(max_length=10)
    journal = models.OneToOneField(
        "ledger.JournalEntry",
        null=True,
        on_delete=models.PROTECT,
        db_index=False,
        db_constraint=False,
        related_name="key",
    )

    class Meta:
        db_table = "balances_transaction_key"

    def __str__(self) -> str:
        return str(self.transaction_id)


class Poison(models.Model):
    """Transactions that the engine's journaler could not accept; they go to the database path only."""

    transaction_id = models.UUIDField(primary_key=True)
    partition = models.ForeignKey(Partition, on_delete=models.PROTECT, related_name="+")
    epoch = models.BigIntegerField()
    raw = models.TextField()
    why = models.CharField(max_length=200)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.transaction_id}: {self.why}"


class Hold(models.Model):
    """Money set aside on an account: placed, then captured (in full or in part), released or expired; each final."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        CAPTURED = "captured", "Captured"
        RELEASED = "released", "Released"
        EXPIRED = "expired", "Expired"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey("ledger.LedgerAccount", on_delete=models.PROTECT, related_name="holds")
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    captured = models.BigIntegerField(default=0)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    reason = models.CharField(max_length=200, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    placed_at = models.DateTimeField()
    placed_by = models.UUIDField(null=True)
    ended_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)
    transaction_id = models.UUIDField(unique=True, help_text="Of the idempotency key that placed it.")
    fingerprint = models.BinaryField(max_length=32)

    class Meta:
        ordering = ("-placed_at",)
        indexes = [
            models.Index(fields=("expires_at",), condition=Q(status="active"), name="balances_hold_expiry"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="balances_hold_amount_positive"),
            models.CheckConstraint(
                condition=Q(captured__gte=0, captured__lte=F("amount")), name="balances_hold_captured_in_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.status}"
