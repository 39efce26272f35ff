"""Users made before addresses were confirmed count as confirmed: they have signed in all along."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("identity", "0002_security")]

    operations: ClassVar = [
        migrations.RunSQL(
            "UPDATE identity_user SET email_confirmed_at = date_joined WHERE email_confirmed_at IS NULL",
            migrations.RunSQL.noop,
        ),
    ]
