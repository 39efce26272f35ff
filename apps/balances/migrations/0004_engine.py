"""The engine: its partition, what happens to it, and the functions by which accounts change hands."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("balances", "0003_post_pair"), ("ledger", "0002_books")]

    operations = [
        migrations.CreateModel(
            name="PartitionCheck",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(choices=[("sample", "Sample"), ("full", "Everything")], max_length=6)),
                ("accounts", models.BigIntegerField()),
                ("differences", models.BigIntegerField()),
                ("detail", models.JSONField(default=list)),
                ("at", models.DateTimeField()),
                (
                    "partition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="checks", to="balances.partition"
                    ),
                ),
            ],
            options={
                "db_table": "balances_partition_check",
                "constraints": [
                    models.UniqueConstraint(fields=("partition", "kind"), name="balances_partition_check_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="PartitionEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("event", models.CharField(max_length=10)),
                ("epoch", models.BigIntegerField()),
                ("head_seq", models.BigIntegerField(db_default=0)),
                ("why", models.CharField(blank=True, db_default="", max_length=200)),
                ("actor", models.UUIDField(help_text="Empty for the engine itself.", null=True)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "partition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="events", to="balances.partition"
                    ),
                ),
            ],
            options={
                "db_table": "balances_partition_event",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(
                        models.F("partition"),
                        models.OrderBy(models.F("id"), descending=True),
                        name="balances_partition_events",
                    )
                ],
            },
        ),
        migrations.RunSQL(
            sql=(SQL / "0004_engine.sql").read_text(encoding="utf-8"),
            reverse_sql=(SQL / "0004_engine_reverse.sql").read_text(encoding="utf-8"),
        ),
    ]
