"""What a budget promises, who sees it, and the boundary that its lock freezes."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("budgets", "0001_initial"),
        ("ledger", "0002_sealed_journal"),
    ]
    operations = [
        migrations.RunSQL(
            (SQL / "guards.sql").read_text(), (SQL / "guards_reverse.sql").read_text()
        ),
        migrations.RunSQL((SQL / "scope.sql").read_text(), (SQL / "scope_reverse.sql").read_text()),
    ]
