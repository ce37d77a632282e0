"""Who sees orders and papers, and the rules the database holds them to."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("purchasing", "0001_initial"),
        ("ledger", "0002_sealed_journal"),
    ]
    operations = [
        migrations.RunSQL(
            (SQL / "purchasing.sql").read_text(), (SQL / "purchasing_reverse.sql").read_text()
        ),
    ]
