from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("lending", "0012_lines_aged_applications_verified")]

    operations = [
        migrations.AddField(
            model_name="creditline",
            name="provision_basis",
            field=models.JSONField(blank=True, default=dict, help_text="What the allowance was worked out from."),
        ),
        migrations.AddField(
            model_name="creditline",
            name="suspended",
            field=models.BigIntegerField(default=0, help_text="Of the interest owed: not income yet."),
        ),
        migrations.AddField(
            model_name="creditline",
            name="is_non_accrual",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="creditline",
            name="non_accrual_since",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="creditline",
            name="late_on",
            field=models.DateField(blank=True, help_text="The last close that found it late.", null=True),
        ),
        migrations.AddConstraint(
            model_name="creditline",
            constraint=models.CheckConstraint(condition=Q(suspended__gte=0), name="lending_line_suspense_not_negative"),
        ),
    ]
