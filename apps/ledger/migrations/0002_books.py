"""What PostgreSQL guards in the books: zero sums, append-only, closed periods, and the digest of an entry."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_ledger")]

    operations = [
        migrations.RunSQL(
            sql=(SQL / "0002_books.sql").read_text(encoding="utf-8"),
            reverse_sql=(SQL / "0002_books_reverse.sql").read_text(encoding="utf-8"),
        )
    ]
