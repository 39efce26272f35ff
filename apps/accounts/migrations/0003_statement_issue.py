"""Statements that left the bank, found again by the code printed on them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_number_sequence")]

    operations = [
        migrations.CreateModel(
            name="StatementIssue",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("code", models.CharField(max_length=20, unique=True)),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField()),
                ("opening", models.BigIntegerField()),
                ("paid_in", models.BigIntegerField()),
                ("paid_out", models.BigIntegerField()),
                ("closing", models.BigIntegerField()),
                ("line_count", models.PositiveIntegerField()),
                ("last_entry", models.BigIntegerField(help_text="Number of the newest journal entry that it covers.")),
                ("issued_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="statements",
                        to="accounts.account",
                    ),
                ),
            ],
            options={"ordering": ("-id",)},
        ),
    ]
