import django.db.models.deletion
from django.db import migrations, models

import apps.core.clock
import apps.core.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="DataKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "purpose",
                    models.CharField(choices=[("data", "Encrypts fields"), ("index", "Blind index")], max_length=5),
                ),
                (
                    "status",
                    models.CharField(choices=[("active", "Active"), ("old", "Old")], default="active", max_length=6),
                ),
                ("wrapped", models.BinaryField()),
                ("master", models.CharField(help_text="Which master key wraps it.", max_length=80)),
                ("created_at", models.DateTimeField(default=apps.core.clock.now, editable=False)),
                (
                    "retired_at",
                    models.DateTimeField(blank=True, help_text="When nothing was left under it.", null=True),
                ),
            ],
            options={
                "db_table": "vault_data_key",
                "ordering": ("-id",),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "active")), fields=("purpose",), name="vault_one_active_key"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Rotation",
            fields=[
                (
                    "id",
                    models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("created_at", models.DateTimeField(default=apps.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "status",
                    models.CharField(
                        choices=[("running", "Running"), ("done", "Done")], default="running", max_length=8
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("total", models.BigIntegerField(default=0, help_text="Values to re-encrypt when it began.")),
                ("done", models.BigIntegerField(default=0)),
                ("table", models.CharField(blank=True, help_text="Where it stands.", max_length=100)),
                ("last_pk", models.CharField(blank=True, max_length=64)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "data_key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="vault.datakey"
                    ),
                ),
                (
                    "index_key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="vault.datakey"
                    ),
                ),
            ],
            options={
                "db_table": "vault_rotation",
                "ordering": ("-created_at",),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "running")), fields=("status",), name="vault_one_rotation"
                    )
                ],
            },
        ),
    ]
