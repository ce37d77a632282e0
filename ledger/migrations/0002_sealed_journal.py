"""The seal, the guards and who sees the ledger."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0001_initial"),
        ("taxonomy", "0002_row_security"),
    ]
    operations = [
        migrations.RunSQL(
            (SQL / "journal.sql").read_text(), (SQL / "journal_reverse.sql").read_text()
        ),
        # Dropped with their schema.
        migrations.RunSQL((SQL / "books.sql").read_text(), migrations.RunSQL.noop),
        migrations.RunSQL((SQL / "audit.sql").read_text(), migrations.RunSQL.noop),
        migrations.RunSQL((SQL / "scope.sql").read_text(), (SQL / "scope_reverse.sql").read_text()),
    ]
