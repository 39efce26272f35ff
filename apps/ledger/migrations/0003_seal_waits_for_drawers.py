"""The sealer waits for the transactions that drew an id, and no longer for every older transaction of the server."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_books")]

    operations = [
        migrations.AddField(
            model_name="sealstate",
            name="waiting",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(),
                default=list,
                help_text="Virtual ids of transactions that drew an id.",
                size=None,
            ),
        ),
        migrations.RemoveField(model_name="sealstate", name="horizon"),
    ]
