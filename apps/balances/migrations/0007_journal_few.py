"""A few entries are journaled in one call."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("balances", "0006_key_checked_by_its_trigger")]

    operations = [
        migrations.RunSQL(
            sql=(SQL / "0007_journal_few.sql").read_text(encoding="utf-8"),
            reverse_sql=(SQL / "0007_journal_few_reverse.sql").read_text(encoding="utf-8"),
        )
    ]
