"""Who moves the money of an account and since when, nominees, notes, batches of statements."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import apps.core.clock
import apps.core.ids

NOTES_STAND = """
CREATE FUNCTION accounts_note_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a note on an account is never changed: %', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER accounts_note_append_only BEFORE UPDATE OR DELETE ON accounts_note
    FOR EACH ROW EXECUTE FUNCTION accounts_note_guard();
CREATE TRIGGER accounts_note_no_truncate BEFORE TRUNCATE ON accounts_note
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_note_guard();
"""
NOTES_FALL = """
DROP TRIGGER accounts_note_no_truncate ON accounts_note;
DROP TRIGGER accounts_note_append_only ON accounts_note;
DROP FUNCTION accounts_note_guard();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_recurring_and_dividends"),
        ("identity", "0004_app_keys_in_the_vault"),
        ("members", "0009_phones_are_the_sealed_ones"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AccountNote",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("text", models.CharField(max_length=2000)),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "accounts_note",
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="MandateRule",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "amount_to",
                    models.BigIntegerField(help_text="Up to this amount, minor units; empty: any amount.", null=True),
                ),
                (
                    "rule",
                    models.CharField(
                        choices=[("any", "Any one"), ("all", "All together"), ("count", "So many together")],
                        max_length=5,
                    ),
                ),
                ("count", models.PositiveSmallIntegerField(help_text="Of the rule count: how many.", null=True)),
                ("since", models.DateField()),
                ("until", models.DateField(help_text="The last day; empty: until it is replaced.", null=True)),
            ],
            options={
                "db_table": "accounts_mandate_rule",
                "ordering": ("-since", models.OrderBy(models.F("amount_to"), nulls_last=True)),
            },
        ),
        migrations.CreateModel(
            name="Nominee",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=160)),
                ("relationship", models.CharField(max_length=40)),
                ("contact", models.CharField(blank=True, help_text="Telephone or address.", max_length=200)),
                ("since", models.DateField()),
                ("until", models.DateField(null=True)),
            ],
            options={
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="StatementBatch",
            fields=[
                (
                    "id",
                    models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("created_at", models.DateTimeField(default=apps.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField()),
                ("form", models.CharField(choices=[("pdf", "PDF"), ("csv", "CSV"), ("xlsx", "XLSX")], max_length=4)),
                ("account_count", models.PositiveIntegerField()),
                ("file", models.CharField(blank=True, help_text="The archive's name in the storage.", max_length=200)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("size", models.PositiveBigIntegerField(default=0)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "batch of statements",
                "verbose_name_plural": "batches of statements",
                "db_table": "accounts_statement_batch",
                "ordering": ("-created_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="StatementPart",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("account_ids", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)),
                ("file", models.CharField(blank=True, max_length=200)),
                ("made", models.PositiveIntegerField(default=0)),
                (
                    "refused",
                    models.JSONField(default=list, help_text="Account numbers with the code of what was in the way."),
                ),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "accounts_statement_part",
                "ordering": ("batch", "number"),
            },
        ),
        migrations.RemoveConstraint(
            model_name="accountholder",
            name="accounts_holder_once",
        ),
        migrations.AddField(
            model_name="accountholder",
            name="since",
            field=models.DateField(help_text="The first day; empty: from the opening.", null=True),
        ),
        migrations.AddField(
            model_name="accountholder",
            name="until",
            field=models.DateField(help_text="The last day; empty: until it is ended.", null=True),
        ),
        migrations.AddField(
            model_name="historicalaccountholder",
            name="since",
            field=models.DateField(help_text="The first day; empty: from the opening.", null=True),
        ),
        migrations.AddField(
            model_name="historicalaccountholder",
            name="until",
            field=models.DateField(help_text="The last day; empty: until it is ended.", null=True),
        ),
        migrations.AddConstraint(
            model_name="accountholder",
            constraint=models.UniqueConstraint(
                condition=models.Q(("until", None)), fields=("account", "member"), name="accounts_holder_once_at_a_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="accountholder",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("until", None), ("since", None), ("until__gte", models.F("since")), _connector="OR"
                ),
                name="accounts_holder_ends_after_start",
            ),
        ),
        migrations.AddField(
            model_name="accountnote",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="notes", to="accounts.account"
            ),
        ),
        migrations.AddField(
            model_name="accountnote",
            name="author",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="mandaterule",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="mandate_rules", to="accounts.account"
            ),
        ),
        migrations.AddField(
            model_name="mandaterule",
            name="set_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="nominee",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="nominees", to="accounts.account"
            ),
        ),
        migrations.AddField(
            model_name="nominee",
            name="set_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="statementbatch",
            name="branch",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identity.branch"
            ),
        ),
        migrations.AddField(
            model_name="statementbatch",
            name="product",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.accountproduct"
            ),
        ),
        migrations.AddField(
            model_name="statementbatch",
            name="requested_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="statementpart",
            name="batch",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="parts", to="accounts.statementbatch"
            ),
        ),
        migrations.AddIndex(
            model_name="accountnote",
            index=models.Index(fields=["account", "-id"], name="accounts_note_of_account"),
        ),
        migrations.AddConstraint(
            model_name="mandaterule",
            constraint=models.UniqueConstraint(
                fields=("account", "since", "amount_to"), name="accounts_mandate_once_an_amount", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="mandaterule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("count__gte", 2), ("rule", "count")),
                    models.Q(models.Q(("rule", "count"), _negated=True), ("count", None)),
                    _connector="OR",
                ),
                name="accounts_mandate_count_sound",
            ),
        ),
        migrations.AddConstraint(
            model_name="mandaterule",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_to", None), ("amount_to__gt", 0), _connector="OR"),
                name="accounts_mandate_amount_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="mandaterule",
            constraint=models.CheckConstraint(
                condition=models.Q(("until", None), ("until__gte", models.F("since")), _connector="OR"),
                name="accounts_mandate_ends_after_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="nominee",
            constraint=models.UniqueConstraint(
                condition=models.Q(("until", None)), fields=("account",), name="accounts_nominee_one_at_a_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="statementpart",
            constraint=models.UniqueConstraint(fields=("batch", "number"), name="accounts_statement_part_once"),
        ),
        migrations.RunSQL(NOTES_STAND, NOTES_FALL),
    ]
