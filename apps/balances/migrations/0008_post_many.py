"""Many postings are written by COPY."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("balances", "0007_journal_few")]

    operations = [
        migrations.RunSQL(
            sql=(SQL / "0008_post_many.sql").read_text(encoding="utf-8"),
            reverse_sql=(SQL / "0008_post_many_reverse.sql").read_text(encoding="utf-8"),
        )
    ]
