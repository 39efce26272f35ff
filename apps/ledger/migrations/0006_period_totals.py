"""Totals of closed periods, which change no more."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("identity", "0003_confirmed_addresses"),
        ("ledger", "0005_line_checked_by_its_trigger"),
    ]

    operations = [
        migrations.CreateModel(
            name="PeriodTotal",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("currency", models.CharField(max_length=3)),
                ("debit", models.DecimalField(decimal_places=0, max_digits=30)),
                ("credit", models.DecimalField(decimal_places=0, max_digits=30)),
                (
                    "branch",
                    models.ForeignKey(
                        db_index=False,
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
                (
                    "period",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="totals",
                        to="ledger.accountingperiod",
                    ),
                ),
            ],
            options={
                "db_table": "ledger_period_total",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("period", "currency", "gl_account", "branch"), name="ledger_period_total_once"
                    )
                ],
            },
        ),
    ]
