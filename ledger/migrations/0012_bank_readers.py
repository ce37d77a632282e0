"""What banks say is seen by those who see every cost and import."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0011_statements")]

    operations = [
        migrations.RunSQL(
            (SQL / "bank_readers.sql").read_text(), (SQL / "bank_readers_reverse.sql").read_text()
        ),
    ]
