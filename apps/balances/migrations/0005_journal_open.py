"""The journaler locks, and draws its ids, in one call."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("balances", "0004_engine")]

    operations = [
        migrations.RunSQL(
            sql=(SQL / "0005_journal_open.sql").read_text(encoding="utf-8"),
            reverse_sql=(SQL / "0005_journal_open_reverse.sql").read_text(encoding="utf-8"),
        )
    ]
