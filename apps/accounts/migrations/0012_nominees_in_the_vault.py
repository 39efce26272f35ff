"""How to reach a nominee is encrypted.

The plain column stays, empty, for the release before; the next release drops it.
"""

from django.db import migrations

import apps.vault.fields

CONTEXT, ROWS = "accounts.nominee.contact", 1000
TABLE = "accounts_nominee"


def _stretches(cursor, condition):
    """Rows that still have to be done, stretch by stretch: each leaves the condition once it is."""
    while True:
        cursor.execute(
            "SELECT t.id::text, contact, contact_sealed"  # noqa: S608  # nosec B608  # names of this file
            f" FROM {TABLE} t WHERE {condition} ORDER BY t.id LIMIT {ROWS}"
        )
        rows = cursor.fetchall()
        if not rows:
            return
        yield rows


def encrypt(apps, schema_editor):
    """Seal what is plain."""
    from apps.vault.crypto import value_seal

    with schema_editor.connection.cursor() as cursor:
        for rows in _stretches(cursor, "contact <> ''"):
            cursor.executemany(
                f"UPDATE {TABLE} SET contact_sealed = %s, contact = '' WHERE id = %s",  # noqa: S608  # nosec B608
                [(value_seal(plain, context=CONTEXT, record=pk), pk) for pk, plain, _ in rows],
            )


def decrypt(apps, schema_editor):
    """Open what is sealed."""
    from apps.vault.crypto import value_open

    with schema_editor.connection.cursor() as cursor:
        for rows in _stretches(cursor, "length(contact_sealed) > 0"):
            cursor.executemany(
                f"UPDATE {TABLE} SET contact = %s, contact_sealed = '' WHERE id = %s",  # noqa: S608  # nosec B608
                [(value_open(bytes(sealed), context=CONTEXT, record=pk), pk) for pk, _, sealed in rows],
            )


def _sealed(**extra):
    return apps.vault.fields.EncryptedTextField(
        blank=True, context=CONTEXT, default="", max_length=200, verbose_name="Telephone or address", **extra
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0011_batch_cancelled"), ("vault", "0001_vault")]

    operations = [
        migrations.AddField("nominee", "contact_sealed", _sealed()),
        migrations.RunSQL(
            [
                f"ALTER TABLE {TABLE} ALTER COLUMN contact SET DEFAULT ''",
                f"ALTER TABLE {TABLE} ALTER COLUMN contact_sealed SET DEFAULT ''",
            ],
            [f"ALTER TABLE {TABLE} ALTER COLUMN contact DROP DEFAULT"],
        ),
        migrations.RunPython(encrypt, decrypt),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveField("nominee", "contact"),
                migrations.RenameField("nominee", "contact_sealed", "contact"),
                migrations.AlterField("nominee", "contact", _sealed(db_column="contact_sealed")),
            ]
        ),
    ]
