"""Summaries of days are made anew at the next close of business: figures were added that no kept day has."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("reporting", "0002_layouts_years_facts_definitions")]

    operations = [
        # Disposable: until then all figures come from the books.
        migrations.RunSQL("DELETE FROM reporting_factsstate", migrations.RunSQL.noop),
    ]
