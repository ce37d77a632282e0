"""What the planner knows of tables that have grown."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0007_rates")]

    operations = [
        migrations.RunSQL(
            (SQL / "statistics.sql").read_text(), "DROP FUNCTION journal.refresh_statistics()"
        ),
    ]
