"""A line's entry is looked up once a statement, by the trigger that counts the lines, and not again for each line."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_account_currency_without_index")]

    operations = [
        migrations.AlterField(
            model_name="journalline",
            name="journal",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lines",
                to="ledger.journalentry",
            ),
        ),
    ]
