"""The account of a posting of interest is looked up once a statement, and indexed once."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0012_nominees_in_the_vault")]

    operations = [
        migrations.AlterField(
            model_name="interestposting",
            name="account",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="interest_postings",
                to="accounts.account",
            ),
        ),
        migrations.RunSQL(
            sql=(SQL / "0013_posting_account.sql").read_text(encoding="utf-8"),
            reverse_sql=(SQL / "0013_posting_account_reverse.sql").read_text(encoding="utf-8"),
        ),
    ]
