"""Files of the trail that jobs make."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import apps.core.clock
import apps.core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0005_chain"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Export",
            fields=[
                (
                    "id",
                    models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("created_at", models.DateTimeField(default=apps.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("form", models.CharField(choices=[("csv", "CSV"), ("pdf", "PDF")], max_length=3)),
                ("filters", models.JSONField(default=dict)),
                ("reason", models.CharField(max_length=200)),
                ("upto", models.BigIntegerField(help_text="The newest event of the trail when it was asked for.")),
                ("total", models.PositiveIntegerField(help_text="Events that matched then.")),
                ("rows", models.PositiveIntegerField(default=0, help_text="Events in the file.")),
                (
                    "file",
                    models.CharField(
                        blank=True, help_text="Its name in the storage; empty before and after.", max_length=200
                    ),
                ),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("size", models.PositiveBigIntegerField(default=0)),
                ("made_at", models.DateTimeField(null=True)),
                (
                    "removed_at",
                    models.DateTimeField(
                        help_text="When the file was removed; its hash stays in the trail.", null=True
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "export of the trail",
                "verbose_name_plural": "exports of the trail",
                "db_table": "audit_export",
                "ordering": ("-created_at", "-id"),
                "indexes": [
                    models.Index(fields=["requested_by", "-created_at", "-id"], name="audit_export_owner"),
                    models.Index(
                        condition=models.Q(("file", ""), _negated=True), fields=["made_at"], name="audit_export_file"
                    ),
                ],
            },
        ),
    ]
