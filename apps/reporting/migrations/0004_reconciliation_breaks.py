"""Differences between sub-ledgers and the general ledger, kept from the close that found them on."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("identity", "0001_identity"),
        ("ledger", "0006_period_totals"),
        ("reporting", "0003_facts_of_new_metrics"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReconciliationBreak",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("what", models.CharField(help_text="The check.", max_length=30)),
                ("currency", models.CharField(max_length=3)),
                ("key", models.CharField(blank=True, db_default="", default="", max_length=64)),
                ("since", models.DateField(help_text="The first business date whose close found it.")),
                ("seen_on", models.DateField(help_text="The last one.")),
                ("until", models.DateField(help_text="The business date whose close found it no more.", null=True)),
                ("kept", models.DecimalField(decimal_places=0, max_digits=30)),
                ("booked", models.DecimalField(decimal_places=0, max_digits=30)),
                (
                    "branch",
                    models.ForeignKey(
                        db_index=False,
                        help_text="Empty: all of them together.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="identity.branch",
                    ),
                ),
                (
                    "gl_account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.glaccount",
                    ),
                ),
            ],
            options={
                "verbose_name": "reconciliation break",
                "indexes": [models.Index(fields=["since"], name="reporting_break_by_day")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("until", None)),
                        fields=("what", "gl_account", "branch", "currency", "key"),
                        name="reporting_break_open_once",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
    ]
