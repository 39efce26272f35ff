"""The indexes of the blind indexes; built without stopping writes."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("members", "0005_identity_numbers")]

    operations = [
        AddIndexConcurrently("member", models.Index(fields=["national_id_index"], name="members_by_national_id")),
        AddIndexConcurrently("member", models.Index(fields=["tax_id_index"], name="members_by_tax_id")),
    ]
