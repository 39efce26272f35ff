"""Cost centres and their places of the chart."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import apps.core.clock
import apps.core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("budgets", "0001_budgets"),
        ("identity", "0004_app_keys_in_the_vault"),
        ("ledger", "0007_line_account_checked_by_its_trigger"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CostCentre",
            fields=[
                (
                    "id",
                    models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("created_at", models.DateTimeField(default=apps.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("code", models.CharField(max_length=20, unique=True)),
                ("name", models.CharField(max_length=120)),
                (
                    "changed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "cost centre",
                "ordering": ("code",),
            },
        ),
        migrations.CreateModel(
            name="CostCentrePlace",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "branch",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="identity.branch",
                    ),
                ),
                (
                    "cost_centre",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="places", to="budgets.costcentre"
                    ),
                ),
                (
                    "gl_account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.glaccount"
                    ),
                ),
            ],
            options={
                "verbose_name": "place of a cost centre",
                "ordering": ("gl_account__code", "branch__code"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("gl_account", "branch"), name="budgets_place_of_one_cost_centre", nulls_distinct=False
                    )
                ],
            },
        ),
    ]
