"""Account numbers come from a sequence; history rows have 64-bit ids and reasons of any length."""

from django.db import migrations, models

HISTORIES = ("historicalaccount", "historicalaccountholder", "historicalaccountproduct")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_accounts")]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE accounts_number_seq MAXVALUE 999999999999",
            "DROP SEQUENCE accounts_number_seq",
        ),
        *[
            migrations.AlterField(
                model_name=name,
                name="history_id",
                field=models.BigAutoField(editable=False, primary_key=True, serialize=False),
            )
            for name in HISTORIES
        ],
        *[
            migrations.AlterField(
                model_name=name,
                name="history_change_reason",
                field=models.TextField(blank=True, null=True),
            )
            for name in HISTORIES
        ],
    ]
