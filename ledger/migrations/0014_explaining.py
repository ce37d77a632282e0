"""Where a document's cost belongs, for whoever explains who sees it."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0013_payees")]

    operations = [
        migrations.RunSQL(
            (SQL / "explaining.sql").read_text(), (SQL / "explaining_reverse.sql").read_text()
        ),
    ]
