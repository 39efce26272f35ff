"""The index by which members are found; built without stopping writes. The expression is that of members/search.py."""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("members", "0002_number_sequence")]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY members_by_word ON members_member"
            " USING gin (array_to_tsvector(array_remove(string_to_array(search_text, ' '), '')))",
            "DROP INDEX CONCURRENTLY members_by_word",
        ),
    ]
