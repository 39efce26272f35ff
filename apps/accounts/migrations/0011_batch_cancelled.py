"""A batch of statements may be given up."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_authority_and_batches")]

    operations = [
        migrations.AddField(
            model_name="statementbatch",
            name="cancelled_at",
            field=models.DateTimeField(help_text="Nobody goes on with it; what was drawn up is removed.", null=True),
        ),
        migrations.AddConstraint(
            model_name="statementbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(("finished_at", None), ("cancelled_at", None), _connector="OR"),
                name="accounts_statement_batch_ends_once",
            ),
        ),
    ]
