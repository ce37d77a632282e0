"""No department is shown a held row of payroll."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0014_alerts_moved"), ("ledger", "0013_payees")]

    operations = [
        migrations.RunSQL(
            (SQL / "pay_questions.sql").read_text(), (SQL / "pay_questions_reverse.sql").read_text()
        ),
    ]
