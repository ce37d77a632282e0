"""Who may sign and decide overrides, along which steps, and who sees them: kept by the database."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("overrides", "0001_initial"),
        ("ledger", "0012_bank_readers"),
        ("budgets", "0004_taken_back"),
        ("purchasing", "0004_segments"),
    ]
    operations = [
        migrations.RunSQL(
            (SQL / "mandates.sql").read_text(), (SQL / "mandates_reverse.sql").read_text()
        ),
        migrations.RunSQL((SQL / "steps.sql").read_text(), (SQL / "steps_reverse.sql").read_text()),
    ]
