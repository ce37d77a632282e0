"""What is refused to the worker is written down as well."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("readlog", "0004_viewings"), ("access", "0013_context_refused")]
    operations = [
        migrations.RunSQL(
            (SQL / "worker_attempts.sql").read_text(),
            (SQL / "worker_attempts_reverse.sql").read_text(),
        )
    ]
