"""A line's account and currency are looked up once a statement, and not again for each line."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0006_period_totals")]

    operations = [
        migrations.RunSQL(
            sql=(SQL / "0007_line_account.sql").read_text(encoding="utf-8"),
            reverse_sql=(SQL / "0007_line_account_reverse.sql").read_text(encoding="utf-8"),
        )
    ]
