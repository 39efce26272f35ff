from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("lending", "0002_accrual_columns")]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE lending_loan_number_seq; CREATE SEQUENCE lending_application_number_seq;",
            "DROP SEQUENCE lending_loan_number_seq; DROP SEQUENCE lending_application_number_seq;",
        ),
    ]
