"""A context that is refused is said, so that it can be written down."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("access", "0012_viewing")]
    operations = [
        migrations.RunSQL(
            (SQL / "context_refused.sql").read_text(),
            (SQL / "context_refused_reverse.sql").read_text(),
        )
    ]
