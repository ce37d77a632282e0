"""Who reads and writes the read log: kept by the database, and sealed in the office's log."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("readlog", "0001_initial"), ("ledger", "0012_bank_readers")]
    operations = [
        migrations.RunSQL((SQL / "reads.sql").read_text(), (SQL / "reads_reverse.sql").read_text())
    ]
