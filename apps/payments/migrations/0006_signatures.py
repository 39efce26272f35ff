"""Payments that wait for signatures, and who signed for what left an account."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import apps.core.clock
import apps.core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_authority_and_batches"),
        ("members", "0009_phones_are_the_sealed_ones"),
        ("payments", "0005_cheques_and_terminals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PendingPayment",
            fields=[
                (
                    "id",
                    models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("created_at", models.DateTimeField(default=apps.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("transfer", "Transfer"),
                            ("withdrawal", "Withdrawal"),
                            ("instruction", "Standing instruction"),
                        ],
                        max_length=11,
                    ),
                ),
                ("amount", models.BigIntegerField(help_text="Empty where it depends on the balance.", null=True)),
                ("currency", models.CharField(max_length=3)),
                ("words", models.CharField(help_text="What it is, as people read it.", max_length=300)),
                ("payload", models.JSONField()),
                ("key", models.CharField(max_length=255)),
                ("fingerprint", models.BinaryField(max_length=32)),
                ("transaction_id", models.UUIDField(unique=True)),
                (
                    "needed",
                    models.PositiveSmallIntegerField(help_text="Signatures, as the mandate asked when it was made."),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waits for signatures"),
                            ("done", "Carried out"),
                            ("failed", "Could not be carried out"),
                            ("refused", "Refused by a signatory"),
                            ("cancelled", "Cancelled"),
                            ("expired", "Not signed in time"),
                        ],
                        default="waiting",
                        max_length=9,
                    ),
                ),
                ("expires_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "outcome",
                    models.CharField(
                        blank=True, help_text="A reason, or the code of what was in the way.", max_length=200
                    ),
                ),
                (
                    "result_url",
                    models.CharField(blank=True, help_text="Where what came of it is found.", max_length=200),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="pending_payments",
                        to="accounts.account",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "ended_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "pending payment",
                "ordering": ("-created_at", "-id"),
                "indexes": [
                    models.Index(fields=["account", "-created_at"], name="payments_pending_account"),
                    models.Index(
                        condition=models.Q(("status", "waiting")),
                        fields=["expires_at"],
                        name="payments_pending_waiting",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at", None), ("status", "waiting")),
                            models.Q(models.Q(("status", "waiting"), _negated=True), ("ended_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="payments_pending_ended_has_time",
                    ),
                    models.CheckConstraint(condition=models.Q(("needed__gte", 1)), name="payments_pending_needs_one"),
                    models.CheckConstraint(
                        condition=models.Q(("amount", None), ("amount__gt", 0), _connector="OR"),
                        name="payments_pending_amount_positive",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Signature",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("transaction_id", models.UUIDField()),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.account"
                    ),
                ),
                (
                    "member",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="members.member"
                    ),
                ),
                (
                    "pending",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="signatures",
                        to="payments.pendingpayment",
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
                "indexes": [models.Index(fields=["account", "-id"], name="payments_signature_account")],
                "constraints": [
                    models.UniqueConstraint(fields=("transaction_id", "member"), name="payments_signature_once")
                ],
            },
        ),
    ]
