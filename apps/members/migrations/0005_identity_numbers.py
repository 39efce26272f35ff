"""National and tax numbers of members, encrypted, each with a blind index. New columns only, with defaults in the
database as well, so that code of the release before goes on writing."""

from django.db import migrations

import apps.vault.fields

DEFAULTS = """
ALTER TABLE members_member ALTER COLUMN national_id SET DEFAULT '', ALTER COLUMN tax_id SET DEFAULT '';
ALTER TABLE members_historicalmember ALTER COLUMN national_id SET DEFAULT '', ALTER COLUMN tax_id SET DEFAULT '';
"""


def _sealed(model, name):
    field = apps.vault.fields.EncryptedTextField(
        blank=True, context=f"members.member.{name}", default="", max_length=40
    )
    return migrations.AddField(model_name=model, name=name, field=field)


def _index(name):
    field = apps.vault.fields.BlindIndexField(max_length=32, null=True, source=name)
    return migrations.AddField(model_name="member", name=f"{name}_index", field=field)


class Migration(migrations.Migration):
    dependencies = [("members", "0004_search_function")]

    operations = [
        _sealed("historicalmember", "national_id"),
        _sealed("historicalmember", "tax_id"),
        _sealed("member", "national_id"),
        _index("national_id"),
        _sealed("member", "tax_id"),
        _index("tax_id"),
        migrations.RunSQL(DEFAULTS, migrations.RunSQL.noop),
    ]
