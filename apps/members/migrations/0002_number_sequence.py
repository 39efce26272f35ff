"""Member numbers come from a sequence; history rows have 64-bit ids and reasons of any length."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("members", "0001_members")]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE members_number_seq MAXVALUE 999999999999",
            "DROP SEQUENCE members_number_seq",
        ),
        migrations.AlterField(
            model_name="historicalmember",
            name="history_id",
            field=models.BigAutoField(editable=False, primary_key=True, serialize=False),
        ),
        migrations.AlterField(
            model_name="historicalmember",
            name="history_change_reason",
            field=models.TextField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="member",
            name="search_text",
            field=models.TextField(editable=False, help_text="Words by which the member is found; see search.py."),
        ),
    ]
