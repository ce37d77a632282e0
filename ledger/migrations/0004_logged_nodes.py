"""An entry in the unit's log for every node that somebody appends."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0003_history"),
        ("taxonomy", "0003_overrides"),
    ]
    operations = [
        migrations.RunSQL(
            (SQL / "logged_nodes.sql").read_text(), (SQL / "logged_nodes_reverse.sql").read_text()
        ),
    ]
