"""The index by which members are found, over a function in place of a bare expression.

The function says that it is dear, which is true for a whole table: without that the planner, who guesses that any
prefix is in 2 % of the rows, reads all of them (150 ms at 100,000 members) rather than the index. It is restricted
since starting parallel workers takes longer than the search.
"""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION members_words(search_text text) RETURNS tsvector
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED COST 5000 AS $$
BEGIN
    RETURN array_to_tsvector(array_remove(string_to_array(search_text, ' '), ''));
END;
$$
"""


OLD = "USING gin (array_to_tsvector(array_remove(string_to_array(search_text, ' '), '')))"


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("members", "0003_search_index")]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION members_words(text)"),
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY members_by_words ON members_member USING gin (members_words(search_text))",
            "DROP INDEX CONCURRENTLY members_by_words",
        ),
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS members_by_word",
            f"CREATE INDEX CONCURRENTLY members_by_word ON members_member {OLD}",
        ),
    ]
