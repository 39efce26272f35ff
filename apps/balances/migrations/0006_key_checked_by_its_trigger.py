"""A key's entry is looked up once a statement, and not again for each key."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("balances", "0005_journal_open")]

    operations = [
        migrations.AlterField(
            model_name="transactionkey",
            name="journal",
            field=models.OneToOneField(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="key",
                to="ledger.journalentry",
            ),
        ),
        migrations.RunSQL(
            sql=(SQL / "0006_key_journal.sql").read_text(encoding="utf-8"),
            reverse_sql=(SQL / "0006_key_journal_reverse.sql").read_text(encoding="utf-8"),
        ),
    ]
