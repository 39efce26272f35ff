"""Keys of authenticator apps, encrypted by the vault. A new column only, with a default in the database as well, so
that code of the release before goes on writing; `identity.housekeeping` moves what is there."""

from django.db import migrations, models

import apps.vault.fields

DEFAULT = "ALTER TABLE identity_secondfactor ALTER COLUMN app_key SET DEFAULT '';"


class Migration(migrations.Migration):
    dependencies = [("identity", "0003_confirmed_addresses")]

    operations = [
        migrations.AddField(
            model_name="secondfactor",
            name="app_key",
            field=apps.vault.fields.EncryptedTextField(
                blank=True, context="identity.secondfactor.app_key", default="", max_length=128
            ),
        ),
        migrations.AlterField(
            model_name="secondfactor",
            name="secret",
            field=models.TextField(blank=True, help_text="Empty: the form before app_key."),
        ),
        migrations.RunSQL(DEFAULT, migrations.RunSQL.noop),
    ]
