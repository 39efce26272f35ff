"""A single transfer in one call without arrays, beside the function for batches."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("balances", "0002_door")]

    operations = [
        migrations.RunSQL(
            sql=(SQL / "0003_pair.sql").read_text(encoding="utf-8"),
            reverse_sql=(SQL / "0003_pair_reverse.sql").read_text(encoding="utf-8"),
        )
    ]
