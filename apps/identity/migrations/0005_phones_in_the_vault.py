"""Telephone numbers of users, and where codes are sent to, are encrypted: new columns, filled, and read from now on.

The plain columns stay, empty, for the release before; the next release drops them.
"""

from django.db import migrations

import apps.vault.fields

# (model, plain column, table, key) of each; the value is bound to the record's id, in a history too.
PLACES = [
    ("user", "phone", "identity_user", "id"),
    ("historicaluser", "phone", "identity_historicaluser", "history_id"),
    ("secondfactor", "address", "identity_secondfactor", "id"),
]
ROWS = 1000
CONTEXTS = {"phone": "identity.user.phone", "address": "identity.secondfactor.address"}
SIZES = {"phone": 32, "address": 254}


def _rows(cursor, table, key, condition, column):
    """Rows that still have to be done, stretch by stretch: each leaves the condition once it is."""
    while True:
        cursor.execute(
            f"SELECT t.{key}, t.id::text, {column}, {column}_sealed"  # noqa: S608  # nosec B608  # names of this file
            f" FROM {table} t WHERE {condition} ORDER BY t.{key} LIMIT {ROWS}"
        )
        rows = cursor.fetchall()
        if not rows:
            return
        yield rows


def encrypt(apps, schema_editor):
    """Seal what is plain."""
    from apps.vault.crypto import value_seal

    with schema_editor.connection.cursor() as cursor:
        for _model, column, table, key in PLACES:
            for rows in _rows(cursor, table, key, f"{column} <> ''", column):
                cursor.executemany(
                    f"UPDATE {table} SET {column}_sealed = %s, {column} = '' WHERE {key} = %s",  # noqa: S608  # nosec B608
                    [(value_seal(plain, context=CONTEXTS[column], record=record), pk) for pk, record, plain, _ in rows],
                )


def decrypt(apps, schema_editor):
    """Open what is sealed."""
    from apps.vault.crypto import value_open

    with schema_editor.connection.cursor() as cursor:
        for _model, column, table, key in PLACES:
            for rows in _rows(cursor, table, key, f"length({column}_sealed) > 0", column):
                cursor.executemany(
                    f"UPDATE {table} SET {column} = %s, {column}_sealed = '' WHERE {key} = %s",  # noqa: S608  # nosec B608
                    [
                        (value_open(bytes(sealed), context=CONTEXTS[column], record=record), pk)
                        for pk, record, _, sealed in rows
                    ],
                )


def _sealed(column, **extra):
    return apps.vault.fields.EncryptedTextField(
        blank=True, context=CONTEXTS[column], default="", max_length=SIZES[column], **extra
    )


def _state(model, column):
    help_text = {"help_text": "Phone number or e-mail address."} if column == "address" else {}
    return [
        migrations.RemoveField(model, column),
        migrations.RenameField(model, f"{column}_sealed", column),
        migrations.AlterField(model, column, _sealed(column, db_column=f"{column}_sealed", **help_text)),
    ]


class Migration(migrations.Migration):
    dependencies = [("identity", "0004_app_keys_in_the_vault"), ("vault", "0001_vault")]

    operations = [
        *(migrations.AddField(model, f"{column}_sealed", _sealed(column)) for model, column, _, _ in PLACES),
        migrations.RunSQL(
            [
                f"ALTER TABLE {table} ALTER COLUMN {name} SET DEFAULT ''"
                for _, column, table, _ in PLACES
                for name in (column, f"{column}_sealed")
            ],
            [f"ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT" for _, column, table, _ in PLACES],
        ),
        migrations.RunPython(encrypt, decrypt),
        migrations.SeparateDatabaseAndState(
            state_operations=[one for model, column, _, _ in PLACES for one in _state(model, column)]
        ),
    ]
