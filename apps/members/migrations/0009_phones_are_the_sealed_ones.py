"""Phones, third step: `phone` is the encrypted column from now on. The plain one stays, empty, for the release before;
the next release drops it."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

import apps.vault.fields

PLAIN = """
ALTER TABLE members_member ALTER COLUMN phone SET DEFAULT '';
ALTER TABLE members_historicalmember ALTER COLUMN phone SET DEFAULT '';
"""
BACK = """
ALTER TABLE members_member ALTER COLUMN phone DROP DEFAULT;
ALTER TABLE members_historicalmember ALTER COLUMN phone DROP DEFAULT;
"""


def _renamed(model):
    sealed = apps.vault.fields.EncryptedTextField(
        blank=True, context="members.member.phone", db_column="phone_sealed", default="", max_length=20
    )
    return [
        migrations.RemoveField(model, "phone"),
        migrations.RenameField(model, "phone_sealed", "phone"),
        migrations.AlterField(model, "phone", sealed),
    ]


def _index(name, **last):
    field = apps.vault.fields.BlindIndexField(max_length=32, null=True, source="phone", **last)
    return migrations.AlterField("member", name, field)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("members", "0008_phones_encrypted")]

    operations = [
        RemoveIndexConcurrently("member", "members_by_phone"),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(PLAIN, BACK)],
            state_operations=[
                *_renamed("historicalmember"),
                *_renamed("member"),
                _index("phone_index"),
                _index("phone_end_index", last=9),
            ],
        ),
        AddIndexConcurrently("member", models.Index(fields=["phone_index"], name="members_by_whole_phone")),
        AddIndexConcurrently("member", models.Index(fields=["phone_end_index"], name="members_by_phone_end")),
    ]
