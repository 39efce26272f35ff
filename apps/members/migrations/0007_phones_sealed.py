"""Phones, first step: room for the encrypted ones. New columns only, with defaults in the database as well."""

from django.db import migrations

import apps.vault.fields

DEFAULTS = """
ALTER TABLE members_member ALTER COLUMN phone_sealed SET DEFAULT '';
ALTER TABLE members_historicalmember ALTER COLUMN phone_sealed SET DEFAULT '';
"""


def _sealed(model):
    field = apps.vault.fields.EncryptedTextField(blank=True, context="members.member.phone", default="", max_length=20)
    return migrations.AddField(model_name=model, name="phone_sealed", field=field)


class Migration(migrations.Migration):
    dependencies = [("members", "0006_identity_numbers_index")]

    operations = [
        _sealed("historicalmember"),
        _sealed("member"),
        migrations.AddField(
            model_name="member",
            name="phone_index",
            field=apps.vault.fields.BlindIndexField(max_length=32, null=True, source="phone_sealed"),
        ),
        migrations.AddField(
            model_name="member",
            name="phone_end_index",
            field=apps.vault.fields.BlindIndexField(max_length=32, null=True, source="phone_sealed", last=9),
        ),
        migrations.RunSQL(DEFAULTS, migrations.RunSQL.noop),
    ]
