"""Who sees the imports, and what of them may change."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("ingestion", "0001_initial"),
        ("ledger", "0002_sealed_journal"),
    ]
    operations = [
        migrations.RunSQL((SQL / "scope.sql").read_text(), (SQL / "scope_reverse.sql").read_text()),
    ]
