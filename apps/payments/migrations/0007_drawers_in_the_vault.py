"""Accounts at other banks that cheques are drawn on are encrypted, and found by their blind index.

The plain column stays, empty, for the release before; the next release drops it.
"""

from django.db import migrations, models

import apps.vault.fields

CONTEXT, ROWS = "payments.chequedeposit.drawer_account", 1000
TABLE = "payments_chequedeposit"


def _stretches(cursor, condition):
    """Rows that still have to be done, stretch by stretch: each leaves the condition once it is."""
    while True:
        cursor.execute(
            "SELECT t.id::text, drawer_account, drawer_account_sealed"  # noqa: S608  # nosec B608  # names of this file
            f" FROM {TABLE} t WHERE {condition} ORDER BY t.id LIMIT {ROWS}"
        )
        rows = cursor.fetchall()
        if not rows:
            return
        yield rows


def encrypt(apps, schema_editor):
    """Seal what is plain."""
    from apps.vault.crypto import blind_index, value_seal

    with schema_editor.connection.cursor() as cursor:
        for rows in _stretches(cursor, "drawer_account <> ''"):
            cursor.executemany(
                f"UPDATE {TABLE} SET drawer_account_sealed = %s, drawer_account_index = %s,"  # noqa: S608  # nosec B608
                " drawer_account = '' WHERE id = %s",
                [
                    (value_seal(plain, context=CONTEXT, record=pk), blind_index(plain, context=CONTEXT), pk)
                    for pk, plain, _ in rows
                ],
            )


def decrypt(apps, schema_editor):
    """Open what is sealed."""
    from apps.vault.crypto import value_open

    with schema_editor.connection.cursor() as cursor:
        for rows in _stretches(cursor, "length(drawer_account_sealed) > 0"):
            cursor.executemany(
                f"UPDATE {TABLE} SET drawer_account = %s, drawer_account_sealed = '',"  # noqa: S608  # nosec B608
                " drawer_account_index = NULL WHERE id = %s",
                [(value_open(bytes(sealed), context=CONTEXT, record=pk), pk) for pk, _, sealed in rows],
            )


def _sealed(**extra):
    return apps.vault.fields.EncryptedTextField(blank=True, context=CONTEXT, default="", max_length=34, **extra)


def _once(account):
    return models.UniqueConstraint(
        condition=models.Q(("status", "returned"), _negated=True),
        fields=("drawer_bank", account, "number"),
        name="payments_cheque_paid_in_once",
    )


class Migration(migrations.Migration):
    dependencies = [("payments", "0006_signatures"), ("vault", "0001_vault")]

    operations = [
        migrations.AddField("chequedeposit", "drawer_account_sealed", _sealed()),
        migrations.AddField(
            "chequedeposit",
            "drawer_account_index",
            apps.vault.fields.BlindIndexField(max_length=32, null=True, source="drawer_account"),
        ),
        migrations.RunSQL(
            [
                f"ALTER TABLE {TABLE} ALTER COLUMN drawer_account SET DEFAULT ''",
                f"ALTER TABLE {TABLE} ALTER COLUMN drawer_account_sealed SET DEFAULT ''",
            ],
            [f"ALTER TABLE {TABLE} ALTER COLUMN drawer_account DROP DEFAULT"],
        ),
        migrations.RemoveConstraint("chequedeposit", "payments_cheque_paid_in_once"),
        migrations.RunPython(encrypt, decrypt),
        migrations.AddConstraint("chequedeposit", _once("drawer_account_index")),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveField("chequedeposit", "drawer_account"),
                migrations.RenameField("chequedeposit", "drawer_account_sealed", "drawer_account"),
                migrations.AlterField("chequedeposit", "drawer_account", _sealed(db_column="drawer_account_sealed")),
            ]
        ),
    ]
