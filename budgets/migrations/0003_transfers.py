"""A transfer takes no more of an account's budget than is there."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("budgets", "0002_guards")]
    operations = [
        migrations.RunSQL(
            (SQL / "transfers.sql").read_text(), (SQL / "transfers_reverse.sql").read_text()
        ),
    ]
