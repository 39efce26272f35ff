"""Phones, second step: each is encrypted, taken out of the words by which members are found, and emptied where it was.

By stretches of the key, each its own transaction, so that a stopped run goes on where it was and locks nothing for
long. Backwards each is opened and put back.
"""

from django.db import migrations, transaction

CONTEXT, ROWS, LAST = "members.member.phone", 1000, 9


def _stretches(cursor, table, key, condition):
    after = None
    while True:
        where = f"({condition})" + (f" AND t.{key} > %s" if after is not None else "")
        cursor.execute(
            f"SELECT t.{key}, t.id::text, phone, phone_sealed"  # noqa: S608  # nosec B608  # names of this file
            f" FROM {table} t WHERE {where} ORDER BY t.{key} LIMIT {ROWS}",
            [after] if after is not None else [],
        )
        rows = cursor.fetchall()
        if not rows:
            return
        with transaction.atomic():
            yield rows
        after = rows[-1][0]


def _words(phone):
    digits = "".join(character for character in phone if character.isdigit())
    return list(dict.fromkeys([digits, digits[-LAST:]])) if digits else []


def encrypt(apps, schema_editor):
    """Seal what is plain. A row that somebody changes meanwhile is left to the next run."""
    from apps.vault.crypto import blind_index, value_seal

    with schema_editor.connection.cursor() as cursor:
        for rows in _stretches(cursor, "members_member", "id", "phone <> ''"):
            cursor.executemany(
                "UPDATE members_member SET phone_sealed = %s, phone_index = %s, phone_end_index = %s, phone = '',"
                " search_text = array_to_string(ARRAY(SELECT word FROM unnest(string_to_array(search_text, ' '))"
                " WITH ORDINALITY AS t (word, place) WHERE word <> ALL (%s) ORDER BY place), ' ')"
                " WHERE id = %s AND phone = %s",
                [
                    (
                        value_seal(phone, context=CONTEXT, record=record),
                        blind_index(phone, context=CONTEXT),
                        blind_index(phone, context=CONTEXT, last=LAST),
                        _words(phone),
                        key,
                        phone,
                    )
                    for key, record, phone, _sealed in rows
                ],
            )
        for rows in _stretches(cursor, "members_historicalmember", "history_id", "phone <> ''"):
            cursor.executemany(
                "UPDATE members_historicalmember SET phone_sealed = %s, phone = '' WHERE history_id = %s",
                [(value_seal(phone, context=CONTEXT, record=record), key) for key, record, phone, _sealed in rows],
            )


def decrypt(apps, schema_editor):
    """Open what is sealed, and put the digits back among the words."""
    from apps.vault.crypto import value_open

    with schema_editor.connection.cursor() as cursor:
        for rows in _stretches(cursor, "members_member", "id", "length(phone_sealed) > 0"):
            opened = [
                (key, value_open(bytes(sealed), context=CONTEXT, record=record)) for key, record, _plain, sealed in rows
            ]
            cursor.executemany(
                "UPDATE members_member SET phone = %s, search_text = search_text || %s, phone_sealed = '',"
                " phone_index = NULL, phone_end_index = NULL WHERE id = %s",
                [(phone, "".join(f" {word}" for word in _words(phone)), key) for key, phone in opened],
            )
        for rows in _stretches(cursor, "members_historicalmember", "history_id", "length(phone_sealed) > 0"):
            cursor.executemany(
                "UPDATE members_historicalmember SET phone = %s, phone_sealed = '' WHERE history_id = %s",
                [
                    (value_open(bytes(sealed), context=CONTEXT, record=record), key)
                    for key, record, _plain, sealed in rows
                ],
            )


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("members", "0007_phones_sealed"), ("vault", "0001_vault")]

    operations = [migrations.RunPython(encrypt, decrypt)]
