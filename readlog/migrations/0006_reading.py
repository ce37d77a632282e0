"""How much each person reads, by the minute."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("readlog", "0005_worker_attempts")]
    operations = [
        migrations.RunSQL(
            (SQL / "reading.sql").read_text(), (SQL / "reading_reverse.sql").read_text()
        )
    ]
